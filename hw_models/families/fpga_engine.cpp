#include "hw_models/families/fpga_engine.h"

#include <algorithm>
#include <cmath>

namespace hwnas {
namespace {

// Line buffers up to this depth are shift registers in LUTs.
constexpr std::int64_t kShiftRegisterDepth = 64;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace

double bram18s(std::int64_t depth, std::int64_t width) {
  const auto blocks = [&](std::int64_t words, std::int64_t bits) {
    return static_cast<double>(ceil_div(depth, words) * ceil_div(width, bits));
  };
  if (width == 1) return blocks(16384, 1);
  if (width == 2) return blocks(8192, 2);
  if (width <= 4) return blocks(4096, 4);
  if (width <= 9) return blocks(2048, 9);
  if (width <= 18 || depth > 512) return blocks(1024, 18);
  return blocks(512, 36);
}

double urams(std::int64_t depth, std::int64_t width) {
  return static_cast<double>(ceil_div(depth, 4096) * ceil_div(width, 72));
}

double lutram_luts(std::int64_t depth, std::int64_t width) {
  return static_cast<double>(ceil_div(depth, 64) * width);
}

int accumulator_bits(std::int64_t k, int weight_bits, int activation_bits) {
  const double largest = std::ldexp(1.0, weight_bits - 1) - 1;
  const double mean = weight_bits == 1 ? 1 : largest * (largest + 1) / (2 * largest + 1);
  const double input = std::ldexp(1.0, activation_bits) - 1;
  return 1 + static_cast<int>(std::ceil(std::log2(static_cast<double>(k) * mean * input + 1)));
}

FpgaEngine::FpgaEngine(const Network& network, const Kernel& kernel, double dsp_rate,
                       const FpgaStyle& style)
    : layer(kernel.layer), last(kernel.last), style_(&style) {
  const Layer& l = network.layer(layer);
  channels = l.in.channels;
  activation_bits = network.layer(network.inputs(l)[0]).activation_bits;
  outputs = std::int64_t{l.out.height} * l.out.width;
  line_ = l.in.width + l.pad.left + l.pad.right;
  lines_ = l.kernel_h - 1;
  inputs = std::int64_t{l.in.height + l.pad.top + l.pad.bottom} * line_;
  n = l.out.channels;
  if (!hwnas::has_weights(kernel.op)) {
    scaled_ = l.op == Op::batch_norm;
    n = std::max(n, channels);
    return;
  }
  scaled_ = kernel.last != kernel.layer;
  weight_bits = l.weight_bits;
  depthwise = kernel.op == OpClass::depthwise;
  k = std::int64_t{l.kernel_h} * l.kernel_w * channels / l.groups;
  // Two products share a DSP only where they share the input, which depthwise filters do not.
  macs_per_dsp = depthwise ? std::min(dsp_rate, 1.0) : dsp_rate;
  accumulator_bits_ = accumulator_bits(k, weight_bits, activation_bits);
  if (scaled_ && style.thresholds_in_lutram && macs_per_dsp == 0)
    threshold_bits_ = network.layer(kernel.last).activation_bits;
}

void FpgaEngine::fold(int pe_count, int simd_count) {
  pe = static_cast<int>(std::min<std::int64_t>(pe_count, n));
  simd = static_cast<int>(std::min<std::int64_t>(simd_count, k));
  per_output = ceil_div(n, pe) * ceil_div(k, simd);
  size(!has_weights() || depthwise ? pe : std::min<std::int64_t>(simd, channels));
}

void FpgaEngine::fold(const FpgaFolding& by_hand, const Layer& l) {
  if (!has_weights()) return fold(std::max(1, by_hand.lanes), 1);
  if (by_hand.pe > 0) return fold(by_hand.pe, std::max(1, by_hand.simd));
  const auto within = [](int folding, int whole) { return std::clamp(folding, 1, whole); };
  const int coarse_in = within(by_hand.coarse_in, l.in.channels / l.groups);
  const int coarse_out = within(by_hand.coarse_out, l.out.channels / l.groups);
  const int coarse_group = within(by_hand.coarse_group, l.groups);
  const int fine = within(by_hand.fine, l.kernel_h * l.kernel_w);
  pe = coarse_out * coarse_group;
  simd = coarse_in * fine;
  per_output = ceil_div(l.in.channels / l.groups, coarse_in) *
               ceil_div(l.out.channels / l.groups, coarse_out) * ceil_div(l.groups, coarse_group) *
               ceil_div(l.kernel_h * l.kernel_w, fine);
  size(std::int64_t{coarse_in} * coarse_group);
}

std::int64_t FpgaEngine::weight_depth() const {
  return ceil_div(n * k, std::int64_t{pe} * simd);
}

void FpgaEngine::size(std::int64_t lanes_in) {
  per_input = ceil_div(channels, lanes_in);
  cycles = std::max(outputs * per_output, inputs * per_input);
  logic = {};
  if (has_weights()) {
    size_products();
    weight_bram18s = bram18s(weight_depth(), weight_width());
  } else {
    logic.luts = style_->luts_per_lane_bit * activation_bits * pe;
    if (scaled_) logic.dsps = style_->dsps_per_scale * pe;
  }
  if (lines_ == 0) return;
  const std::int64_t depth = line_ * per_input, width = lanes_in * activation_bits;
  const auto lines = static_cast<double>(lines_);
  if (depth <= kShiftRegisterDepth) {
    logic.luts += lines * lutram_luts(depth, width);
  } else {
    logic.bram18s += lines * bram18s(depth, width);
  }
}

void FpgaEngine::size_products() {
  const std::int64_t bits = weight_bits + activation_bits;
  std::int64_t luts = bits * (2 * simd - 1) + accumulator_bits_;
  if (macs_per_dsp > 0) {
    logic.dsps = std::ceil(pe / macs_per_dsp) * simd;
    // A scale for each channel that leaves in a cycle.
    if (scaled_)
      logic.dsps += style_->dsps_per_scale * static_cast<double>(ceil_div(n, per_output));
  } else {
    luts += simd * (2 * ceil_div(bits, 6) - 1) * bits;
  }
  if (threshold_bits_ > 0) {
    const std::int64_t thresholds = (std::int64_t{1} << std::min(threshold_bits_, 16)) - 1;
    luts += thresholds * accumulator_bits_ * (1 + ceil_div(ceil_div(n, pe), 64));
  }
  logic.luts = style_->luts_per_engine +
               style_->luts_factor * static_cast<double>(pe) * static_cast<double>(luts);
}

}  // namespace hwnas
