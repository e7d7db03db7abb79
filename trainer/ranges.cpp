#include "trainer/ranges.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace hwnas {
namespace {

using at::Tensor;

constexpr int kBitsToClip = 8;  // from here on the whole range serves
constexpr double kShares[] = {1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2};
constexpr double kLeastStep = 1e-8;

double top_code(int bits) {
  return static_cast<double>((1 << bits) - 1);
}

Tensor round_between(const Tensor& x, double low, double high, int bits) {
  const double top = top_code(bits);
  const double step = std::max((high - low) / top, kLeastStep);
  const double zero = std::nearbyint(-low / step);
  return (x / step).round_().add_(zero).clamp_(0, top).sub_(zero).mul_(step);
}

Tensor round_through(const Tensor& x) {
  return x + (x.detach().round() - x.detach());
}

}  // namespace

RangeObserver::RangeObserver(std::size_t tensors) : seen_(tensors) {}

void RangeObserver::see(std::size_t tensor, const Tensor& x, int bits) {
  const torch::NoGradGuard no_grad;
  Seen& seen = seen_[tensor];
  if (!second_) {
    seen.low += x.min().item<double>();
    seen.high += x.max().item<double>();
    ++seen.batches;
    return;
  }
  if (bits >= kBitsToClip) return;
  seen.errors.resize(std::size(kShares), 0);
  for (std::size_t i = 0; i < std::size(kShares); ++i) {
    const Tensor rounded = round_between(x, seen.low * kShares[i], seen.high * kShares[i], bits);
    seen.errors[i] += (rounded - x).pow_(2).sum().item<double>();
  }
}

void RangeObserver::begin_second_pass() {
  second_ = true;
  for (Seen& seen : seen_) {
    if (seen.batches == 0) continue;
    seen.low = std::min(0.0, seen.low / seen.batches);
    seen.high = std::max(0.0, seen.high / seen.batches);
  }
}

bool RangeObserver::saw(std::size_t tensor) const {
  return seen_[tensor].batches > 0;
}

Tensor RangeObserver::range(std::size_t tensor) const {
  const Seen& seen = seen_[tensor];
  double share = 1;
  if (!seen.errors.empty())
    share = kShares[std::min_element(seen.errors.begin(), seen.errors.end()) - seen.errors.begin()];
  return torch::tensor({seen.low * share, seen.high * share}, at::kFloat);
}

Tensor own_range(const Tensor& x) {
  const torch::NoGradGuard no_grad;
  return torch::stack({x.min().clamp_max(0), x.max().clamp_min(0)});
}

Tensor rounded_between(const Tensor& x, const Tensor& range, int bits) {
  const torch::NoGradGuard no_grad;
  const Tensor ends = range.to(at::kCPU);
  const auto* end = ends.data_ptr<float>();
  return round_between(x, std::min(0.0F, end[0]), std::max(0.0F, end[1]), bits);
}

Tensor rounded_learning(const Tensor& x, const Tensor& range, int bits) {
  const double top = top_code(bits);
  const auto values = static_cast<double>(x.numel() / std::max<std::int64_t>(1, x.size(0)));
  const double scale = 1 / std::sqrt(values * top);
  const Tensor slow = range * scale + range.detach() * (1 - scale);
  const Tensor high = slow[1].clamp_min(0);
  const bool signless = range[0].item<float>() >= 0;
  const Tensor low = signless ? torch::zeros_like(high) : slow[0].clamp_max(0);
  const Tensor step = ((high - low) / top).clamp_min(kLeastStep);
  const Tensor zero = round_through(-low / step);
  const Tensor codes = round_through((x / step + zero).clamp(0, top));
  return (codes - zero) * step;
}

}  // namespace hwnas
