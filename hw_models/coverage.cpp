#include "hw_models/device_file.h"

#include <algorithm>
#include <sstream>

#include "space/units.h"

namespace hwnas {
namespace {

constexpr std::array kFusable{Op::batch_norm, Op::activation, Op::add};

std::vector<std::string> op_names() {
  std::vector<std::string> names;
  for (int i = 1; i < kOps; ++i) names.emplace_back(to_string(static_cast<Op>(i)));
  return names;
}

bool weighted(Op op) {
  return op == Op::conv || op == Op::linear || op == Op::attention;
}

std::uint32_t bit(Op op) {
  return std::uint32_t{1} << static_cast<unsigned>(op);
}

}  // namespace

ElementUnit ElementUnit::read(const TomlTable& section) {
  return {section.number("elements_per_s", 1, 1e18),
          section.number("energy_per_element_j", 0, 1e-3), section.number("overhead_s", 0, 10, 0)};
}

LayerCost ElementUnit::run(const Kernel& kernel, const Workload& workload,
                           double clock_share) const {
  const double elements =
      std::max<double>(1, static_cast<double>(kernel.element_ops) * workload.batch());
  LayerCost row;
  row.layer = kernel.layer;
  row.latency_s = elements / (elements_per_s * clock_share) + overhead_s;
  row.energy_j = elements * energy_per_element_j;
  row.macs = kernel.macs * workload.batch();
  row.traffic_bytes =
      kernel.constant_bytes + (kernel.input_bytes + kernel.output_bytes) * workload.batch();
  row.bound = overhead_s > row.latency_s / 2 ? Bound::overhead : Bound::memory;
  return row;
}

Coverage Coverage::read(const TomlTable& file, std::string device) {
  const TomlTable table = cited_section(file, "coverage");
  Coverage coverage;
  coverage.device_ = std::move(device);
  for (auto& row : coverage.row_) row.fill(-1);
  coverage.first_row_.fill(-1);
  for (const std::string& name : table.strings("ops")) {
    const auto op = parse_op(name);
    if (!op || *op == Op::input)
      throw table.error("ops", "no such op '" + name + "'" + suggestion(name, op_names()));
    coverage.ops_ |= bit(*op);
  }
  if (coverage.ops_ == 0) throw table.error("ops", "expected a list of the ops that it runs");
  coverage.ops_ |= bit(Op::input);
  for (const std::string& name : table.strings("fused")) {
    const auto op = parse_op(name);
    if (!op || std::find(kFusable.begin(), kFusable.end(), *op) == kFusable.end())
      throw table.error("fused", "cannot fuse '" + name + "'; known: batch_norm, activation, add");
    if (*op == Op::batch_norm) coverage.fusion.batch_norm = true;
    if (*op == Op::activation) coverage.fusion.activation = true;
    if (*op == Op::add) coverage.fusion.add = true;
  }
  table.done();
  if (const auto section = maybe_cited_section(file, "fallback")) {
    for (const std::string& name : section->strings("ops")) {
      const auto op = parse_op(name);
      if (!op || *op == Op::input || coverage.ops_ & bit(*op) || weighted(*op)) {
        throw section->error("ops", "'" + name +
                                        "' is no op that a fallback can run (neither one that the "
                                        "device runs itself, nor conv, linear or attention)");
      }
      coverage.fallback_ops_ |= bit(*op);
    }
    coverage.fallback_ = ElementUnit::read(*section);
    coverage.ops_ |= coverage.fallback_ops_;
    section->done();
  }
  return coverage;
}

void Coverage::note_fallback(const Workload& workload, Cost& cost) const {
  if (fallback_ops_ == 0) return;
  int layers = 0;
  std::uint32_t seen = 0;
  for (const Kernel& kernel : workload.kernels(fusion)) {
    const Op op = workload.layer(kernel).op;
    if (!fallback(op)) continue;
    ++layers;
    seen |= bit(op);
  }
  if (layers == 0) return;
  std::string names;
  for (int i = 0; i < kOps; ++i) {
    if (!(seen >> i & 1)) continue;
    if (!names.empty()) names += ", ";
    names += to_string(static_cast<Op>(i));
  }
  cost.extrapolated.push_back(std::to_string(layers) + (layers == 1 ? " layer (" : " layers (") +
                              names + ") run on the host of " + device_);
}

void Coverage::add_precision(const TomlTable& table) {
  const auto weight_bits = static_cast<int>(table.integer("weight_bits", 1, 32));
  const auto activation_bits = static_cast<int>(table.integer("activation_bits", 1, 32));
  const auto w = static_cast<std::size_t>(weight_bits);
  const auto a = static_cast<std::size_t>(activation_bits);
  if (row_[w][a] >= 0) throw table.error("weight_bits", "this precision is given twice");
  row_[w][a] = static_cast<std::int8_t>(bits_.size());
  if (first_row_[a] < 0) first_row_[a] = row_[w][a];
  bits_.emplace_back(weight_bits, activation_bits);
}

std::vector<TomlTable> Coverage::read_precisions(const TomlTable& file) {
  std::vector<TomlTable> tables = cited_sections(file, "precisions");
  for (const TomlTable& table : tables) add_precision(table);
  if (tables.empty())
    throw file.error("precisions", "is missing; expected at least one [[precisions]]");
  return tables;
}

int Coverage::precision(const Network& network, const Layer& layer) const {
  if (!has_weights(op_class(layer))) return first_row_[layer.activation_bits];
  return row_[layer.weight_bits][network.layer(network.inputs(layer)[0]).activation_bits];
}

std::string Coverage::covered_bits() const {
  std::string text;
  for (const auto& [weights, activations] : bits_) {
    if (!text.empty()) text += " or ";
    if (weights == activations) {
      text += std::to_string(weights) + "-bit weights and activations";
    } else {
      text += std::to_string(weights) + "-bit weights with " + std::to_string(activations) +
              "-bit activations";
    }
  }
  return text;
}

std::string Coverage::covered_ops() const {
  std::string text;
  for (const std::string& name : op_names()) {
    if (!(ops_ & bit(*parse_op(name)))) continue;
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

std::optional<std::string> Coverage::bits_refusal(const Network& network,
                                                  const Layer& layer) const {
  const auto known = [](int bits) { return bits >= 1 && bits < static_cast<int>(kBits); };
  const std::string who = device_ + " runs " + covered_bits() + "; layer '" + layer.name + "' (" +
                          std::string(to_string(layer.op)) + ") ";
  if (has_weights(op_class(layer))) {
    const int input_bits = network.layer(network.inputs(layer)[0]).activation_bits;
    if (!known(layer.weight_bits) || !known(input_bits) ||
        row_[layer.weight_bits][static_cast<std::size_t>(input_bits)] < 0) {
      return who + "has " + std::to_string(layer.weight_bits) + "/" + std::to_string(input_bits);
    }
  }
  return who + "gives " + std::to_string(layer.activation_bits) + "-bit activations";
}

void Coverage::note_limits(const Workload& workload, const Clock& clock, Cost& cost,
                           int batch_highest) const {
  if (workload.batch() > batch_highest) {
    cost.extrapolated.push_back("batch " + std::to_string(workload.batch()) + ": " + device_ +
                                " is described up to " + std::to_string(batch_highest));
  }
  if (auto line = clock.extrapolation(workload.clock_share(), device_); !line.empty())
    cost.extrapolated.push_back(std::move(line));
}

void Coverage::require(Estimate& estimate, std::string_view memory, double needed,
                       double available) const {
  if (needed <= available) return;
  if (!estimate.reason.empty()) estimate.reason += "; ";
  estimate.fits = false;
  estimate.reason += "needs " + format_quantity(needed, Unit::byte) + " of " + std::string(memory) +
                     ", " + device_ + " has " + format_quantity(available, Unit::byte);
}

std::optional<std::string> Coverage::refusal(const Candidate& candidate) const {
  const Network& network = candidate.network;
  const double share = candidate.deployment.clock_share;
  if (!(share > 0 && share <= 1)) {
    std::ostringstream text;
    text << "clock_share " << share << " is not in (0, 1]";
    return text.str();
  }
  if (candidate.deployment.batch < 1)
    return "batch " + std::to_string(candidate.deployment.batch) + " is not at least 1";
  if (network.size() < 2) return "the network has no layers";
  for (int i = 1; i < network.size(); ++i) {
    const Layer& layer = network.layer(i);
    if (!(ops_ & bit(layer.op))) {
      return device_ + " does not cover op '" + std::string(to_string(layer.op)) + "' of layer '" +
             layer.name + "'; it covers " + covered_ops();
    }
    const bool weighted = layer.op == Op::conv || layer.op == Op::linear;
    const int input_bits = network.layer(network.inputs(layer)[0]).activation_bits;
    const bool covered =
        layer.activation_bits < kBits && first_row_[layer.activation_bits] >= 0 &&
        (!weighted || (layer.weight_bits < kBits && input_bits < static_cast<int>(kBits) &&
                       row_[layer.weight_bits][static_cast<std::size_t>(input_bits)] >= 0));
    if (!covered) return bits_refusal(network, layer);
  }
  return std::nullopt;
}

}  // namespace hwnas
