#include <algorithm>
#include <iostream>
#include <set>

#include "experiments/adapters/cost_evaluator.h"
#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/experiment.h"
#include "experiments/front_report.h"
#include "experiments/library.h"
#include "experiments/subject.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

// The study's objectives with each device's figures asked of the new devices instead. Bounds on a
// device are left out: they were of another machine.
std::vector<Objective> moved(const std::vector<Objective>& objectives,
                             const std::vector<Device>& devices) {
  std::vector<Objective> result;
  const auto add = [&result](Objective objective) {
    const bool known = std::any_of(result.begin(), result.end(),
                                   [&](const Objective& o) { return o.key == objective.key; });
    if (!known) result.push_back(std::move(objective));
  };
  for (const Objective& o : objectives) {
    if (o.key.device.empty()) {
      add(o);
      continue;
    }
    if (!o.optimised) continue;
    for (const Device& device : devices) add({{o.key.metric, device.name}, true, {}});
  }
  return result;
}

struct Rescored {
  std::vector<Trial> trials;
  int refused = 0;
  std::string first_refusal;
};

Rescored rescore(const Study& study, const std::vector<Device>& devices, const CommandLine& line) {
  const SearchSpace space = stored_space(study);
  const auto batch = line.integer("batch", 1, 65536);
  Rescored result;
  for (Trial& trial : study.trials()) {
    if (trial.state != TrialState::complete) continue;
    Candidate candidate = space.decode(trial.genotype);
    auto alive = live(std::move(candidate.network));
    if (!alive) continue;
    candidate.network = line.has("bits") ? at_bits(*alive, line.get("bits")) : std::move(*alive);
    if (batch) candidate.deployment.batch = static_cast<int>(*batch);
    if (line.has("clock")) candidate.deployment.clock_share = clock_share(line.get("clock"));
    std::erase_if(trial.measurements, [](const Measurement& m) { return !m.key.device.empty(); });
    const Workload workload(candidate);
    bool runs = true;
    for (const Device& device : devices) {
      const Estimate estimate = device.model->estimate(workload);
      if (!estimate.ok()) {
        if (result.first_refusal.empty())
          result.first_refusal = "trial " + std::to_string(trial.id) + ": " + estimate.reason;
        runs = false;
        break;
      }
      add_measurements(trial.measurements, device, estimate.cost);
    }
    result.refused += !runs;
    if (runs) result.trials.push_back(std::move(trial));
  }
  return result;
}

// An objective that nobody can tell makes no front: "cost" of a device without a price.
void check_known(const std::vector<Objective>& objectives, const std::vector<Trial>& trials) {
  for (const Objective& o : objectives) {
    for (const Trial& trial : trials) {
      if (!o.optimised || find(trial, o.key)) continue;
      throw InputError(to_text(o.key) + ": not known of trial " + std::to_string(trial.id) +
                       (o.key.metric == Metric::cost ? " (the device has no price)" : ""));
    }
  }
}

}  // namespace

int rescore_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas rescore STUDY --device D[,D...]",
      "The front of a study on other hardware or at another operating point: the costs of its\n"
      "complete trials are computed anew, nothing is trained, the study is not changed.\n"
      "Example: hwnas rescore fashion_mnist.db --device stm32h743 --clock 0.5");
  line.positional("STUDY", "a study file")
      .value("device", "D[,D...]", "names from 'hwnas devices list', or device files")
      .value("bits", "W[,A]", "bits of weights and activations instead of the trials' own")
      .value("batch", "N", "batch instead of the trials' own")
      .value("clock", "SHARE", "clock as a share of the devices' highest")
      .flag("json", "print JSON instead of a table");
  if (!line.parse(arguments)) return 0;
  if (!line.has("device"))
    throw InputError("--device is missing; expected names from 'hwnas devices list'");
  const Study study = Study::open_readonly(line.get("STUDY"));
  const std::vector<Device> devices = find_devices(line.get("device"));
  const std::vector<Objective> objectives = moved(study.info().objectives, devices);
  Rescored rescored = rescore(study, devices, line);
  check_known(objectives, rescored.trials);
  FrontReport report = report_front(study.info().name, objectives, rescored.trials);
  report.why_empty = rescored.first_refusal.empty()
                         ? "the study has no complete trial yet\n"
                         : "no trial runs there; " + rescored.first_refusal + '\n';
  if (line.has("json")) {
    std::cout << to_json(report) << '\n';
    return 0;
  }
  std::set<TrialId> before;
  for (const Trial& trial : study.front()) before.insert(trial.id);
  std::vector<std::string> marks;
  for (const Trial& trial : report.front)
    marks.push_back(before.contains(trial.id) ? "" : "new here");
  std::cout << to_text(report, marks);
  if (rescored.refused > 0 && !report.front.empty()) {
    std::cout << rescored.refused << " of "
              << rescored.trials.size() + static_cast<std::size_t>(rescored.refused)
              << " trials do not run there; " << rescored.first_refusal << '\n';
  }
  for (const Objective& o : objectives) {
    if (is_learned(o.key.metric) && line.has("bits"))
      std::cout << to_text(o.key) << " is the study's, at the trials' own bits\n";
  }
  return 0;
}

}  // namespace hwnas
