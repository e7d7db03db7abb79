#include "trainer/torch_script.h"

#include <torch/csrc/jit/api/module.h>
#include <torch/torch.h>

#include <cctype>
#include <set>
#include <sstream>
#include <stdexcept>

#include "trainer/layer_op.h"

namespace hwnas {
namespace {

constexpr const char* kSuffixes[] = {"_weight", "_bias", "_mean", "_var"};

std::string pair(int a, int b) {
  std::ostringstream text;
  text << '[' << a << ", " << b << ']';
  return text.str();
}

std::string function_of(Activation kind) {
  switch (kind) {
    case Activation::none:
      return "";
    case Activation::relu:
      return "torch.relu";
    case Activation::relu6:
      return "torch.relu6";
    case Activation::hard_swish:
      return "torch.hardswish";
    case Activation::hard_sigmoid:
      return "torch.hardsigmoid";
    case Activation::swish:
      return "torch.silu";
    case Activation::sigmoid:
      return "torch.sigmoid";
    case Activation::tanh:
      return "torch.tanh";
    case Activation::gelu:
      return "torch.gelu";
  }
  return "";
}

class Writer {
 public:
  explicit Writer(const Module& module) : module_(module), network_(module.network()) {
    std::set<std::string> taken;
    for (int i = 0; i < network_.size(); ++i) {
      std::string name = module.layer_name(i);
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
      if (std::isdigit(static_cast<unsigned char>(name[0])) != 0) name.insert(0, 1, '_');
      std::string free = name;
      for (int copy = 2; !taken.insert(free).second; ++copy)
        free = name + "_" + std::to_string(copy);
      names_.push_back(std::move(free));
    }
  }

  std::string source() const {
    std::ostringstream out;
    out << "def forward(self, images):\n";
    for (int i = 1; i < network_.size(); ++i) out << "  x" << i << " = " << expression(i) << '\n';
    const std::string last = variable(network_.size() - 1);
    const Shape& shape = network_.output();
    const bool vector = shape.height == 1 && shape.width == 1;
    out << "  return " << (vector ? "torch.flatten(" + last + ", 1)" : last) << '\n';
    return out.str();
  }

  std::string attribute(int layer, std::size_t value) const {
    return names_[static_cast<std::size_t>(layer)] + kSuffixes[value];
  }

 private:
  static std::string variable(int layer) {
    return layer == 0 ? std::string("images") : std::string(1, 'x').append(std::to_string(layer));
  }

  std::string read(const Layer& layer, int which = 0) const {
    return variable(network_.inputs(layer)[static_cast<std::size_t>(which)]);
  }

  std::string value(int layer, std::size_t which) const {
    return module_.values(layer)[which].defined() ? "self." + attribute(layer, which) : "None";
  }

  static std::string padded(const Layer& layer, const std::string& x, const char* with) {
    const auto [top, left, bottom, right] = layer.pad;
    return "torch.constant_pad_nd(" + x + ", [" + std::to_string(left) + ", " +
           std::to_string(right) + ", " + std::to_string(top) + ", " + std::to_string(bottom) +
           "], " + with + ")";
  }

  std::string conv(int i, const Layer& layer) const {
    const bool direct = pads_equally(layer.pad);
    return "torch.conv2d(" + (direct ? read(layer) : padded(layer, read(layer), "0.")) + ", " +
           value(i, 0) + ", " + value(i, 1) + ", " + pair(layer.stride_h, layer.stride_w) + ", " +
           (direct ? pair(layer.pad.top, layer.pad.left) : pair(0, 0)) + ", [1, 1], " +
           std::to_string(layer.groups) + ")";
  }

  std::string linear(int i, const Layer& layer) const {
    if (layer.in.height == 1 && layer.in.width == 1)
      return "torch.linear(torch.flatten(" + read(layer) + ", 1), " + value(i, 0) + ", " +
             value(i, 1) + ").unsqueeze(-1).unsqueeze(-1)";
    return "torch.conv2d(" + read(layer) + ", " + value(i, 0) + ".unsqueeze(-1).unsqueeze(-1), " +
           value(i, 1) + ")";
  }

  static std::string slides(const Layer& layer, bool direct) {
    return pair(layer.kernel_h, layer.kernel_w) + ", " + pair(layer.stride_h, layer.stride_w) +
           ", " + (direct ? pair(layer.pad.top, layer.pad.left) : pair(0, 0));
  }

