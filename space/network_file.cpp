#include "space/network_file.h"

#include <array>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "space/network_builder.h"
#include "space/search_space.h"
#include "space/toml_table.h"

namespace hwnas {
namespace {

constexpr std::int64_t kLargest = 1 << 20;

// "kernel = 3" or "kernel = [10, 4]", height first.
std::array<int, 2> pair(const TomlTable& table, const char* key, int low, int fallback) {
  const std::vector<std::int64_t> values = table.integers(key);
  if (values.empty()) return {fallback, fallback};
  if (values.size() > 2) throw table.error(key, "expected one number, or [height, width]");
  for (const std::int64_t value : values) {
    if (value < low || value > kLargest)
      throw table.error(key, "expected whole numbers from " + std::to_string(low) + " to 1048576");
  }
  return {static_cast<int>(values.front()), static_cast<int>(values.back())};
}

// "pad = 1", "pad = [1, 2]" (height, width) or [top, left, bottom, right]; absent: "same".
Padding padding(const TomlTable& table, const Layer& layer) {
  const std::vector<std::int64_t> values = table.integers("pad");
  for (const std::int64_t value : values) {
    if (value < 0 || value > kLargest)
      throw table.error("pad", "expected whole numbers from 0 to 1048576");
  }
  const auto at = [&values](std::size_t i) { return static_cast<int>(values[i]); };
  switch (values.size()) {
    case 0:
      if (layer.op != Op::conv) return {};
      return {(layer.kernel_h - 1) / 2, (layer.kernel_w - 1) / 2, layer.kernel_h / 2,
              layer.kernel_w / 2};
    case 1:
      return {at(0), at(0), at(0), at(0)};
    case 2:
      return {at(0), at(1), at(0), at(1)};
    case 4:
      return {at(0), at(1), at(2), at(3)};
    default:
      throw table.error("pad",
                        "expected one number, [height, width] or [top, left, bottom, right]");
  }
}

Op read_op(const TomlTable& table) {
  const std::string name = table.string("op");
  if (const auto op = parse_op(name)) return *op;
  std::vector<std::string> known;
  for (int i = 0; i < kOps; ++i) known.emplace_back(to_string(static_cast<Op>(i)));
  throw table.error("op", "no such op" + suggestion(name, known));
}

Layer read_layer(const TomlTable& table, int& channels) {
  Layer layer;
  layer.name = table.string("name");
  layer.op = read_op(table);
  if (layer.op == Op::activation) {
    const std::string kind = table.string("kind");
    const auto parsed = parse_activation(kind);
    if (!parsed || *parsed == Activation::none)
      throw table.error("kind",
                        "no such activation; known: relu, relu6, hard_swish, hard_sigmoid, swish, "
                        "sigmoid, tanh, gelu");
    layer.activation = *parsed;
  }
  const bool slides = layer.op == Op::conv || layer.op == Op::max_pool || layer.op == Op::avg_pool;
  if (slides) {
    const auto kernel = pair(table, "kernel", 1, 1);
    const auto stride = pair(table, "stride", 1, 1);
    layer.kernel_h = kernel[0];
    layer.kernel_w = kernel[1];
    layer.stride_h = stride[0];
    layer.stride_w = stride[1];
    layer.pad = padding(table, layer);
  }
  if (layer.op == Op::conv || layer.op == Op::linear) {
    channels = static_cast<int>(table.integer("channels", 1, kLargest));
    layer.bias = table.boolean("bias", layer.op == Op::linear);
    layer.weight_density = table.number("weight_density", 0.0001, 1, 1);
    layer.density_block =
        static_cast<int>(table.integer("density_block", 0, kLargestDensityBlock, 0));
    if (layer.density_block > 0 && kept_of_block(layer.weight_density, layer.density_block) == 0)
      throw table.error("weight_density", block_error(layer.weight_density, layer.density_block));
  }
  if (layer.op == Op::conv || layer.op == Op::channel_shuffle) {
    layer.groups = static_cast<int>(table.integer("groups", 1, kLargest, 1));
  }
  if (layer.op == Op::embedding) {
    channels = static_cast<int>(table.integer("channels", 1, kLargest));
    layer.entries = static_cast<int>(table.integer("entries", 1, kLargest));
  }
  if (layer.op == Op::attention) {
    layer.groups = static_cast<int>(table.integer("heads", 1, kLargest));
    layer.causal = table.boolean("causal", false);
  }
  if (layer.op == Op::attention || layer.op == Op::tokens || layer.op == Op::position_embedding)
    layer.entries = static_cast<int>(table.integer("entries", 0, kLargest, 0));
  layer.weight_bits = static_cast<std::uint8_t>(table.integer("weight_bits", 1, 32, 32));
  layer.activation_bits = static_cast<std::uint8_t>(table.integer("activation_bits", 1, 32, 32));
  return layer;
}

Network read_layers(const std::vector<TomlTable>& tables, const std::string& name) {
  const TomlTable& first = tables.front();
  if (first.string("op", "") != "input")
    throw first.error("op", "the first layer must have op = \"input\"");
  Shape input;
  input.channels = static_cast<int>(first.integer("channels", 1, kLargest));
  input.height = static_cast<int>(first.integer("height", 1, kLargest, 1));
  input.width = static_cast<int>(first.integer("width", 1, kLargest, 1));
  NetworkBuilder builder(name, input);
  builder.set_input_precision(static_cast<int>(first.integer("activation_bits", 1, 32, 32)));
  std::map<std::string, int> index{{first.string("name", "input"), 0}};
  first.done();
  for (std::size_t i = 1; i < tables.size(); ++i) {
    const TomlTable& table = tables[i];
    int channels = 0;
    Layer layer = read_layer(table, channels);
    if (index.contains(layer.name)) throw table.error("name", "two layers have this name");
    std::vector<int> from;
    for (const std::string& source : table.strings("from")) {
      const auto at = index.find(source);
      if (at == index.end()) throw table.error("from", "no layer '" + source + "' before this one");
      from.push_back(at->second);
    }
    if (from.empty()) from.push_back(static_cast<int>(i) - 1);
    table.done();
    index.emplace(layer.name, static_cast<int>(i));
    try {
      builder.append(std::move(layer), from, channels);
    } catch (const std::invalid_argument& error) {
      throw table.error("", error.what());
    }
  }
  return std::move(builder).build();
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

void write_layer(std::ostream& out, const Network& network, const Layer& layer,
                 const std::vector<std::string>& names) {
  if (layer.op == Op::activation) out << "kind = " << quoted(to_string(layer.activation)) << '\n';
  if (layer.op == Op::conv || layer.op == Op::max_pool || layer.op == Op::avg_pool) {
    out << "kernel = [" << layer.kernel_h << ", " << layer.kernel_w << "]\nstride = ["
        << layer.stride_h << ", " << layer.stride_w << "]\npad = [" << layer.pad.top << ", "
        << layer.pad.left << ", " << layer.pad.bottom << ", " << layer.pad.right << "]\n";
  }
  if (layer.op == Op::conv || layer.op == Op::linear) {
    out << "channels = " << layer.out.channels << "\nbias = " << (layer.bias ? "true" : "false")
        << '\n';
    if (layer.weight_density != 1) out << "weight_density = " << layer.weight_density << '\n';
    if (layer.density_block != 0) out << "density_block = " << layer.density_block << '\n';
  }
  if (layer.op == Op::attention) out << "heads = " << layer.groups << '\n';
  if (layer.causal) out << "causal = true\n";
  if (layer.op == Op::embedding) out << "channels = " << layer.out.channels << '\n';
  if (layer.entries != 0) out << "entries = " << layer.entries << '\n';
  if (layer.groups != 1 && layer.op != Op::attention) out << "groups = " << layer.groups << '\n';
  if (layer.weight_bits != 32) out << "weight_bits = " << int{layer.weight_bits} << '\n';
  if (layer.activation_bits != 32)
    out << "activation_bits = " << int{layer.activation_bits} << '\n';
  out << "from = [";
  bool first = true;
  for (const int source : network.inputs(layer)) {
    out << (first ? "" : ", ") << quoted(names[static_cast<std::size_t>(source)]);
    first = false;
  }
  out << "]\n";
}

}  // namespace

Network load_network(const std::filesystem::path& path) {
  const TomlTable file = TomlTable::parse_file(path);
  return parse_network(file.text(), file.file());
}

Network parse_network(std::string_view text, std::string_view file_name) {
  const TomlTable file = TomlTable::parse(text, file_name);
  const std::vector<TomlTable> layers = file.tables("layers");
  if (layers.empty()) {
    const SearchSpace space = SearchSpace::parse(text, file_name);
    if (!space.choices().empty()) {
      throw InputError(file_name, 0, space.choices().front().name, "",
                       "leaves a choice open; a network file has one value for each key");
    }
    return space.decode({}).network;
  }
  const std::string name = file.string("name", "network");
  file.string("description", "");
  file.string("source", "");
  Network network = read_layers(layers, name);
  file.done();
  return network;
}

std::string to_toml(const Network& network) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const Layer& layer : network.layers()) {
    std::string name = layer.name;
    for (int copy = 2; !taken.insert(name).second; ++copy)
      name = layer.name + "_" + std::to_string(copy);
    names.push_back(std::move(name));
  }
  std::ostringstream out;
  out.precision(17);
  out << "name = " << quoted(network.name) << "\n";
  for (int i = 0; i < network.size(); ++i) {
    const Layer& layer = network.layer(i);
    out << "\n[[layers]]\nname = " << quoted(names[static_cast<std::size_t>(i)])
        << "\nop = " << quoted(to_string(layer.op)) << '\n';
    if (layer.op == Op::input) {
      out << "channels = " << layer.out.channels << "\nheight = " << layer.out.height
          << "\nwidth = " << layer.out.width << '\n';
      if (layer.activation_bits != 32)
        out << "activation_bits = " << int{layer.activation_bits} << '\n';
    } else {
      write_layer(out, network, layer, names);
    }
  }
  return out.str();
}

}  // namespace hwnas
