// Gemm: conv, linear and attention layers as matrix products, which is how most accelerators run
// them. Of one input (the batch multiplies m, or, of attention, the repeats).
// Free functions, thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "space/network.h"

namespace hwnas {

// m x k times k x n, `repeats` times with other numbers.
struct Gemm {
  std::int64_t m = 0;  // output positions, tokens
  std::int64_t n = 0;  // output channels of one group
  std::int64_t k = 0;  // products summed
  std::int64_t repeats = 1;
  bool stored_weights = true;  // false: both operands are activations (attention)

  std::int64_t macs() const { return m * n * k * repeats; }
  friend bool operator==(const Gemm&, const Gemm&) = default;
};

// conv: rows of im2col, output channels, kernel x input channels, once per group. linear:
// positions, output channels, input channels. attention: scores (tokens x kv_tokens x head), then
// the weighted values (tokens x head x kv_tokens), once per head. Other layers: none.
class Gemms {
 public:
  Gemms(const Network& network, const Layer& layer);
  const Gemm* begin() const { return gemms_.data(); }
  const Gemm* end() const { return gemms_.data() + count_; }
  std::size_t size() const { return count_; }
  const Gemm& operator[](std::size_t i) const { return gemms_[i]; }

 private:
  std::array<Gemm, 2> gemms_;
  std::size_t count_ = 0;
};

}  // namespace hwnas
