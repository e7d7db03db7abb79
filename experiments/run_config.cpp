#include "experiments/run_config.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>

#include "experiments/adapters/proxy_scorer.h"
#include "experiments/final/final_training.h"
#include "space/toml_table.h"

namespace hwnas {
namespace {

// Tables of a space that a run config may hold; the first two replace the space's own, choices are
// added to its.
constexpr std::array kSpaceTables{"precision", "deployment", "choices"};

const std::vector<std::string> kDataSets{"fashion_mnist", "mnist", "cifar10", "cifar100", "text"};
const std::vector<std::string> kAugmentations{"flip", "crop"};
const std::vector<std::string> kPrecisions{"fp32", "bf16", "auto"};
const std::vector<std::string> kQuantizations{"post_training", "aware"};
const std::vector<std::string> kOptimisers{"sgd", "adamw"};
const std::vector<std::string> kTrainerDevices{"auto", "cpu", "cuda"};

std::string one_of(const TomlTable& table, std::string_view key, std::span<const std::string> known,
                   const std::string& fallback) {
  const std::string value = fallback.empty() ? table.string(key) : table.string(key, fallback);
  if (std::find(known.begin(), known.end(), value) != known.end()) return value;
  throw table.error(key, "not known here" + suggestion(value, known));
}

// Debian's jargon-text: The Jargon File, 1.7 MB of prose.
constexpr const char* kUsualText = "/usr/share/doc/jargon-text/jargon.txt.gz";

void read_text(const TomlTable& table, const std::filesystem::path& base, DataConfig& data) {
  data.directory = table.string("path", kUsualText);
  if (data.directory.is_relative()) data.directory = base / data.directory;
  std::error_code ignored;
  if (!std::filesystem::exists(data.directory, ignored)) {
    const std::string cure = data.directory == kUsualText
                                 ? "; 'apt-get install jargon-text' brings it, or name a text"
                                 : "; expected a text file, plain or .gz, or a folder of them";
    throw table.error("path", "no such file or folder: " + data.directory.string() + cure);
  }
  data.context = static_cast<int>(table.integer("context", 2, 65536, 128));
  data.train_images = table.integer("train_sequences", 0, 100'000'000, 0);
}

void read_images(const TomlTable& table, const std::filesystem::path& base, DataConfig& data) {
  const std::string usual = data.set == "fashion_mnist" ? "/usr/share/datasets/fashion-mnist" : "";
  data.directory = usual.empty() ? table.string("directory") : table.string("directory", usual);
  if (data.directory.is_relative()) data.directory = base / data.directory;
  std::error_code ignored;
  if (!std::filesystem::is_directory(data.directory, ignored)) {
    const std::string cure = data.set == "fashion_mnist"
                                 ? "; 'apt-get install dataset-fashion-mnist' brings it"
                                 : "; expected the folder with the files of " + data.set;
    throw table.error("directory", "no such directory: " + data.directory.string() + cure);
  }
  data.train_images = table.integer("train_images", 0, 100'000'000, 0);
}

DataConfig read_data(const TomlTable& table, const std::filesystem::path& base) {
  DataConfig data;
  data.set = one_of(table, "set", kDataSets, "");
  if (data.is_text()) {
    read_text(table, base, data);
  } else {
    read_images(table, base, data);
  }
  data.validation_share = table.number("validation_share", 0.01, 0.9, data.validation_share);
  table.done();
  return data;
}

NoiseConfig read_noise(const TomlTable& table, const std::vector<std::string>& devices) {
  NoiseConfig noise;
  noise.device = table.string("device");
  std::vector<std::string> known;
  for (const std::string& device : devices)
    known.push_back(std::filesystem::path(device).stem().string());
  if (std::find(known.begin(), known.end(), noise.device) == known.end())
    throw table.error("device", "is not in 'devices'" + suggestion(noise.device, known));
  if (table.has("times")) noise.times_s.clear();
  for (const std::string& time : table.strings("times")) {
    try {
      noise.times_s.push_back(parse_quantity(time, Unit::second));
    } catch (const std::invalid_argument& error) {
      throw table.error("times", error.what());
    }
    if (noise.times_s.back() < 0) throw table.error("times", "a time is not negative");
  }
  if (noise.times_s.empty()) throw table.error("times", "is empty; expected such as \"1 day\"");
  noise.aware = table.boolean("aware", noise.aware);
  noise.draws = static_cast<int>(table.integer("draws", 1, 10'000, noise.draws));
  table.done();
  return noise;
}

// What serves where the config says nothing (trainer/README.md has the measurements).
TrainingConfig usual_training(const std::optional<DataConfig>& data) {
  TrainingConfig t;
  if (!data || !data->is_text()) return t;
  t.optimiser = "adamw";
  t.batch = 4;
  t.learning_rate = 5e-3;
  t.warmup = 0.1;
  t.weight_decay = 0.01;
  return t;
}

std::optional<DistillationConfig> read_distillation(const TomlTable& training,
                                                    std::optional<DistillationConfig> base) {
  const auto table = training.maybe_table("distillation");
  if (!table) return base;
  DistillationConfig d = base.value_or(DistillationConfig{});
  d.name = d.name.empty() ? table->string("teacher") : table->string("teacher", d.name);
  d.temperature = table->number("temperature", 0.1, 1000, d.temperature);
  d.weight = table->number("weight", 0, 1, d.weight);
  table->done();
  return d;
}

// `t`: what holds where the table says nothing. `config` has its devices and data already.
TrainingConfig read_training(const TomlTable& table, const RunConfig& config, TrainingConfig t) {
  const bool text = config.data && config.data->is_text();
  t.epochs = static_cast<int>(table.integer("epochs", 1, 100'000, t.epochs));
  t.batch = static_cast<int>(table.integer("batch", 1, 65536, t.batch));
  t.learning_rate = table.number("learning_rate", 1e-9, 100, t.learning_rate);
  t.warmup = table.number("warmup", 0, 1, t.warmup);
  t.cooldown = table.number("cooldown", 0, 1, t.cooldown);
  t.optimiser = one_of(table, "optimiser", kOptimisers, t.optimiser);
  t.momentum = table.number("momentum", 0, 0.9999, t.momentum);
  t.weight_decay = table.number("weight_decay", 0, 10, t.weight_decay);
  t.label_smoothing = table.number("label_smoothing", 0, 0.99, t.label_smoothing);
  if (table.has("augment")) t.augment = table.strings("augment");
  if (text && !t.augment.empty())
    throw table.error("augment", "images are augmented; a text is not");
  for (const std::string& name : t.augment) {
    if (std::find(kAugmentations.begin(), kAugmentations.end(), name) == kAugmentations.end()) {
      throw table.error("augment",
                        "'" + name + "' is not known here" + suggestion(name, kAugmentations));
    }
  }
  t.precision = one_of(table, "precision", kPrecisions, t.precision);
  t.quantization = one_of(table, "quantization", kQuantizations, t.quantization);
  t.time_limit_s = table.quantity("time_limit", Unit::second, t.time_limit_s);
  if (t.time_limit_s < 0) throw table.error("time_limit", "a time limit is not negative");
  if (const auto noise = table.maybe_table("noise")) t.noise = read_noise(*noise, config.devices);
  if (t.noise && text)
    throw table.error("noise", "analog cells hold weights, attention has none; leave it out");
  if (table.has("proxies")) t.proxies = table.strings("proxies");
  for (const std::string& name : t.proxies) {
    if (std::find(proxy_names().begin(), proxy_names().end(), name) == proxy_names().end())
      throw table.error("proxies",
                        "'" + name + "' is not known here" + suggestion(name, proxy_names()));
  }
  t.distillation = read_distillation(table, std::move(t.distillation));
  if (t.distillation && text)
    throw table.error("distillation", "networks of texts learn without a teacher; leave it out");
  table.done();
  return t;
}

WorkersConfig read_workers(const TomlTable& table) {
  WorkersConfig workers;
  workers.count = static_cast<int>(table.integer("count", 0, 4096, 0));
  workers.threads = static_cast<int>(table.integer("threads", 1, 1024, 1));
  workers.device = one_of(table, "device", kTrainerDevices, workers.device);
  workers.memory_limit = table.string("memory_limit", "");
  if (!workers.memory_limit.empty()) (void)table.quantity("memory_limit", Unit::byte);
  workers.command = table.strings("command");
  table.done();
  return workers;
}

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

std::vector<FinalConfig> read_finals(const TomlTable& file, const RunConfig& config) {
  std::vector<FinalConfig> finals;
  for (const TomlTable& table : file.tables("final")) {
    if (!config.training) throw file.error("final", "is of no use without [data] and [training]");
    FinalConfig& final = finals.emplace_back();
    const TrainingConfig usual = long_training(*config.training, config.data->set);
    const auto training = table.maybe_table("training");
    final.training = training ? read_training(*training, config, usual) : usual;
    final.bound = read_objective(table, false, config);
    const Metric metric = final.bound.key.metric;
    if (is_learned(metric)) throw table.error("metric", "expected what the best is to be within");
    if (final.bound.probability > 0) throw table.error("with", "goes with objectives and bounds");
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

Task task_of(const DataConfig& data) {
  if (data.is_text()) return {{1, data.context, 1}, 0};
  if (data.set == "cifar10") return {{3, 32, 32}, 10};
  if (data.set == "cifar100") return {{3, 32, 32}, 100};
  return {{1, 28, 28}, 10};  // the two MNISTs
}

std::string space_text(const RunConfig& config, const std::filesystem::path& space_file) {
  TomlTable space = TomlTable::parse_file(space_file);
  if (!config.changes_space) return space.text();
  TomlTable changes = TomlTable::parse(config.text, config.file);
  for (const char* key : {kSpaceTables[0], kSpaceTables[1]}) {
    if (changes.has(key)) space = space.without(key);
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
  if (training) config.training = read_training(*training, config, usual_training(config.data));
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
  if (!config.rungs.empty() && !(search && search->has("batch")))
    config.batch = usual_batch(config.rungs);
  config.finals = read_finals(file, config);
  file.done();
  return config;
}

TrainingConfig with_settings(const RunConfig& config, const TrainingConfig& base,
                             const std::vector<std::string>& settings) {
  std::string text;
  for (const std::string& setting : settings) text += setting + "\n";
  return read_training(TomlTable::parse(text, "--set"), config, base);
}

void resolve_teacher(RunConfig& config) {
  if (!config.training || !config.training->distillation) return;
  DistillationConfig& d = *config.training->distillation;
  d.teacher = find_teacher(d.name, std::filesystem::path(config.file).parent_path(), config.file,
                           "training.distillation.teacher");
}

std::string deciding_settings(const TrainingConfig& t) {
  std::ostringstream out;
  out.precision(17);
  out << "training.epochs = " << t.epochs << "\ntraining.batch = " << t.batch
      << "\ntraining.learning_rate = " << t.learning_rate << "\ntraining.warmup = " << t.warmup
      << "\ntraining.momentum = " << t.momentum << "\ntraining.weight_decay = " << t.weight_decay
      << "\ntraining.label_smoothing = " << t.label_smoothing
      << "\ntraining.precision = " << t.precision << "\ntraining.time_limit_s = " << t.time_limit_s
      << "\ntraining.augment =";
  for (const std::string& a : t.augment) out << ' ' << a;
  out << '\n';
  if (t.noise) {
    out << "training.noise = " << t.noise->device << (t.noise->aware ? " aware, " : ", ")
        << t.noise->draws << " draws at";
    for (const double time : t.noise->times_s) out << ' ' << time;
    out << '\n';
  }
  if (t.quantization != "post_training")
    out << "training.quantization = " << t.quantization << '\n';
  if (!t.proxies.empty()) {
    out << "training.proxies =";
    for (const std::string& name : t.proxies) out << ' ' << name;
    out << '\n';
  }
  if (t.optimiser != "sgd") out << "training.optimiser = " << t.optimiser << '\n';
  if (t.cooldown > 0) out << "training.cooldown = " << t.cooldown << '\n';
  if (t.distillation) {
    out << "training.distillation = " << t.distillation->teacher.hash << " at "
        << t.distillation->temperature << ", weight " << t.distillation->weight << '\n';
  }
  return out.str();
}

std::string deciding_settings(const RunConfig& config) {
  std::ostringstream out;
  out.precision(17);
  out << "seed = " << config.seed << "\nsearch.algorithm = " << to_string(config.search.algorithm)
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
