#include "trainer/az_nas.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "space/rng.h"
#include "trainer/layer_results.h"

namespace hwnas {
namespace {

using at::Tensor;

// Positions x channels.
Tensor rows(const Tensor& features) {
  return features.permute({0, 2, 3, 1}).reshape({-1, features.size(1)});
}

// Of the shares of the principal components of the features.
double entropy(const Tensor& features) {
  constexpr double kSmall = 1e-8;
  const Tensor x = rows(features.detach()).to(at::kDouble);
  const Tensor centred = x - x.mean(0, /*keepdim=*/true);
  const Tensor v = at::linalg_eigvalsh(centred.t().mm(centred)).clamp_min(0);
  const Tensor share = v / v.sum();
  return -(share * (share + kSmall).log()).sum().item<double>();
}

Tensor rademacher(const Tensor& like, Rng& rng) {
  Tensor v = torch::empty(like.sizes());
  float* at = v.data_ptr<float>();
  std::uint64_t bits = 0;
  for (std::int64_t i = 0; i < v.numel(); ++i) {
    if (i % 64 == 0) bits = rng.next();
    at[i] = (bits >> (i % 64) & 1) != 0 ? 1.F : -1.F;
  }
  return v.to(like.device());
}

// At the positions of `of`: each with all that it stands for, as channels.
Tensor at_positions(const Tensor& gradient, const Tensor& of) {
  const std::int64_t down = (gradient.size(2) + of.size(2) - 1) / of.size(2);
  const std::int64_t across = (gradient.size(3) + of.size(3) - 1) / of.size(3);
  if (down == 1 && across == 1) return gradient;
  namespace F = torch::nn::functional;
  const Tensor whole =
      F::pad(gradient, F::PadFuncOptions({0, across * of.size(3) - gradient.size(3), 0,
                                          down * of.size(2) - gradient.size(2)}));
  return whole.reshape({whole.size(0), whole.size(1), of.size(2), down, of.size(3), across})
      .permute({0, 1, 3, 5, 2, 4})
      .reshape({whole.size(0), -1, of.size(2), of.size(3)});
}

// 2 - s - 1/s of one block; nothing where its output does not depend on its input.
double block_trainability(const Tensor& from, const Tensor& to, Rng& rng) {
  constexpr double kSmall = 1e-6;
  const Tensor v = rademacher(to, rng);
  if (!from.requires_grad()) return std::nan("");
  const Tensor back = torch::autograd::grad({to}, {from}, {v}, /*retain_graph=*/true, false,
                                            /*allow_unused=*/true)[0];
  if (!back.defined()) return std::nan("");
  const Tensor there = rows(v).to(at::kDouble);
  const Tensor jacobian = rows(at_positions(back, to)).to(at::kDouble).t().mm(there) /
                          static_cast<double>(there.size(0));
  const double s = at::linalg_svdvals(jacobian).max().item<double>();
  return 2 - s - 1 / (s + kSmall);
}

}  // namespace

std::vector<int> block_ends(const Network& network) {
  const int last = logits_layer(network);
  // A layer is passed by every path where no edge leads across it.
  std::vector<int> farthest(static_cast<std::size_t>(network.size()), 0);
  std::vector<int> readers(static_cast<std::size_t>(network.size()), 0);
  for (int i = 1; i <= last; ++i) {
    for (const int from : network.inputs(network.layer(i))) {
      farthest[static_cast<std::size_t>(from)] = i;
      ++readers[static_cast<std::size_t>(from)];
    }
  }
  const auto is_tail = [&](int i) {  // belongs to what is before it
    const Op op = network.layer(i).op;
    return op == Op::batch_norm || op == Op::activation || op == Op::layer_norm ||
           op == Op::rms_norm || op == Op::identity;
  };
  std::vector<int> ends;
  int reach = network.size() > 0 ? farthest[0] : 0;
  for (int i = 1; i < last; ++i) {
    const bool passed = reach <= i;
    reach = std::max(reach, farthest[static_cast<std::size_t>(i)]);
    const Shape& shape = network.layer(i).out;
    if (!passed || shape.height * shape.width == 1) continue;
    if (readers[static_cast<std::size_t>(i)] == 1 && is_tail(farthest[static_cast<std::size_t>(i)]))
      continue;
    ends.push_back(i);
  }
  return ends;
}

AzNas az_nas(const Network& network, const std::vector<std::vector<Tensor>>& values,
             const Tensor& images, std::uint64_t seed) {
  const std::vector<int> ends = block_ends(network);
  const double none = std::nan("");
  if (ends.size() < 2) return {none, none, none};
  const auto results = layer_results(network, values, images, Norms::batch, ends.back());
  Rng rng(seed, 1);  // stream 0 started the weights
  AzNas az{0, std::numeric_limits<double>::infinity(), 0};
  double before = 0;
  int trainable = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const Tensor& to = results[static_cast<std::size_t>(ends[i])];
    const double mine = entropy(to);
    az.expressivity += mine;
    if (i > 0) {
      az.progressivity = std::min(az.progressivity, mine - before);
      const Tensor& from = results[static_cast<std::size_t>(ends[i - 1])];
      if (const double t = block_trainability(from, to, rng); !std::isnan(t)) {
        az.trainability += t;
        ++trainable;
      }
    }
    before = mine;
  }
  az.trainability = trainable > 0 ? az.trainability / trainable : none;
  return az;
}

}  // namespace hwnas
