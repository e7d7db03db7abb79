#include "hw_models/families/fpga_pipeline.h"

#include <algorithm>
#include <cmath>

namespace hwnas {
namespace {

int ceil_div(int a, int b) {
  return (a + b - 1) / b;
}

// Which inputs the outputs of a layer wait for.
struct Windows {
  explicit Windows(const Layer& l) : stride(l.stride_h), height(l.in.height), width(l.out.width) {
    const bool all = l.op == Op::global_avg_pool;
    rows = all ? l.in.height : l.kernel_h;
    columns = all ? l.in.width : l.kernel_w;
    below = rows - 1 - l.pad.top;
    const int beside = columns - 1 - l.pad.left, last_column = l.in.width - 1;
    first_column = std::clamp(beside, 0, last_column);
    const int before = std::max(0, last_column - beside);
    tail_columns = width - std::min(ceil_div(before, l.stride_w), width - 1);
    tail_row = ceil_div(std::max(0, height - 1 - below), stride);
  }

  int last_input_row(int row) const { return std::clamp(row * stride + below, 0, height - 1); }

  // Of the outputs of these rows, how many wait for the last input of the last of them.
  double tail(int row, int last_row) const {
    const int tail_rows = std::max(0, last_row - std::max(row, tail_row));
    return static_cast<double>(tail_rows) * width + tail_columns;
  }

  int rows = 1, columns = 1;  // of a window
  int first_column = 0;       // the last input column of a row's first window
  int stride, height, width;  // of the input, the input and the output
  int below = 0;              // the last row of a window, less stride * its output row
  int tail_columns = 1;       // outputs of a row whose windows end with the row
  int tail_row = 0;           // the first output row whose windows end with the map
};

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
  const Windows windows(l);
  const auto per_output = static_cast<double>(engine.per_output);
  // Cycles to take in all positions of a line, padding included.
  const double per_line =
      static_cast<double>(engine.per_input) * (in.width + l.pad.left + l.pad.right);
  const double per_column = static_cast<double>(engine.per_input) * (windows.columns - 1);
  // Lanes hand on each channel as it comes; they are as far behind as an engine that could begin
  // one position early.
  const double lead = engine.has_weights() ? 0 : per_output;
  const double opened = times_[in.begin].first;
  const Times* arrived = &times_[in.begin];
  const double first_share = windows.first_column * in.step;

  double free = -lead;
  for (std::size_t i = out.begin; i < out.end; ++i) {
    const int row = static_cast<int>(i - out.begin) * out.rows;
    const int last_row = std::min(row + out.rows, out.height) - 1;
    const int first_needed = windows.last_input_row(row);
    const int last_needed = windows.last_input_row(last_row);
    double window = 0, all = 0;  // when the first window, and the last of these, has arrived
    if (in.rows == 1) {
      const Times& t = arrived[first_needed];
      window = t.first + (t.last - t.first) * first_share;
      all = arrived[last_needed].last;
    } else {
      window = arrival(in, first_needed, windows.first_column);
      all = arrival(in, last_needed, in.width - 1);
    }
    const double taken_first = (row * l.stride_h + windows.rows - 1) * per_line + per_column;
    const double taken_last = (last_row * l.stride_h + windows.rows) * per_line;
    const double start = std::max({free, window - lead, opened + taken_first});
    const double positions = static_cast<double>(last_row + 1 - row) * out.width;
    free = std::max({start + positions * per_output,
                     all - lead + windows.tail(row, last_row) * per_output, opened + taken_last});
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
