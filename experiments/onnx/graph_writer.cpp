#include "experiments/onnx/graph_writer.h"

#include <map>

namespace hwnas {
namespace {

onnx::AttributeProto& attribute(onnx::NodeProto& node, const char* name,
                                onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto& a = *node.add_attribute();
  a.set_name(name);
  a.set_type(type);
  return a;
}

onnx::TensorProto::DataType onnx_type(const std::string& type) {
  static const std::map<std::string, onnx::TensorProto::DataType> kTypes{
      {"F32", onnx::TensorProto::FLOAT},
      {"I64", onnx::TensorProto::INT64},
      {"I32", onnx::TensorProto::INT32},
      {"I8", onnx::TensorProto::INT8},
      {"U8", onnx::TensorProto::UINT8}};
  return kTypes.at(type);
}

}  // namespace

onnx::NodeProto& GraphWriter::node(std::string_view op, const std::string& name,
                                   const std::vector<std::string>& inputs) {
  onnx::NodeProto& made = *graph_.add_node();
  made.set_op_type(std::string(op));
  made.set_name(name);
  for (const std::string& input : inputs) made.add_input(input);
  made.add_output(name);
  return made;
}

void GraphWriter::set(onnx::NodeProto& node, const char* name, std::int64_t value) {
  attribute(node, name, onnx::AttributeProto::INT).set_i(value);
}

void GraphWriter::set(onnx::NodeProto& node, const char* name, float value) {
  attribute(node, name, onnx::AttributeProto::FLOAT).set_f(value);
}

void GraphWriter::set(onnx::NodeProto& node, const char* name,
                      std::initializer_list<std::int64_t> values) {
  onnx::AttributeProto& a = attribute(node, name, onnx::AttributeProto::INTS);
  for (const std::int64_t v : values) a.add_ints(v);
}

const std::string& GraphWriter::constant(const std::string& name, const StoredTensor& tensor) {
  onnx::TensorProto& t = *graph_.add_initializer();
  t.set_name(name);
  t.set_data_type(onnx_type(tensor.type));
  for (const std::int64_t d : tensor.shape) t.add_dims(d);
  t.set_raw_data(tensor.bytes);
  return t.name();
}

const std::string& GraphWriter::constant(const std::string& name, float value) {
  return constant(name, StoredTensor{"F32", {}, {reinterpret_cast<char*>(&value), sizeof value}});
}

const std::string& GraphWriter::constant(const std::string& name,
                                         std::initializer_list<std::int64_t> values) {
  return constant(name, StoredTensor{"I64",
                                     {static_cast<std::int64_t>(values.size())},
                                     {reinterpret_cast<const char*>(values.begin()),
                                      values.size() * sizeof(std::int64_t)}});
}

void GraphWriter::describe(onnx::ValueInfoProto& value, const std::string& name,
                           std::initializer_list<std::int64_t> sizes) {
  value.set_name(name);
  auto& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param("N");
  for (const std::int64_t size : sizes) type.mutable_shape()->add_dim()->set_dim_value(size);
}

}  // namespace hwnas
