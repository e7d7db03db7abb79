#include "experiments/onnx/import.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "experiments/onnx/graph.h"
#include "experiments/onnx/op_table.h"
#include "space/input_error.h"
#include "space/network_builder.h"

namespace hwnas {
namespace {

using Node = onnx::NodeProto;

const std::set<std::string> kPass{"Identity", "Dropout", "Cast"};
const std::set<std::string> kView{"Flatten", "Reshape", "Squeeze", "Unsqueeze"};

// From the output back to the input, so that what only computes shapes is never looked at.
class Importer {
 public:
  explicit Importer(const OnnxGraph& graph)
      : graph_(graph), builder_(graph.name().empty() ? "onnx" : graph.name(), input_shape()) {
    layers_[graph.input().name()] = 0;
  }

  Network run() && {
    // NOTE: depth first by hand: a network may be deeper than the stack.
    std::vector<std::string> stack{graph_.output()};
    while (!stack.empty()) {
      const std::string tensor = stack.back();
      if (layers_.contains(tensor)) {
        stack.pop_back();
        continue;
      }
      const Node* node = graph_.maker(tensor);
      if (!node) {
        throw InputError(graph_.file(), 0, "", "",
                         "tensor '" + tensor + "' does not come from the input");
      }
      const std::size_t before = stack.size();
      for (const std::string& read : data_inputs(*node)) {
        if (!layers_.contains(read)) stack.push_back(read);
      }
      if (stack.size() > before) continue;
      try {
        layers_[tensor] = convert(*node);
      } catch (const std::invalid_argument& error) {
        throw InputError(graph_.file(), 0, "", "", error.what());
      }
      stack.pop_back();
    }
    if (layers_.at(graph_.output()) + 1 != builder_.size()) unite();
    return std::move(builder_).build();
  }

 private:
  Shape input_shape() const {
    return as_shape(graph_.shape(graph_.input().name()), graph_.input().name());
  }

  // NCHW, batch x tokens x channels, or batch x channels.
  Shape as_shape(const std::vector<std::int64_t>& dims, const std::string& tensor) const {
    const auto at = [&dims](std::size_t i) { return static_cast<int>(dims[i]); };
    switch (dims.size()) {
      case 2:
        return {at(1), 1, 1};
      case 3:
        return {at(2), at(1), 1};
      case 4:
        return {at(1), at(2), at(3)};
      default:
        throw InputError(graph_.file(), 0, "", "",
                         "tensor '" + tensor + "' has " + std::to_string(dims.size()) +
                             " dimensions; networks are of 2 to 4");
    }
  }

  [[noreturn]] void refuse(const Node& node, const std::string& why) const {
    throw InputError(graph_.file(), 0, "", "",
                     "node '" + name_of(node) + "' (" + node.op_type() + "): " + why);
  }

  std::string name_of(const Node& node) const {
    return node.name().empty() ? node.output(0) : node.name();
  }

  // A function that several nodes make up: x sigmoid(x), and x (1 + erf(x / c)) / 2 with the factor
  // 1/2 last.
  struct Composite {
    Activation kind;
    std::string input;
  };

  std::optional<Composite> composite(const Node& node) const {
    if (node.op_type() != "Mul") return std::nullopt;
    for (const int k : {0, 1}) {
      const std::string &x = node.input(k), &other = node.input(1 - k);
      if (const Node* gate = made_by("Sigmoid", other); gate && gate->input(0) == x)
        return Composite{Activation::swish, x};
      const Node* product = graph_.scalar(other) == 0.5 ? made_by("Mul", x) : nullptr;
      for (const int j : {0, 1}) {
        if (product && is_gelu_gate(product->input(1 - j), product->input(j)))
          return Composite{Activation::gelu, product->input(j)};
      }
    }
    return std::nullopt;
  }

  const Node* made_by(const char* op, const std::string& tensor) const {
    const Node* node = graph_.maker(tensor);
    return node && node->op_type() == op ? node : nullptr;
  }

  // Whether it is 1 + erf(x / sqrt 2).
  bool is_gelu_gate(const std::string& tensor, const std::string& x) const {
    const Node* sum = made_by("Add", tensor);
    if (!sum || (graph_.scalar(sum->input(1)) != 1 && graph_.scalar(sum->input(0)) != 1))
      return false;
    const Node* erf = made_by("Erf", sum->input(graph_.is_constant(sum->input(0)) ? 1 : 0));
    const Node* scaled = erf ? made_by("Div", erf->input(0)) : nullptr;
    const auto root = scaled ? graph_.scalar(scaled->input(1)) : std::nullopt;
    return root && std::abs(*root * *root - 2) < 1e-4 && scaled->input(0) == x;
  }

