#include "experiments/run_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>
#include <stdexcept>

#include "space/toml_table.h"

namespace hwnas {
namespace {

// Tables of a space that a run config may hold; they replace the space's own, but for choices,
// which are added to its.
constexpr std::array kSpaceTables{"precision", "sparsity", "deployment", "choices"};

constexpr std::string_view kWith = " with ";

double checked_probability(const TomlTable& table, std::string_view key, double share) {
  if (share >= 0.5 && share < 1) return share;
  throw table.error(key, "expected a probability from 50 % to below 100 %, such as '95 %'");
}

// "at_most = '20 ms'", or "at_least" for what is maximised; "at_most = '20 ms with 95 %'", or
// "with = '95 %'" beside it.
void read_bound(const TomlTable& table, Objective& objective) {
  const Metric metric = objective.key.metric;
  const char* right = maximised(metric) ? "at_least" : "at_most";
  const char* wrong = maximised(metric) ? "at_most" : "at_least";
  if (table.has(wrong)) {
    throw table.error(wrong, std::string(to_string(metric)) + " is bounded from " +
                                 (maximised(metric) ? "below" : "above") + "; write " + right);
  }
  if (!table.has(right)) {
    if (table.has("with")) throw table.error("with", std::string("is of no use without ") + right);
    return;
  }
  double bound = 0;
  const bool words = table.kind(right) == TomlTable::Kind::string;
  const std::string text = words ? table.string(right) : "";
  const std::size_t with = text.find(kWith);
  if (with == std::string::npos) {
    bound = table.quantity(right, unit(metric));
  } else {
    if (table.has("with")) throw table.error("with", std::string(right) + " has one already");
    const std::string share = text.substr(with + kWith.size());
    try {
      bound = parse_quantity(text.substr(0, with), unit(metric));
      objective.probability =
          checked_probability(table, right, parse_quantity(share, Unit::fraction));
    } catch (const std::invalid_argument& error) {
      throw table.error(right, error.what());
    }
  }
  if (table.has("with"))
    objective.probability =
        checked_probability(table, "with", table.quantity("with", Unit::fraction));
  if (objective.probability > 0 && (metric == Metric::parameters || metric == Metric::macs))
    throw table.error(table.has("with") ? "with" : right,
                      "is of no use: " + std::string(to_string(metric)) + " are counted, exactly");
  if (bound <= 0 && !maximised(metric))
    throw table.error(right, "nothing can meet this; the bound must be above 0");
  if (metric == Metric::perplexity && bound <= 1)
    throw table.error(right, "nothing can meet this; a perplexity is above 1");
  if (metric == Metric::accuracy && bound > 1)
    throw table.error(right, "nothing can meet this; accuracy is at most 100 %");
  objective.bound = bound;
}

// Whether anything in the run gives the metric.
void check_source(const TomlTable& table, const MetricKey& key, const RunConfig& config) {
  if (highest(config.tables, key)) return;
  const bool of_training = is_learned(key.metric) || key.metric == Metric::training_loss;
  if (of_training && !config.training) {
    throw table.error("metric", std::string(to_string(key.metric)) +
                                    " needs training; add [data] and [training], or [[tables]]");
  }
  if (key.metric == Metric::perplexity && !config.data->is_text())
    throw table.error("metric", "images have no perplexity; a text has: set = \"text\" in [data]");
  if (key.device.empty()) return;
  std::vector<std::string> known, same_device;
  for (const std::string& device : config.devices)
    known.push_back(std::filesystem::path(device).stem().string());
  if (std::find(known.begin(), known.end(), key.device) != known.end()) return;
  for (const MetricKey& other : keys_of(config.tables)) {
    if (other.device == key.device) same_device.push_back(to_text(other));
    if (!other.device.empty()) known.push_back(other.device);
  }
  if (!same_device.empty())
    throw table.error("metric", "no table gives it" + suggestion(to_text(key), same_device));
  throw table.error("metric", "device '" + key.device + "' is not in 'devices'" +
                                  (config.tables.empty() ? "" : ", nor in a table") +
                                  suggestion(key.device, known));
}

// The worst value that counts: 'reference = "80 %"'.
std::optional<double> read_reference(const TomlTable& table, Metric metric) {
  if (!table.has("reference")) return std::nullopt;
  const double reference = table.quantity("reference", unit(metric));
  if (metric == Metric::accuracy && (reference < 0 || reference >= 1))
    throw table.error("reference", "an accuracy that can be bettered is from 0 to below 100 %");
  if (metric == Metric::perplexity && reference <= 1)
    throw table.error("reference", "nothing is better than this; a perplexity is above 1");
  if (!maximised(metric) && reference <= 0)
    throw table.error("reference", "nothing is better than this; it must be above 0");
  return reference;
}

Objective read_objective(const TomlTable& table, bool optimised, const RunConfig& config) {
  Objective objective;
  objective.optimised = optimised;
  const std::string metric = table.string("metric");
  try {
    objective.key = parse_metric_key(metric);
  } catch (const std::invalid_argument& error) {
    throw table.error("metric", error.what());
  }
  check_source(table, objective.key, config);
  read_bound(table, objective);
  if (!optimised && !objective.bound) {
    throw table.error(maximised(objective.key.metric) ? "at_least" : "at_most",
                      "is missing; a bound says how much is allowed");
  }
  if (optimised) objective.reference = read_reference(table, objective.key.metric);
  table.done();
  return objective;
}

void read_objectives(const TomlTable& file, RunConfig& config) {
  for (const TomlTable& table : file.tables("objectives")) {
    config.objectives.push_back(read_objective(table, true, config));
  }
  if (config.objectives.empty())
    throw file.error("objectives",
                     "is missing; a run has at least one [[objectives]] with a metric");
  if (config.objectives.size() > 4)
    throw file.error("objectives", "a run has at most 4 objectives; use [[bounds]] for the others");
  for (const TomlTable& table : file.tables("bounds")) {
    config.objectives.push_back(read_objective(table, false, config));
  }
  for (std::size_t i = 0; i < config.objectives.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (config.objectives[i].key != config.objectives[j].key) continue;
      throw file.error("objectives", to_text(config.objectives[i].key) +
                                         " is named twice; give its bound beside the objective");
    }
  }
}

// "final 2" -> 1.
std::optional<std::size_t> final_that_teaches(const TrainingConfig& training) {
  static constexpr std::string_view kFinal = "final ";
  if (!training.distillation || !training.distillation->name.starts_with(kFinal)) return {};
  const std::string& name = training.distillation->name;
  std::size_t number = 0;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + kFinal.size(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return {};
  return number - 1;  // of 0: none there is
}

std::vector<FinalConfig> read_finals(const TomlTable& file, const RunConfig& config) {
  std::vector<FinalConfig> finals;
  const std::vector<TomlTable> tables = file.tables("final");
  for (const TomlTable& table : tables) {
    if (!config.training) throw file.error("final", "is of no use without [data] and [training]");
    FinalConfig& final = finals.emplace_back();
    const TrainingConfig usual = long_training(*config.training, config.data->set);
    const auto training = table.maybe_table("training");
    final.training =
        training ? read_training(*training, config.data, config.devices, usual) : usual;
    final.candidates = static_cast<int>(table.integer("candidates", 1, 1000, 1));
    const int usual_epochs = std::max(1, final.training.epochs / 8);
    final.candidate_epochs =
        static_cast<int>(table.integer("candidate_epochs", 1, 100'000, usual_epochs));
    final.bound = read_objective(table, false, config);
    const Metric metric = final.bound.key.metric;
    if (is_learned(metric)) throw table.error("metric", "expected what the best is to be within");
    if (final.bound.probability > 0) throw table.error("with", "goes with objectives and bounds");
    final.teacher = final_that_teaches(final.training);
  }
  for (std::size_t i = 0; i < finals.size(); ++i) {
    std::optional<std::size_t> at = finals[i].teacher;
    for (std::size_t steps = 0; at; ++steps) {
      if (*at >= finals.size() || steps == finals.size())
        throw tables[i].error("training", "'" + finals[i].training.distillation->name +
                                              "' cannot teach; expected \"final 1\" for the first "
                                              "[[final]], and no circle");
      at = finals[*at].teacher;
    }
  }
  return finals;
}

// What tables and the rest of the config say of each other.
void check_tables(const TomlTable& file, const RunConfig& config) {
  for (const MetricKey& key : keys_of(config.tables)) {
    if (is_learned(key.metric) && config.training)
      throw file.error("tables",
                       to_text(key) + " is trained here; leave out [data] and [training]");
    for (const std::string& device : config.devices) {
      if (std::filesystem::path(device).stem().string() == key.device)
        throw file.error("tables", "give " + to_text(key) +
                                       " another device name: that of 'devices' has its own costs");
    }
  }
}

void read_budget(const TomlTable& file, RunConfig& config) {
  const auto table = file.maybe_table("budget");
  if (!table) return;
  Budget& budget = config.budget;
  budget.cost = table->number("cost", 0, 1e15, 0.0);
  constexpr std::int64_t kMost = 1'000'000'000;
  const std::int64_t usual = budget.cost > 0 ? kMost : budget.trials;
  budget.trials = table->integer("trials", 1, kMost, usual);
  budget.seconds = table->quantity("time", Unit::second, 0.0);
  if (budget.seconds < 0) throw table->error("time", "a time is not negative");
  table->done();
}

void read_search(const TomlTable& file, RunConfig& config, std::optional<Algorithm> algorithm) {
  // Where each trial has to be paid for, thinking about it is cheap.
  const auto costs = [](const TableConfig& table) {
    return std::any_of(table.metrics.begin(), table.metrics.end(),
                       [](const TableMetric& metric) { return metric.cost > 0; });
  };
  const bool dear =
      config.training || std::any_of(config.tables.begin(), config.tables.end(), costs);
  config.search.algorithm = algorithm.value_or(dear ? Algorithm::surrogate : Algorithm::nsga2);
  const auto table = file.maybe_table("search");
  if (!table) return;
  const std::string name = one_of(*table, "algorithm", algorithm_names(),
                                  std::string(to_string(config.search.algorithm)));
  config.search.algorithm = algorithm.value_or(*parse_algorithm(name));
  config.batch = static_cast<int>(table->integer("batch", 1, 100'000, config.batch));
  config.asynchronous = table->boolean("asynchronous", false);
  config.search.population =
      static_cast<int>(table->integer("population", 2, 100'000, config.search.population));
  config.search.initial_design =
      static_cast<int>(table->integer("initial_design", 1, 10'000, config.search.initial_design));
  config.search.tournament =
      static_cast<int>(table->integer("tournament", 1, 100'000, config.search.tournament));
  config.search.crossover_rate =
      table->number("crossover_rate", 0, 1, config.search.crossover_rate);
  config.search.mutation_rate = table->number("mutation_rate", 0, 1, config.search.mutation_rate);
  table->done();
}

}  // namespace

std::string space_text(const RunConfig& config, const std::filesystem::path& space_file) {
  TomlTable space = TomlTable::parse_file(space_file);
  if (!config.changes_space) return space.text();
  TomlTable changes = TomlTable::parse(config.text, config.file);
  for (const std::string_view key : kSpaceTables) {
    if (key != "choices" && changes.has(key)) space = space.without(key);
  }
  return TomlTable::merge(space, changes.only({kSpaceTables.begin(), kSpaceTables.end()})).text();
}

RunConfig RunConfig::load(const std::filesystem::path& path) {
  return parse(TomlTable::parse_file(path).text(), path.string());
}

RunConfig RunConfig::parse(const std::string& text, const std::string& file_name,
                           std::optional<Algorithm> algorithm) {
  const TomlTable file = TomlTable::parse(text, file_name);
  RunConfig config;
  for (const char* key : kSpaceTables)
    config.changes_space |= file.maybe_table(key).has_value();  // checked with the space
  config.text = text;
  config.file = file_name;
  const std::filesystem::path base = std::filesystem::path(file_name).parent_path();
  config.name = file.string("name", std::filesystem::path(file_name).stem().string());
  config.space = file.string("space");
  config.devices = file.strings("devices");
  config.seed = static_cast<std::uint64_t>(file.integer("seed", 0, std::int64_t{1} << 53, 1));
  read_budget(file, config);
  NamedFiles files(file, {});
  config.tables = read_tables(file, files);
  config.text += files.pins();
  const auto data = file.maybe_table("data");
  const auto training = file.maybe_table("training");
  if (data) config.data = read_data(*data, base);
  if (training)
    config.training =
        read_training(*training, config.data, config.devices, usual_training(config.data));
  if (data && !training) config.training = usual_training(config.data);
  if (training && !data) throw file.error("training", "is of no use without [data]");
  if (const auto table = file.maybe_table("workers")) config.workers = read_workers(*table);
  read_search(file, config, algorithm);
  if (training && !config.training->proxies.empty() &&
      config.search.algorithm != Algorithm::surrogate) {
    throw training->error("proxies", "is of no use to " +
                                         std::string(to_string(config.search.algorithm)) +
                                         "; the surrogate's initial design ranks by them");
  }
  check_tables(file, config);
  read_objectives(file, config);
  config.rungs = read_rungs(file, config);
  config.rungs_continue = read_continue(file, config);
  const auto search = file.maybe_table("search");
  if (config.asynchronous && !config.rungs.empty())
    throw search->error("asynchronous",
                        "does not go with rungs, whose cuts need whole rounds; leave out one");
  if (!config.rungs.empty() && !(search && search->has("batch")))
    config.batch = usual_batch(config.rungs);
  config.finals = read_finals(file, config);
  file.done();
  return config;
}

void resolve_trained(RunConfig& config) {
  if (config.training) resolve_trained(*config.training, config.file);
  for (FinalConfig& final : config.finals) {  // a missing teacher is better known before the search
    if (!final.teacher) resolve_trained(final.training, config.file);
  }
}

std::string deciding_settings(const RunConfig& config) {
  std::ostringstream out;
  out.precision(17);
  out << "seed = " << config.seed << "\nsearch.algorithm = " << to_string(config.search.algorithm)
      << (config.asynchronous ? "\nsearch.asynchronous = true" : "")
      << "\nsearch.batch = " << config.batch << "\nsearch.population = " << config.search.population
      << "\nsearch.initial_design = " << config.search.initial_design
      << "\nsearch.tournament = " << config.search.tournament
      << "\nsearch.crossover_rate = " << config.search.crossover_rate
      << "\nsearch.mutation_rate = " << config.search.mutation_rate << '\n';
  for (const Objective& o : config.objectives) {
    out << (o.optimised ? "objective " : "bound ") << to_text(o.key) << " = ";
    if (o.bound) out << *o.bound;
    if (o.probability > 0) out << " with " << o.probability;
    if (o.reference) out << " reference " << *o.reference;
    out << '\n';
  }
  out << deciding_settings(config.tables) << deciding_settings(config.rungs);
  if (config.rungs_continue) out << "rungs continue\n";
  if (config.data) {
    out << "data.set = " << config.data->set
        << "\ndata.validation_share = " << config.data->validation_share
        << "\ndata.train_images = " << config.data->train_images << '\n';
    if (config.data->is_text())
      out << "data.text = " << config.data->directory.filename().string()
          << "\ndata.context = " << config.data->context << '\n';
  }
  if (config.training) {
    out << deciding_settings(*config.training) << "workers.threads = " << config.workers.threads
        << '\n';
  }
  return out.str();
}

}  // namespace hwnas
