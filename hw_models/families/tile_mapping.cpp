#include "hw_models/families/tile_mapping.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "hw_models/device_file.h"

namespace hwnas {
namespace {

constexpr std::array<Operand, kOperands> kAll{Operand::inputs, Operand::weights, Operand::outputs};
constexpr std::array<const char*, kOperands> kNames{"inputs", "weights", "outputs"};
constexpr const char* kDimNames = "GNMCPQRS";

// Which loops change what is used of an operand, by the bits of Dim.
constexpr unsigned bit(Dim d) {
  return 1u << static_cast<unsigned>(d);
}
constexpr std::array<unsigned, kOperands> kRelevant{
    bit(Dim::g) | bit(Dim::n) | bit(Dim::c) | bit(Dim::p) | bit(Dim::q) | bit(Dim::r) | bit(Dim::s),
    bit(Dim::g) | bit(Dim::m) | bit(Dim::c) | bit(Dim::r) | bit(Dim::s),
    bit(Dim::g) | bit(Dim::n) | bit(Dim::m) | bit(Dim::p) | bit(Dim::q)};
constexpr unsigned kEverything = (1u << kDims) - 1;
constexpr unsigned kSummed = bit(Dim::c) | bit(Dim::r) | bit(Dim::s);

// How often a tile that lies below these loops changes, and how many of the changes come back to
// the same outputs.
struct Changes {
  double times = 1, visits = 1;
};
template <class Order>
Changes changes(const Order& order, std::size_t level, unsigned relevant) {
  Changes result;
  std::size_t i = order.above[level];
  while (i > order.first && !(order.loops[i - 1].bit & relevant)) --i;  // the tile stays
  while (i-- > order.first) {
    result.times *= order.loops[i].count;
    if (order.loops[i].bit & kSummed) result.visits *= order.loops[i].count;
  }
  return result;
}

using Extents = std::array<double, kDims>;

// Of numbers of iterations, far below 2^53; std::ceil is a call on plain x86-64.
double round_up(double x) {
  const auto below = static_cast<double>(static_cast<std::int64_t>(x));
  return below < x ? below + 1 : below;
}

double product(const Extents& extents, unsigned dims) {
  double result = 1;
  for (unsigned d = 0; dims; ++d, dims >>= 1)
    if (dims & 1) result *= extents[d];
  return result;
}

// Values of a tile with these extents.
double tile(Operand operand, const Extents& extents, const SpatialLoops& loops) {
  const auto e = [&extents](Dim d) { return extents[static_cast<std::size_t>(d)]; };
  switch (operand) {
    case Operand::weights:
      return e(Dim::g) * e(Dim::m) * e(Dim::c) * e(Dim::r) * e(Dim::s);
    case Operand::outputs:
      return e(Dim::g) * e(Dim::n) * e(Dim::m) * e(Dim::p) * e(Dim::q);
    case Operand::inputs:
      break;
  }
  const double rows = (e(Dim::p) - 1) * static_cast<double>(loops.stride_h) + e(Dim::r);
  const double columns = (e(Dim::q) - 1) * static_cast<double>(loops.stride_w) + e(Dim::s);
  return e(Dim::g) * e(Dim::n) * e(Dim::c) * rows * columns;
}

}  // namespace

// All loops, outermost first, beginning at `first`; those at DRAM end before kDims.
struct TileMapping::Order {
  struct Loop {
    unsigned bit;
    double count;
  };
  std::array<Loop, kDims * kMostLevels> loops;
  std::array<std::size_t, kMostLevels> above;  // end of the loops above each level
  std::size_t first = kDims;
};

struct TileMapping::Crossing {
  double all = 0, through = 0;
  double visits = 1;  // to the same outputs
};

// The loops of every level, and the extents of every level's tile in one PE.
struct TileMapping::Nest {
  const SpatialLoops* loops = nullptr;
  Extents spatial;
  std::array<Extents, kMostLevels> temporal, below;
  double pes = 1;
  // By operand: share of the iterations that have something to do, PEs that share a word.
  std::array<double, kOperands> filled, sharing;

