// FpgaPipeline: when each position of each tensor of one image leaves its engine.
//
// Engines stream. A position waits until the engine is free, until its window has arrived, and
// until the engine has taken in all positions, padding included, up to the end of that window:
//   start = max(end of the position before, arrival(window), first arrival + taken in * per_input)
//   end   = start + per_output
// The schedule is kept row by row as the times of a row's first and last position, which lie
// evenly between them; maps of more than kSegments rows in equal groups of rows. After its last
// input an engine has still to make the outputs whose windows end there: the bottom rows. That
// tail and the fill before the first window are what a single image waits for beyond the slowest
// layer. Times are in cycles. Not thread-safe; one for each estimate.
#pragma once

#include <vector>

#include "hw_models/families/fpga_engine.h"
#include "space/network.h"

namespace hwnas {

class FpgaPipeline {
 public:
  explicit FpgaPipeline(const Network& network);

  // The input tensor arrives from `start`, a position every `per_position`.
  void feed(double start, double per_position);
  // The layer's engine; its output comes `delay` later.
  void run(const FpgaEngine& engine, double delay);
  // A layer that takes no time of its own (fused, or a view): all its inputs are there.
  void join(int layer);
  // A layer that begins when all its input is there and is done `duration` later.
  void wait(int layer, double duration);

  double first(int layer) const { return times_[of(layer).begin].first; }
  double last(int layer) const { return times_[of(layer).end - 1].last; }

  // Share of the positions of input `from` that arrive before `layer` gives its first output: what
  // the branch that is ahead has to keep.
  double waiting_share(int from, int layer) const;

 private:
  static constexpr int kSegments = 8;
  struct Times {
    double first = 0, last = 0;
  };
  // Of a tensor: times_[begin, end), each of `rows` rows, the last maybe of fewer.
  struct Curve {
    std::size_t begin = 0, end = 0;
    int rows = 1, height = 1, width = 1;
    double step = 0;  // 1 / (positions of a segment - 1)
  };

  const Curve& of(int layer) const { return curves_[static_cast<std::size_t>(layer)]; }
  Curve curve(int height, int width);
  Curve inputs(const Layer& layer);
  Times span(const Curve& curve, int row_begin, int row_end) const;
  double arrival(const Curve& curve, int row, int column) const;

  const Network& network_;
  std::vector<Curve> curves_;  // of each layer's output
  std::vector<Times> times_;
};

}  // namespace hwnas
