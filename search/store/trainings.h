// The tables curves and finals, and what trainings ran on. Internal to search/store. Older studies
// that are only read have none of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "search/evaluator.h"
#include "search/store/database.h"
#include "search/store/final_training.h"

namespace hwnas {

bool has_trainings(Database& database);
std::vector<CurvePoint> read_curve(Database& database, TrialId trial, std::string_view stage);
std::vector<std::string> read_curve_stages(Database& database, TrialId trial);
std::string read_environment(Database& database, TrialId trial, std::string_view stage);
std::vector<FinalTraining> read_finals(Database& database, TrialId trial);
std::vector<TrialId> read_trained_in_full(Database& database);

// In the place of one of equal settings.
void write_final(Database& database, const FinalTraining& final);

}  // namespace hwnas