  double tile_of(Operand operand, std::size_t level, bool in_pe) const {
    Extents e = below[level];
    if (!in_pe)
      for (std::size_t d = 0; d < kDims; ++d) e[d] *= spatial[d];
    return tile(operand, e, *loops);
  }
};

std::vector<TileMapping::Factor> TileMapping::read_factors(const TomlTable& table,
                                                           const char* key) {
  std::vector<Factor> factors;
  for (const std::string& text : table.strings(key)) {
    const std::string_view names(kDimNames);
    const auto d = text.empty() ? std::string_view::npos : names.find(text[0]);
    Factor factor{static_cast<Dim>(d), std::numeric_limits<double>::infinity()};
    bool good = d != std::string_view::npos;
    if (good && text.size() > 1) {
      const char* end = text.data() + text.size();
      int most = 0;
      const auto parsed = std::from_chars(text.data() + 2, end, most);
      good = text[1] == ' ' && parsed.ec == std::errc() && parsed.ptr == end && most >= 1;
      factor.most = most;
    }
    if (!good) {
      throw table.error(key, "'" + text +
                                 "' is no loop; expected one of G, N, M, C, P, Q, R, S, with at "
                                 "most so many iterations: \"M\" or \"M 8\"");
    }
    for (const Factor& before : factors)
      if (before.dim == factor.dim) throw table.error(key, "'" + text + "' is given twice");
    factors.push_back(factor);
  }
  return factors;
}

TileMapping::Level TileMapping::read_level(const TomlTable& table) {
  Level level;
  table.string("name");  // for people
  for (const std::string& name : table.strings("keeps")) {
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    if (found == kNames.end()) throw table.error("keeps", "expected of inputs, weights, outputs");
    level.keeps[static_cast<std::size_t>(found - kNames.begin())] = true;
  }
  level.read_j = table.number("read_per_word_j", 0, 1e-6);
  level.write_j = table.number("write_per_word_j", 0, 1e-6);
  level.word_bits = static_cast<int>(table.integer("word_bits", 1, 64));
  level.in_pe = table.boolean("in_pe", false);
  level.bytes = table.number("bytes", 0.125, 1e12, 0);
  level.loops = read_factors(table, "loops");
  table.done();
  return level;
}

TileMapping TileMapping::read(const TomlTable& file, const TomlTable& array, int rows,
                              int columns) {
  TileMapping mapping;
  mapping.rows_ = rows;
  mapping.columns_ = columns;
  mapping.on_rows_ = read_factors(array, "on_rows");
  mapping.on_columns_ = read_factors(array, "on_columns");
  mapping.levels_.emplace_back().keeps.fill(true);  // DRAM
  for (const TomlTable& table : cited_sections(file, "levels")) {
    const Level level = read_level(table);
    if (mapping.levels_.back().in_pe && !level.in_pe)
      throw table.error("in_pe", "a shared level cannot lie below one in the PEs");
    if (mapping.levels_.size() == kMostLevels)
      throw table.error("name", "there are at most 6 levels");
    mapping.levels_.push_back(level);
  }
  if (mapping.levels_.size() == 1)
    throw file.error("levels", "is missing; expected at least one of [[levels]]");
  for (std::size_t level = mapping.levels_.size(); level-- > 1;) {
    for (std::size_t t = 0; t < kOperands; ++t)
      if (mapping.levels_[level].keeps[t]) mapping.first_below_dram_[t] = level;
  }
  return mapping;
}

bool TileMapping::fits(const Nest& nest, std::size_t index) const {
  const Level& level = levels_[index];
  if (level.bytes == 0) return true;
  double bits = 0;
  for (const Operand operand : kAll) {
    if (level.keeps[at(operand)])
      bits += nest.tile_of(operand, index, level.in_pe) * nest.loops->bits[at(operand)];
  }
  return bits <= level.bytes * 8;
}

// Halves the longest loop of this level or, where it has none, of those below. False: none is left.
bool TileMapping::shrink(Nest& nest, std::size_t index) const {
  for (std::size_t level = index; level < levels_.size(); ++level) {
    Extents& loops = nest.temporal[level];
    const auto longest = std::max_element(loops.begin(), loops.end());
    if (*longest <= 1) continue;
    *longest = round_up(*longest / 2);
    const auto d = static_cast<std::size_t>(longest - loops.begin());
    double below = 1;
    for (std::size_t i = levels_.size(); i-- > index;)
      nest.below[i][d] = below *= nest.temporal[i][d];
    return true;
  }
  return false;
}

TileMapping::Nest TileMapping::nest(const SpatialLoops& loops) const {
  Nest nest;
  nest.loops = &loops;
  nest.spatial.fill(1);
  Extents size;
  for (std::size_t d = 0; d < kDims; ++d) size[d] = static_cast<double>(loops.size[d]);
  const auto unroll = [&](const std::vector<Factor>& factors, double places) {
    for (const Factor& factor : factors) {
      const auto d = static_cast<std::size_t>(factor.dim);
      const double n = std::min({round_up(size[d] / nest.spatial[d]), places, factor.most});
      nest.spatial[d] *= n;
      nest.pes *= n;
      places = static_cast<double>(static_cast<std::int64_t>(places / n));
    }
  };
  unroll(on_rows_, rows_);
  unroll(on_columns_, columns_);
  Extents below;
  below.fill(1);
  for (std::size_t i = levels_.size(); i-- > 1;) {
    nest.temporal[i].fill(1);
    for (const Factor& factor : levels_[i].loops) {
      const auto d = static_cast<std::size_t>(factor.dim);
      const double left = round_up(size[d] / (nest.spatial[d] * below[d]));
      nest.temporal[i][d] = std::min(left, factor.most);
      below[d] *= nest.temporal[i][d];
    }
    nest.below[i] = below;
    while (!fits(nest, i) && shrink(nest, i)) {
    }  // where not even one element fits, it streams
    below = nest.below[i];
  }
  Extents filled;
  for (std::size_t d = 0; d < kDims; ++d) {
    const double inner = nest.spatial[d] * below[d];
    nest.temporal[0][d] = round_up(size[d] / inner);
    filled[d] = size[d] / (inner * nest.temporal[0][d]);
  }
  for (std::size_t t = 0; t < kOperands; ++t) {
    nest.filled[t] = product(filled, kRelevant[t]);
    nest.sharing[t] = product(nest.spatial, kEverything & ~kRelevant[t]);
  }
  return nest;
}

// Everything but the loops at DRAM.
TileMapping::Order TileMapping::inner_order(const Nest& nest) const {
  Order order;
  std::size_t n = kDims;
  for (std::size_t level = 1; level < levels_.size(); ++level) {
    order.above[level] = n;
    for (const Factor& factor : levels_[level].loops) {
      const auto d = static_cast<std::size_t>(factor.dim);
      if (nest.temporal[level][d] > 1) order.loops[n++] = {1u << d, nest.temporal[level][d]};
    }
  }
  return order;
}

// The loops at DRAM, of which the ones that leave `stationary` alone come last.
void TileMapping::order_dram(const Nest& nest, Operand stationary, Order& order) {
  order.first = kDims;
  const unsigned outer = kRelevant[at(stationary)];
  for (const unsigned dims : {~outer, outer}) {
    for (std::size_t d = kDims; d-- > 0;)
      if (dims >> d & 1 && nest.temporal[0][d] > 1)
        order.loops[--order.first] = {1u << d, nest.temporal[0][d]};
  }
}

// What crosses into `level` from `parent`, of all instances and, on the parent's side, of those
// that share a word once.
TileMapping::Crossing TileMapping::crossing(const Nest& nest, const Order& order, Operand operand,
                                            std::size_t parent, std::size_t level) const {
  const bool in_pe = levels_[level].in_pe;
  const Changes c = changes(order, level, kRelevant[at(operand)]);
  Crossing result;
  result.all = nest.tile_of(operand, level, in_pe) * c.times * nest.filled[at(operand)];
  if (in_pe) result.all *= nest.pes;
  result.through = result.all;
  if (in_pe && !levels_[parent].in_pe) result.through /= nest.sharing[at(operand)];
  result.visits = c.visits;
  return result;
}

TileMapping::Accesses TileMapping::count(const Nest& nest, const Order& order) const {
  Accesses accesses{};
  const double macs = nest.loops->macs();
  for (const Operand operand : kAll) {
    const std::size_t t = at(operand);
    const bool outputs = operand == Operand::outputs;
    std::size_t parent = 0;
    double touched = 0;  // outputs that begin at zero, in all instances of the innermost level
    for (std::size_t level = 1; level < levels_.size(); ++level) {
      if (!levels_[level].keeps[t]) continue;
      const Crossing c = crossing(nest, order, operand, parent, level);
      const double again = c.through * (1 - 1 / c.visits);
      accesses[parent][t].updates = outputs ? c.through : 0;
      accesses[parent][t].reads = outputs ? again : c.through;
      accesses[level][t].fills = outputs ? again : c.all;
      touched = c.all / c.visits;
      parent = level;
    }
    double used = macs;
    if (!levels_[parent].in_pe) used /= nest.sharing[t];
    accesses[parent][t].reads = outputs ? used - touched : used;
    accesses[parent][t].updates = outputs ? used : 0;
  }
  return accesses;
}

// With the order of loops at DRAM that moves the fewest bits.
TileMapping::Accesses TileMapping::least(const Nest& nest) const {
  Order order = inner_order(nest);
  std::array<double, kOperands> bits{};  // that cross from DRAM for each change of the tile
  for (const Operand operand : kAll) {
    const std::size_t level = first_below_dram_[at(operand)];
    if (level == 0) continue;  // the same whatever the order
    const bool in_pe = levels_[level].in_pe;
    bits[at(operand)] = nest.tile_of(operand, level, in_pe) * nest.loops->bits[at(operand)] *
                        (in_pe ? nest.pes / nest.sharing[at(operand)] : 1);
  }
  Operand best = Operand::inputs;
  double least = std::numeric_limits<double>::infinity();
  for (const Operand stationary : kAll) {
    order_dram(nest, stationary, order);
    if (kDims - order.first < 2) break;  // nothing to order
    double moved = 0;
    for (const Operand operand : kAll) {
      if (bits[at(operand)] == 0) continue;
      const Changes c = changes(order, first_below_dram_[at(operand)], kRelevant[at(operand)]);
      const double ways = operand == Operand::outputs ? 2 - 1 / c.visits : 1;
      moved += bits[at(operand)] * c.times * ways;
    }
    if (moved < least) {
      least = moved;
      best = stationary;
    }
  }
  order_dram(nest, best, order);
  return count(nest, order);
}

TileMapping::Accesses TileMapping::accesses(const SpatialLoops& loops) const {
  return least(nest(loops));
}

SpatialRun TileMapping::run(const SpatialLoops& loops) const {
  const Nest nest = this->nest(loops);
  const Accesses words = least(nest);
  SpatialRun run;
  run.active_pes = nest.pes;
  run.cycles = 1;
  for (std::size_t i = 0; i < levels_.size(); ++i)
    run.cycles *= product(nest.temporal[i], kEverything);
  run.dram_input_words = words[0][at(Operand::inputs)].reads;
  run.dram_weight_words = words[0][at(Operand::weights)].reads;
  run.dram_output_words = words[0][at(Operand::outputs)].updates;
  run.dram_partial_words = words[0][at(Operand::outputs)].reads;
  for (std::size_t i = 1; i < levels_.size(); ++i) {
    const Level& level = levels_[i];
    for (const Operand operand : kAll) {
      const Words& w = words[i][at(operand)];
      const double writes = w.fills + w.updates;
      const double energy_j = (w.reads * level.read_j + writes * level.write_j) *
                              loops.bits[at(operand)] / level.word_bits;
      (level.in_pe ? run.pe_reads : run.glb_reads) += w.reads;
      (level.in_pe ? run.pe_writes : run.glb_writes) += writes;
      (level.in_pe ? run.pe_j : run.glb_j) += energy_j;
    }
  }
  return run;
}

}  // namespace hwnas
