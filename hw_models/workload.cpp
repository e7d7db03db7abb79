#include "hw_models/workload.h"

#include <algorithm>

namespace hwnas {

std::int64_t live_bytes(const MemoryPlan& plan, const Kernel& kernel) {
  return std::max(plan.live_bytes[static_cast<std::size_t>(kernel.layer)],
                  plan.live_bytes[static_cast<std::size_t>(kernel.last)]);
}

const std::vector<Kernel>& Workload::kernels(const Fusion& fusion) const {
  auto& found = kernels_[fusion.batch_norm * 4u + fusion.activation * 2u + fusion.add * 1u];
  if (!found) found = kernels_of(network(), fusion);
  return *found;
}

const MemoryPlan& Workload::memory(const MemoryRules& rules) const {
  for (const auto& [known, plan] : plans_) {
    if (known == rules) return plan;
  }
  return plans_.emplace_back(rules, plan_memory(network(), rules, batch())).second;
}

}  // namespace hwnas
