// Ranges: between which values the tensors of a deployed network are rounded to codes, fixed before
// it runs. Chosen from images (calibration: Nagel et al., arXiv:2106.08295), or learned with the
// weights (Esser et al., arXiv:1902.08153; Bhalgat et al., arXiv:2004.09576). Zero is always a
// code.
#pragma once

#include <cstddef>
#include <vector>

namespace at {
class Tensor;
}

namespace hwnas {

// Watches tensors in two passes over the same batches. Range: the mean over batches of the smallest
// and of the largest value; for fewer than 8 bits then the share of it that rounds with the least
// squared error. Not thread-safe.
class RangeObserver {
 public:
  explicit RangeObserver(std::size_t tensors);

  void see(std::size_t tensor, const at::Tensor& x, int bits);
  void begin_second_pass();
  bool saw(std::size_t tensor) const;
  at::Tensor range(std::size_t tensor) const;  // {low, high}, low <= 0 <= high

 private:
  struct Seen {
    double low = 0, high = 0;
    int batches = 0;
    std::vector<double> errors;  // of each share; empty: all of the range is taken
  };
  std::vector<Seen> seen_;
  bool second_ = false;
};

at::Tensor own_range(const at::Tensor& x);  // of its smallest and largest value

// Rounded to 2^bits codes between range = {low, high}; values beyond become low or high.
at::Tensor rounded_between(const at::Tensor& x, const at::Tensor& range, int bits);

// The same, with gradients to x (straight through, none from beyond the range) and to the range,
// these scaled by 1 / sqrt(values of one image * codes). A low of 0 stays.
at::Tensor rounded_learning(const at::Tensor& x, const at::Tensor& range, int bits);

}  // namespace hwnas
