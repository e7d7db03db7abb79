#include <algorithm>
#include <cmath>

#include "hw_models/families/systolic.h"

namespace hwnas {
namespace {

constexpr std::array<const char*, 4> kHolds{"inputs", "weights", "outputs", "partial_sums"};
constexpr double kLawBytes = 8192;  // of the SRAM that energy_per_bit_at_8_kib_j is given for

void read_precisions(const TomlTable& file, SystolicConstants& c) {
  for (const TomlTable& table : c.coverage.read_precisions(file)) {
    c.precisions.push_back(
        {table.number("cycles_factor", 1e-3, 1e3, 1), table.number("energy_per_mac_j", 0, 1e-6)});
    table.done();
  }
}

// Each kind of value is held by one buffer; partial sums where nothing is said with the outputs.
void read_buffers(const TomlTable& file, SystolicConstants& c) {
  const TomlTable sram = cited_section(file, "sram");
  const double at_8_kib_j = sram.number("energy_per_bit_at_8_kib_j", 0, 1e-6);
  std::array<bool, kHolds.size()> held{};
  for (const TomlTable& table : sram.tables("buffers")) {
    table.string("name");  // for people
    SystolicConstants::Buffer buffer;
    buffer.bytes = table.number("bytes", 1, 1e12);
    const double bank_bytes = buffer.bytes / table.number("banks", 1, 1e6, 1);
    buffer.energy_per_bit_j = at_8_kib_j * std::sqrt(bank_bytes / kLawBytes);
    const std::vector<std::string> holds = table.strings("holds");
    buffer.share_bytes = buffer.bytes / static_cast<double>(std::max<std::size_t>(1, holds.size()));
    for (const std::string& kind : holds) {
      const auto at = std::find(kHolds.begin(), kHolds.end(), kind);
      if (at == kHolds.end())
        throw table.error("holds", "expected of inputs, weights, outputs, partial_sums");
      const auto i = static_cast<std::size_t>(at - kHolds.begin());
      if (held[i]) throw table.error("holds", "'" + kind + "' are in another buffer already");
      held[i] = true;
      c.buffers[i] = buffer;
    }
    table.done();
  }
  for (std::size_t i = 0; i < SystolicConstants::kPartialSums; ++i) {
    if (!held[i])
      throw sram.error("buffers", std::string("no [[sram.buffers]] holds ") + kHolds[i]);
  }
  if (!held[SystolicConstants::kPartialSums])
    c.buffers[SystolicConstants::kPartialSums] = c.buffers[SystolicConstants::kOutputs];
  c.resident_activation_bytes = sram.number("resident_activation_bytes", 0, 1e12, 0);
  c.resident_weight_bytes = sram.number("resident_weight_bytes", 0, 1e12, 0);
  sram.done();
}

}  // namespace

SystolicConstants read_systolic(const TomlTable& file, const std::string& device,
                                Confidence confidence) {
  SystolicConstants c;
  c.confidence = confidence;
  c.coverage = Coverage::read(file, device);
  c.clock = Clock::read(file);
  c.sparsity = Sparsity::read(file);
  c.price = Price::read(file);
  read_precisions(file, c);
  const TomlTable array = cited_section(file, "array");
  c.array = SystolicArray::read(array);
  array.done();
  read_buffers(file, c);
  const TomlTable dram = cited_section(file, "dram");
  c.dram.name = dram.string("name");
  c.dram.bytes = dram.number("bytes", 1, 1e15);
  c.dram.bytes_per_s = dram.number("bytes_per_s", 1, 1e15);
  c.dram.energy_per_byte_j = dram.number("energy_per_byte_j", 0, 1e-6);
  c.dram.overlapped = dram.boolean("overlapped", true);
  c.dram.whole_tiles = dram.boolean("whole_tiles", false);
  c.dram.network_io = dram.boolean("network_io", true);
  dram.done();
  const TomlTable vector = cited_section(file, "vector");
  c.vector = ElementUnit::read(vector);
  vector.done();
  const TomlTable runtime = cited_section(file, "runtime");
  c.overhead_per_kernel_s = runtime.number("overhead_per_kernel_s", 0, 1);
  c.overhead_per_run_s = runtime.number("overhead_per_run_s", 0, 1, 0);
  c.batch_highest = static_cast<int>(runtime.integer("batch_highest", 1, 1 << 20));
  c.memory_rules = read_memory_rules(runtime);
  runtime.done();
  const TomlTable power = cited_section(file, "power");
  c.static_w = power.number("static_w", 0, 1e6);
  power.done();
  return c;
}

std::shared_ptr<const CostModel> make_systolic(const TomlTable& file, const std::string& device,
                                               Confidence confidence) {
  return std::make_shared<Systolic>(read_systolic(file, device, confidence));
}

}  // namespace hwnas
