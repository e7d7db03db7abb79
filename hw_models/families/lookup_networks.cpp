#include <algorithm>
#include <cmath>
#include <exception>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <tuple>

#include "hw_models/families/lookup_table.h"
#include "space/architecture_text.h"
#include "space/units.h"

namespace hwnas {
namespace {

struct Entry {
  std::uint64_t network = 0;  // fingerprint
  Genotype genotype;
  Figures figures;
  int line = 0;
};

bool before(const Entry& a, const Entry& b) {
  return std::tie(a.network, a.genotype, a.line) < std::tie(b.network, b.genotype, b.line);
}

class NetworkLookup final : public CostModel {
 public:
  NetworkLookup(LookupTable table, std::string space, std::vector<Entry> entries)
      : table_(std::move(table)), space_(std::move(space)), entries_(std::move(entries)) {
    table_.csv.reset();
  }
  using CostModel::estimate;
  Estimate estimate(const Workload& workload) const override;

 private:
  std::string nothing_of(const Candidate& candidate) const;

  LookupTable table_;
  std::string space_;
  std::vector<Entry> entries_;  // sorted
};

std::string NetworkLookup::nothing_of(const Candidate& candidate) const {
  const std::string genes = to_text(candidate.genotype);
  return "architecture " + (genes.empty() ? "" : genes + " ") + "(network '" +
         candidate.network.name + "') of " + std::to_string(candidate.network.size() - 1) +
         " layers is not in the table of " + table_.device + " (" + table_.file + ": " +
         std::to_string(entries_.size()) + " rows of space '" + space_ + "')";
}

Estimate NetworkLookup::estimate(const Workload& workload) const {
  const Candidate& candidate = workload.candidate();
  if (std::string why = table_.deployment_refusal(candidate); !why.empty())
    return not_covered(std::move(why));
  const std::uint64_t network = fingerprint(candidate.network);
  auto first = std::partition_point(entries_.begin(), entries_.end(),
                                    [&](const Entry& e) { return e.network < network; });
  auto last = std::partition_point(first, entries_.end(),
                                   [&](const Entry& e) { return e.network == network; });
  if (first == last) return not_covered(nothing_of(candidate));
  const auto same_first = std::partition_point(
      first, last, [&](const Entry& e) { return e.genotype < candidate.genotype; });
  const auto same_last = std::partition_point(
      same_first, last, [&](const Entry& e) { return e.genotype == candidate.genotype; });
  if (same_first != same_last) {
    first = same_first;
    last = same_last;
  }
  Mean latency, energy, memory, storage;
  for (auto entry = first; entry != last; ++entry) {
    latency.add(entry->figures.latency_s, entry->figures.latency_stddev_s);
    energy.add(entry->figures.energy_j, entry->figures.energy_stddev_j);
    memory.add(entry->figures.peak_memory_bytes);
    storage.add(entry->figures.storage_bytes);
  }
  const Figures figures{latency.value(), energy.value(),   memory.value(),
                        storage.value(), latency.stddev(), energy.stddev()};
  if (std::isnan(figures.latency_s) && std::isnan(figures.energy_j)) {
    return not_covered(table_.file + " line " + std::to_string(first->line) + ": " + table_.device +
                       " has no measurement of architecture " + to_text(first->genotype) +
                       " (empty, zero or negative)");
  }
  Estimate estimate = to_estimate(figures, {}, workload, table_.price, table_.confidence);
  if (last - first > 1) {
    const bool timed = latency.rows > 0;
    const Mean& shown = timed ? latency : energy;
    const Unit unit = timed ? Unit::second : Unit::joule;
    estimate.cost.extrapolated.push_back(
        "mean of " + std::to_string(last - first) + " rows of equal networks, " +
        (timed ? "latency from " : "energy from ") + format_quantity(shown.least, unit) + " to " +
        format_quantity(shown.most, unit));
  }
  return estimate;
}

// Decodes rows [begin, end) into their places.
void decode_rows(const LookupTable& table, const SearchSpace& space, std::size_t column,
                 std::size_t begin, std::size_t end, std::vector<Entry>& entries) {
  for (std::size_t row = begin; row < end; ++row) {
    Entry& entry = entries[row];
    try {
      entry.genotype = parse_architecture(space, table.csv->text(row, column));
      Network network = space.decode(entry.genotype).network;
      if (table.weight_bits > 0)
        network = with_precision(network, table.weight_bits, table.activation_bits);
      entry.network = fingerprint(network);
    } catch (const std::invalid_argument& error) {
      throw table.csv->error(row, column, error.what());
    }
    entry.figures = table.figures(row);
    entry.line = table.csv->line(row);
  }
}

// On all cores: decoding is nearly all of the time that a large table takes to load.
std::vector<Entry> decode_table(const LookupTable& table, const SearchSpace& space,
                                std::size_t column) {
  constexpr std::size_t kRowsOfAThread = 500;
  const std::size_t rows = table.csv->rows();
  std::vector<Entry> entries(rows);
  const std::size_t parts = std::clamp<std::size_t>(
      std::min<std::size_t>(rows / kRowsOfAThread, std::thread::hardware_concurrency()), 1, 16);
  std::vector<std::exception_ptr> errors(parts);
  const auto work = [&](std::size_t part) {
    try {
      decode_rows(table, space, column, rows * part / parts, rows * (part + 1) / parts, entries);
    } catch (...) {
      errors[part] = std::current_exception();
    }
  };
  std::vector<std::jthread> threads;
  for (std::size_t part = 1; part < parts; ++part) threads.emplace_back(work, part);
  work(0);
  threads.clear();  // joins
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);  // the first in the file
  }
  std::sort(entries.begin(), entries.end(), before);
  return entries;
}

}  // namespace

std::shared_ptr<const CostModel> make_network_lookup(LookupTable table, const TomlTable& section,
                                                     NamedFiles& files) {
  const SearchSpace space = SearchSpace::load(files.find_space(section, "space"));
  const std::string name = section.string("architecture_column");
  if (!table.csv->has(name)) {
    throw section.error("architecture_column", "no such column in " + table.csv->file() +
                                                   suggestion(name, table.csv->header()));
  }
  const std::size_t column = table.csv->column(name);
  section.done();
  if (table.csv->rows() == 0) throw section.error("file", "has no rows");
  std::vector<Entry> entries = decode_table(table, space, column);
  return std::make_shared<NetworkLookup>(std::move(table), space.name(), std::move(entries));
}

}  // namespace hwnas
