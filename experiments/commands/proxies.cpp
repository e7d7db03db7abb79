#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/adapters/proxy_scorer.h"
#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/experiment.h"
#include "experiments/proxy_report.h"
#include "experiments/subject.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

// A config of nothing but the data set, its keys and messages being those of [data].
RunConfig with_data(const CommandLine& line) {
  std::string text = "space = \"tiny_image\"\n[[objectives]]\nmetric = \"macs\"\n";
  const auto quoted = [](const std::string& value) { return nlohmann::json(value).dump(); };
  if (line.has("data-set")) text += "[data]\nset = " + quoted(line.get("data-set")) + '\n';
  if (line.has("data") && !line.has("data-set"))
    throw InputError("--data is of no use without --data-set");
  if (line.has("data")) text += "directory = " + quoted(line.get("data")) + '\n';
  return RunConfig::parse(text, "--data-set");
}

std::uint64_t seed_of(const CommandLine& line, std::uint64_t usual) {
  const auto seed = line.integer("seed", 0, std::int64_t{1} << 53);
  return seed ? static_cast<std::uint64_t>(*seed) : usual;
}

int of_network(const CommandLine& line) {
  const Candidate candidate = find_subject(line.get("NETWORK"));
  ProxyScorer scorer(with_data(line), proxy_names(), seed_of(line, 1));
  const NetworkScores scores = scorer.score({&candidate.network, 1}).front();
  if (!scores.failure.empty()) throw InputError(line.get("NETWORK") + ": " + scores.failure);
  std::cout << (line.has("json") ? to_json(candidate.network.name, scorer.names(), scores)
                                 : to_text(scorer.names(), scores));
  return 0;
}

// Complete trials, each with its accuracy where it has one.
int of_study(const CommandLine& line) {
  const Study study = Study::open_readonly(line.get("NETWORK"));
  const SearchSpace space = stored_space(study);
  RunConfig config = line.has("data-set")
                         ? with_data(line)
                         : RunConfig::parse(study.info().config, "config of study");
  ScoredTrials trials;
  std::vector<Network> networks;
  for (const Trial& trial : study.trials()) {
    if (trial.state != TrialState::complete) continue;
    auto alive = live(space.decode(trial.genotype).network);
    if (!alive) continue;
    const Measurement* accuracy = find(trial, {Metric::accuracy, ""});
    trials.ids.push_back(trial.id);
    trials.accuracies.push_back(accuracy ? accuracy->value : std::nan(""));
    networks.push_back(std::move(*alive));
  }
  if (networks.empty()) throw InputError(line.get("NETWORK") + ": has no complete trial yet");
  ProxyScorer scorer(config, proxy_names(), seed_of(line, study.info().seed));
  trials.names = scorer.names();
  trials.scores = scorer.score(networks);
  std::cout << (line.has("json") ? to_json(trials) : to_text(trials));
  return 0;
}

}  // namespace

int proxies_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas proxies NETWORK|STUDY",
      "Zero-cost scores of an untrained network, from one batch of 64 images; higher is better.\n"
      "Of a study: of each complete trial, and how they rank beside its accuracies.\n"
      "Example: hwnas proxies resnet8");
  const std::string subjects = std::string(kSubjects) + "; or a study (STUDY.db)";
  line.positional("NETWORK", subjects.c_str())
      .value(
          "data-set", "SET",
          "fashion_mnist, mnist, cifar10, cifar100: images of these; else those of the study, or "
          "random ones in the network's own shape")
      .value("data", "DIR", "where its files are, as data.directory of a run config")
      .value("seed", "N", "of weights and images (the study's, or 1)")
      .flag("json", "print JSON");
  if (!line.parse(arguments)) return 0;
  return line.get("NETWORK").ends_with(".db") ? of_study(line) : of_network(line);
}

}  // namespace hwnas
