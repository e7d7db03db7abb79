#include "hw_models/families/systolic_array.h"

#include <algorithm>
#include <array>
#include <limits>

namespace hwnas {
namespace {

constexpr std::array<const char*, 4> kDataflows{"output_stationary", "weight_stationary",
                                                "input_stationary", "best"};

std::int64_t cd(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace

SystolicArray SystolicArray::read(const TomlTable& table) {
  SystolicArray array;
  array.rows_ = table.integer("rows", 1, 1 << 16);
  array.columns_ = table.integer("columns", 1, 1 << 16);
  array.arrays_ = table.integer("arrays", 1, 1 << 16, 1);
  const std::string name = table.string("dataflow");
  const auto at = std::find(kDataflows.begin(), kDataflows.end(), name);
  if (at == kDataflows.end()) {
    throw table.error("dataflow",
                      "expected output_stationary, weight_stationary, input_stationary or best");
  }
  array.dataflow_ = static_cast<Dataflow>(at - kDataflows.begin());
  array.double_buffer_ = table.boolean("weight_double_buffer", false);
  array.positions_in_rows_ = table.boolean("kernel_positions_in_rows", true);
  array.packs_groups_ = table.boolean("packs_groups", false);
  array.accumulator_rows_ = table.integer("accumulator_rows", 1, 1 << 24, 0);
  array.accumulator_bits_ = static_cast<int>(table.integer("accumulator_bits", 8, 64, 32));
  return array;
}

std::int64_t SystolicArray::weight_passes(std::int64_t m) const {
  return accumulator_rows_ > 0 ? cd(m, accumulator_rows_) : 1;
}

ArrayRun SystolicArray::one_array(const ArrayGemm& g, Dataflow dataflow) const {
  const std::int64_t positions = positions_in_rows_ ? 1 : g.positions;
  const std::int64_t depth = cd(g.k, positions);
  const std::int64_t k_folds = positions * cd(depth, rows_);
  const double mk = static_cast<double>(g.m) * static_cast<double>(g.k * g.repeats);
  const double kn = static_cast<double>(g.k) * static_cast<double>(g.n * g.repeats);
  const double mn = static_cast<double>(g.m) * static_cast<double>(g.n * g.repeats);
  const auto fill = static_cast<double>(2 * rows_ + columns_ - 2);
  ArrayRun run;
  if (dataflow == Dataflow::output_stationary) {
    const std::int64_t m_folds = cd(g.m, rows_), n_folds = cd(g.n, columns_);
    run.cycles = static_cast<double>(g.repeats * m_folds * n_folds) *
                 static_cast<double>(g.k + rows_ + columns_ - 2);
    run.input_reads = mk * static_cast<double>(n_folds);
    run.weight_reads = kn * static_cast<double>(m_folds);
    run.output_writes = mn;
    run.weight_tiles = static_cast<double>(g.repeats * n_folds * cd(g.k, rows_));
    return run;
  }
  const bool weights_stay = dataflow == Dataflow::weight_stationary;
  std::int64_t runs = g.repeats;
  if (weights_stay && packs_groups_) {
    const std::int64_t fitting = std::min(rows_ / depth, columns_ / g.n);
    runs = cd(g.repeats, std::max<std::int64_t>(1, fitting));
  }
  const std::int64_t chunks = weights_stay ? weight_passes(g.m) : 1;
  const std::int64_t column_folds = cd(weights_stay ? g.n : g.m, columns_);
  const auto folds = static_cast<double>(runs * k_folds * column_folds);
  const std::int64_t stream = weights_stay ? g.m : g.n;
  if (double_buffer_) {
    // The last chunk may be shorter; none is shorter than loading the next tile.
    const std::int64_t whole = chunks > 1 ? std::max(accumulator_rows_, rows_) : 0;
    const std::int64_t last = std::max(stream - (chunks - 1) * accumulator_rows_, rows_);
    run.cycles = folds * static_cast<double>((chunks - 1) * whole + last) + fill;
  } else {
    run.cycles = folds * (static_cast<double>(stream) + static_cast<double>(chunks) * fill);
  }
  const auto again = static_cast<double>(column_folds);
  run.input_reads = weights_stay ? mk * again : mk;
  run.weight_reads = weights_stay ? kn * static_cast<double>(chunks) : kn * again;
  run.output_writes = mn * static_cast<double>(k_folds);
  run.partial_reads = mn * static_cast<double>(k_folds - 1);
  run.weight_tiles = static_cast<double>(runs * k_folds * cd(g.n, columns_));
  return run;
}

// Several arrays share the groups, the rows or the columns of a product, whichever is fastest.
ArrayRun SystolicArray::split(const ArrayGemm& gemm, Dataflow dataflow) const {
  if (arrays_ == 1) return one_array(gemm, dataflow);
  ArrayRun best;
  best.cycles = std::numeric_limits<double>::infinity();
  for (const auto part : {&ArrayGemm::repeats, &ArrayGemm::m, &ArrayGemm::n}) {
    ArrayGemm share = gemm;
    share.*part = cd(gemm.*part, arrays_);
    const auto busy = static_cast<double>(cd(gemm.*part, share.*part));
    ArrayRun run = one_array(share, dataflow);
    if (run.cycles >= best.cycles) continue;
    for (const auto words : {&ArrayRun::input_reads, &ArrayRun::weight_reads,
                             &ArrayRun::output_writes, &ArrayRun::partial_reads}) {
      run.*words *= busy;
    }
    if (part != &ArrayGemm::m) run.weight_tiles *= busy;  // arrays that share rows share weights
    best = run;
  }
  return best;
}

ArrayRun SystolicArray::run(const ArrayGemm& gemm) const {
  if (dataflow_ != Dataflow::best) return split(gemm, dataflow_);
  const ArrayRun runs[] = {split(gemm, Dataflow::output_stationary),
                           split(gemm, Dataflow::weight_stationary),
                           split(gemm, Dataflow::input_stationary)};
  return *std::min_element(std::begin(runs), std::end(runs),
                           [](const auto& a, const auto& b) { return a.cycles < b.cycles; });
}

}  // namespace hwnas
