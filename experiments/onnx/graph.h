// OnnxGraph: a model as the importer reads it: who makes a tensor, its shape, its constants.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hwnas {

class OnnxGraph {
 public:
  // Fixes the batch to 1, the other sizes of the input to `sizes` where they are given, and infers
  // shapes. Throws InputError.
  OnnxGraph(onnx::ModelProto model, std::string file, const std::vector<std::int64_t>& sizes);

  const std::string& file() const { return file_; }
  const std::string& name() const { return model_.graph().name(); }
  const onnx::ValueInfoProto& input() const { return *input_; }
  const std::string& output() const { return model_.graph().output(0).name(); }

  // The node that makes a tensor; null for inputs and initializers.
  const onnx::NodeProto* maker(const std::string& tensor) const;
  int readers(const std::string& tensor) const;
  const onnx::NodeProto* only_reader(const std::string& tensor) const;

  // Dimensions; throws InputError where one is not known, or is empty there.
  std::vector<std::int64_t> shape(const std::string& tensor) const;
  std::vector<std::int64_t> known_shape(const std::string& tensor) const;

  // An initializer or the output of a Constant (also behind DequantizeLinear, Identity or Cast).
  bool is_constant(const std::string& tensor) const;
  std::vector<std::int64_t> constant_shape(const std::string& tensor) const;
  int constant_bits(const std::string& tensor) const;  // of each stored value
  std::optional<double> scalar(const std::string& tensor) const;
  std::vector<std::int64_t> integers(const std::string& tensor) const;  // empty: no such constant

  // Attributes of a node.
  static std::int64_t integer(const onnx::NodeProto& node, const char* name, std::int64_t fallback);
  static std::vector<std::int64_t> integers(const onnx::NodeProto& node, const char* name);
  static double real(const onnx::NodeProto& node, const char* name, double fallback);
  static std::string text(const onnx::NodeProto& node, const char* name);

 private:
  const onnx::TensorProto* constant(const std::string& tensor) const;

  onnx::ModelProto model_;
  std::string file_;
  const onnx::ValueInfoProto* input_ = nullptr;
  std::map<std::string, const onnx::NodeProto*> makers_;
  std::map<std::string, std::vector<const onnx::NodeProto*>> readers_;
  std::map<std::string, const onnx::TensorProto*> initializers_;
  std::map<std::string, const onnx::ValueInfoProto*> values_;
};

}  // namespace hwnas
