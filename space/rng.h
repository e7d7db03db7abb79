// Rng: a portable counter-based generator, Philox4x32-10.
//
// The same (seed, stream) gives the same numbers with every compiler and standard library, which
// replay-resume rests on; std::uniform_* and std::shuffle promise no such thing.
// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11,
// doi:10.1145/2063384.2063405. Not thread-safe: one Rng, one thread.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace hwnas {

// One Philox4x32-10 block: the keyed bijection of a 128-bit counter.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

class Rng {
 public:
  explicit Rng(std::uint64_t seed, std::uint64_t stream = 0);

  std::uint64_t next();                      // 64 uniform bits
  std::uint32_t below(std::uint32_t bound);  // uniform in [0, bound), unbiased; bound >= 1
  double uniform();                          // uniform in [0, 1), 53 bits
  double normal();                           // standard normal (Box-Muller)
  bool chance(double probability) { return uniform() < probability; }

  // Fisher-Yates.
  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[below(static_cast<std::uint32_t>(i))]);
    }
  }

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
};

// Mixes values into one well-distributed 64-bit value (splitmix64 finaliser); portable, stable:
// fingerprints and trial seeds made of it are stored in studies. Do not change.
std::uint64_t hash_combine(std::uint64_t hash, std::uint64_t value);

}  // namespace hwnas
