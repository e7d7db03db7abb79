#include "experiments/adapters/proxy_scorer.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "experiments/adapters/trainer_evaluator.h"
#include "search/engine/process_pool.h"
#include "space/input_error.h"
#include "space/network_file.h"

namespace hwnas {
namespace {

using nlohmann::json;

NetworkScores read(const json& answer, const std::vector<std::string>& names) {
  NetworkScores scores;
  if (answer.value("event", "") != "done") {
    scores.failure = answer.value("reason", "failed without a reason");
    return scores;
  }
  for (const std::string& name : names) {
    const json& score = answer.at("scores").at(name);
    const json& value = score.at("value");
    scores.values.push_back(value.is_number() ? value.get<double>() : std::nan(""));
    scores.seconds.push_back(score.at("seconds").get<double>());
  }
  return scores;
}

}  // namespace

const std::vector<std::string>& proxy_names() {
  static const std::vector<std::string> names{
      "parameters", "macs",      "nwot",         "jacov",         "synflow",
      "snip",       "grad_norm", "expressivity", "progressivity", "trainability"};
  return names;
}

struct ProxyScorer::Impl {
  std::vector<std::string> names;
  std::uint64_t seed;
  ProcessPool pool;
};

ProxyScorer::ProxyScorer(const RunConfig& config, std::vector<std::string> names,
                         std::uint64_t seed)
    : impl_(new Impl{
          std::move(names), seed,
          ProcessPool(trainer_pool(config, config.data ? config.data->train_images : 0))}) {}

ProxyScorer::~ProxyScorer() = default;

const std::vector<std::string>& ProxyScorer::names() const {
  return impl_->names;
}

std::vector<NetworkScores> ProxyScorer::score(std::span<const Network> networks,
                                              std::stop_token stop) {
  try {
    (void)impl_->pool.greeting();
  } catch (const std::runtime_error& error) {
    throw InputError(std::string("the trainer does not start: ") + error.what());
  }
  std::vector<std::string> requests;
  for (std::size_t i = 0; i < networks.size(); ++i) {
    requests.push_back(json{{"task", i},
                            {"kind", "proxies"},
                            {"seed", std::to_string(impl_->seed)},
                            {"scores", impl_->names},
                            {"network", to_toml(networks[i])}}
                           .dump());
  }
  std::vector<NetworkScores> scores(networks.size());
  const auto on_line = [](std::size_t, const std::string& line) { return !is_pulse(line); };
  const auto on_done = [&](std::size_t i, const TaskResult& result) {
    const json answer = json::parse(result.line, nullptr, /*allow_exceptions=*/false);
    try {
      scores[i] = read(answer, impl_->names);
    } catch (const json::exception& error) {
      scores[i].failure = std::string("the trainer's answer lacks a part: ") + error.what();
    }
    if (result.interrupted) scores[i].failure = "interrupted";
    if (!result.failure.empty()) scores[i].failure = "trainer " + result.failure;
  };
  impl_->pool.run(requests, on_line, on_done, stop, stop);
  return scores;
}

std::vector<std::vector<double>> kept_scores(Study& study, const RunConfig& config,
                                             std::span<const Network> networks) {
  const std::vector<std::string>& names = config.training->proxies;
  std::vector<Network> fresh;
  for (const Network& network : networks) {
    const std::uint64_t key = fingerprint(network);
    if (std::any_of(names.begin(), names.end(),
                    [&](const std::string& name) { return !study.score(key, name); }))
      fresh.push_back(network);
  }
  if (!fresh.empty()) {
    const std::vector<NetworkScores> found = ProxyScorer(config, names, config.seed).score(fresh);
    std::vector<Study::Score> scores;
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      for (std::size_t s = 0; s < names.size(); ++s) {
        const bool scored = found[i].failure.empty();
        scores.push_back(
            {fingerprint(fresh[i]), names[s], scored ? found[i].values[s] : std::nan("")});
      }
    }
    study.record(scores);
  }
  std::vector<std::vector<double>> all;
  for (const Network& network : networks) {
    std::vector<double>& mine = all.emplace_back();
    for (const std::string& name : names)
      mine.push_back(study.score(fingerprint(network), name).value_or(std::nan("")));
  }
  return all;
}

}  // namespace hwnas
