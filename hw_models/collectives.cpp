#include "hw_models/collectives.h"

#include <algorithm>

#include "hw_models/device_file.h"
#include "space/network_builder.h"

namespace hwnas {
namespace {

std::size_t at(int i) {
  return static_cast<std::size_t>(i);
}

// Works on each channel by itself.
bool by_channel(Op op) {
  return op == Op::activation || op == Op::batch_norm || op == Op::identity;
}

class Cutter {
 public:
  Cutter(const Network& network, int devices) : network_(network), devices_(devices) {
    readers_.resize(at(network.size()));
    for (int i = 0; i < network.size(); ++i)
      for (const int from : network.inputs(network.layer(i))) readers_[at(from)].push_back(i);
    cuts_.assign(at(network.size()), Shard::Cut::none);
  }

  Shard run() {
    for (int i = 1; i < network_.size(); ++i) cuts_[at(i)] = cut(i);
    NetworkBuilder builder(network_.name, network_.input());
    builder.set_input_precision(network_.layer(0).activation_bits);
    std::vector<int> from;
    for (int i = 1; i < network_.size(); ++i) {
      Layer layer = network_.layer(i);
      const bool part = cuts_[at(i)] == Shard::Cut::channels || cuts_[at(i)] == Shard::Cut::last;
      const int channels = layer.out.channels / (part ? devices_ : 1);
      if (part && layer.op == Op::attention) layer.groups /= devices_;
      const auto inputs = network_.inputs(layer);
      from.assign(inputs.begin(), inputs.end());
      builder.append(std::move(layer), from, channels);
    }
    return {std::move(builder).build(), std::move(cuts_)};
  }

 private:
  bool parted(int i) const { return cuts_[at(i)] == Shard::Cut::channels; }

  // Whether all that becomes of a tensor takes it in parts, up to linear layers that add them up.
  bool taken_in_parts(int i) const {
    const Layer& layer = network_.layer(i);
    if (layer.out.channels % devices_ != 0 || readers_[at(i)].empty()) return false;
    return std::all_of(readers_[at(i)].begin(), readers_[at(i)].end(), [&](int r) {
      const Layer& reader = network_.layer(r);
      if (reader.op == Op::linear) return true;
      if (reader.op == Op::attention) {
        const AttentionShape shape = attention_shape(network_, reader);
        if (shape.heads % devices_ != 0 || shape.kv_heads % devices_ != 0) return false;
      } else if (reader.op != Op::multiply && !by_channel(reader.op)) {
        return false;
      }
      return made_in_parts(reader) && taken_in_parts(r);
    });
  }

  // Whether all inputs of a layer come from linear layers of uncut tensors, channel by channel.
  bool made_in_parts(const Layer& layer) const {
    const auto inputs = network_.inputs(layer);
    return std::all_of(inputs.begin(), inputs.end(), [&](int i) {
      const Layer& source = network_.layer(i);
      if (source.op == Op::linear) return !parted(network_.inputs(source)[0]);
      return by_channel(source.op) && made_in_parts(source);
    });
  }

  Shard::Cut cut(int i) const {
    const Layer& layer = network_.layer(i);
    const auto inputs = network_.inputs(layer);
    const bool of_parts = parted(inputs[0]);
    if (layer.op != Op::linear) return of_parts ? Shard::Cut::channels : Shard::Cut::none;
    if (of_parts) return Shard::Cut::sums;
    if (i == network_.size() - 1)
      return layer.out.channels % devices_ == 0 ? Shard::Cut::last : Shard::Cut::none;
    return taken_in_parts(i) ? Shard::Cut::channels : Shard::Cut::none;
  }

  const Network& network_;
  int devices_;
  std::vector<std::vector<int>> readers_;
  std::vector<Shard::Cut> cuts_;
};

}  // namespace

Interconnect Interconnect::read(const TomlTable& section) {
  Interconnect ring;
  ring.devices = static_cast<int>(section.integer("devices", 1, 4096));
  ring.bytes_per_s = section.number("bytes_per_s", 1, 1e15);
  ring.latency_s = section.number("latency_s", 0, 1);
  ring.start_s = section.number("start_s", 0, 1);
  ring.energy_per_byte_j = section.number("energy_per_byte_j", 0, 1e-6);
  ring.waiting_w = section.number("waiting_w", 0, 1e6);
  section.done();
  return ring;
}

double Interconnect::all_gather_s(double bytes) const {
  if (devices == 1) return 0;
  const double steps = devices - 1;
  return start_s + steps * (latency_s + bytes / devices / bytes_per_s);
}

double Interconnect::all_reduce_s(double bytes) const {
  return devices == 1 ? 0 : 2 * all_gather_s(bytes) - start_s;
}

Shard shard(const Network& network, int devices) {
  return Cutter(network, devices).run();
}

Estimate TensorParallel::estimate(const Workload& workload) const {
  const Candidate& whole = workload.candidate();
  const double n = ring_.devices;
  if (n == 1 || whole.network.size() < 2) return device_->estimate(workload);
  Shard part = shard(whole.network, ring_.devices);
  const Candidate candidate{{}, std::move(part.network), whole.deployment};
  Estimate estimate = device_->estimate(Workload(candidate));
  if (!estimate.covered) return estimate;
  Cost& cost = estimate.cost;
  const double before_s = cost.latency_s;
  for (LayerCost& row : cost.layers) {
    const Shard::Cut cut = part.cuts[at(row.layer)];
    const Layer& layer = whole.network.layer(row.layer);
    row.macs = macs(whole.network, layer) * workload.batch();
    row.energy_j *= n;
    row.traffic_bytes *= n;
    if (cut != Shard::Cut::sums && cut != Shard::Cut::last) continue;
    const double bytes =
        static_cast<double>(layer.out.elements()) * layer.activation_bits / 8 * workload.batch();
    const bool reduce = cut == Shard::Cut::sums;
    const double seconds = reduce ? ring_.all_reduce_s(bytes) : ring_.all_gather_s(bytes);
    const double sent = (reduce ? 2 : 1) * (n - 1) * bytes;  // by all devices
    if (2 * seconds > row.latency_s + seconds) row.bound = Bound::overhead;
    row.latency_s += seconds;
    row.energy_j += sent * ring_.energy_per_byte_j + n * seconds * ring_.waiting_w;
    cost.counts.push_back({row.layer, "collective_s", seconds});
    cost.counts.push_back({row.layer, "sent_bytes", sent});
  }
  add_up(cost, workload.batch());
  cost.usd_per_million *= n * cost.latency_s / before_s;
  return estimate;
}

std::shared_ptr<const CostModel> with_interconnect(const TomlTable& file,
                                                   std::shared_ptr<const CostModel> device) {
  const auto section = maybe_cited_section(file, "interconnect");
  if (!section) return device;
  return std::make_shared<TensorParallel>(std::move(device), Interconnect::read(*section));
}

}  // namespace hwnas
