// GraphWriter: an ONNX graph as the exporter writes it: nodes, their attributes, constants.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/onnx/tensor_file.h"

namespace hwnas {

class GraphWriter {
 public:
  explicit GraphWriter(onnx::GraphProto& graph) : graph_(graph) {}

  // A node whose only output has its name; made of one op.
  onnx::NodeProto& node(std::string_view op, const std::string& name,
                        const std::vector<std::string>& inputs);

  static void set(onnx::NodeProto& node, const char* name, std::int64_t value);
  static void set(onnx::NodeProto& node, const char* name, float value);
  static void set(onnx::NodeProto& node, const char* name,
                  std::initializer_list<std::int64_t> values);

  // Constants; each returns its name.
  const std::string& constant(const std::string& name, const StoredTensor& tensor);
  const std::string& constant(const std::string& name, float value);
  const std::string& constant(const std::string& name, std::initializer_list<std::int64_t> values);

  // The graph's input or output: float32, a free batch N first.
  static void describe(onnx::ValueInfoProto& value, const std::string& name,
                       std::initializer_list<std::int64_t> sizes);

 private:
  onnx::GraphProto& graph_;
};

}  // namespace hwnas
