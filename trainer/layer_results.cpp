#include "trainer/layer_results.h"

#include <torch/torch.h>

#include "trainer/layer_op.h"

namespace hwnas {
namespace {

using at::Tensor;

constexpr double kEpsilon = 1e-5;

bool is_norm(Op op) {
  return op == Op::batch_norm || op == Op::layer_norm || op == Op::rms_norm;
}

Tensor frozen_norm(const Tensor& x, const std::vector<Tensor>& values) {
  const Tensor seen = x.detach();
  const Tensor mean = seen.mean({0, 2, 3}, /*keepdim=*/true);
  const Tensor inverse = (seen.var({0, 2, 3}, /*unbiased=*/false, true) + kEpsilon).rsqrt();
  const auto per_channel = [](const Tensor& v) { return v.reshape({1, -1, 1, 1}); };
  return (x - mean) * inverse * per_channel(values[0]) + per_channel(values[1]);
}

}  // namespace

std::vector<Tensor> layer_results(const Network& network,
                                  const std::vector<std::vector<Tensor>>& values,
                                  const Tensor& images, Norms norms, int last) {
  std::vector<Tensor> results{images}, inputs;
  for (int i = 1; i <= last; ++i) {
    const Layer& layer = network.layer(i);
    inputs.clear();
    for (const int from : network.inputs(layer))
      inputs.push_back(results[static_cast<std::size_t>(from)]);
    const auto& mine = values[static_cast<std::size_t>(i)];
    if (norms == Norms::none && is_norm(layer.op)) {
      results.push_back(inputs[0]);
    } else if (norms == Norms::frozen && layer.op == Op::batch_norm) {
      results.push_back(frozen_norm(inputs[0], mine));
    } else {
      results.push_back(apply(layer, inputs, mine, {.training = true, .overwrite = false}));
    }
  }
  return results;
}

int logits_layer(const Network& network) {
  const Layer& last = network.layers().back();
  return network.size() > 1 && last.op == Op::softmax ? network.inputs(last)[0]
                                                      : network.size() - 1;
}

}  // namespace hwnas
