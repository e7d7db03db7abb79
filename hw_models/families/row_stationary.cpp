#include "hw_models/families/row_stationary.h"

#include <algorithm>
#include <limits>

namespace hwnas {
namespace {

using std::int64_t;

constexpr int kTries = 3;  // of images at once: as many as fit, half of them, a quarter

int64_t cd(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

// The largest equal share of `whole` that is at most `most`; near enough where that is far smaller.
int64_t equal_share(int64_t whole, int64_t most) {
  const int64_t fewest = cd(whole, std::min(whole, most));
  for (int64_t parts = fewest; parts <= 2 * fewest && parts <= fewest + 64; ++parts)
    if (whole % parts == 0) return whole / parts;
  return cd(whole, fewest);
}

}  // namespace

struct RowStationary::Layer {
  int64_t groups, images, filters, channels, height, width, kernel_h, kernel_w, stride;
  int64_t row_folds;  // of a kernel higher than the array
  int64_t window;     // input columns, with padding
  int64_t buffer_words;
};

struct RowStationary::Choice {
  int64_t e = 1, sets = 1, n = 1;  // output rows at once, sets of PEs, images at once
  int64_t m = 1, t = 1, r = 1, p = 1, q = 1;
  int64_t filter_groups = 1, rounds = 1;  // passes for m filters; of filters, images and strips
  int64_t channel_passes = 1;
  int64_t input_rows = 1, room = 1;  // room for so many channels of inputs
  double cycles = std::numeric_limits<double>::infinity();
  bool waits_for_sums = false;
  double input_words = 0, weight_words = 0, output_words = 0, buffer_words = 0;
};

RowStationary RowStationary::read(const TomlTable& table, int rows, int columns) {
  RowStationary rs;
  rs.rows_ = rows;
  rs.columns_ = columns;
  rs.filter_words_ = table.integer("filter_words_per_pe", 1, 1 << 20);
  rs.input_words_ = table.integer("input_words_per_pe", 1, 1 << 20);
  rs.sum_words_ = table.integer("sum_words_per_pe", 1, 1 << 20);
  rs.bus_words_ = table.integer("bus_words_per_cycle", 1, 1 << 10);
  rs.buffer_bytes_ = table.number("buffer_bytes", 1, 1e12);
  rs.word_bits_ = static_cast<int>(table.integer("word_bits", 1, 64));
  rs.spad_j_ = table.number("scratch_pad_per_word_j", 0, 1e-6);
  rs.network_j_ = table.number("network_per_word_j", 0, 1e-6);
  rs.buffer_j_ = table.number("buffer_per_word_j", 0, 1e-6);
  return rs;
}

RowStationary::Layer RowStationary::layer(const SpatialLoops& s) const {
  Layer l{s[Dim::g], s[Dim::n], s[Dim::m],  s[Dim::c], s[Dim::p], s[Dim::q],
          s[Dim::r], s[Dim::s], s.stride_h, 1,         1,         1};
  l.row_folds = cd(l.kernel_h, rows_);
  l.window = (l.width - 1) * s.stride_w + l.kernel_w;
  l.buffer_words = static_cast<int64_t>(buffer_bytes_ * 8 / s.bits[at(Operand::inputs)]);
  return l;
}

// All of a choice that follows from e, n, m and the channels `r` that sets share out.
void RowStationary::fill(const Layer& l, Choice& c, int64_t r) const {
  c.r = r;
  c.t = std::min(c.sets / r, c.m);
  c.q = std::min({std::max<int64_t>(1, input_words_ / l.kernel_w), cd(l.channels, r), c.room / r,
                  std::max<int64_t>(1, filter_words_ / l.kernel_w)});
  const int64_t per_set = cd(c.m, c.t);
  const int64_t most = std::clamp<int64_t>(filter_words_ / (c.q * l.kernel_w), 1, sum_words_);
  c.filter_groups = cd(per_set, most);
  c.p = cd(per_set, c.filter_groups);

  const int64_t spare = std::max<int64_t>(1, c.sets / (c.t * c.r));  // sets for other groups
  const int64_t group_rounds = cd(l.groups, spare);
  const int64_t strips = cd(l.height, c.e);
  c.channel_passes = cd(l.channels, c.q * c.r) * l.row_folds;
  c.rounds = strips * cd(l.filters, c.m) * cd(l.images, c.n) * group_rounds;
  const auto passes = static_cast<double>(c.rounds * c.channel_passes * c.filter_groups);
  const double columns = static_cast<double>(c.n * l.width);
  const double bus = static_cast<double>(bus_words_);
  const int64_t kernel_h = std::min(l.kernel_h, rows_);
  const double sums = static_cast<double>(c.p * c.t * c.e) / bus;
  const double compute = static_cast<double>(c.p * c.q * l.kernel_w);
  const double ramp = static_cast<double>(c.p * c.t * c.q * c.r * kernel_h * l.kernel_w) / bus +
                      static_cast<double>(c.input_rows * l.kernel_w * c.q * c.r) + sums;
  c.waits_for_sums = sums > compute;
  c.cycles = passes * (columns * std::max(compute, sums) + ramp);

  const double groups = static_cast<double>(l.groups);
  c.input_words = groups * static_cast<double>(strips * c.input_rows * l.window * l.channels) *
                  static_cast<double>(l.images * cd(l.filters, c.m));
  c.weight_words = groups * static_cast<double>(l.kernel_h * l.kernel_w * l.channels * l.filters) *
                   static_cast<double>(cd(l.images, c.n) * strips);
  c.output_words = groups * static_cast<double>(l.filters * l.height * l.width * l.images);
  c.buffer_words = c.output_words * static_cast<double>(2 * c.channel_passes - 1) +
                   c.input_words * static_cast<double>(c.filter_groups + 1);
}

// The largest m that fits, and the r of least time. False where not one filter fits for several
// images; one image streams then.
bool RowStationary::choose(const Layer& l, Choice& choice) const {
  const int64_t inputs = choice.n * choice.input_rows * l.window;  // of a channel
  const int64_t sums = choice.n * choice.e * l.width;              // of a filter
  const bool fits = l.buffer_words >= sums + 2 * inputs;
  choice.m = equal_share(l.filters, fits ? (l.buffer_words - 2 * inputs) / sums : 1);
  choice.room = std::max<int64_t>(1, (l.buffer_words - choice.m * sums) / (2 * inputs));
  if (!fits && choice.n > 1) return false;
  Choice best = choice;
  for (int64_t r = 1; r <= std::min({choice.sets, l.channels, choice.room}); r *= 2) {
    Choice c = choice;
    fill(l, c, r);
    if (c.cycles < best.cycles) best = c;
    if (!c.waits_for_sums) break;
  }
  choice = best;
  return true;
}

SpatialRun RowStationary::run(const SpatialLoops& loops, double dram_j_per_byte) const {
  const Layer l = layer(loops);
  const int64_t kernel_h = std::min(l.kernel_h, rows_);
  const int64_t slots = rows_ / kernel_h;
  const int64_t strips = cd(l.height, columns_);
  const double scale = static_cast<double>(loops.bits[at(Operand::inputs)]) / word_bits_;
  const double dram_j = dram_j_per_byte * loops.bits[at(Operand::inputs)] / 8;

  Choice best;
  double least = std::numeric_limits<double>::infinity();
  for (const bool whole_plane : {true, false}) {
    if (whole_plane && (strips == 1 || strips > slots)) continue;
    Choice shape;
    shape.e = whole_plane ? l.height : std::min(l.height, columns_);
    shape.sets = whole_plane ? slots / strips : slots * (columns_ / shape.e);
    shape.input_rows = (shape.e - 1) * l.stride + kernel_h;
    int tries = 0;
    for (int64_t parts = 1; tries < kTries; parts *= 2) {
      Choice c = shape;
      c.n = cd(l.images, parts);
      if (!choose(l, c)) continue;
      ++tries;
      const double energy = (c.input_words + c.weight_words + c.output_words) * dram_j +
                            c.buffer_words * buffer_j_ * scale;
      if (energy < least) {
        least = energy;
        best = c;
      }
      if (c.n == 1) break;
    }
  }

  SpatialRun run;
  const int64_t spare = std::max<int64_t>(1, best.sets / (best.t * best.r));
  const int64_t used = best.t * best.r * std::min(spare, l.groups);
  run.active_pes = static_cast<double>(kernel_h * best.e * used);
  run.cycles = best.cycles;
  run.dram_input_words = best.input_words;
  run.dram_weight_words = best.weight_words;
  run.dram_output_words = best.output_words;
  run.glb_reads = best.output_words * static_cast<double>(best.channel_passes - 1) +
                  best.input_words * static_cast<double>(best.filter_groups);
  run.glb_writes = best.buffer_words - run.glb_reads;
  run.glb_j = best.buffer_words * buffer_j_ * scale;
  const double macs = loops.macs();
  const double hops = macs / static_cast<double>(best.q * l.kernel_w);  // sums up a column of PEs
  run.pe_reads = 3 * macs;
  run.pe_writes = macs;
  run.pe_j = (4 * macs * spad_j_ + hops * network_j_) * scale;
  run.pe_gated_j = 3 * macs * spad_j_ * scale;  // all but reading the input
  return run;
}

}  // namespace hwnas
