#include "trainer/cell_noise.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "space/rng.h"
#include "trainer/ranges.h"

namespace hwnas {
namespace {

using at::Tensor;

// Linear between the nodes of a list over [0, 1].
double between(const std::vector<double>& nodes, double at) {
  const double place = at * static_cast<double>(nodes.size() - 1);
  const auto low = std::min(static_cast<std::size_t>(place), nodes.size() - 2);
  const double share = place - static_cast<double>(low);
  return (1 - share) * nodes[low] + share * nodes[low + 1];
}

struct Cell {
  double conductance = 0, read_variance = 0;
};

Cell draw_cell(const CellNoise& noise, const CellNoise::Time& time, double target, Rng& rng) {
  const double stuck = noise.stuck_off_share + noise.stuck_on_share;
  if (stuck > 0) {
    const double lot = rng.uniform();
    if (lot < stuck) return {lot < noise.stuck_off_share ? 0.0 : 1.0, 0};
  }
  const double deviation = between(time.deviation, target);
  const double mean = between(time.mean, target);
  const double read = between(time.read, target);
  return {deviation > 0 ? std::max(0.0, mean + deviation * rng.normal()) : mean, read * read};
}

// The factor that makes what the cells hold on average closest to what was written.
double compensation(const CellNoise::Time& time, const float* weights, std::int64_t count,
                    double largest) {
  double written = 0, kept = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const double target = std::min(1.0, std::fabs(weights[i]) / largest);
    written += target * target;
    kept += target * between(time.mean, target);
  }
  return kept > 0 ? written / kept : 1;
}

}  // namespace

CellMap program_cells(const CellNoise& noise, std::size_t index, const Tensor& weight, Rng& rng) {
  const torch::NoGradGuard no_grad;
  const CellNoise::Time& time = noise.times.at(index);
  const Tensor source = weight.detach().to(at::kCPU, at::kFloat).contiguous();
  const std::int64_t count = source.numel();
  const float* from = source.data_ptr<float>();
  double largest = count > 0 ? source.abs().max().item<double>() : 0;
  if (noise.clip > 0)
    largest = std::min(largest, noise.clip * source.pow(2).mean().sqrt().item<double>());
  if (!(largest > 0)) return {weight.detach()};
  const double scale = largest * compensation(time, from, count, largest);
  Tensor held = torch::empty_like(source), read = torch::empty_like(source);
  float* to = held.data_ptr<float>();
  float* spread = read.data_ptr<float>();
  for (std::int64_t i = 0; i < count; ++i) {
    Cell cell = draw_cell(noise, time, std::min(1.0, std::fabs(from[i]) / largest), rng);
    if (noise.devices_per_weight == 2) {
      const Cell partner = draw_cell(noise, time, 0, rng);
      cell.conductance -= partner.conductance;
      cell.read_variance += partner.read_variance;
    }
    to[i] = static_cast<float>(std::copysign(scale, from[i]) * cell.conductance);
    spread[i] = static_cast<float>(scale * std::sqrt(cell.read_variance));
  }
  const auto like = [&weight](const Tensor& x) {
    return x.to(weight.device()).contiguous(weight.suggest_memory_format());
  };
  if (read.max().item<float>() <= 0) return {like(held)};
  return {like(held), like(read)};
}

Tensor read_cells(const CellMap& map, Rng& rng) {
  if (map.size() < 2) return map[0];
  const torch::NoGradGuard no_grad;
  Tensor noise = torch::empty({map[0].numel()}, at::kFloat);
  float* at = noise.data_ptr<float>();
  for (std::int64_t i = 0; i < noise.numel(); ++i) at[i] = static_cast<float>(rng.normal());
  return map[0] + map[1] * noise.view(map[0].sizes()).to(map[0].device());
}

Tensor straight_through(const Tensor& x, const Tensor& changed) {
  return x.requires_grad() ? x + (changed - x).detach() : changed;
}

Tensor converted_input(const CellNoise& noise, const Tensor& x) {
  if (noise.input_bits <= 0) return x;
  return straight_through(x, rounded_between(x, own_range(x.detach()), noise.input_bits));
}

Tensor converted_output(const CellNoise& noise, const Tensor& y) {
  if (noise.adc_bits <= 0) return y;
  const Tensor plain = y.detach();
  const double reach = noise.adc_range_deviations > 0
                           ? noise.adc_range_deviations * plain.pow(2).mean().sqrt().item<double>()
                           : plain.abs().max().item<double>();
  if (!(reach > 0)) return y;
  const double codes = std::ldexp(1.0, noise.adc_bits - 1) - 1;
  const double step = reach / std::max(1.0, codes);
  return straight_through(y, (plain / step).round_().clamp_(-codes, codes).mul_(step));
}

}  // namespace hwnas
