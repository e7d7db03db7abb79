// Experiment: the objects of one run, built from a config: the only place where rooms meet.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <vector>

#include "experiments/adapters/cost_evaluator.h"
#include "experiments/adapters/search_outlook.h"
#include "experiments/adapters/table_evaluator.h"
#include "experiments/adapters/trainer_evaluator.h"
#include "experiments/run_config.h"
#include "hw_models/device.h"
#include "search/engine/run.h"
#include "search/engine/survey.h"
#include "search/store/study.h"

namespace hwnas {

// What a run needs beside its config. From files for a new run, from the study for a continued one.
struct Materials {
  std::string space_text, space_file;
  std::vector<Device> devices;
  std::shared_ptr<const ArchitectureTables> tables;  // null: the config names none
};
Materials load_materials(const RunConfig& config);
Materials stored_materials(const RunConfig& config, const Study& study);

// The folder of what a study's trials left behind: "runs/a.db" -> "runs/a.files".
std::filesystem::path files_folder(const std::filesystem::path& study);

// The run config that a study holds, with its seed. Relative paths are relative to the study.
RunConfig stored_config(const Study& study, const std::filesystem::path& path);

// The space as a study's run saw it.
SearchSpace stored_space(const Study& study);

// The device of [training.noise], where the config has it.
std::optional<Device> noisy_device(const RunConfig& config, const std::vector<Device>& devices);

// The trainings of a run: its rungs in order, then the full one. `files`: their folder.
struct TrainerStage {
  std::unique_ptr<TrainerEvaluator> evaluator;
  double fidelity = 0;
};
std::vector<TrainerStage> start_trainers(RunConfig& config, const std::vector<Device>& devices,
                                         const std::filesystem::path& files,
                                         const TrainingListener& listener, std::stop_token kill,
                                         TrainerGreeting& greeting);

class Experiment {
 public:
  // Loads and checks everything. Throws InputError. To look only: starts no trainer.
  Experiment(RunConfig config, Materials materials);
  // To run: starts a trainer where there is something to train.
  Experiment(RunConfig config, Materials materials, std::filesystem::path study_path,
             TrainingListener listener, std::stop_token kill);

  const RunConfig& config() const { return config_; }
  const SearchSpace& space() const { return *space_; }
  const std::optional<TrainerGreeting>& trainer() const { return greeting_; }

  // Looks at the space with the cheap stages only.
  Survey survey(std::stop_token stop, int samples = kSurveySample) const;
  // Throws InputError where the run is of no use: no candidate meets the bounds (says which bound
  // binds and the nearest value found), or a bound asks for a probability that nobody can tell.
  void require_feasible(const Survey& survey) const;
  // Both; a survey that was stopped is not judged.
  Survey look(std::stop_token stop) const;

  // Creates or continues the study and runs the search.
  Study open_study(const Survey& survey) const;
  Stopped run(Study& study, const Survey& survey, RunListener& listener, std::stop_token stop);
  // The same with a searcher of the caller's, as make_searcher() makes it, or around such a one.
  Stopped run(Searcher& searcher, Study& study, const Survey& survey, RunListener& listener,
              std::stop_token stop);
  // The config's searcher; the experiment outlives it.
  std::unique_ptr<Searcher> make_searcher() const;

  // The config's objectives and bounds, and what the devices' memories imply.
  const std::vector<Objective>& objectives() const { return objectives_; }
  const Pricing& pricing() const { return *pricing_; }
  const ArchitectureTables* tables() const { return materials_.tables.get(); }  // null: none
  // Equal: one and the same candidate. `candidate` as decoded, its network not live yet.
  std::uint64_t candidate_identity(const Candidate& candidate) const;
  // What can be told of candidates beforehand; made when first asked for. Not thread-safe.
  const Outlook& outlook() const;
  void spend(double cost) { config_.budget.cost = cost; }  // on a run, at most
  // The stages, cheap first.
  Plan plan() const;
  int threads() const;  // decides nothing but the speed

 private:
  StudyInfo study_info(const Survey& survey) const;
  void check_budget() const;
  void check_errors(const Survey& survey) const;
  bool told_apart_by_genotype() const { return materials_.tables && !config_.training; }

  RunConfig config_;
  Materials materials_;
  std::filesystem::path study_path_;
  std::vector<Objective> objectives_;  // the config's and what the devices' memories imply
  std::shared_ptr<const Pricing> pricing_;
  std::unique_ptr<Evaluator> costs_;
  std::vector<TrainerStage> trainings_;  // of each rung, and in full; empty: nothing is trained
  std::vector<TableStage> look_ups_;
  std::optional<TrainerGreeting> greeting_;
  std::optional<SearchSpace> space_;
  Study* study_ = nullptr;  // of the run under way
  mutable std::unique_ptr<Outlook> outlook_;
};

}  // namespace hwnas
