// FpgaEngine: what one layer of a streaming design occupies and how long it takes.
//
// An engine multiplies `simd` inputs for `pe` outputs in each cycle:
//   per output position: ceil(n / pe) * ceil(k / simd) cycles   (n filters, k products each)
//   cycles of an image:  max(positions out * that, padded positions in * cycles to take one in)
//   LUTs  = luts_per_engine + luts_factor * pe * (multipliers + adders + accumulator)
//           multipliers: simd * (2 ceil((W+A)/6) - 1) * (W+A) where they are not in DSPs
//           adders: (W+A) * (2 simd - 1); accumulator: accumulator_bits()
//   DSPs  = ceil(pe / macs_per_dsp) * simd
//   weights: ceil(n * k / (pe * simd)) words of pe * simd * W bits, in BRAM, URAM or LUTs
// Layers without weights are lanes: `pe` channels in each cycle.
// Sources: FINN, doi:10.1145/3020078.3021744 and doi:10.1145/3242897, for resources;
// fpgaConvNet, doi:10.1109/FCCM.2016.22, for the folding of convs. Regular values, thread-safe.
#pragma once

#include <cstdint>

#include "hw_models/kernel.h"
#include "space/network.h"

namespace hwnas {

struct FpgaResources {
  double luts = 0, dsps = 0, bram18s = 0, urams = 0;

  FpgaResources& operator+=(const FpgaResources& more) {
    luts += more.luts;
    dsps += more.dsps;
    bram18s += more.bram18s;
    urams += more.urams;
    return *this;
  }
  bool fits(const FpgaResources& limit) const {
    return luts <= limit.luts && dsps <= limit.dsps && bram18s <= limit.bram18s &&
           urams <= limit.urams;
  }
};

// How a layer is folded by hand; 0: not given. Either the first two or the next four, of a layer
// with weights; `lanes` of one without.
struct FpgaFolding {
  int pe = 0, simd = 0;
  int coarse_in = 0, coarse_out = 0, coarse_group = 0, fine = 0;
  int lanes = 0;
};

// Of a design's tool flow.
struct FpgaStyle {
  double luts_per_engine = 0;
  double luts_factor = 1;
  double luts_per_lane_bit = 0;
  double dsps_per_scale = 0;          // for each channel in a cycle that a norm scales
  double pipeline_cycles = 0;         // from the last input of a position to its output
  bool thresholds_in_lutram = false;  // of fused followers where products are in LUTs
};

// Blocks of 18 Kbit for `depth` words of `width` bits; of 288 Kbit; and the LUTs to hold them.
double bram18s(std::int64_t depth, std::int64_t width);
double urams(std::int64_t depth, std::int64_t width);
double lutram_luts(std::int64_t depth, std::int64_t width);

// Bits that hold a sum of k products of weights spread evenly over their range (without the most
// negative one; binary weights are -1 and 1) with the largest input.
int accumulator_bits(std::int64_t k, int weight_bits, int activation_bits);

class FpgaEngine {
 public:
  FpgaEngine(const Network& network, const Kernel& kernel, double macs_per_dsp,
             const FpgaStyle& style);

  void fold(int pe, int simd);
  void fold(const FpgaFolding& by_hand, const Layer& layer);

  // The work that its folding divides.
  std::int64_t n = 0, k = 1;             // filters, products of each; lanes: channels, 1
  std::int64_t outputs = 1, inputs = 1;  // positions; of the inputs with padding
  std::int64_t channels = 0;             // of the input
  std::int32_t layer = 0, last = 0;      // as in Kernel
  int weight_bits = 0;                   // 0: has no weights
  int activation_bits = 0;
  bool depthwise = false;
  double macs_per_dsp = 0;  // 0: products in LUTs

  // As folded.
  int pe = 1, simd = 1;
  std::int64_t per_output = 0, per_input = 0;  // cycles for each position
  std::int64_t cycles = 0;                     // for one image
  FpgaResources logic;                         // all but the weights
  double weight_bram18s = 0;

  bool has_weights() const { return weight_bits > 0; }
  std::int64_t weight_depth() const;
  std::int64_t weight_width() const { return std::int64_t{pe} * simd * weight_bits; }

 private:
  void size(std::int64_t lanes_in);
  void size_products();

  const FpgaStyle* style_;
  bool scaled_ = false;  // followers are fused into it
  int accumulator_bits_ = 0;
  int threshold_bits_ = 0;             // of the output; 0: no thresholds
  std::int64_t lines_ = 0, line_ = 0;  // kept of the input, and the positions of one
};

}  // namespace hwnas