  std::string max_pool(const Layer& layer) const {
    const bool direct = native_pool(layer);
    return "torch.max_pool2d(" +
           (direct ? read(layer) : padded(layer, read(layer), "float(\"-inf\")")) + ", " +
           slides(layer, direct) + ", [1, 1], False)";
  }

  // Padding is not counted in the mean.
  std::string avg_pool(const Layer& layer) const {
    const std::string x = read(layer);
    if (native_pool(layer))
      return "torch.avg_pool2d(" + x + ", " + slides(layer, true) + ", False, False)";
    const auto sum = [&](const std::string& of) {
      return "torch.avg_pool2d(" + padded(layer, of, "0.") + ", " + slides(layer, false) +
             ", False, True, 1)";
    };
    return sum(x) + " / torch.clamp_min(" + sum("torch.ones_like(" + x + ")") + ", 1.)";
  }

  std::string shuffle(const Layer& layer) const {
    const auto [channels, height, width] = layer.in;
    const std::string image = std::to_string(height) + ", " + std::to_string(width) + "])";
    return "torch.reshape(torch.transpose(torch.reshape(" + read(layer) + ", [-1, " +
           std::to_string(layer.groups) + ", " + std::to_string(channels / layer.groups) + ", " +
           image + ", 1, 2), [-1, " + std::to_string(channels) + ", " + image;
  }

  std::string list(const Layer& layer, const char* between) const {
    std::string all;
    for (int k = 0; k < layer.input_count; ++k) all += (k == 0 ? "" : between) + read(layer, k);
    return all;
  }

  std::string expression(int i) const {
    const Layer& layer = network_.layer(i);
    switch (layer.op) {
      case Op::identity:
        return read(layer);
      case Op::conv:
        return conv(i, layer);
      case Op::linear:
        return linear(i, layer);
      case Op::max_pool:
        return max_pool(layer);
      case Op::avg_pool:
        return avg_pool(layer);
      case Op::global_avg_pool:
        return "torch.mean(" + read(layer) + ", [2, 3], True)";
      case Op::batch_norm:
        return "torch.batch_norm(" + read(layer) + ", " + value(i, 0) + ", " + value(i, 1) + ", " +
               value(i, 2) + ", " + value(i, 3) + ", False, 0.1, 1e-05, False)";
      case Op::activation:
        return function_of(layer.activation) + "(" + read(layer) + ")";
      case Op::softmax:
        return "torch.softmax(" + read(layer) + ", 1)";
      case Op::add:
        return list(layer, " + ");
      case Op::multiply:
        return list(layer, " * ");
      case Op::concat:
        return "torch.cat([" + list(layer, ", ") + "], 1)";
      case Op::channel_shuffle:
        return shuffle(layer);
      case Op::flatten:
        return "torch.flatten(" + read(layer) + ", 1).unsqueeze(-1).unsqueeze(-1)";
      case Op::zero:
        return "torch.zeros_like(" + read(layer) + ")";
      default:
        throw std::invalid_argument("layer '" + layer.name + "' (" +
                                    std::string(to_string(layer.op)) +
                                    "): sequences cannot be exported yet");
    }
  }

  const Module& module_;
  const Network& network_;
  std::vector<std::string> names_;
};

}  // namespace

std::string script_source(const Module& module) {
  return Writer(module).source();
}

void save_script(const Module& module, const std::filesystem::path& path) {
  const Writer writer(module);
  torch::jit::Module script("hwnas_network");
  for (int i = 0; i < module.network().size(); ++i) {
    const auto& values = module.values(i);
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (!values[k].defined()) continue;
      const at::Tensor value = values[k].detach().to(at::kCPU).contiguous();
      if (k < 2) {
        script.register_parameter(writer.attribute(i, k), value.clone().requires_grad_(), false);
      } else {
        script.register_buffer(writer.attribute(i, k), value.clone());
      }
    }
  }
  script.define(writer.source());
  script.eval();
  try {
    script.save(path.string());
  } catch (const std::exception&) {  // LibTorch's text is a page of its own source lines
    throw std::runtime_error(path.string() + ": cannot be written");
  }
}

}  // namespace hwnas
