#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/experiment.h"
#include "experiments/front_report.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

// "stem.channels 8 -> 16": what differs from the parent, of genes that decide something in either.
std::vector<std::string> changes(const SearchSpace& space, const Genotype& parent,
                                 const Genotype& child) {
  const std::vector<bool> before = space.active_genes(parent), after = space.active_genes(child);
  std::vector<std::string> all;
  for (std::size_t i = 0; i < child.genes.size(); ++i) {
    if (parent.genes[i] == child.genes[i] && before[i] == after[i]) continue;
    const Choice& c = space.choices()[i];
    const std::string was = before[i] ? c.options[parent.genes[i]] : "absent";
    const std::string is = after[i] ? c.options[child.genes[i]] : "absent";
    if (was != is) all.push_back(c.name + " " + was + " \u2192 " + is);
  }
  return all;
}

class Tree {
 public:
  Tree(const Study& study, int depth) : study_(study), space_(stored_space(study)), depth_(depth) {}

  Trial trial(TrialId id) const {
    const auto found = study_.trial(id);
    if (!found) throw InputError("the study has no trial " + std::to_string(id));
    return *found;
  }

  void print(const Trial& trial, const std::string& indent, int depth) {
    shown_.insert(trial.id);
    if (depth == depth_ && !trial.parents.empty()) {
      std::cout << indent << "\u2514\u2500 ... (--depth)\n";
      return;
    }
    for (std::size_t i = 0; i < trial.parents.size(); ++i) {
      const bool last = i + 1 == trial.parents.size();
      const Trial parent = this->trial(trial.parents[i]);
      const bool again = shown_.count(parent.id) != 0;
      std::cout << indent << (last ? "\u2514\u2500 " : "\u251c\u2500 ") << summary(parent)
                << (again && !parent.parents.empty() ? ", see above" : "") << '\n';
      const std::string below = indent + (last ? "   " : "\u2502  ");
      print_changes(below, changes(space_, parent.genotype, trial.genotype));
      if (!again) print(parent, below, depth + 1);
    }
  }

  std::string summary(const Trial& trial) const {
    std::string text = "trial " + std::to_string(trial.id) + ", " + trial.origin;
    for (const Objective& o : study_.info().objectives) {
      const Measurement* m = o.optimised ? find(trial, o.key) : nullptr;
      if (m != nullptr) text += ", " + to_text(o.key) + " " + value_text(*m);
    }
    if (trial.state != TrialState::complete) text += ", " + std::string(to_string(trial.state));
    return text;
  }

  nlohmann::json as_json(const Trial& trial) {
    nlohmann::json all = nlohmann::json::array();
    std::vector<TrialId> waiting{trial.id};
    while (!waiting.empty()) {
      const Trial one = this->trial(waiting.back());
      waiting.pop_back();
      if (!shown_.insert(one.id).second) continue;
      nlohmann::json entry{{"trial", one.id}, {"origin", one.origin}};
      entry["parents"] = nlohmann::json::array();
      for (const TrialId parent : one.parents) {
        entry["parents"].push_back(
            {{"trial", parent},
             {"changes", changes(space_, this->trial(parent).genotype, one.genotype)}});
        waiting.push_back(parent);
      }
      all.push_back(std::move(entry));
    }
    return all;
  }

 private:
  static void print_changes(const std::string& indent, const std::vector<std::string>& all) {
    if (all.empty()) {
      std::cout << indent << "the same genes\n";
      return;
    }
    std::string line;
    for (const std::string& change : all) line += (line.empty() ? "" : ", ") + change;
    std::cout << indent << line << '\n';
  }

  const Study& study_;
  const SearchSpace space_;
  const int depth_;
  std::set<TrialId> shown_;
};

}  // namespace

int lineage_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas lineage STUDY ID [--depth N] [--json]",
      "The ancestors of a trial, each with its numbers and the genes in which its child differs.\n"
      "Example: hwnas lineage fashion_mnist.db 42");
  line.positional("STUDY", "a study file; it may be running")
      .positional("ID", "number of a trial")
      .value("depth", "N", "generations to go back (6)")
      .flag("json", "print JSON: all generations");
  if (!line.parse(arguments)) return 0;
  const Study study = Study::open_readonly(line.get("STUDY"));
  const auto id = line.integer("ID", 0, std::max<std::int64_t>(study.trial_count() - 1, 0));
  Tree tree(study, static_cast<int>(line.integer("depth", 1, 1000).value_or(6)));
  const Trial trial = tree.trial(*id);
  if (line.has("json")) {
    std::cout << tree.as_json(trial).dump(2) << '\n';
    return 0;
  }
  std::cout << tree.summary(trial) << '\n';
  tree.print(trial, "", 0);
  return 0;
}

}  // namespace hwnas
