#include "hw_models/families/fpga_pipeline.h"

#include <algorithm>
#include <cmath>

namespace hwnas {
namespace {

int ceil_div(int a, int b) {
  return (a + b - 1) / b;
}

}  // namespace

FpgaPipeline::FpgaPipeline(const Network& network)
    : network_(network), curves_(static_cast<std::size_t>(network.size())) {
  std::size_t rows = 0;
  for (const Layer& layer : network.layers())
    rows += static_cast<std::size_t>(std::min(layer.out.height, kSegments)) * 2;
  times_.reserve(rows);
}

FpgaPipeline::Curve FpgaPipeline::curve(int height, int width) {
  const int rows = ceil_div(height, kSegments);
  const std::size_t begin = times_.size();
  times_.resize(begin + static_cast<std::size_t>(ceil_div(height, rows)));
  const int positions = rows * width;
  return {begin, times_.size(), rows, height, width, positions > 1 ? 1.0 / (positions - 1) : 1};
}

// When position (row, column) is there. The last segment may have fewer rows; its are then spread
// over its time as if it had all, and end on time.
double FpgaPipeline::arrival(const Curve& c, int row, int column) const {
  const int segment = c.rows == 1 ? row : row / c.rows;
  const Times& t = times_[c.begin + static_cast<std::size_t>(segment)];
  if (column == c.width - 1 && (c.rows == 1 || row == c.height - 1)) return t.last;
  const int at = (row - segment * c.rows) * c.width + column;
  return t.first + (t.last - t.first) * at * c.step;
}

// From the first position of row_begin to the last before row_end.
FpgaPipeline::Times FpgaPipeline::span(const Curve& c, int row_begin, int row_end) const {
  return {arrival(c, row_begin, 0), arrival(c, row_end - 1, c.width - 1)};
}

// All inputs of a layer together. One of a single position goes with every position of the others.
FpgaPipeline::Curve FpgaPipeline::inputs(const Layer& layer) {
  const auto from = network_.inputs(layer);
  Curve all = of(from[0]);
  if (from.size() == 1) return all;
  for (const int i : from)
    if (of(i).height * of(i).width > all.height * all.width) all = of(i);
  const Curve joined = curve(all.height, all.width);
  for (std::size_t s = 0; s < joined.end - joined.begin; ++s) {
    const int row = static_cast<int>(s) * joined.rows;
    const int end = std::min(row + joined.rows, joined.height);
    Times& t = times_[joined.begin + s];
    for (const int i : from) {
      const Curve& c = of(i);
      const bool single = c.height != joined.height;
      const Times one = single ? Times{last(i), last(i)} : span(c, row, end);
      t.first = std::max(t.first, one.first);
      t.last = std::max(t.last, one.last);
    }
  }
  return joined;
}

void FpgaPipeline::feed(double start, double per_position) {
  const Shape& shape = network_.input();
  Curve& out = curves_[0] = curve(shape.height, shape.width);
  for (std::size_t i = out.begin; i < out.end; ++i) {
    const int row = static_cast<int>(i - out.begin) * out.rows;
    const int end = std::min(row + out.rows, out.height);
    times_[i].first = start + (static_cast<double>(row) * out.width + 1) * per_position;
    times_[i].last = start + static_cast<double>(end) * out.width * per_position;
  }
}

void FpgaPipeline::run(const FpgaEngine& engine, double delay) {
  const Layer& l = network_.layer(engine.layer);
  const Curve in = inputs(l);
  const Curve out = curve(l.out.height, l.out.width);
  const bool global = l.op == Op::global_avg_pool;
  const int kernel_h = global ? in.height : l.kernel_h, kernel_w = global ? in.width : l.kernel_w;
  const double per_output = static_cast<double>(engine.per_output);
  const double per_input = static_cast<double>(engine.per_input);
  const double opened = times_[in.begin].first;
  const int wide = in.width + l.pad.left + l.pad.right;

  // The last input that a window needs, before padding: of row r, r * stride + below.
  const int below = kernel_h - 1 - l.pad.top, beside = kernel_w - 1 - l.pad.left;
  const int last_row = in.height - 1, last_column = in.width - 1;
  const auto needed = [&](int row) { return std::clamp(row * l.stride_h + below, 0, last_row); };
  const int first_column = std::clamp(beside, 0, last_column);
  // Outputs of a row, and rows, whose windows end with the last input of a row, or the last row.
  const auto ceil_of = [](int a, int b) { return a <= 0 ? 0 : ceil_div(a, b); };
  const int tail_columns =
      out.width - std::min(ceil_of(last_column - beside, l.stride_w), out.width - 1);
  const int tail_row = ceil_of(last_row - below, l.stride_h);

  const Times* arrived = &times_[in.begin];
  const double first_share = first_column * in.step;
  double free = 0;
  for (std::size_t i = out.begin; i < out.end; ++i) {
    const int row = static_cast<int>(i - out.begin) * out.rows;
    const int end_row = std::min(row + out.rows, out.height);
    const double positions = static_cast<double>(end_row - row) * out.width;
    const double taken_first =
        (static_cast<double>(row * l.stride_h + kernel_h - 1) * wide + kernel_w - 1) * per_input;
    const double taken_last =
        static_cast<double>((end_row - 1) * l.stride_h + kernel_h) * wide * per_input;
    const int first_needed = needed(row), last_needed = needed(end_row - 1);
    double window = 0, all = 0;  // when the first window, and the last of these, has arrived
    if (in.rows == 1) {
      const Times& t = arrived[first_needed];
      window = t.first + (t.last - t.first) * first_share;
      all = arrived[last_needed].last;
    } else {
      window = arrival(in, first_needed, first_column);
      all = arrival(in, last_needed, last_column);
    }
    const double start = std::max({free, window, opened + taken_first});
    const int tail_rows = std::max(0, end_row - 1 - std::max(row, tail_row));
    const double tail = static_cast<double>(tail_rows) * out.width + tail_columns;
    free = std::max({start + positions * per_output, all + tail * per_output, opened + taken_last});
    times_[i] = {start + per_output + delay, free + delay};
  }
  curves_[static_cast<std::size_t>(engine.layer)] = out;
}

void FpgaPipeline::join(int layer) {
  const Layer& l = network_.layer(layer);
  const Curve in = inputs(l);
  Curve& out = curves_[static_cast<std::size_t>(layer)];
  out = in;
  if (l.out.height == in.height && l.out.width == in.width) return;
  const double all = times_[in.end - 1].last;  // another shape: wait for all
  out = curve(l.out.height, l.out.width);
  std::fill(times_.begin() + static_cast<std::ptrdiff_t>(out.begin), times_.end(), Times{all, all});
}

void FpgaPipeline::wait(int layer, double duration) {
  const Layer& l = network_.layer(layer);
  const double done = times_[inputs(l).end - 1].last + duration;
  const Curve out = curve(l.out.height, l.out.width);
  std::fill(times_.begin() + static_cast<std::ptrdiff_t>(out.begin), times_.end(),
            Times{done, done});
  curves_[static_cast<std::size_t>(layer)] = out;
}

double FpgaPipeline::waiting_share(int from, int layer) const {
  const double begin = first(from), end = last(from), start = first(layer);
  return end > begin ? std::clamp((start - begin) / (end - begin), 0.0, 1.0) : 0;
}

}  // namespace hwnas
