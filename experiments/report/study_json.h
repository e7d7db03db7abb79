// A study as the page of `hwnas report` and `hwnas serve` reads it: JSON of all its trials, column
// by column, and of one trial in depth. The keys are explained in experiments/report/README.md.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "search/store/study.h"

namespace hwnas {

// What the study is, its objectives and genes, and of every trial: state, parents, genes, values;
// the front, and how its hypervolume grew.
nlohmann::json study_json(const Study& study, const std::filesystem::path& path);

// One trial: its layers, what each costs on each device of the study, learning curves, trainings in
// full, files. Throws InputError where there is no such trial.
nlohmann::json trial_json(const Study& study, const std::filesystem::path& path, TrialId id);

// The trials whose depth a report holds, at most `most`: all of them where they are no more, else
// the front, what was trained in full, their ancestors, and of the others the latest.
std::vector<TrialId> trials_in_depth(const Study& study, std::size_t most);

}  // namespace hwnas
