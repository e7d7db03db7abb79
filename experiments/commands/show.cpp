#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/cost_report.h"
#include "experiments/experiment.h"
#include "experiments/front_report.h"
#include "experiments/stored_programs.h"
#include "experiments/table.h"
#include "experiments/values_json.h"
#include "search/pareto.h"
#include "space/input_error.h"
#include "space/network_file.h"

namespace hwnas {
namespace {

std::string parents_text(const Trial& trial) {
  std::string text;
  for (const TrialId id : trial.parents) text += (text.empty() ? "" : ", ") + std::to_string(id);
  return text.empty() ? "none" : text;
}

// Whether it is on the front, and what beats it where it is not.
std::string place_text(const Trial& trial, const FrontReport& report) {
  if (trial.state != TrialState::complete) return "";
  std::vector<const Objective*> axes;
  for (const Objective& o : report.objectives) {
    if (o.optimised) axes.push_back(&o);
  }
  const auto row = [&axes](const Trial& one) {
    std::vector<double> values;
    for (const Objective* o : axes) {
      const Measurement* m = find(one, o->key);
      values.push_back(m != nullptr ? o->minimised(m->value) : INFINITY);
    }
    return values;
  };
  constexpr int kMost = 5;
  std::string beaten;
  int count = 0;
  for (std::size_t i = 0; i < report.front.size(); ++i) {
    const Trial& other = report.front[i];
    if (other.id == trial.id) {
      std::string text = "place    on the front";
      if (static_cast<int>(i) == report.knee) text += ", its knee";
      return text + '\n';
    }
    if (!dominates(row(other), row(trial)) || ++count > kMost) continue;
    beaten += (beaten.empty() ? "" : ", ") + std::to_string(other.id);
  }
  if (count > kMost) beaten += " and " + std::to_string(count - kMost) + " more";
  if (beaten.empty()) return "place    not on the front\n";
  return "place    not on the front: better in every objective " +
         std::string(count > 1 ? "are trials " : "is trial ") + beaten + '\n';
}

void print_numbers(const Trial& trial) {
  Table table;
  table.column("number", Table::Align::left);
  table.column("value");
  table.column("source", Table::Align::left);
  for (const Measurement& m : trial.measurements) {
    std::string source(to_string(m.source));
    if (m.source == Source::trained) {
      std::ostringstream epochs;
      epochs << ", " << m.fidelity << (m.fidelity == 1 ? " epoch" : " epochs");
      source += epochs.str();
    }
    table.row({to_text(m.key), value_text(m), source});
  }
  std::cout << table;
}

// A study may be older than the format of its devices: that is said, and the rest is shown.
void print_slowest(const StudyDevice& stored, const Candidate& candidate, std::size_t most) {
  std::cout << '\n' << stored.name;
  try {
    const Device device = stored_device(stored);
    const Estimate estimate = device.model->estimate(candidate);
    std::cout << (estimate.covered ? ", slowest layers" : ": " + estimate.reason) << '\n';
    if (estimate.covered) print_layers(std::cout, candidate.network, estimate.cost, most);
  } catch (const InputError& error) {
    std::cout << ": its description in the study cannot be used: " << error.what() << '\n';
  }
}

nlohmann::json as_json(const Trial& trial, const SearchSpace& space,
                       const std::vector<Artifact>& artifacts, const std::filesystem::path& files) {
  nlohmann::json j{{"trial", trial.id},
                   {"state", to_string(trial.state)},
                   {"reason", trial.reason},
                   {"genotype", to_text(trial.genotype)},
                   {"parents", trial.parents},
                   {"origin", trial.origin},
                   {"seed", std::to_string(trial.seed)}};
  const std::vector<bool> active = space.active_genes(trial.genotype);
  for (std::size_t i = 0; i < trial.genotype.genes.size(); ++i) {
    if (!active[i]) continue;
    const Choice& c = space.choices()[i];
    j["genes"][c.name] = c.options[trial.genotype.genes[i]];
  }
  if (!trial.measurements.empty()) j["values"] = values_json(trial);
  for (const Artifact& a : artifacts)
    j["files"].push_back({{"kind", a.kind}, {"path", (files / a.path).string()}});
  return j;
}

}  // namespace

int show_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas show STUDY ID [--layers N] [--network FILE] [--json]",
      "One trial of a study: its genes in words, where it comes from, every number with its "
      "source, and the\n"
      "layers where it spends its time on each device. Example: hwnas show fashion_mnist.db 42");
  line.positional("STUDY", "a study file")
      .positional("ID", "number of a trial")
      .value("layers", "N", "how many of the slowest layers to print (5)")
      .value("network", "FILE", "write the network as a network file")
      .flag("json", "print JSON");
  if (!line.parse(arguments)) return 0;
  const std::filesystem::path path = line.get("STUDY");
  const Study study = Study::open_readonly(path);
  const std::int64_t last = study.trial_count() - 1;
  const auto id = line.integer("ID", 0, std::max<std::int64_t>(last, 0));
  const auto trial = study.trial(*id);
  if (!trial)
    throw InputError(
        path.string(), 0, "", "",
        "has no trial " + std::to_string(*id) + "; it has " + std::to_string(last + 1));
  const SearchSpace space = stored_space(study);
  Candidate candidate = space.decode(trial->genotype);
  if (line.has("network")) {
    FILE* out = std::fopen(line.get("network").c_str(), "w");
    const std::string text = to_toml(candidate.network);
    if (!out || std::fwrite(text.data(), 1, text.size(), out) != text.size() ||
        std::fclose(out) != 0) {
      throw InputError(line.get("network"), 0, "", "", "cannot be written");
    }
  }
  const std::vector<Artifact> artifacts = study.artifacts(trial->id);
  if (line.has("json")) {
    std::cout << as_json(*trial, space, artifacts, files_folder(path)).dump(2) << '\n';
    return 0;
  }
  std::cout << "trial " << trial->id << ": " << to_string(trial->state);
  if (!trial->reason.empty()) std::cout << " in stage '" << trial->stage << "': " << trial->reason;
  std::cout << "\ngenotype " << to_text(trial->genotype) << "\ngenes    "
            << describe(space, trial->genotype) << "\nmade by  " << origin_text(trial->origin)
            << ", parents: " << parents_text(*trial) << '\n'
            << place_text(*trial, report_front(study));
  for (const Artifact& a : artifacts)
    std::cout << a.kind << "  " << (files_folder(path) / a.path).string() << '\n';
  if (!trial->measurements.empty()) {
    std::cout << '\n';
    print_numbers(*trial);
  }
  const auto alive = live(candidate.network);
  if (!alive) return 0;
  candidate.network = *alive;
  const auto most = static_cast<std::size_t>(line.integer("layers", 1, 100'000).value_or(5));
  for (const StudyDevice& device : study.devices()) print_slowest(device, candidate, most);
  return 0;
}

}  // namespace hwnas
