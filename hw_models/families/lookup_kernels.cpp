#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <sstream>
#include <unordered_map>

#include "hw_models/families/lookup_table.h"
#include "space/rng.h"

namespace hwnas {
namespace {

constexpr std::array kWeightedNames{"conv", "pointwise", "depthwise", "linear"};
constexpr std::size_t kOpNames = kWeightedNames.size() + static_cast<std::size_t>(kOps);

// A kernel as a table tells them apart. Ops with weights by their class, others by the op itself.
struct Key {
  // Index into kWeightedNames, or behind them the Op.
  int op = 0;
  int kernel_h = 1, kernel_w = 1, stride = 1, groups = 1;
  std::array<int, 4> size{1, 1, 1, 1};  // in channels, out channels, height, width of the input

  friend bool operator==(const Key&, const Key&) = default;
  bool same_but_size(const Key& other) const {
    Key copy = other;
    copy.size = size;
    return copy == *this;
  }
};

struct HashKey {
  std::size_t operator()(const Key& key) const {
    std::uint64_t h =
        hash_combine(static_cast<std::uint64_t>(key.op), static_cast<std::uint64_t>(key.groups));
    for (const int part : {key.kernel_h, key.kernel_w, key.stride, key.size[0], key.size[1],
                           key.size[2], key.size[3]}) {
      h = hash_combine(h, static_cast<std::uint64_t>(part));
    }
    return h;
  }
};

std::string op_name(int op) {
  const auto index = static_cast<std::size_t>(op);
  if (index < kWeightedNames.size()) return kWeightedNames[index];
  return std::string(to_string(static_cast<Op>(index - kWeightedNames.size())));
}

std::vector<std::string> op_names() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kOpNames; ++i) {
    const std::string name = op_name(static_cast<int>(i));
    if (name != "input" && std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  }
  return names;
}

// The index of a name; -1 where there is none.
int op_of(std::string_view name) {
  for (std::size_t i = 0; i < kOpNames; ++i) {
    if (op_name(static_cast<int>(i)) == name) return static_cast<int>(i);
  }
  return -1;
}

Key key_of(const Kernel& kernel, const Layer& layer) {
  const bool weighted = has_weights(kernel.op);
  Key key;
  key.op = weighted ? static_cast<int>(kernel.op)
                    : static_cast<int>(kWeightedNames.size()) + static_cast<int>(layer.op);
  key.kernel_h = layer.kernel_h;
  key.kernel_w = layer.kernel_w;
  key.stride = layer.stride_h;
  key.groups = kernel.op == OpClass::depthwise ? 1 : layer.groups;
  key.size = {layer.in.channels, layer.out.channels, layer.in.height, layer.in.width};
  return key;
}

// "conv 16x32x32 -> 24, kernel 3, stride 1, groups 2"
std::string describe(const Key& key) {
  std::ostringstream text;
  text << op_name(key.op) << ' ' << key.size[0] << 'x' << key.size[2] << 'x' << key.size[3]
       << " -> " << key.size[1] << ", kernel " << key.kernel_h;
  if (key.kernel_w != key.kernel_h) text << 'x' << key.kernel_w;
  text << ", stride " << key.stride;
  if (key.groups != 1) text << ", groups " << key.groups;
  return text.str();
}

struct Row {
  Key key;
  Figures figures;
};

// Standard error of a sum of rows, some of them several times: their errors are independent of each
// other, a row's own is the same each time. 0 where that of a row is not known.
class ErrorOfSum {
 public:
  void add(std::size_t row, double stddev) {
    known_ = known_ && stddev > 0;
    sums_[row] += stddev;
  }
  double stddev() const {
    double squares = 0;
    for (const auto& [row, sum] : sums_) squares += sum * sum;
    return known_ ? std::sqrt(squares) : 0;
  }

 private:
  bool known_ = true;
  std::map<std::size_t, double> sums_;
};

class KernelLookup final : public CostModel {
 public:
  struct Settings {
    Fusion fusion;
    bool nearest = false;
    double largest_ratio = 1;  // of each size, between a kernel and the row it is taken from
  };

  KernelLookup(LookupTable table, Settings settings, std::vector<Row> rows)
      : table_(std::move(table)), settings_(settings), rows_(std::move(rows)) {
    table_.csv.reset();
    for (std::size_t i = 0; i < rows_.size(); ++i) index_.emplace(rows_[i].key, i);
  }
  using CostModel::estimate;
  Estimate estimate(const Workload& workload) const override;

 private:
  std::string precision_refusal(const Network& network) const;
  const Row* nearest_row(const Key& key) const;

