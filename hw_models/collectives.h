// Several equal devices that share one network: tensor parallelism over a ring.
//
// Times of ring collectives of `bytes` (of the whole tensor) over n devices, each step a message of
// bytes / n:
//   all-reduce                    start + 2 (n - 1) latency + 2 (n - 1)/n bytes / bandwidth
//   all-gather, reduce-scatter    start +   (n - 1) latency +   (n - 1)/n bytes / bandwidth
// A transformer is cut as in Megatron-LM: queries, keys, values and the first feed-forward layers
// by their outputs (heads stay whole), the layers after them by their inputs, whose partial sums an
// all-reduce adds; a last linear layer by its outputs, which an all-gather brings together. What
// cannot be cut so (convs, norms, embeddings, channels or heads that n does not divide) runs alike
// on every device. Nothing overlaps. Sources: Shoeybi et al., arXiv:1909.08053; GenZ,
// arXiv:2406.01698 (collective times). Immutable; thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hw_models/cost_model.h"
#include "space/toml_table.h"

namespace hwnas {

struct Interconnect {
  int devices = 1;
  double bytes_per_s = 0;        // out of one device, into its neighbour
  double latency_s = 0;          // of one message
  double start_s = 0;            // of a collective
  double energy_per_byte_j = 0;  // of what one device sends
  double waiting_w = 0;          // of one device during a collective

  // Reads [interconnect]; throws InputError.
  static Interconnect read(const TomlTable& section);

  double all_reduce_s(double bytes) const;
  double all_gather_s(double bytes) const;
  double reduce_scatter_s(double bytes) const { return all_gather_s(bytes); }
};

// A network as one of n devices runs it.
struct Shard {
  enum class Cut : std::uint8_t {
    none,      // alike on every device
    channels,  // its outputs are a part
    sums,      // its outputs are partial sums: all-reduce
    last,      // a part of the network's outputs: all-gather
  };
  Network network;        // layer by layer that of the whole, with fewer channels
  std::vector<Cut> cuts;  // of each layer
};
Shard shard(const Network& network, int devices);

// A device's model, and what n of them make of it. Latency, energy and price are of all; memory and
// storage of one device, which is what must fit. Cutting a network costs more than estimating it.
class TensorParallel final : public CostModel {
 public:
  TensorParallel(std::shared_ptr<const CostModel> device, Interconnect ring)
      : device_(std::move(device)), ring_(ring) {}
  using CostModel::estimate;
  Estimate estimate(const Workload& workload) const override;
  Capacity capacity() const override { return device_->capacity(); }

 private:
  std::shared_ptr<const CostModel> device_;
  Interconnect ring_;
};

// `device` itself where the file has no [interconnect].
std::shared_ptr<const CostModel> with_interconnect(const TomlTable& file,
                                                   std::shared_ptr<const CostModel> device);

}  // namespace hwnas
