#include "trainer/zero_cost.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <optional>
#include <stdexcept>

#include "trainer/az_nas.h"
#include "trainer/layer_results.h"
#include "trainer/module.h"

namespace hwnas {
namespace {

using at::Tensor;
using Values = std::vector<std::vector<Tensor>>;

// What the scores look at.
struct Subject {
  const Network& network;
  const Values& values;
  const Tensor& images;
  const Tensor& labels;
  std::uint64_t seed;
  std::optional<AzNas> az_nas_parts;  // three scores share one pass

  const AzNas& az() {
    if (!az_nas_parts) az_nas_parts = az_nas(network, values, images, seed);
    return *az_nas_parts;
  }
  std::vector<Tensor> results(Norms norms, const Tensor& input, int last) const {
    return layer_results(network, values, input, norms, last);
  }
  Tensor logits(Norms norms, const Tensor& input) const {
    return results(norms, input, logits_layer(network)).back().flatten(1);
  }
};

std::vector<Tensor> weights(const Network& network, const Values& values) {
  std::vector<Tensor> found;
  for (int i = 0; i < network.size(); ++i) {
    const Op op = network.layer(i).op;
    if (op == Op::conv || op == Op::linear) found.push_back(values[static_cast<std::size_t>(i)][0]);
  }
  return found;
}

// Of these the sign of the input says whether a unit is on; gates (sigmoid) are no such units.
bool is_rectifier(const Layer& layer) {
  switch (layer.op == Op::activation ? layer.activation : Activation::none) {
    case Activation::relu:
    case Activation::relu6:
    case Activation::hard_swish:
    case Activation::swish:
    case Activation::gelu:
      return true;
    default:
      return false;
  }
}

double nwot(Subject& s) {
  const torch::NoGradGuard no_grad;
  const auto results = s.results(Norms::batch, s.images, logits_layer(s.network));
  Tensor kernel;
  for (const Layer& layer : s.network.layers().first(results.size())) {
    if (!is_rectifier(layer)) continue;
    const int from = s.network.inputs(layer)[0];
    const Tensor on = results[static_cast<std::size_t>(from)].gt(0).flatten(1).to(at::kFloat);
    // CC' + (1-C)(1-C)' = 2 CC' + units - counts of either image.
    const Tensor count = on.sum(1, /*keepdim=*/true);
    const Tensor agree =
        (2 * on.mm(on.t()) + static_cast<double>(on.size(1)) - count - count.t()).to(at::kDouble);
    kernel = kernel.defined() ? kernel + agree : agree;
  }
  return kernel.defined() ? std::get<1>(at::slogdet(kernel)).item<double>() : std::nan("");
}

double jacov(Subject& s) {
  constexpr double kSmall = 1e-5;
  const Tensor input = s.images.detach().clone().requires_grad_();
  const Tensor logits = s.logits(Norms::batch, input);
  if (!logits.requires_grad()) return std::nan("");
  Tensor rows = torch::autograd::grad({logits.sum()}, {input})[0].flatten(1).to(at::kDouble);
  rows = rows - rows.mean(1, /*keepdim=*/true);
  const Tensor norms = rows.norm(2, 1, /*keepdim=*/true);
  if (!(norms.min().item<double>() > 0)) return std::nan("");
  rows = rows / norms;
  const Tensor v = at::linalg_eigvalsh(rows.mm(rows.t())) + kSmall;
  return -(v.log() + v.reciprocal()).sum().item<double>();
}

double synflow(Subject& s) {
  Values values = s.values;
  for (auto& layer : values) {
    for (Tensor& value : layer) {
      if (value.defined()) value = value.detach().abs().to(at::kDouble).requires_grad_();
    }
  }
  const Subject positive{s.network, values, s.images, s.labels, s.seed, {}};
  const Shape& shape = s.network.input();
  const Tensor ones = torch::ones({1, shape.channels, shape.height, shape.width}, at::kDouble);
  const std::vector<Tensor> w = weights(s.network, values);
  const Tensor sum = positive.logits(Norms::none, ones).sum();
  if (!sum.requires_grad()) return std::nan("");
  const auto gradients = torch::autograd::grad({sum}, w, {}, {}, false, /*allow_unused=*/true);
  double flow = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    if (gradients[i].defined()) flow += (w[i] * gradients[i]).abs().sum().item<double>();
  }
  return std::isfinite(flow) ? std::log(flow) : std::nan("");
}

// Of the cross entropy, for each weight that has one.
struct Slope {
  Tensor weight, gradient;
};
std::vector<Slope> slopes(const Subject& s) {
  const std::vector<Tensor> w = weights(s.network, s.values);
  const Tensor loss =
      torch::nn::functional::cross_entropy(s.logits(Norms::batch, s.images), s.labels);
  if (!loss.requires_grad()) return {};
  const auto gradients = torch::autograd::grad({loss}, w, {}, {}, false, /*allow_unused=*/true);
  std::vector<Slope> found;
  for (std::size_t i = 0; i < w.size(); ++i) {
    if (gradients[i].defined()) found.push_back({w[i].detach(), gradients[i]});
  }
  return found;
}

double snip(Subject& s) {
  double sum = 0;
  for (const Slope& slope : slopes(s))
    sum += (slope.weight * slope.gradient).abs().sum().item<double>();
  return sum;
}

double grad_norm(Subject& s) {
  double sum = 0;
  for (const Slope& slope : slopes(s)) sum += slope.gradient.norm().item<double>();
  return sum;
}

Tensor fitted(const Tensor& images, const Shape& input) {
  if (images.size(1) != input.channels) {
    throw std::invalid_argument("the network reads " + std::to_string(input.channels) +
                                " channels, the images have " + std::to_string(images.size(1)));
  }
  if (images.size(2) == input.height && images.size(3) == input.width) return images;
  namespace F = torch::nn::functional;
  return F::interpolate(images, F::InterpolateFuncOptions()
                                    .size(std::vector<std::int64_t>{input.height, input.width})
                                    .mode(torch::kBilinear)
                                    .align_corners(false));
}

struct Score {
  const char* name;
  double (*of)(Subject&);
};
constexpr std::array kScores{
    Score{"parameters", [](Subject& s) { return static_cast<double>(parameters(s.network)); }},
    Score{"macs", [](Subject& s) { return static_cast<double>(macs(s.network)); }},
    Score{"nwot", nwot},
    Score{"jacov", jacov},
    Score{"synflow", synflow},
    Score{"snip", snip},
    Score{"grad_norm", grad_norm},
    Score{"expressivity", [](Subject& s) { return s.az().expressivity; }},
    Score{"progressivity", [](Subject& s) { return s.az().progressivity; }},
    Score{"trainability", [](Subject& s) { return s.az().trainability; }},
};

}  // namespace

const std::vector<std::string>& zero_cost_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Score& score : kScores) all.emplace_back(score.name);
    return all;
  }();
  return names;
}

std::vector<ZeroCostScore> zero_cost_scores(const Network& network, const Tensor& images,
                                            const Tensor& labels, std::uint64_t seed,
                                            std::span<const std::string> names) {
  const auto alive = live(network);
  if (!alive) throw std::invalid_argument("nothing reaches the output of the network");
  const Module module(*alive, seed);
  const Tensor input = fitted(images, alive->input());
  Subject subject{*alive, module.values(), input, labels, seed, {}};
  std::vector<ZeroCostScore> scores;
  for (const std::string& name : names) {
    const auto score = std::find_if(kScores.begin(), kScores.end(),
                                    [&](const Score& s) { return name == s.name; });
    if (score == kScores.end())
      throw std::invalid_argument("there is no zero-cost score '" + name + "'");
    const auto start = std::chrono::steady_clock::now();
    const double value = score->of(subject);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    scores.push_back({name, std::isfinite(value) ? value : std::nan(""), time.count()});
  }
  return scores;
}

}  // namespace hwnas
