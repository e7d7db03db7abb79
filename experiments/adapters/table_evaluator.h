// ArchitectureTables -> Evaluator: a stage for each fidelity that costs, "table" or "table@200".
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "experiments/architecture_table.h"
#include "search/evaluator.h"

namespace hwnas {

// What `needed` names and a table gives at a cost; the lowest fidelity first. Of each metric the
// highest fidelity, and those of `rungs`. (What costs nothing is in Pricing.)
struct TableStage {
  double fidelity = 0;
  std::unique_ptr<Evaluator> evaluator;
};
std::vector<TableStage> table_stages(const std::shared_ptr<const ArchitectureTables>& tables,
                                     std::span<const Objective> needed, int threads,
                                     std::span<const double> rungs = {});

}  // namespace hwnas
