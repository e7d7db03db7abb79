#include "experiments/onnx/export.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include "experiments/onnx/graph_writer.h"
#include "experiments/onnx/op_table.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

constexpr float kNormEpsilon = 1e-5F;  // the trainer's
const std::string kInt8 = "I8";

class Exporter {
 public:
  Exporter(const Network& network, const StoredTensors& tensors, const std::string& file)
      : network_(network), tensors_(tensors), file_(file), writer_(*model_.mutable_graph()) {}

  onnx::ModelProto run() && {
    onnx::GraphProto& graph = *model_.mutable_graph();
    graph.set_name(network_.name.empty() ? "network" : network_.name);
    const auto [channels, height, width] = network_.input();
    GraphWriter::describe(*graph.add_input(), "images", {channels, height, width});
    names_.insert("images");
    for (int i = 1; i < network_.size(); ++i) names_.insert(network_.layer(i).name);
    made_.push_back(stored(network_.layer(0), {"images", 4}));
    for (int i = 1; i < network_.size(); ++i)
      made_.push_back(stored(network_.layer(i), layer(network_.layer(i))));
    finish(graph);
    model_.set_ir_version(7);
    model_.add_opset_import()->set_version(opset_);
    model_.set_producer_name("hwnas");
    model_.set_producer_version(HWNAS_VERSION);
    return std::move(model_);
  }

 private:
  // A tensor of the graph: N x channels, or N x channels x height x width.
  struct Made {
    std::string name;
    int rank = 4;
  };

  [[noreturn]] void refuse(const Layer& layer, const std::string& why) const {
    throw InputError("layer '" + layer.name + "' (" + std::string(to_string(layer.op)) +
                     "): " + why);
  }

  std::string unique(const std::string& wanted) {
    std::string name = wanted;
    for (int copy = 2; !names_.insert(name).second; ++copy)
      name = wanted + "_" + std::to_string(copy);
    return name;
  }

  const Made& from(const Layer& layer, int which = 0) const {
    return made_[static_cast<std::size_t>(network_.inputs(layer)[static_cast<std::size_t>(which)])];
  }

  std::string as_vector(const Made& made) {
    if (made.rank == 2) return made.name;
    return writer_.node("Flatten", unique(made.name + ".vector"), {made.name}).output(0);
  }

  std::string as_image(const Made& made, int channels) {
    if (made.rank == 4) return made.name;
    const std::string& shape = writer_.constant(unique(made.name + ".shape"), {0, channels, 1, 1});
    return writer_.node("Reshape", unique(made.name + ".image"), {made.name, shape}).output(0);
  }

  std::string image(const Layer& layer) { return as_image(from(layer), layer.in.channels); }

  const StoredTensor* find(const std::string& name) const {
    const auto at = tensors_.find(name);
    return at == tensors_.end() ? nullptr : &at->second;
  }

  // The value LAYER.PART; its name in the graph.
  std::string value(const std::string& layer, const std::string& part, const std::string& type,
                    std::vector<std::int64_t> shape) {
    const StoredTensor* stored = find(layer + part);
    if (!stored) throw InputError(file_, 0, "", "", "has no value '" + layer + part + "'");
    std::size_t elements = 1, has = 1;
    for (const std::int64_t d : shape) elements *= static_cast<std::size_t>(d);
    for (const std::int64_t d : stored->shape) has *= static_cast<std::size_t>(d);
    if (stored->type != type || has != elements)
      throw InputError(file_, 0, "", "", "value '" + layer + part + "' has another type or size");
    return writer_.constant(unique(layer + part), {type, std::move(shape), stored->bytes});
  }

