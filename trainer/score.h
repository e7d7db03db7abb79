// Score: how good a module is on data that it has not seen.
//
// Accuracy is the share of labels guessed right. Perplexity, of texts alone, is e to the mean cross
// entropy of a byte: who knows nothing has as many as there are different bytes, who is always
// right and sure of it has 1. Errors are standard errors: of images binomial, of texts from the
// spread between sequences, since the bytes of one are not independent.
#pragma once

#include <optional>
#include <vector>

namespace at {
class Tensor;
}

namespace hwnas {

struct Estimated {
  double value = 0, stddev = 0;
};

struct Score {
  Estimated accuracy;
  std::optional<Estimated> perplexity;  // of a text
};

Score score_of_images(double accuracy, int images);

// Logits of batch x classes x tokens x 1 as a row of classes for each token; of tokens 1 too.
at::Tensor label_rows(const at::Tensor& logits);

// Collects the score of a text, batch by batch. Not thread-safe.
class TextScorer {
 public:
  // logits: batch x classes x tokens x 1; labels: batch * tokens.
  void add(const at::Tensor& logits, const at::Tensor& labels);
  // Of at least one sequence.
  Score score() const;

 private:
  std::vector<double> losses_, right_;  // means of each sequence
};

}  // namespace hwnas
