#include "trainer/norm.h"

#include <torch/torch.h>

#include <cassert>
#include <cmath>
#include <limits>

#include "trainer/norm_kernels.h"

namespace hwnas {
namespace {

using at::Tensor;

constexpr double kMomentum = kNormMomentum, kEpsilon = 1e-5;  // LibTorch's defaults

struct Bounds {
  float low, high;
};

Bounds bounds(Activation activation) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  switch (activation) {
    case Activation::relu:
      return {0, kInfinity};
    case Activation::relu6:
      return {0, 6};
    default:
      return {-kInfinity, kInfinity};
  }
}

Tensor channels_last(const Tensor& x) {
  return x.contiguous(at::MemoryFormat::ChannelsLast);
}
const float* data(const Tensor& x) {
  return x.data_ptr<float>();
}

struct Plan {
  Plan(const Tensor& x, Activation activation)
      : channels(static_cast<int>(x.size(1))),
        rows(x.numel() / std::max<std::int64_t>(x.size(1), 1)),
        clamp(bounds(activation)) {}
  int channels;
  std::int64_t rows;
  Bounds clamp;
};

// What the loops need of each channel: y = clamp(x * factor + offset), n = (x - mean) * inverse. On
// vectors this short plain loops beat LibTorch's dispatch tenfold.
enum Row { kMean, kInverse, kFactor, kOffset, kRows };

float* row(const Tensor& channels, Row which) {
  return channels.data_ptr<float>() + which * channels.size(1);
}

// Fills kInverse to kOffset from kMean and the variances.
void finish(Tensor& channels, const double* variance, const float* scale, const float* shift) {
  for (std::int64_t c = 0; c < channels.size(1); ++c) {
    const auto inverse = static_cast<float>(1 / std::sqrt(variance[c] + kEpsilon));
    row(channels, kInverse)[c] = inverse;
    row(channels, kFactor)[c] = scale[c] * inverse;
    row(channels, kOffset)[c] = shift[c] - row(channels, kMean)[c] * scale[c] * inverse;
  }
}

// Of the batch; moves the running statistics towards them.
Tensor batch_channels(const Tensor& x, const Plan& plan, const Tensor& scale, const Tensor& shift,
                      float* running_mean, float* running_variance) {
  const float* pivot = data(x);  // the first pixel: inside the data, so little cancels
  const Moments sums = moments(data(x), pivot, plan.rows, plan.channels);
  const auto rows = static_cast<double>(plan.rows);
  Tensor channels = torch::empty({kRows, plan.channels});
  std::vector<double> variance(sums.sum.size());
  for (int c = 0; c < plan.channels; ++c) {
    const auto at = static_cast<std::size_t>(c);
    const double beyond = sums.sum[at] / rows, mean = pivot[c] + beyond;
    // Not std::max: that would hide a NaN.
    const double raw = sums.squares[at] / rows - beyond * beyond;
    variance[at] = raw < 0 ? 0 : raw;
    row(channels, kMean)[c] = static_cast<float>(mean);
    const double unbiased = variance[at] * rows / std::max(rows - 1, 1.0);
    running_mean[c] += static_cast<float>(kMomentum * (mean - running_mean[c]));
    running_variance[c] += static_cast<float>(kMomentum * (unbiased - running_variance[c]));
  }
  finish(channels, variance.data(), data(scale), data(shift));
  return channels;
}

Tensor normalise(const Tensor& x, const Plan& plan, const Tensor& channels) {
  Tensor y = torch::empty_like(x);
  scale_clamp(data(x), row(channels, kFactor), row(channels, kOffset), plan.clamp.low,
              plan.clamp.high, plan.rows, plan.channels, y.data_ptr<float>());
  return y;
}

class NormActivation : public torch::autograd::Function<NormActivation> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& input,
                        const Tensor& scale, const Tensor& shift, Tensor running_mean,
                        Tensor running_variance, std::int64_t activation) {
    const Tensor x = channels_last(input);
    const Plan plan(x, static_cast<Activation>(activation));
    const Tensor channels = batch_channels(x, plan, scale, shift, running_mean.data_ptr<float>(),
                                           running_variance.data_ptr<float>());
    context->save_for_backward({x, channels});
    context->saved_data["activation"] = activation;
    return normalise(x, plan, channels);
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &channels = saved[1];
    const Tensor dy = channels_last(gradients[0]);
    const Plan plan(x, static_cast<Activation>(context->saved_data["activation"].toInt()));
    const float *mean = row(channels, kMean), *inverse = row(channels, kInverse),
                *factor = row(channels, kFactor), *offset = row(channels, kOffset);
    const Moments sums = gradient_moments(data(x), data(dy), factor, offset, mean, plan.clamp.low,
                                          plan.clamp.high, plan.rows, plan.channels);
    // With n = (x - mean) * inverse: dx = factor * (m - E[m] - n * E[m n]).
    const auto rows = static_cast<float>(plan.rows);
    Tensor d_scale = torch::empty({plan.channels}), d_shift = torch::empty({plan.channels});
    std::vector<float> slope(sums.sum.size()), constant(sums.sum.size());
    for (int c = 0; c < plan.channels; ++c) {
      const auto at = static_cast<std::size_t>(c);
      d_shift.data_ptr<float>()[c] = static_cast<float>(sums.sum[at]);
      d_scale.data_ptr<float>()[c] = static_cast<float>(sums.squares[at]) * inverse[c];
      slope[at] = -factor[c] * inverse[c] * data(d_scale)[c] / rows;
      constant[at] = -factor[c] * data(d_shift)[c] / rows - slope[at] * mean[c];
    }
    Tensor dx = torch::empty_like(x);
    input_gradient(data(x), data(dy), factor, offset, slope.data(), constant.data(), plan.clamp.low,
                   plan.clamp.high, plan.rows, plan.channels, dx.data_ptr<float>());
    return {dx, d_scale, d_shift, Tensor(), Tensor(), Tensor()};
  }
};

Tensor in_evaluation(const Tensor& input, const std::vector<Tensor>& values,
                     Activation activation) {
  const Tensor x = channels_last(input);
  const Plan plan(x, activation);
  Tensor channels = torch::empty({kRows, plan.channels});
  const Tensor running = values[3].to(at::kDouble);
  channels[kMean].copy_(values[2]);
  finish(channels, running.data_ptr<double>(), data(values[0]), data(values[1]));
  return normalise(x, plan, channels);
}

}  // namespace

Tensor norm_activation(const Tensor& x, const std::vector<Tensor>& values, Activation activation,
                       bool training) {
  assert(activation == Activation::none || activation == Activation::relu ||
         activation == Activation::relu6);
  if (x.is_cpu() && x.scalar_type() == at::kFloat) {
    if (training) {
      return NormActivation::apply(x, values[0], values[1], values[2], values[3],
                                   static_cast<std::int64_t>(activation));
    }
    if (!at::GradMode::is_enabled()) return in_evaluation(x, values, activation);
  }
  Tensor y = torch::batch_norm(x, values[0], values[1], values[2], values[3], training, kMomentum,
                               kEpsilon, true);
  if (activation == Activation::relu) return y.relu_();
  return activation == Activation::relu6 ? torch::relu6(y) : y;
}

}  // namespace hwnas
