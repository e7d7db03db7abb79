#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/front_report.h"

namespace hwnas {

int status_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas status STUDY [--json]",
      "How far a study is: trials by state, the best values so far, the front's hypervolume.\n"
      "The study may be running. Example: hwnas status fashion_mnist.db");
  line.positional("STUDY", "a study file, as hwnas search writes it").flag("json", "print JSON");
  if (!line.parse(arguments)) return 0;
  const Study study = Study::open_readonly(line.get("STUDY"));
  const std::vector<Trial> trials = study.trials();
  const TrialCounts counts = count_states(trials);
  const FrontReport report = report_front(study);
  nlohmann::json best = nlohmann::json::object();
  std::string best_text;
  for (const Objective& o : report.objectives) {
    if (!o.optimised) continue;
    const Trial* winner = nullptr;
    for (const Trial& t : report.front) {
      if (!winner || o.minimised(find(t, o.key)->value) < o.minimised(find(*winner, o.key)->value))
        winner = &t;
    }
    if (!winner) continue;
    const Measurement* m = find(*winner, o.key);
    best[to_text(o.key)] = {{"trial", winner->id}, {"value", m->value}};
    best_text += "  best " + to_text(o.key) + ": " + value_text(*m) + " (trial " +
                 std::to_string(winner->id) + ")\n";
  }
  const StudyInfo& info = study.info();
  if (line.has("json")) {
    std::cout << nlohmann::json{{"study", info.name},
                                {"algorithm", info.algorithm},
                                {"seed", info.seed},
                                {"trials", trials.size()},
                                {"complete", counts.complete},
                                {"infeasible", counts.infeasible},
                                {"failed", counts.failed},
                                {"stopped", counts.stopped},
                                {"unfinished", counts.running},
                                {"front", report.front.size()},
                                {"hypervolume", report.hypervolume},
                                {"best", best}}
                     .dump(2)
              << '\n';
    return 0;
  }
  std::cout << info.name << ": " << info.algorithm << ", seed " << info.seed << ", hwnas "
            << info.version << '\n'
            << "  trials " << trials.size() << ": " << counts.complete << " complete, "
            << counts.infeasible << " infeasible, " << counts.failed << " failed, "
            << (counts.stopped > 0 ? std::to_string(counts.stopped) + " stopped at a rung, " : "")
            << counts.running << " unfinished\n"
            << "  front " << report.front.size() << ", hypervolume "
            << format_quantity(report.hypervolume, Unit::none) << " of 1\n"
            << best_text;
  return 0;
}

}  // namespace hwnas
