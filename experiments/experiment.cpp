#include "experiments/experiment.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "experiments/adapters/proxy_scorer.h"
#include "experiments/library.h"
#include "experiments/stored_programs.h"
#include "search/engine/rungs.h"
#include "search/engine/scheduler.h"
#include "space/input_error.h"
#include "space/rng.h"
#include "space/toml_table.h"

namespace hwnas {
namespace {

bool named(const std::vector<Objective>& objectives, const std::string& device) {
  return std::any_of(objectives.begin(), objectives.end(),
                     [&](const Objective& o) { return o.key.device == device; });
}

// What a device's memories allow is a bound of every run that aims at the device.
void add_capacity(std::vector<Objective>& objectives, const Device& device, Metric metric,
                  std::int64_t capacity) {
  if (capacity <= 0) return;
  const MetricKey key{metric, device.name};
  const auto bound = static_cast<double>(capacity);
  for (Objective& o : objectives) {
    if (o.key != key) continue;
    o.bound = std::min(o.bound.value_or(bound), bound);
    return;
  }
  objectives.push_back({key, false, bound});
}

// Of all that decides the trials; the version is not in it: a replay that diverges says so itself.
std::string identity(const StudyInfo& info, const std::vector<Device>& devices) {
  std::uint64_t hash = 0;
  const auto mix = [&hash](const std::string& text) {
    hash = hash_combine(hash, text.size());
    for (const char c : text) hash = hash_combine(hash, static_cast<unsigned char>(c));
  };
  mix(info.settings);
  mix(info.space);
  for (const Device& device : devices) {
    mix(device.name);
    mix(device.text);
  }
  for (const int n : {info.task.input.channels, info.task.input.height, info.task.input.width,
                      info.task.classes}) {
    hash = hash_combine(hash, static_cast<std::uint64_t>(n));
  }
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

std::string bound_report(const SurveyedBound& b) {
  const Unit u = unit(b.objective.key.metric);
  return to_text(b.objective.key) + " must be " + b.objective.bound_text() + ", nearest found " +
         format_quantity(b.nearest, u) + b.objective.with_text() +
         (b.best != b.nearest ? " (alone " + format_quantity(b.best, u) + ")" : "");
}

// Once a trial is recorded and over nobody goes on from its state.
class Sweeper : public RunListener {
 public:
  Sweeper(RunListener& next, std::filesystem::path files, int rungs)
      : next_(next), files_(std::move(files)), rungs_(rungs) {}

  void trial_ended(const Trial& trial, const Progress& progress) override {
    remove_states(files_, trial.id, rungs_);
    next_.trial_ended(trial, progress);
  }

 private:
  RunListener& next_;
  std::filesystem::path files_;
  int rungs_;
};

void load_tables(Materials& materials, const RunConfig& config) {
  if (config.tables.empty()) return;
  const SearchSpace space = SearchSpace::parse(materials.space_text, materials.space_file);
  materials.tables = std::make_shared<ArchitectureTables>(config.tables, space);
}

}  // namespace

Materials load_materials(const RunConfig& config) {
  Materials materials;
  const std::filesystem::path base = std::filesystem::path(config.file).parent_path();
  const auto beside =
      [&base](const std::string& name) {  // a relative path is relative to the config
        const std::filesystem::path file(name);
        return name.find('/') != std::string::npos && file.is_relative() ? (base / file).string()
                                                                         : name;
      };
  materials.space_file = find_file(LibraryShelf::spaces, beside(config.space)).string();
  materials.space_text = space_text(config, materials.space_file);
  if (config.changes_space) materials.space_file += " with what " + config.file + " changes";
  for (const std::string& name : config.devices)
    materials.devices.push_back(find_device(beside(name)));
  load_tables(materials, config);
  return materials;
}

Materials stored_materials(const RunConfig& config, const Study& study) {
  Materials materials;
  materials.space_text = study.info().space;
  materials.space_file = "space of study '" + study.info().name + "'";
  for (const StudyDevice& device : study.devices()) {
    materials.devices.push_back(stored_device(device));
  }
  load_tables(materials, config);
  return materials;
}

std::filesystem::path files_folder(const std::filesystem::path& study) {
  std::filesystem::path folder = study;
  return folder.replace_extension(".files");
}

RunConfig stored_config(const Study& study, const std::filesystem::path& path) {
  const std::string name = "(config in " + path.filename().string() + ")";
  RunConfig config = RunConfig::parse(study.info().config, (path.parent_path() / name).string());
  config.seed = study.info().seed;
  require_no_programs(config, path);
  return config;
}

std::optional<Device> noisy_device(const RunConfig& config, const std::vector<Device>& devices) {
  if (!config.training || !config.training->noise) return std::nullopt;
  const std::string& name = config.training->noise->device;
  return *std::find_if(devices.begin(), devices.end(),
                       [&name](const Device& device) { return device.name == name; });
}

// The full one first: its images are what rungs have shares of.
std::vector<TrainerStage> start_trainers(RunConfig& config, const std::vector<Device>& devices,
                                         const std::filesystem::path& files,
                                         const TrainingListener& listener, std::stop_token kill,
                                         TrainerGreeting& greeting) {
  resolve_trained(config);
  const std::optional<Device> cells = noisy_device(config, devices);
  const auto rungs = static_cast<int>(config.rungs.size());
  auto full = std::make_unique<TrainerEvaluator>(config, files, listener, kill, cells, rungs);
  greeting = full->greet();
  std::vector<TrainerStage> stages;
  for (int place = 0; place < rungs; ++place) {
    const RungConfig& rung = config.rungs[static_cast<std::size_t>(place)];
    const double images = rung.data_share * static_cast<double>(greeting.train_images);
    ShortTraining training{"", rung.fidelity, rung.epochs, std::lround(images)};
    training.name = "training " + std::to_string(rung.epochs) +
                    (rung.epochs == 1 ? " epoch" : " epochs") + " on " +
                    std::to_string(training.train_images) +
                    (config.data->is_text() ? " sequences" : " images");
    stages.push_back(
        {std::make_unique<TrainerEvaluator>(config, files, listener, kill, cells, place, training),
         rung.fidelity});
  }
  stages.push_back({std::move(full), static_cast<double>(config.training->epochs)});
  return stages;
}

SearchSpace stored_space(const Study& study) {
  return SearchSpace::parse(study.info().space, "space of study '" + study.info().name + "'",
                            study.info().task);
}

Experiment::Experiment(RunConfig config, Materials materials)
    : config_(std::move(config)),
      materials_(std::move(materials)),
      objectives_(config_.objectives) {
  std::optional<Task> task;
  if (config_.data) task = task_of(*config_.data);
  space_ = SearchSpace::parse(materials_.space_text, materials_.space_file, task);
  std::vector<PricedDevice> priced;
  for (const Device& device : materials_.devices) {
    const bool required = named(config_.objectives, device.name);
    priced.push_back({device, required});
    if (!required) continue;
    add_capacity(objectives_, device, Metric::memory, device.model->capacity().memory_bytes);
    add_capacity(objectives_, device, Metric::storage, device.model->capacity().storage_bytes);
  }
  pricing_ = std::make_shared<Pricing>(std::move(priced), materials_.tables, objectives_);
  costs_ = cost_evaluator(pricing_, threads());
  std::vector<double> fidelities;
  for (const RungConfig& rung : config_.rungs) fidelities.push_back(rung.fidelity);
  if (materials_.tables)
    look_ups_ = table_stages(materials_.tables, objectives_, threads(), fidelities);
  check_budget();
}

// What is wrong with the space is found before a trainer is started.
Experiment::Experiment(RunConfig config, Materials materials, std::filesystem::path study_path,
                       TrainingListener listener, std::stop_token kill)
    : Experiment(std::move(config), std::move(materials)) {
  study_path_ = std::move(study_path);
  if (!config_.training) return;
  greeting_.emplace();
  trainings_ = start_trainers(config_, materials_.devices, files_folder(study_path_), listener,
                              std::move(kill), *greeting_);
  space_ = SearchSpace::parse(materials_.space_text, materials_.space_file, greeting_->task);
}

// Whether the budget's cost buys anything.
void Experiment::check_budget() const {
  if (config_.budget.cost <= 0) return;
  const bool rungs = !config_.rungs.empty();
  const double one = highest_cost(plan(), rungs ? static_cast<std::size_t>(config_.batch) : 1);
  char text[160] = "is of no use: nothing here has a cost; give it to the metrics of [[tables]]";
  if (one > 0 && rungs) {
    std::snprintf(text, sizeof text, "buys no round: the look-ups of one of %d cost %.9g",
                  config_.batch, one);
  } else if (one > 0) {
    std::snprintf(text, sizeof text, "buys no trial: the look-ups of one cost %.9g", one);
  }
  if (one <= 0 || config_.budget.cost < one) {
    char cost[32];
    std::snprintf(cost, sizeof cost, "%.9g", config_.budget.cost);
    throw InputError(config_.file, 0, "budget.cost", cost, text);
  }
}

Survey Experiment::survey(std::stop_token stop, int samples) const {
  return hwnas::survey(*space_, *costs_, objectives_, config_.seed, std::move(stop), samples);
}

Survey Experiment::look(std::stop_token stop) const {
  Survey found = survey(stop);
  if (!stop.stop_requested()) require_feasible(found);
  return found;
}

// A bound with a probability needs standard errors, which trained accuracies have.
void Experiment::check_errors(const Survey& survey) const {
  for (const Objective& o : survey.no_error) {
    if (is_learned(o.key.metric) && config_.training) continue;
    const auto device = std::find_if(materials_.devices.begin(), materials_.devices.end(),
                                     [&](const Device& d) { return d.name == o.key.device; });
    std::string problem = "its table gives no standard error; leave out 'with'";
    if (device != materials_.devices.end() && device->family == Family::lookup) {
      problem = "the table of device '" + device->name +
                "' gives no standard error: measure architectures several times, or leave out "
                "'with'";
    } else if (device != materials_.devices.end()) {
      problem = "device '" + device->name + "' (" + std::string(to_string(device->family)) +
                ") gives no standard error: 'hwnas devices fit' learns one from measurements; or "
                "leave out 'with'";
    }
    throw InputError(config_.file, 0, "", "",
                     to_text(o.key) + " must be " + o.bound_text() + ", but " + problem);
  }
}

void Experiment::require_feasible(const Survey& survey) const {
  check_errors(survey);
  if (survey.any_feasible) return;
  if (!survey.first_failure.empty() && survey.bounds.empty()) {
    throw InputError(
        config_.file, 0, "", "",
        "no candidate of space '" + space_->name() + "' can be evaluated: " + survey.first_failure);
  }
  std::string binding;
  for (const SurveyedBound& b : survey.bounds) {
    if (b.binding) binding += (binding.empty() ? "" : "; ") + bound_report(b);
  }
  throw InputError(config_.file, 0, "", "",
                   "none of " + std::to_string(survey.looked_at) + " candidates of space '" +
                       space_->name() + "' meets the bounds: " + binding);
}

StudyInfo Experiment::study_info(const Survey& survey) const {
  StudyInfo info;
  info.name = config_.name;
  info.version = HWNAS_VERSION;
  info.config = config_.text;
  info.settings = deciding_settings(config_);
  info.space = materials_.space_text;
  info.task = space_->task();
  info.algorithm = to_string(config_.search.algorithm);
  info.seed = config_.seed;
  info.objectives = objectives_;
  info.reference = survey.reference;
  info.ideal = survey.ideal;
  info.identity = identity(info, materials_.devices);
  return info;
}

Study Experiment::open_study(const Survey& survey) const {
  std::vector<StudyDevice> devices;
  for (const Device& device : materials_.devices) devices.push_back({device.name, device.text});
  Study study = Study::create_or_resume(study_path_, study_info(survey), devices);
  if (!trainings_.empty()) {
    std::error_code error;
    std::filesystem::create_directories(files_folder(study_path_), error);
    if (error)
      throw InputError(files_folder(study_path_).string(), 0, "", "",
                       "cannot be created: " + error.message());
  }
  return study;
}

int Experiment::threads() const {
  return config_.workers.count > 0 ? config_.workers.count : machine_threads();
}

std::uint64_t Experiment::candidate_identity(const Candidate& candidate) const {
  return told_apart_by_genotype() ? materials_.tables->identity(candidate.genotype)
                                  : fingerprint(candidate);
}

Plan Experiment::plan() const {
  Plan plan{costs_.get()};
  for (std::size_t i = 0; i < trainings_.size(); ++i) {
    TrainerEvaluator* const training = trainings_[i].evaluator.get();
    if (i + 1 == trainings_.size()) {
      plan.emplace_back(training);
    } else {
      plan.emplace_back(training, config_.rungs[i].keep, config_.rungs[i].fidelity);
    }
  }
  for (const auto& [fidelity, look_up] : look_ups_) {
    const auto rung =
        std::find_if(config_.rungs.begin(), config_.rungs.end(),
                     [&, at = fidelity](const RungConfig& r) { return r.fidelity == at; });
    if (rung == config_.rungs.end()) {
      plan.emplace_back(look_up.get());
    } else {
      plan.emplace_back(look_up.get(), rung->keep, rung->fidelity);
    }
  }
  return plan;
}

const Outlook& Experiment::outlook() const {
  if (!outlook_) {
    std::function<std::vector<std::vector<double>>(std::span<const Network>)> proxies;
    if (config_.training && !config_.training->proxies.empty()) {
      proxies = [this](std::span<const Network> networks) {
        return kept_scores(*study_, config_, networks);
      };
    }
    outlook_ = make_search_outlook(
        {.space = &*space_,
         .pricing = pricing_,
         .objectives = objectives_,
         .identity = [this](const Candidate& candidate) { return candidate_identity(candidate); },
         .proxies = std::move(proxies),
         .seed = config_.seed,
         .threads = threads()});
  }
  return *outlook_;
}

std::unique_ptr<Searcher> Experiment::make_searcher() const {
  SearcherOptions options = config_.search;
  options.cardinalities = space_->cardinalities();
  options.seed = config_.seed;
  options.aims.clear();
  for (const Objective& o : objectives_) {
    Aim& aim = options.aims.emplace_back(Aim{.optimised = o.optimised});
    if (o.bound) aim.bound = o.minimised(*o.bound);
    if (o.reference) aim.reference = o.minimised(*o.reference);
  }
  if (options.algorithm == Algorithm::surrogate) options.outlook = &outlook();
  return hwnas::make_searcher(options);
}

Stopped Experiment::run(Study& study, const Survey& survey, RunListener& listener,
                        std::stop_token stop) {
  return run(*make_searcher(), study, survey, listener, std::move(stop));
}

Stopped Experiment::run(Searcher& searcher, Study& study, const Survey& survey,
                        RunListener& listener, std::stop_token stop) {
  study_ = &study;
  RunSettings settings;
  settings.seed = config_.seed;
  settings.batch = config_.batch;
  settings.asynchronous = config_.asynchronous;
  settings.threads = config_.workers.count;
  settings.budget = config_.budget;
  if (told_apart_by_genotype()) {
    settings.identity = [this](const Genotype& genotype) {
      return materials_.tables->identity(genotype);
    };
  }
  settings.objectives = objectives_;
  settings.reference = survey.reference;
  settings.ideal = survey.ideal;
  if (trainings_.empty())
    return hwnas::run(*space_, searcher, plan(), study, settings, listener, std::move(stop));
  Sweeper sweeper(listener, files_folder(study_path_), static_cast<int>(config_.rungs.size()));
  return hwnas::run(*space_, searcher, plan(), study, settings, sweeper, std::move(stop));
}

}  // namespace hwnas