  // The tensors among a node's inputs that depend on the network's input.
  std::vector<std::string> data_inputs(const Node& node) const {
    if (const auto whole = composite(node)) return {whole->input};
    std::vector<std::string> found;
    const bool first_only = kPass.contains(node.op_type()) || kView.contains(node.op_type()) ||
                            node.op_type() == "Clip" || node.op_type() == "Pad" ||
                            node.op_type() == "QuantizeLinear" ||
                            node.op_type() == "DequantizeLinear";
    for (const std::string& read : node.input()) {
      if (!read.empty() && !graph_.is_constant(read)) found.push_back(read);
      if (first_only) break;
    }
    return found;
  }

  int from(const Node& node, int input = 0) const { return layers_.at(node.input(input)); }

  int append(const Node& node, Layer layer, std::vector<int> from, int channels = 0) {
    layer.name = name_of(node);
    layer.weight_bits = static_cast<std::uint8_t>(weight_bits_);
    weight_bits_ = 32;
    const int made = builder_.append(std::move(layer), from, channels);
    const auto dims = graph_.known_shape(node.output(0));
    if (!dims.empty() && builder_.shape(made) != as_shape(dims, node.output(0))) {
      refuse(node, "gives " + to_text(as_shape(dims, node.output(0))) + ", which hwnas reads as " +
                       to_text(builder_.shape(made)));
    }
    return made;
  }

  int simple(const Node& node, Op op) {
    Layer layer;
    layer.op = op;
    std::vector<int> sources;
    for (const std::string& read : data_inputs(node)) sources.push_back(layers_.at(read));
    return append(node, std::move(layer), sources);
  }

  int function(const Node& node, Activation kind) {
    Layer layer;
    layer.op = Op::activation;
    layer.activation = kind;
    return append(node, std::move(layer), {from(node)});
  }

  // Kernel, stride and padding of convs and pools.
  void slide(const Node& node, Layer& layer, const std::vector<std::int64_t>& kernel) const {
    if (kernel.size() != 2) refuse(node, "only two-dimensional kernels have a counterpart");
    for (const std::int64_t d : OnnxGraph::integers(node, "dilations")) {
      if (d != 1) refuse(node, "dilated kernels have no counterpart");
    }
    const auto strides = OnnxGraph::integers(node, "strides");
    const auto pads = OnnxGraph::integers(node, "pads");
    const auto pick = [](const std::vector<std::int64_t>& v, std::size_t i, int fallback) {
      return i < v.size() ? static_cast<int>(v[i]) : fallback;
    };
    layer.kernel_h = static_cast<int>(kernel[0]);
    layer.kernel_w = static_cast<int>(kernel[1]);
    layer.stride_h = pick(strides, 0, 1);
    layer.stride_w = pick(strides, 1, 1);
    layer.pad = {pick(pads, 0, 0), pick(pads, 1, 0), pick(pads, 2, 0), pick(pads, 3, 0)};
    const Shape in = builder_.shape(from(node));
    const std::string automatic = OnnxGraph::text(node, "auto_pad");
    if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
      const auto total = [](int size, int k, int s) {
        return std::max(0, ((size + s - 1) / s - 1) * s + k - size);
      };
      const int h = total(in.height, layer.kernel_h, layer.stride_h);
      const int w = total(in.width, layer.kernel_w, layer.stride_w);
      layer.pad = {h / 2, w / 2, h - h / 2, w - w / 2};
      if (automatic == "SAME_LOWER") layer.pad = {h - h / 2, w - w / 2, h / 2, w / 2};
    }
    const auto extra = pads_.find(node.input(0));
    if (extra == pads_.end()) return;
    layer.pad.top += extra->second.top;
    layer.pad.left += extra->second.left;
    layer.pad.bottom += extra->second.bottom;
    layer.pad.right += extra->second.right;
  }

  int conv(const Node& node) {
    if (!graph_.is_constant(node.input(1))) refuse(node, "its weights are not constant");
    const auto weights = graph_.constant_shape(node.input(1));
    if (weights.size() != 4) refuse(node, "only two-dimensional convolutions have a counterpart");
    Layer layer;
    layer.op = Op::conv;
    layer.groups = static_cast<int>(OnnxGraph::integer(node, "group", 1));
    layer.bias = node.input_size() > 2 && !node.input(2).empty();
    slide(node, layer, {weights[2], weights[3]});
    take_bias(node, layer);
    weight_bits_ = graph_.constant_bits(node.input(1));
    return append(node, std::move(layer), {from(node)}, static_cast<int>(weights[0]));
  }