  // An integer value with a scale for each output channel, as a real one.
  std::string integer_value(const std::string& layer, const std::string& part,
                            const std::string& type, std::vector<std::int64_t> shape) {
    const std::int64_t channels = shape[0];
    const std::string codes = value(layer, part, type, std::move(shape));
    const std::string scale = value(layer, part + "_scale", "F32", {channels});
    const std::size_t zeros = static_cast<std::size_t>(channels) * (type == kInt8 ? 1 : 4);
    const std::string zero = writer_.constant(unique(layer + part + "_zero"),
                                              {type, {channels}, std::string(zeros, '\0')});
    onnx::NodeProto& node =
        writer_.node("DequantizeLinear", unique(layer + part + "_real"), {codes, scale, zero});
    GraphWriter::set(node, "axis", std::int64_t{0});
    return node.output(0);
  }

  std::vector<std::string> weights(const std::string& name, const Layer& layer, std::string input,
                                   const std::vector<std::int64_t>& shape) {
    const std::int64_t channels = layer.out.channels;
    const StoredTensor* weight = find(name + ".weight");
    const bool integers = weight && weight->type == kInt8;
    std::vector<std::string> inputs{std::move(input)};
    inputs.push_back(integers ? integer_value(name, ".weight", kInt8, shape)
                              : value(name, ".weight", "F32", shape));
    if (layer.bias) {
      inputs.push_back(integers ? integer_value(name, ".bias", "I32", {channels})
                                : value(name, ".bias", "F32", {channels}));
    }
    return inputs;
  }

  // Where the file has a scale for it, a tensor is rounded to codes and read back.
  Made stored(const Layer& layer, Made made) {
    if (!find(layer.name + ".scale")) return made;
    const std::string scale = value(layer.name, ".scale", "F32", {});
    const std::string zero = value(layer.name, ".zero", "U8", {});
    if (layer.activation_bits < 8) clip_to_codes(layer, made);
    const std::string codes = unique(layer.name + ".codes"), real = unique(layer.name + ".real");
    writer_.node("QuantizeLinear", codes, {made.name, scale, zero});
    writer_.node("DequantizeLinear", real, {codes, scale, zero});
    return {real, made.rank};
  }

  // Fewer codes than the type has: QuantizeLinear would go beyond the last.
  void clip_to_codes(const Layer& layer, Made& made) {
    float scale = 0;
    find(layer.name + ".scale")->bytes.copy(reinterpret_cast<char*>(&scale), sizeof scale);
    const auto zero = static_cast<unsigned char>(find(layer.name + ".zero")->bytes[0]);
    const int top = (1 << layer.activation_bits) - 1;
    const auto bound = [&](const char* part, int code) {
      return writer_.constant(unique(layer.name + part), scale * static_cast<float>(code - zero));
    };
    const std::string low = bound(".code_low", 0), high = bound(".code_high", top);
    const std::string clipped = unique(layer.name + ".within_codes");
    writer_.node("Clip", clipped, {made.name, low, high});
    made.name = clipped;
  }

  static void slide(onnx::NodeProto& node, const Layer& layer) {
    GraphWriter::set(node, "kernel_shape", {layer.kernel_h, layer.kernel_w});
    GraphWriter::set(node, "strides", {layer.stride_h, layer.stride_w});
    GraphWriter::set(node, "pads",
                     {layer.pad.top, layer.pad.left, layer.pad.bottom, layer.pad.right});
  }

  Made conv(const std::string& name, const Layer& layer) {
    onnx::NodeProto& node =
        writer_.node("Conv", name,
                     weights(name, layer, image(layer),
                             {layer.out.channels, layer.in.channels / layer.groups, layer.kernel_h,
                              layer.kernel_w}));
    slide(node, layer);
    GraphWriter::set(node, "group", std::int64_t{layer.groups});
    return {name, 4};
  }

  // On a map of several positions a 1x1 convolution.
  Made linear(const std::string& name, const Layer& layer) {
    const std::int64_t out = layer.out.channels, in = layer.in.channels;
    if (layer.in.height == 1 && layer.in.width == 1) {
      onnx::NodeProto& node =
          writer_.node("Gemm", name, weights(name, layer, as_vector(from(layer)), {out, in}));
      GraphWriter::set(node, "transB", std::int64_t{1});
      return {name, 2};
    }
    onnx::NodeProto& node =
        writer_.node("Conv", name, weights(name, layer, image(layer), {out, in, 1, 1}));
    GraphWriter::set(node, "kernel_shape", {1, 1});
    return {name, 4};
  }

