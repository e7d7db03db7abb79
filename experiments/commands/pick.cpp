#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/front_report.h"
#include "experiments/selection.h"
#include "experiments/values_json.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

CommandLine describe_command() {
  CommandLine line(
      "hwnas pick STUDY [--where CONDITION]... [--best METRICS] [options]",
      "Chooses one trial: of those that keep all conditions the best in a metric, or the knee of "
      "their front.\n"
      "Example: hwnas pick fashion_mnist.db --where \"latency@stm32h743 < 20 ms\" --best accuracy\n"
      "         hwnas pick s.db --best \"accuracy within 0.5 %, latency@stm32h743\"   # the "
      "fastest "
      "of nearly the best\n"
      "         hwnas export s.db $(hwnas pick s.db --best accuracy --id) -o model");
  line.positional("STUDY", "a study file; it may be running")
      .values("where", "CONDITION", "METRIC < VALUE, also <=, > or >=; may be repeated")
      .value("best", "METRICS",
             "what matters most first; 'METRIC within VALUE' leaves room for what follows")
      .flag("knee", "the best compromise between the objectives; so without --best")
      .flag("id", "print the trial's number only")
      .flag("json", "print JSON");
  return line;
}

std::string conditions_text(const std::vector<Condition>& conditions) {
  std::string text;
  for (const Condition& c : conditions) text += (text.empty() ? "" : ", ") + c.text;
  return text;
}

}  // namespace

int pick_command(const Arguments& arguments) {
  CommandLine line = describe_command();
  if (!line.parse(arguments)) return 0;
  if (line.has("best") && line.has("knee"))
    throw InputError("--best and --knee do not go together: choose one");
  const std::string path = line.get("STUDY");
  const auto conditions = parse_conditions(line.list("where"), "--where");
  const auto preferences =
      line.has("best") ? parse_preferences(line.get("best"), "--best") : std::vector<Preference>{};
  const Study study = Study::open_readonly(path);
  const std::vector<Trial> trials = study.trials();
  const std::vector<Trial> kept = matching(trials, conditions, "--where");
  if (kept.empty()) throw InputError(path, 0, "", "", report_front(study).why_empty);
  FrontReport report = report_front(study.info().name, study.info().objectives, kept);
  Trial picked;
  if (preferences.empty()) {
    if (report.knee < 0) throw InputError(path, 0, "", "", "its front is empty");
    picked = report.front[static_cast<std::size_t>(report.knee)];
  } else {
    picked = kept[preferred(kept, preferences, "--best")];
  }
  if (line.has("id")) {
    std::cout << picked.id << '\n';
    return 0;
  }
  if (line.has("json")) {
    std::cout << nlohmann::json{{"trial", picked.id},
                                {"genotype", to_text(picked.genotype)},
                                {"among", kept.size()},
                                {"values", values_json(picked)}}
                     .dump(2)
              << '\n';
    return 0;
  }
  std::cout << "trial " << picked.id << ", of " << kept.size() << " complete ones";
  if (!conditions.empty()) std::cout << " with " << conditions_text(conditions);
  std::cout << (preferences.empty() ? ": the knee of their front\n" : ": best in ");
  if (!preferences.empty()) std::cout << line.get("best") << '\n';
  std::cout << '\n';
  std::vector<std::string> marks;
  bool there = false;
  for (const Trial& trial : report.front) {
    marks.emplace_back(trial.id == picked.id ? "\u2190 picked" : "");
    there = there || trial.id == picked.id;
  }
  if (!there) {  // what was asked for is no objective
    report.front.insert(report.front.begin(), picked);
    marks.insert(marks.begin(), "\u2190 picked, not on the front");
    if (!report.sure.empty()) report.sure.insert(report.sure.begin(), 0);
    if (report.knee >= 0) ++report.knee;
  }
  std::cout << front_table(report, marks) << "\nwhy:    hwnas show " << path << ' ' << picked.id
            << "\nmodel:  hwnas export " << path << ' ' << picked.id << " -o model" << picked.id
            << '\n';
  return 0;
}

}  // namespace hwnas