  int pool(const Node& node, Op op) {
    Layer layer;
    layer.op = op;
    slide(node, layer, OnnxGraph::integers(node, "kernel_shape"));
    // Rows that ceil_mode adds at the end are padding.
    const auto dims = graph_.known_shape(node.output(0));
    if (dims.empty()) return append(node, std::move(layer), {from(node)});
    const Shape want = as_shape(dims, node.output(0));
    const Shape in = builder_.shape(from(node));
    layer.pad.bottom += std::max(0, (want.height - 1) * layer.stride_h + layer.kernel_h -
                                        (in.height + layer.pad.top + layer.pad.bottom));
    layer.pad.right += std::max(0, (want.width - 1) * layer.stride_w + layer.kernel_w -
                                       (in.width + layer.pad.left + layer.pad.right));
    return append(node, std::move(layer), {from(node)});
  }

  // A bias that an Add of its own holds.
  void take_bias(const Node& node, Layer& layer) {
    const Node* next = graph_.only_reader(node.output(0));
    if (layer.bias || !next || next->op_type() != "Add") return;
    const std::string& other = next->input(0) == node.output(0) ? next->input(1) : next->input(0);
    if (!graph_.is_constant(other) || !per_channel(*next, other)) return;
    layer.bias = true;
    biases_.insert(next->output(0));
  }

  // One value, or one for each channel.
  bool per_channel(const Node& node, const std::string& constant) const {
    std::int64_t values = 1;
    for (const std::int64_t d : graph_.constant_shape(constant)) values *= d;
    if (values == 1) return true;
    const auto dims = graph_.known_shape(node.output(0));
    if (!dims.empty()) return values == as_shape(dims, node.output(0)).channels;
    const auto sizes = graph_.constant_shape(constant);
    return values == *std::max_element(sizes.begin(), sizes.end());
  }

  int linear(const Node& node) {
    const bool second = graph_.is_constant(node.input(1));
    if (!second) refuse(node, "multiplies two activations; attention has no counterpart yet");
    const auto weights = graph_.constant_shape(node.input(1));
    if (weights.size() != 2) refuse(node, "its weights are no matrix");
    const bool turned = OnnxGraph::integer(node, "transB", 0) != 0;
    const int channels = builder_.shape(from(node)).channels;
    if (weights[turned ? 1 : 0] != channels) {
      refuse(node, "multiplies " + std::to_string(channels) + " channels by a matrix of " +
                       std::to_string(weights[turned ? 1 : 0]) + " rows");
    }
    Layer layer;
    layer.op = Op::linear;
    layer.bias = node.input_size() > 2 && !node.input(2).empty();
    take_bias(node, layer);
    weight_bits_ = graph_.constant_bits(node.input(1));
    return append(node, std::move(layer), {from(node)}, static_cast<int>(weights[turned ? 0 : 1]));
  }

  int arithmetic(const Node& node) {
    const std::vector<std::string> data = data_inputs(node);
    if (data.size() == 1 && biases_.contains(node.output(0))) return layers_.at(data[0]);
    if (data.size() == 1 && node.input_size() == 2) {
      const std::string& constant = node.input(0) == data[0] ? node.input(1) : node.input(0);
      if (!per_channel(node, constant))
        refuse(node, "its constant is neither one value nor one for each channel");
      if (node.op_type() == "Mul" && graph_.scalar(constant) == 0) return simple(node, Op::zero);
      return simple(node, Op::batch_norm);
    }
    if (node.op_type() == "Sub" || node.op_type() == "Div")
      refuse(node, "of two activations it has no counterpart");
    if (node.op_type() == "Mul") {
      Layer layer;
      layer.op = Op::multiply;
      int a = layers_.at(data[0]), b = layers_.at(data[1]);
      if (builder_.shape(a).elements() < builder_.shape(b).elements()) std::swap(a, b);
      return append(node, std::move(layer), {a, b});
    }
    return simple(node, Op::add);
  }

  int clip(const Node& node) {
    constexpr double kNone = std::numeric_limits<double>::infinity();
    double low = OnnxGraph::real(node, "min", -kNone), high = OnnxGraph::real(node, "max", kNone);
    if (node.input_size() > 1) low = graph_.scalar(node.input(1)).value_or(-kNone);
    if (node.input_size() > 2) high = graph_.scalar(node.input(2)).value_or(kNone);
    const Node* next = graph_.only_reader(node.output(0));
    if (next && next->op_type() == "QuantizeLinear" && (low != 0 || high != 6))
      return from(node);  // to fewer codes than the type has
    if (low != 0 || (high != 6 && high < 1e30))
      refuse(node, "only Clip from 0, to 6 or without an upper end, has a counterpart");
    return function(node, high == 6 ? Activation::relu6 : Activation::relu);
  }

