// Zero-cost proxies: scores of an untrained network, from one batch of images, in milliseconds.
// Higher is better, all of them.
//
//   parameters, macs   counted (space/network.h); macs are the complexity of AZ-NAS too
//   nwot               ln|det K|, K = sum over rectifiers of C C' + (1-C)(1-C)', C the binary codes
//                      (images x units) of which units are on (Mellor et al. 2021,
//                      arXiv:2006.04647)
//   jacov              with v the eigenvalues of the correlations of the images' input gradients of
//                      the summed logits: -sum ln(v + k) + 1 / (v + k), k = 1e-5 (Mellor et al.,
//                      version 1 of the same)
//   synflow            ln of the sum of |w dL/dw|, L the sum of the logits for an input of ones,
//   all
//                      weights |w|, no norms, double precision (Tanaka et al. 2020,
//                      arXiv:2006.05467)
//   snip               sum of |w dL/dw|, L the cross entropy (Lee et al. 2019, arXiv:1810.02340)
//   grad_norm          sum over layers of |dL/dw| (Abdelfattah et al. 2021, arXiv:2101.08134)
//   expressivity, progressivity, trainability
//                      of AZ-NAS (Lee and Ham 2024, arXiv:2403.19232), over the feature maps that
//                      every path from input to output passes: entropy of the shares of the
//                      principal components, summed; its least increase from one to the next; and
//                      the mean of 2 - s - 1/s, s the largest singular value of the Jacobian
//                      between neighbours as Rademacher vectors estimate it
//
// Those of AZ-NAS are meant to be ranked among candidates and joined: sum of ln(rank / n) over
// expressivity, progressivity, trainability and macs. Weights w are those of conv and linear
// layers, started as a training starts them. Free functions; thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "space/network.h"

namespace at {
class Tensor;
}

namespace hwnas {

const std::vector<std::string>& zero_cost_names();  // in the order above

constexpr int kZeroCostBatch = 64;  // images

struct ZeroCostScore {
  std::string name;
  double value =
      0;  // NaN where there is nothing to score: no rectifier, no second block, K singular
  double seconds = 0;  // of wall clock; those of AZ-NAS share a pass, whose time the first has
};

// images: batch x channels x height x width, resized bilinearly to the network's input; labels:
// batch. The seed decides weights and Rademacher vectors; with one thread the same call gives the
// same scores. `names`: of zero_cost_names(), answered in their order; others are
// std::invalid_argument. std::invalid_argument too where the network reads other channels or
// nothing reaches its output.
std::vector<ZeroCostScore> zero_cost_scores(const Network& network, const at::Tensor& images,
                                            const at::Tensor& labels, std::uint64_t seed,
                                            std::span<const std::string> names);

}  // namespace hwnas
