// Trials as their tables hold them. Internal to search/store; the caller has begun a transaction
// where several reads are to see one state.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "search/store/database.h"
#include "search/trial.h"

namespace hwnas {

std::string parents_text(const std::vector<TrialId>& parents);  // "[3,12]"

std::optional<Trial> read_trial(Database& database, TrialId id);
std::vector<Trial> read_trials(Database& database);  // by id

}  // namespace hwnas