  Made pool(const std::string& name, const Layer& layer) {
    const auto [top, left, bottom, right] = layer.pad;
    if (std::max(top, bottom) >= layer.kernel_h || std::max(left, right) >= layer.kernel_w)
      refuse(layer, "is padded by as much as its kernel; ONNX runtimes do not take that");
    const std::string input = image(layer);
    onnx::NodeProto& node = writer_.node(onnx_name(kOnnxOps, layer.op), name, {input});
    slide(node, layer);
    if (layer.op == Op::avg_pool) GraphWriter::set(node, "count_include_pad", std::int64_t{0});
    return {name, 4};
  }

  Made batch_norm(const std::string& name, const Layer& layer) {
    const std::int64_t n = layer.out.channels;
    const Made& x = from(layer);
    std::vector<std::string> inputs{x.name};
    for (const char* part : {".weight", ".bias", ".mean", ".var"})
      inputs.push_back(value(name, part, "F32", {n}));
    onnx::NodeProto& node = writer_.node(onnx_name(kOnnxOps, layer.op), name, inputs);
    GraphWriter::set(node, "epsilon", kNormEpsilon);
    return {name, x.rank};
  }

  Made activation(const std::string& name, const Layer& layer) {
    const Made& x = from(layer);
    switch (layer.activation) {
      case Activation::none:
        writer_.node("Identity", name, {x.name});
        break;
      case Activation::relu6: {
        const std::string low = writer_.constant(unique(name + ".low"), 0.0F);
        const std::string high = writer_.constant(unique(name + ".high"), 6.0F);
        writer_.node("Clip", name, {x.name, low, high});
        break;
      }
      case Activation::swish: {
        const std::string gate = unique(name + ".gate");
        writer_.node("Sigmoid", gate, {x.name});
        writer_.node("Mul", name, {x.name, gate});
        break;
      }
      case Activation::gelu:
        gelu(name, x.name);
        break;
      default: {
        onnx::NodeProto& node =
            writer_.node(onnx_name(kOnnxActivations, layer.activation), name, {x.name});
        // ONNX's own slope is another.
        if (layer.activation == Activation::hard_sigmoid) GraphWriter::set(node, "alpha", 1.0F / 6);
        if (layer.activation == Activation::hard_swish) opset_ = 14;
      }
    }
    return {name, x.rank};
  }

  // x (1 + erf(x / sqrt 2)) / 2, as PyTorch writes it; importers know the pattern.
  void gelu(const std::string& name, const std::string& x) {
    const auto step = [&](const char* op, const char* part, const std::string& a,
                          std::vector<std::string> more) {
      more.insert(more.begin(), a);
      return writer_.node(op, unique(name + part), more).output(0);
    };
    const auto number = [&](const char* part, float v) {
      return std::vector<std::string>{writer_.constant(unique(name + part), v)};
    };
    const std::string scaled = step("Div", ".scaled", x, number(".root", std::sqrt(2.0F)));
    const std::string erf = step("Erf", ".erf", scaled, {});
    const std::string sum = step("Add", ".sum", erf, number(".one", 1.0F));
    const std::string product = step("Mul", ".product", x, {sum});
    writer_.node("Mul", name, {product, number(".half", 0.5F)[0]});
  }