  int mean(const Node& node) {
    std::vector<std::int64_t> axes = OnnxGraph::integers(node, "axes");
    if (node.input_size() > 1) axes = graph_.integers(node.input(1));
    const auto dims = graph_.shape(node.input(0));
    for (std::int64_t& axis : axes) axis += axis < 0 ? static_cast<std::int64_t>(dims.size()) : 0;
    std::sort(axes.begin(), axes.end());
    const bool spatial = dims.size() == 4 && axes == std::vector<std::int64_t>{2, 3};
    const bool tokens = dims.size() == 3 && axes == std::vector<std::int64_t>{1};
    if (!spatial && !tokens) refuse(node, "only the mean over all positions has a counterpart");
    return simple(node, Op::global_avg_pool);
  }

  // Reshape to batch x channels, or one that changes nothing; channels x positions to tokens.
  int view(const Node& node) {
    const int source = from(node);
    const Shape have = builder_.shape(source);
    const auto dims = graph_.known_shape(node.output(0));
    if (dims.empty() && flattens(node, have)) return simple(node, Op::flatten);
    if (dims.empty()) graph_.shape(node.output(0));  // throws
    if (dims.size() == 5) return shuffle_begin(node);
    const Shape want = as_shape(dims, node.output(0));
    if (want == have && !shuffles_.contains(node.input(0))) return source;
    if (dims.size() == 2 && want.channels == have.elements()) return simple(node, Op::flatten);
    if (dims.size() == 3 && dims[1] == have.channels && dims[2] == have.elements() / dims[1]) {
      positions_.insert(node.output(0));  // its Transpose makes tokens of it
      return source;
    }
    if (dims.size() == 4 && shuffles_.contains(node.input(0))) {
      Layer layer;
      layer.op = Op::channel_shuffle;
      layer.groups = shuffles_.at(node.input(0));
      return append(node, std::move(layer), {source});
    }
    refuse(node, "from " + to_text(have) + " to " + to_text(want) + " has no counterpart");
  }

  // Whether a matrix of as many rows as there are values reads the tensor, for models that compute
  // their shapes while they run.
  bool flattens(const Node& node, const Shape& have) const {
    const Node* next = graph_.only_reader(node.output(0));
    if (!next || (next->op_type() != "MatMul" && next->op_type() != "Gemm")) return false;
    if (!graph_.is_constant(next->input(1))) return false;
    const auto weights = graph_.constant_shape(next->input(1));
    const bool turned = OnnxGraph::integer(*next, "transB", 0) != 0;
    return weights.size() == 2 && weights[turned ? 1 : 0] == have.elements();
  }

  // Reshape to batch x groups x channels x H x W, swap, and back: a channel shuffle.
  int shuffle_begin(const Node& node) {
    const auto dims = graph_.shape(node.output(0));
    const Node* next = graph_.only_reader(node.output(0));
    if (!next || next->op_type() != "Transpose" ||
        OnnxGraph::integers(*next, "perm") != std::vector<std::int64_t>{0, 2, 1, 3, 4}) {
      refuse(node, "five dimensions have a counterpart in a channel shuffle only");
    }
    shuffles_[next->output(0)] = static_cast<int>(dims[1]);
    return from(node);
  }

  int transpose(const Node& node) {
    if (shuffles_.contains(node.output(0))) return from(node);
    if (positions_.contains(node.input(0)) &&
        OnnxGraph::integers(node, "perm") == std::vector<std::int64_t>{0, 2, 1}) {
      return simple(node, Op::tokens);
    }
    refuse(node, "has no counterpart outside of a channel shuffle or of tokens made of an image");
  }

  int pad(const Node& node) {
    std::vector<std::int64_t> pads = OnnxGraph::integers(node, "pads");
    if (node.input_size() > 1) pads = graph_.integers(node.input(1));
    const Node* next = graph_.only_reader(node.output(0));
    const bool joins = next && (next->op_type() == "Conv" || next->op_type() == "AveragePool" ||
                                next->op_type() == "MaxPool");
    if (pads.size() != 8 || pads[0] + pads[1] + pads[4] + pads[5] != 0 || !joins)
      refuse(node, "has a counterpart only right before a convolution or pool, over its image");
    const auto at = [&pads](std::size_t i) { return static_cast<int>(pads[i]); };
    pads_[node.output(0)] = {at(2), at(3), at(6), at(7)};
    return from(node);
  }

