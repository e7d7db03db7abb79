#include "trainer/score.h"

#include <torch/torch.h>

#include <cmath>
#include <span>

namespace hwnas {
namespace {

using at::Tensor;

Estimated mean(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  for (const double value : values) squares += (value - sum / n) * (value - sum / n);
  return {sum / n, values.size() > 1 ? std::sqrt(squares / (n - 1) / n) : 0};
}

// Means of `of_labels`, `items` sequences behind each other.
void append_means(std::vector<double>& means, const Tensor& of_labels, std::int64_t items) {
  const Tensor each = of_labels.view({items, -1}).mean(1, /*keepdim=*/false, at::kDouble).cpu();
  means.insert(means.end(), each.data_ptr<double>(), each.data_ptr<double>() + items);
}

}  // namespace

Score score_of_images(double accuracy, int images) {
  return {{accuracy, std::sqrt(accuracy * (1 - accuracy) / images)}, {}};
}

Tensor label_rows(const Tensor& logits) {
  return logits.flatten(2).transpose(1, 2).flatten(0, 1);
}

void TextScorer::add(const Tensor& logits, const Tensor& labels) {
  const torch::NoGradGuard no_grad;
  namespace F = torch::nn::functional;
  const Tensor rows = label_rows(logits).to(at::kFloat);
  const Tensor losses =
      F::cross_entropy(rows, labels, F::CrossEntropyFuncOptions().reduction(torch::kNone));
  append_means(losses_, losses, logits.size(0));
  append_means(right_, rows.argmax(1).eq(labels), logits.size(0));
}

Score TextScorer::score() const {
  const Estimated loss = mean(losses_);
  const double perplexity = std::exp(loss.value);
  return {mean(right_), Estimated{perplexity, perplexity * loss.stddev}};  // de^x = e^x dx
}

}  // namespace hwnas
