#include "experiments/final/reproduction.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "experiments/experiment.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

const MetricKey kAccuracy{Metric::accuracy, ""}, kLoss{Metric::training_loss, ""};

const Measurement* trained_at(const Trial& trial, const MetricKey& key, double fidelity) {
  for (const Measurement& m : trial.measurements) {
    if (m.key == key && m.source == Source::trained && m.fidelity == fidelity) return &m;
  }
  return nullptr;
}

// The trial whose training gave these numbers: candidates of one network share it.
Trial trained_trial(const Study& study, const Trial& trial, const SearchSpace& space,
                    double fidelity) {
  const auto network = [&](const Trial& t) {
    const auto alive = live(space.decode(t.genotype).network);
    return alive ? fingerprint(*alive) : 0;
  };
  const std::uint64_t wanted = network(trial);
  for (Trial& earlier : study.trials()) {
    if (earlier.id >= trial.id) break;
    if (trained_at(earlier, kAccuracy, fidelity) && network(earlier) == wanted) return earlier;
  }
  return trial;
}

// Weights and states of the training now; goes with this object.
struct Scratch {
  fs::path path;
  Scratch() {
    std::string name = (fs::temp_directory_path() / "hwnas-reproduce-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw InputError("no temporary folder can be made");
    path = name;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
};

// What trainings may begin with.
void lend_weights(const fs::path& files, const std::vector<TrialId>& trials, const fs::path& to) {
  std::error_code ignored;  // not there: the recorded training had none either
  for (const TrialId trial : trials)
    fs::copy_file(files / weights_name(trial), to / weights_name(trial), ignored);
}

void compare(const Trial& trial, const Evaluation& now, double fidelity, Reproduction& r) {
  for (const auto& [key, name] :
       {std::pair{kAccuracy, "accuracy"}, std::pair{kLoss, "training loss"}}) {
    const Measurement* recorded = trained_at(trial, key, fidelity);
    const auto again = std::find_if(now.measurements.begin(), now.measurements.end(),
                                    [&, k = key](const Measurement& m) { return m.key == k; });
    if (recorded && again != now.measurements.end())
      r.numbers.push_back({name, recorded->value, again->value});
  }
}

}  // namespace

bool Reproduction::matches() const {
  return failure.empty() && !numbers.empty() &&
         std::all_of(numbers.begin(), numbers.end(),
                     [](const Number& n) { return n.recorded == n.now; });
}

std::optional<Reproduction> reproduce(const Study& study, const fs::path& path, TrialId id,
                                      std::stop_token stop) {
  const auto trial = study.trial(id);
  if (!trial) throw InputError(path.string(), 0, "", "", "has no trial " + std::to_string(id));
  const Measurement* best = find(*trial, kAccuracy, Source::trained);
  if (!best)
    throw InputError(path.string(), 0, "", "",
                     "trial " + std::to_string(id) + " was not trained: it is " +
                         std::string(to_string(trial->state)));
  RunConfig config = stored_config(study, path);
  config.workers.count = 1;
  const double fidelity = best->fidelity;
  const Scratch scratch;
  TrainerGreeting greeting;
  const std::vector<TrainerStage> stages = start_trainers(
      config, stored_materials(config, study).devices, scratch.path, {}, stop, greeting);
  const Trial source = trained_trial(study, *trial, stored_space(study), fidelity);
  Candidate candidate = stored_space(study).decode(source.genotype);
  candidate.network = *live(candidate.network);
  Reproduction r;
  r.trial = id;
  r.trained = source.id;
  r.recorded_with = study.info().version;
  r.now_with = HWNAS_VERSION;
  const Job job{source.id, source.seed, &candidate, source.parents};
  if (config.training->start && config.training->start->parents())
    lend_weights(files_folder(path), source.parents, scratch.path);
  r.now_on = environment_text(greeting);
  for (const auto& [evaluator, at] : stages) {
    // Where rungs continue, a training begins with those before it.
    if (at != fidelity && !(config.rungs_continue && at < fidelity)) continue;
    Evaluation evaluation;
    const auto done = [&](std::size_t, Evaluation e) { evaluation = std::move(e); };
    evaluator->evaluate({&job, 1}, done, stop);
    if (evaluation.interrupted) return std::nullopt;
    r.failure = evaluation.failure;
    if (at != fidelity && r.failure.empty()) continue;
    r.stage = evaluator->name();
    r.recorded_on = study.environment(source.id, r.stage);
    compare(*trial, evaluation, fidelity, r);
    return r;
  }
  throw InputError(path.string(), 0, "", "",
                   "trial " + std::to_string(id) +
                       " was trained at a fidelity that is none of "
                       "its config's");
}

std::string to_text(const Reproduction& r) {
  std::string text = "trial " + std::to_string(r.trial);
  if (r.trained != r.trial)
    text += " (trained as trial " + std::to_string(r.trained) + ", whose network is the same)";
  text += ", stage '" + r.stage + "'\n";
  for (const auto& [name, recorded, now] : r.numbers) {
    char line[160];
    std::snprintf(line, sizeof line, "  %-14s %.17g recorded, %.17g now%s\n", name.c_str(),
                  recorded, now, recorded == now ? "" : "   <- differs");
    text += line;
  }
  if (!r.failure.empty()) text += "  now it fails: " + r.failure + '\n';
  if (r.matches()) return text + "matches: the same to the last digit\n";
  const std::string then = r.recorded_on.empty() ? "(the study does not say)" : r.recorded_on;
  text += "does not match\n  recorded on    hwnas " + r.recorded_with + ", " + then +
          "\n  now on         hwnas " + r.now_with + ", " + r.now_on + '\n';
  if (r.recorded_on == r.now_on && r.recorded_with == r.now_with)
    text += "  which say the same: more than one thread, a GPU, or changed data may be why\n";
  return text;
}

}  // namespace hwnas