  int concat(const Node& node) {
    const auto rank = std::max<std::int64_t>(
        2, static_cast<std::int64_t>(graph_.known_shape(node.output(0)).size()));
    const std::int64_t axis = OnnxGraph::integer(node, "axis", 1);
    const std::int64_t channels = rank == 3 ? 2 : 1;
    if ((axis + rank) % rank != channels) refuse(node, "only channels can be concatenated");
    if (data_inputs(node).size() != static_cast<std::size_t>(node.input_size()))
      refuse(node, "with a constant it has no counterpart");
    return simple(node, Op::concat);
  }

  // Marks the tensor: what reads it, reads so many bits.
  int quantize(const Node& node) {
    const int source = from(node);
    const int bits = node.input_size() > 2 ? graph_.constant_bits(node.input(2)) : 8;
    builder_.set_activation_bits(source, bits);
    // What the tensor's maker is fused with computes at the same bits.
    const Node* node_before = graph_.maker(node.input(0));
    while (node_before) {
      const auto whole = composite(*node_before);
      const std::string& op = node_before->op_type();
      const bool fuses =
          whole || op == "Clip" || op == "BatchNormalization" || onnx_value(kOnnxActivations, op);
      const std::string input = whole ? whole->input : node_before->input(0);
      const Node* before = fuses ? graph_.maker(input) : nullptr;
      if (!before || before->op_type() == "DequantizeLinear") break;
      if (graph_.readers(input) != (whole ? 2 : 1)) break;
      builder_.set_activation_bits(layers_.at(input), bits);
      node_before = before;
    }
    return source;
  }

  // Several layers end here: what is read elsewhere only keeps its place, the output comes last.
  void unite() {
    Layer layer;
    layer.name = "output";
    layer.op = Op::identity;
    const int last[] = {layers_.at(graph_.output())};
    builder_.append(std::move(layer), last);
  }

  int convert(const Node& node) {
    static const std::map<std::string, int (Importer::*)(const Node&)> kConverters{
        {"Conv", &Importer::conv},           {"Gemm", &Importer::linear},
        {"MatMul", &Importer::linear},       {"Add", &Importer::arithmetic},
        {"Sum", &Importer::arithmetic},      {"Sub", &Importer::arithmetic},
        {"Div", &Importer::arithmetic},      {"Mul", &Importer::arithmetic},
        {"Clip", &Importer::clip},           {"ReduceMean", &Importer::mean},
        {"Flatten", &Importer::view},        {"Reshape", &Importer::view},
        {"Squeeze", &Importer::view},        {"Unsqueeze", &Importer::view},
        {"Transpose", &Importer::transpose}, {"Pad", &Importer::pad},
        {"Concat", &Importer::concat},       {"QuantizeLinear", &Importer::quantize}};
    const std::string& op = node.op_type();
    if (kPass.contains(op) || op == "DequantizeLinear") return from(node);
    if (const auto whole = composite(node)) {
      Layer layer;
      layer.op = Op::activation;
      layer.activation = whole->kind;
      return append(node, std::move(layer), {layers_.at(whole->input)});
    }
    if (const auto kind = onnx_value(kOnnxActivations, op)) return function(node, *kind);
    if (const auto at = kConverters.find(op); at != kConverters.end())
      return (this->*at->second)(node);
    const auto plain = onnx_value(kOnnxOps, op);
    if (plain == Op::max_pool || plain == Op::avg_pool) return pool(node, *plain);
    if (plain) return simple(node, *plain);
    refuse(node, "this op has no counterpart in hwnas");
  }

  const OnnxGraph& graph_;
  NetworkBuilder builder_;
  std::map<std::string, int> layers_;    // of each tensor
  std::map<std::string, Padding> pads_;  // of a Pad that its reader takes over
  std::map<std::string, int> shuffles_;  // groups, of a tensor within a channel shuffle
  std::set<std::string> positions_;      // batch x channels x positions
  std::set<std::string> biases_;         // sums that the layer before has as its bias
  int weight_bits_ = 32;                 // of the next layer
};

}  // namespace

Network import_onnx(onnx::ModelProto model, const std::string& file,
                    const std::vector<std::int64_t>& sizes) {
  const OnnxGraph graph(std::move(model), file, sizes);
  return Importer(graph).run();
}

}  // namespace hwnas