  // Where some terms are vectors and others images, all become images.
  Made join(const std::string& name, const Layer& layer) {
    const auto inputs = network_.inputs(layer);
    bool images = false;
    for (int k = 0; k < layer.input_count; ++k) images = images || from(layer, k).rank == 4;
    std::vector<std::string> terms;
    for (int k = 0; k < layer.input_count; ++k) {
      const int channels = network_.layer(inputs[static_cast<std::size_t>(k)]).out.channels;
      terms.push_back(images ? as_image(from(layer, k), channels) : from(layer, k).name);
    }
    const int rank = images ? 4 : 2;
    if (layer.op == Op::multiply) {
      writer_.node("Mul", name, terms);
    } else if (layer.op == Op::concat) {
      GraphWriter::set(writer_.node("Concat", name, terms), "axis", std::int64_t{1});
    } else {
      writer_.node(terms.size() == 2 ? "Add" : "Sum", name, terms);
    }
    return {name, rank};
  }

  // Seen as groups x channels, turned.
  Made channel_shuffle(const std::string& name, const Layer& layer) {
    const auto [channels, height, width] = layer.in;
    const std::string apart = writer_.constant(
        unique(name + ".apart"), {0, layer.groups, channels / layer.groups, height, width});
    const std::string grouped = unique(name + ".grouped"), turned = unique(name + ".turned");
    writer_.node("Reshape", grouped, {image(layer), apart});
    GraphWriter::set(writer_.node("Transpose", turned, {grouped}), "perm", {0, 2, 1, 3, 4});
    const std::string together =
        writer_.constant(unique(name + ".together"), {0, channels, height, width});
    writer_.node("Reshape", name, {turned, together});
    return {name, 4};
  }

  // Named as the network's layer, from which the importer takes it back.
  Made layer(const Layer& layer) {
    const std::string& name = layer.name;
    switch (layer.op) {
      case Op::conv:
        return conv(name, layer);
      case Op::linear:
        return linear(name, layer);
      case Op::max_pool:
      case Op::avg_pool:
        return pool(name, layer);
      case Op::batch_norm:
        return batch_norm(name, layer);
      case Op::activation:
        return activation(name, layer);
      case Op::add:
      case Op::multiply:
      case Op::concat:
        return join(name, layer);
      case Op::channel_shuffle:
        return channel_shuffle(name, layer);
      case Op::global_avg_pool:
        writer_.node(onnx_name(kOnnxOps, layer.op), name, {image(layer)});
        return {name, 4};
      case Op::softmax:
        GraphWriter::set(writer_.node("Softmax", name, {from(layer).name}), "axis",
                         std::int64_t{1});
        return {name, from(layer).rank};
      case Op::flatten:
        writer_.node("Flatten", name, {from(layer).name});
        return {name, 2};
      case Op::identity:
        writer_.node("Identity", name, {from(layer).name});
        return {name, from(layer).rank};
      case Op::zero: {
        const std::string zero = writer_.constant(unique(name + ".zero"), 0.0F);
        writer_.node("Mul", name, {from(layer).name, zero});
        return {name, from(layer).rank};
      }
      default:
        refuse(layer, "sequences cannot be exported yet");
    }
  }

  void finish(onnx::GraphProto& graph) {
    const bool softmax = network_.layers().back().op == Op::softmax;
    const std::string output = unique(softmax ? "probabilities" : "logits");
    const Shape& shape = network_.output();
    const Made& last = made_.back();
    auto& described = *graph.add_output();
    if (shape.height == 1 && shape.width == 1) {
      writer_.node(last.rank == 4 ? "Flatten" : "Identity", output, {last.name});
      GraphWriter::describe(described, output, {shape.channels});
    } else {
      writer_.node("Identity", output, {last.name});
      GraphWriter::describe(described, output, {shape.channels, shape.height, shape.width});
    }
  }

  onnx::ModelProto model_;
  const Network& network_;
  const StoredTensors& tensors_;
  const std::string& file_;
  GraphWriter writer_;
  std::vector<Made> made_;       // of each layer
  std::set<std::string> names_;  // of tensors, taken
  int opset_ = 13;
};

}  // namespace

onnx::ModelProto export_onnx(const Network& network, const StoredTensors& tensors,
                             const std::string& file) {
  return Exporter(network, tensors, file).run();
}

}  // namespace hwnas
