// MemoryGraph: a network as plan_memory sees it: tensors, their bytes and who reads them.
// Internal to memory_plan.cpp and memory_search.cpp. Immutable; const access is thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hw_models/memory_plan.h"
#include "space/network.h"

namespace hwnas {

inline std::size_t at(int i) {
  return static_cast<std::size_t>(i);
}

class MemoryGraph {
 public:
  MemoryGraph(const Network& network, const MemoryRules& rules, int batch);

  int size() const { return network_.size(); }
  std::span<const std::int32_t> inputs(int i) const { return network_.inputs(network_.layer(i)); }

  // Calls visit(store) once for each distinct tensor that layer i reads.
  template <typename Visit>
  void each_input(int i, const Visit& visit) const {
    const auto from = inputs(i);
    for (std::size_t k = 0; k < from.size(); ++k) {
      bool seen = false;
      for (std::size_t j = 0; j < k; ++j) seen |= store[at(from[j])] == store[at(from[k])];
      if (!seen) visit(store[at(from[k])]);
    }
  }

  // Bytes alive while layer i runs, of which `live` were alive before it, `dying` are read for the
  // last time, and `largest_dying` are the largest tensor among these.
  std::int64_t running(int i, std::int64_t live, std::int64_t dying,
                       std::int64_t largest_dying) const;

  // A bound that holds in every order: only its inputs are alive, and it may reuse them.
  std::int64_t least_running(int i) const;

  // May run right after its one input without ever costing more than waiting: a view, or a layer
  // that writes over what only it reads.
  bool free_follower(int i) const;

  // Alive throughout: what attention layers keep of earlier tokens.
  std::int64_t cached_bytes() const { return cached_bytes_; }

  std::vector<std::int64_t> bytes;   // of a layer's output
  std::vector<int> store;            // whose tensor a layer's output is (views: their input's)
  std::vector<int> readers;          // layers that read the tensor; the network's output has one
  std::vector<int> last_reader;      // highest index of a layer that reads layer i
  std::vector<std::int64_t> padded;  // bytes of a padded copy of the input; 0: none is made

  enum class Reuse : std::uint8_t { never, whole, part };
  std::vector<Reuse> reuse;  // how a layer may write over a dying input
  std::vector<std::int64_t>
      part;  // bytes that it needs beside it: a depthwise conv's plane or rows

 private:
  void pad_tensors(int batch);

  const Network& network_;
  std::int64_t cached_bytes_ = 0;
};

MemoryPlan plan_memory(const MemoryGraph& graph);

}  // namespace hwnas