  LookupTable table_;
  Settings settings_;
  std::vector<Row> rows_;
  std::unordered_map<Key, std::size_t, HashKey> index_;
};

std::string KernelLookup::precision_refusal(const Network& network) const {
  for (int i = 1; i < network.size(); ++i) {
    const Layer& layer = network.layer(i);
    const bool weighted = layer.op == Op::conv || layer.op == Op::linear;
    if (layer.activation_bits == table_.activation_bits &&
        (!weighted || layer.weight_bits == table_.weight_bits)) {
      continue;
    }
    return table_.device + " was measured at " + std::to_string(table_.weight_bits) + "/" +
           std::to_string(table_.activation_bits) + " bits (weights/activations); layer '" +
           layer.name + "' (" + std::string(to_string(layer.op)) + ") has " +
           std::to_string(layer.weight_bits) + "/" + std::to_string(layer.activation_bits);
  }
  return "";
}

const Row* KernelLookup::nearest_row(const Key& key) const {
  const Row* best = nullptr;
  double least = INFINITY;
  for (const Row& row : rows_) {
    if (!row.key.same_but_size(key)) continue;
    double distance = 0, widest = 1;
    for (std::size_t i = 0; i < key.size.size(); ++i) {
      const double ratio = static_cast<double>(row.key.size[i]) / key.size[i];
      distance += std::log(ratio) * std::log(ratio);
      widest = std::max({widest, ratio, 1 / ratio});
    }
    if (widest > settings_.largest_ratio || distance >= least) continue;
    least = distance;
    best = &row;
  }
  return best;
}

Estimate KernelLookup::estimate(const Workload& workload) const {
  if (std::string why = table_.deployment_refusal(workload.candidate()); !why.empty())
    return not_covered(std::move(why));
  if (std::string why = precision_refusal(workload.network()); !why.empty())
    return not_covered(std::move(why));
  const std::vector<Kernel>& kernels = workload.kernels(settings_.fusion);
  if (kernels.empty()) return not_covered("the network does no work");
  const int batch = workload.batch();
  Figures sum{0, 0};
  ErrorOfSum latency_error, energy_error;
  std::vector<LayerCost> rows;
  rows.reserve(kernels.size());
  int neighbours = 0;
  std::string first_neighbour;
  for (const Kernel& kernel : kernels) {
    const Layer& layer = workload.layer(kernel);
    const Key key = key_of(kernel, layer);
    const auto found = index_.find(key);
    const Row* row = found != index_.end() ? &rows_[found->second] : nullptr;
    if (layer.op == Op::attention && layer.entries > 0) row = nullptr;  // no column for the cache
    const bool exact = row != nullptr;
    if (!row && settings_.nearest && layer.op != Op::attention) {
      row = nearest_row(key);
      if (row && neighbours++ == 0)
        first_neighbour = "'" + layer.name + "' (" + describe(key) + ") from " + describe(row->key);
    }
    if (!row) {
      return not_covered("layer '" + layer.name + "' (" + describe(key) +
                         ") is not in the table of " + table_.device + " (" + table_.file + ")" +
                         (settings_.nearest ? ", nor is one like it" : ""));
    }
    sum.latency_s += row->figures.latency_s;
    sum.energy_j += row->figures.energy_j;
    const auto place = static_cast<std::size_t>(row - rows_.data());
    latency_error.add(place, exact ? row->figures.latency_stddev_s : 0);
    energy_error.add(place, exact ? row->figures.energy_stddev_j : 0);
    LayerCost cost;
    cost.layer = kernel.layer;
    cost.latency_s = row->figures.latency_s;
    cost.energy_j = row->figures.energy_j * batch;
    cost.macs = kernel.macs * batch;
    cost.traffic_bytes = kernel.weight_bytes + kernel.constant_bytes +
                         (kernel.input_bytes + kernel.output_bytes + kernel.cache_bytes) * batch;
    cost.bound = Bound::unknown;
    rows.push_back(cost);
  }
  if (std::isnan(sum.latency_s) && std::isnan(sum.energy_j)) {
    return not_covered("the kernels in the table of " + table_.device +
                       " have neither all a latency nor all an energy");
  }
  sum.latency_stddev_s = latency_error.stddev();
  sum.energy_stddev_j = energy_error.stddev();
  Estimate estimate = to_estimate(sum, std::move(rows), workload, table_.price, table_.confidence);
  if (neighbours > 0) {
    estimate.cost.extrapolated.push_back(std::to_string(neighbours) + " of " +
                                         std::to_string(kernels.size()) +
                                         " kernels from the nearest row, layer " + first_neighbour);
  }
  return estimate;
}

// Where a column is absent, or a cell is empty: kernel, stride, groups, height 1; kernel_w as
// kernel; width as height; out_channels as in_channels.
class RowReader {
 public:
  RowReader(const LookupTable& table, const TomlTable& section) : table_(table) {
    const auto columns = section.maybe_table("columns");
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      const bool renamed = columns && columns->has(kNames[i]);
      const std::string name = renamed ? columns->string(kNames[i]) : kNames[i];
      if (table_.csv->has(name)) {
        at_[i] = static_cast<int>(table_.csv->column(name));
      } else if (renamed || i < kNeeded) {
        const std::string problem =
            "no such column in " + table_.csv->file() + suggestion(name, table_.csv->header());
        if (renamed) throw columns->error(kNames[i], problem);
        throw section.error("columns", std::string("'") + kNames[i] + "': " + problem);
      }
    }
    if (columns) columns->done();
    if (const auto ops = section.maybe_table("ops")) {
      for (const std::string& word : ops->keys()) {
        const int op = op_of(ops->string(word));
        if (op < 0)
          throw ops->error(word, "no such op" + suggestion(ops->string(word), op_names()));
        words_.emplace(word, op);
      }
    }
  }

