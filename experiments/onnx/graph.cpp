#include "experiments/onnx/graph.h"

#include <onnx/defs/tensor_proto_util.h>
#include <onnx/shape_inference/implementation.h>

#include <stdexcept>
#include <utility>

#include "space/input_error.h"

namespace hwnas {
namespace {

const onnx::AttributeProto* attribute(const onnx::NodeProto& node, const char* name) {
  for (const onnx::AttributeProto& a : node.attribute()) {
    if (a.name() == name) return &a;
  }
  return nullptr;
}

bool passes_constants(const onnx::NodeProto& node) {
  return node.op_type() == "DequantizeLinear" || node.op_type() == "Identity" ||
         node.op_type() == "Cast";
}

int bits_of(std::int32_t type) {
  switch (type) {
    case onnx::TensorProto::INT8:
    case onnx::TensorProto::UINT8:
    case onnx::TensorProto::BOOL:
      return 8;
    case onnx::TensorProto::FLOAT16:
    case onnx::TensorProto::BFLOAT16:
    case onnx::TensorProto::INT16:
      return 16;
    default:
      return 32;
  }
}

template <typename Fields, typename Value>
bool first_of(const Fields& fields, const std::string& raw, Value& value) {
  if (fields.size() == 1) {
    value = static_cast<Value>(fields.Get(0));
    return true;
  }
  if (raw.size() != sizeof(Value)) return false;
  raw.copy(reinterpret_cast<char*>(&value), sizeof value);
  return true;
}

}  // namespace

OnnxGraph::OnnxGraph(onnx::ModelProto model, std::string file,
                     const std::vector<std::int64_t>& sizes)
    : model_(std::move(model)), file_(std::move(file)) {
  onnx::GraphProto& graph = *model_.mutable_graph();
  for (const onnx::TensorProto& t : graph.initializer()) initializers_[t.name()] = &t;
  for (onnx::ValueInfoProto& value : *graph.mutable_input()) {
    if (initializers_.contains(value.name())) continue;  // old models list these as inputs
    if (input_) {
      throw InputError(file_, 0, "", "",
                       "has more than one input ('" + input_->name() + "', '" + value.name() +
                           "'); networks have one");
    }
    input_ = &value;
    auto& shape = *value.mutable_type()->mutable_tensor_type()->mutable_shape();
    if (shape.dim_size() > 0) shape.mutable_dim(0)->set_dim_value(1);
    if (sizes.empty()) continue;
    if (shape.dim_size() != static_cast<int>(sizes.size()) + 1) {
      throw InputError(file_, 0, "", "",
                       "its input '" + value.name() + "' has " + std::to_string(shape.dim_size()) +
                           " dimensions with the batch; " + std::to_string(sizes.size()) +
                           " sizes are given");
    }
    for (int i = 1; i < shape.dim_size(); ++i)
      shape.mutable_dim(i)->set_dim_value(sizes[static_cast<std::size_t>(i - 1)]);
  }
  if (!input_ || graph.output_size() == 0)
    throw InputError(file_, 0, "", "", "has no input or no output; is it an ONNX model?");
  for (onnx::ValueInfoProto& value : *graph.mutable_output())
    value.mutable_type()->mutable_tensor_type()->clear_shape();
  graph.clear_value_info();  // of another batch
  try {
    onnx::shape_inference::InferShapes(model_, onnx::OpSchemaRegistry::Instance(), {true, 1, true});
  } catch (const std::exception& error) {
    throw InputError(file_, 0, "", "", std::string("ONNX finds a mistake in it: ") + error.what());
  }
  for (const onnx::NodeProto& node : graph.node()) {
    for (const std::string& made : node.output()) makers_[made] = &node;
    for (const std::string& read : node.input()) readers_[read].push_back(&node);
  }
  for (const onnx::ValueInfoProto& v : graph.value_info()) values_[v.name()] = &v;
  for (const onnx::ValueInfoProto& v : graph.output()) values_[v.name()] = &v;
  values_[input_->name()] = input_;
}

const onnx::NodeProto* OnnxGraph::maker(const std::string& tensor) const {
  const auto at = makers_.find(tensor);
  return at == makers_.end() ? nullptr : at->second;
}

int OnnxGraph::readers(const std::string& tensor) const {
  const auto at = readers_.find(tensor);
  return at == readers_.end() ? 0 : static_cast<int>(at->second.size());
}

const onnx::NodeProto* OnnxGraph::only_reader(const std::string& tensor) const {
  return readers(tensor) == 1 ? readers_.at(tensor).front() : nullptr;
}

std::vector<std::int64_t> OnnxGraph::shape(const std::string& tensor) const {
  const auto at = values_.find(tensor);
  std::vector<std::int64_t> dims;
  if (at != values_.end() && at->second->type().tensor_type().has_shape()) {
    for (const auto& dim : at->second->type().tensor_type().shape().dim()) {
      if (!dim.has_dim_value() || dim.dim_value() < 1) {
        throw InputError(file_, 0, "", "",
                         "tensor '" + tensor + "' has no fixed size in dimension " +
                             std::to_string(dims.size()) +
                             "; give the input's, without the batch, as FILE.onnx:3x224x224");
      }
      dims.push_back(dim.dim_value());
    }
    return dims;
  }
  throw InputError(file_, 0, "", "", "the shape of tensor '" + tensor + "' cannot be inferred");
}

std::vector<std::int64_t> OnnxGraph::known_shape(const std::string& tensor) const {
  const auto at = values_.find(tensor);
  if (at == values_.end() || !at->second->type().tensor_type().has_shape()) return {};
  std::vector<std::int64_t> dims;
  for (const auto& dim : at->second->type().tensor_type().shape().dim()) {
    if (!dim.has_dim_value() || dim.dim_value() < 1) return {};
    dims.push_back(dim.dim_value());
  }
  return dims;
}

const onnx::TensorProto* OnnxGraph::constant(const std::string& tensor) const {
  const auto at = initializers_.find(tensor);
  if (at != initializers_.end()) return at->second;
  const onnx::NodeProto* node = maker(tensor);
  if (!node) return nullptr;
  if (node->op_type() == "Constant") {
    const onnx::AttributeProto* value = attribute(*node, "value");
    return value ? &value->t() : nullptr;
  }
  return passes_constants(*node) ? constant(node->input(0)) : nullptr;
}

bool OnnxGraph::is_constant(const std::string& tensor) const {
  return constant(tensor) != nullptr;
}

std::vector<std::int64_t> OnnxGraph::constant_shape(const std::string& tensor) const {
  const onnx::TensorProto& t = *constant(tensor);
  return {t.dims().begin(), t.dims().end()};
}

int OnnxGraph::constant_bits(const std::string& tensor) const {
  return bits_of(constant(tensor)->data_type());
}

std::optional<double> OnnxGraph::scalar(const std::string& tensor) const {
  const onnx::TensorProto* t = constant(tensor);
  if (!t) return std::nullopt;
  if (t->data_type() == onnx::TensorProto::FLOAT) {
    float value = 0;
    if (first_of(t->float_data(), t->raw_data(), value)) return value;
  }
  if (t->data_type() == onnx::TensorProto::DOUBLE) {
    double value = 0;
    if (first_of(t->double_data(), t->raw_data(), value)) return value;
  }
  return std::nullopt;
}

std::vector<std::int64_t> OnnxGraph::integers(const std::string& tensor) const {
  const onnx::TensorProto* t = constant(tensor);
  if (!t || t->data_type() != onnx::TensorProto::INT64) return {};
  return onnx::ParseData<std::int64_t>(t);
}

std::int64_t OnnxGraph::integer(const onnx::NodeProto& node, const char* name,
                                std::int64_t fallback) {
  const auto* a = attribute(node, name);
  return a ? a->i() : fallback;
}

std::vector<std::int64_t> OnnxGraph::integers(const onnx::NodeProto& node, const char* name) {
  const auto* a = attribute(node, name);
  if (!a) return {};
  return {a->ints().begin(), a->ints().end()};
}

double OnnxGraph::real(const onnx::NodeProto& node, const char* name, double fallback) {
  const auto* a = attribute(node, name);
  return a ? static_cast<double>(a->f()) : fallback;
}

std::string OnnxGraph::text(const onnx::NodeProto& node, const char* name) {
  const auto* a = attribute(node, name);
  return a ? a->s() : "";
}

}  // namespace hwnas
