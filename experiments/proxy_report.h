// Zero-cost scores as people read them: of one network, and of a study's trials beside their
// accuracies. Pure; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "experiments/adapters/proxy_scorer.h"
#include "search/trial.h"

namespace hwnas {

std::string to_text(const std::vector<std::string>& names, const NetworkScores& scores);
std::string to_json(const std::string& network, const std::vector<std::string>& names,
                    const NetworkScores& scores);

struct ScoredTrials {
  std::vector<std::string> names;  // of scores
  std::vector<TrialId> ids;
  std::vector<double> accuracies;  // NaN where a trial has none
  std::vector<NetworkScores> scores;
};

// Several scores in one: the sum over them of ln(rank / n), the best having rank n; who lacks a
// value ranks last (Lee and Ham 2024, arXiv:2403.19232, section 3.2). columns[score][candidate].
std::vector<double> joined_ranks(const std::vector<std::vector<double>>& columns);

// Trials, then how each score, that of AZ-NAS and the pair nwot + macs rank beside the accuracies.
std::string to_text(const ScoredTrials& trials);
std::string to_json(const ScoredTrials& trials);

}  // namespace hwnas