  Key read(std::size_t row) const {
    Key key;
    key.op = op(row);
    key.size[0] = whole(row, 1, 1);
    key.size[1] = whole(row, 2, key.size[0]);
    key.size[2] = whole(row, 3, 1);
    key.size[3] = whole(row, 4, key.size[2]);
    key.kernel_h = whole(row, 5, 1);
    key.kernel_w = whole(row, 6, key.kernel_h);
    key.stride = whole(row, 7, 1);
    const bool depthwise = key.op == static_cast<int>(OpClass::depthwise);
    key.groups = depthwise ? 1 : whole(row, 8, 1);
    return key;
  }

 private:
  static constexpr std::array kNames{"op",     "in_channels", "out_channels", "height", "width",
                                     "kernel", "kernel_w",    "stride",       "groups"};
  static constexpr std::size_t kNeeded = 2;

  int op(std::size_t row) const {
    const auto column = static_cast<std::size_t>(at_[0]);
    const std::string word(table_.csv->text(row, column));
    if (const auto own = words_.find(word); own != words_.end()) return own->second;
    const int found = op_of(word);
    if (found < 0)
      throw table_.csv->error(row, column, "no such op" + suggestion(word, op_names()));
    return found;
  }

  int whole(std::size_t row, std::size_t name, int fallback) const {
    if (at_[name] < 0) return fallback;
    const auto column = static_cast<std::size_t>(at_[name]);
    const double value = table_.csv->number(row, column);
    if (std::isnan(value)) return fallback;
    if (value < 1 || value > 1 << 24 || value != std::floor(value))
      throw table_.csv->error(row, column, "expected a whole number of at least 1");
    return static_cast<int>(value);
  }

  const LookupTable& table_;
  std::array<int, kNames.size()> at_{-1, -1, -1, -1, -1, -1, -1, -1, -1};
  std::unordered_map<std::string, int> words_;
};

// One row for each kernel, in the order of the file: the mean of those that measure it.
std::vector<Row> merge(const LookupTable& table, const RowReader& reader) {
  std::unordered_map<Key, std::size_t, HashKey> place;
  std::vector<Row> rows;
  std::vector<std::array<Mean, 2>> means;
  for (std::size_t i = 0; i < table.csv->rows(); ++i) {
    const Figures figures = table.figures(i);
    if (std::isnan(figures.latency_s) && std::isnan(figures.energy_j)) continue;
    const Key key = reader.read(i);
    const auto [at, is_new] = place.emplace(key, rows.size());
    if (is_new) {
      rows.push_back({key, {}});
      means.emplace_back();
    }
    means[at->second][0].add(figures.latency_s, figures.latency_stddev_s);
    means[at->second][1].add(figures.energy_j, figures.energy_stddev_j);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& [latency, energy] = means[i];
    rows[i].figures.latency_s = latency.value();
    rows[i].figures.energy_j = energy.value();
    rows[i].figures.latency_stddev_s = latency.stddev();
    rows[i].figures.energy_stddev_j = energy.stddev();
  }
  return rows;
}

Fusion read_fusion(const TomlTable& section) {
  Fusion fusion;
  for (const std::string& name : section.strings("fused")) {
    if (name == "batch_norm") {
      fusion.batch_norm = true;
    } else if (name == "activation") {
      fusion.activation = true;
    } else if (name == "add") {
      fusion.add = true;
    } else {
      throw section.error("fused",
                          "cannot fuse '" + name + "'; known: batch_norm, activation, add");
    }
  }
  return fusion;
}

}  // namespace

std::shared_ptr<const CostModel> make_kernel_lookup(LookupTable table, const TomlTable& section) {
  KernelLookup::Settings settings;
  settings.fusion = read_fusion(section);
  const std::string interpolation = section.string("interpolation", "none");
  if (interpolation != "none" && interpolation != "nearest")
    throw section.error("interpolation", "expected \"none\" or \"nearest\"");
  settings.nearest = interpolation == "nearest";
  if (settings.nearest) settings.largest_ratio = section.number("largest_ratio", 1, 1e3, 2);
  const RowReader reader(table, section);
  section.done();
  std::vector<Row> rows = merge(table, reader);
  if (rows.empty()) throw section.error("file", "has no rows with measurements");
  return std::make_shared<KernelLookup>(std::move(table), settings, std::move(rows));
}

}  // namespace hwnas
