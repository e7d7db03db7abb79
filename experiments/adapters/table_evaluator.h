// ArchitectureTables -> Evaluator: a stage for each fidelity that costs, "table" or "table@200".
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "experiments/architecture_table.h"
#include "search/evaluator.h"

namespace hwnas {

// What `needed` names and a table gives at a cost; the lowest fidelity first. Without `rungs` of
// each metric only the highest fidelity. (What costs nothing is in Pricing.)
std::vector<std::unique_ptr<Evaluator>> table_evaluators(
    const std::shared_ptr<const ArchitectureTables>& tables, std::span<const Objective> needed,
    int threads, bool rungs = false);

}  // namespace hwnas
