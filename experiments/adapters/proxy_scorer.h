// Trainer processes -> zero-cost scores of untrained networks (trainer/zero_cost.h), a few
// milliseconds to seconds each. JSON lines over a ProcessPool. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "experiments/run_config.h"
#include "search/store/study.h"
#include "space/network.h"

namespace hwnas {

// The names that hwnas-trainer knows, in its order.
const std::vector<std::string>& proxy_names();

struct NetworkScores {
  std::vector<double> values;   // as asked for; NaN where there is nothing to score
  std::vector<double> seconds;  // of each
  std::string failure;          // empty: scored; else the reason, one line
};

class ProxyScorer {
 public:
  // On images of the config's data set; without [data] on random ones. `names`: of proxy_names().
  ProxyScorer(const RunConfig& config, std::vector<std::string> names, std::uint64_t seed);
  ~ProxyScorer();

  // One for each network, in their order; on all of the config's workers. The same seed for all, so
  // that they see the same images. Throws InputError where no trainer starts. After `stop` those
  // that are left fail.
  std::vector<NetworkScores> score(std::span<const Network> networks, std::stop_token stop = {});

  const std::vector<std::string>& names() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The scores that [training] proxies names, one row for each network: those that the study holds,
// and for the others a ProxyScorer started for the occasion, whose values the study keeps. NaN
// where a network cannot be scored.
std::vector<std::vector<double>> kept_scores(Study& study, const RunConfig& config,
                                             std::span<const Network> networks);

}  // namespace hwnas
