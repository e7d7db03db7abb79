// Workload: a candidate with what all devices read of it, each computed at most once however many
// devices estimate it. Keeps a reference to the candidate. Not thread-safe: one for each thread.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "hw_models/kernel.h"
#include "hw_models/memory_plan.h"
#include "space/candidate.h"

namespace hwnas {

// Bytes alive while a kernel runs, the layers fused into it included.
std::int64_t live_bytes(const MemoryPlan& plan, const Kernel& kernel);

class Workload {
 public:
  explicit Workload(const Candidate& candidate) : candidate_(candidate) {}
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  const Candidate& candidate() const { return candidate_; }
  const Network& network() const { return candidate_.network; }
  const Layer& layer(const Kernel& kernel) const { return network().layer(kernel.layer); }
  int batch() const { return candidate_.deployment.batch; }
  double clock_share() const { return candidate_.deployment.clock_share; }

  // References stay valid as long as the workload. The plan is of one whole batch.
  const std::vector<Kernel>& kernels(const Fusion& fusion) const;
  const MemoryPlan& memory(const MemoryRules& rules) const;

 private:
  const Candidate& candidate_;
  mutable std::array<std::optional<std::vector<Kernel>>, 8> kernels_;  // by the bits of a Fusion
  mutable std::deque<std::pair<MemoryRules, MemoryPlan>> plans_;
};

}  // namespace hwnas
