// FinalOrder: one full training of a study's trial (or of a network beside it), from the order to
// the study's record of the outcome.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

#include "experiments/final/final_training.h"
#include "search/store/study.h"

namespace hwnas {

struct FinalOrder {
  FinalPlan plan;
  std::filesystem::path study;
  std::optional<TrialId> trial;  // nothing: the outcome is only in the plan's folder
  std::string subject;           // "trial 42"
};

// Of a trial, with its seed, trained as `config` says (a study's config, and what is to differ).
// Its folder is still empty. Throws InputError: no such trial, nothing reaches the network's
// output.
FinalOrder order_of_trial(const Study& study, const std::filesystem::path& path, RunConfig config,
                          TrialId id);

// A folder for just this training, in that of the study's files.
std::filesystem::path usual_folder(const FinalOrder& order);

// Trains, or goes on, or reads the result of what is over; puts it into the study. Nothing where
// `stop` was requested. Throws InputError. Calls may run at the same time.
std::optional<FinalTraining> carry_out(const FinalOrder& order, const FinalListener& listener,
                                       std::stop_token stop);

// "trial 42, trained for 60 epochs on 60000 images, ..." and its test accuracy, some lines.
std::string to_text(const FinalOrder& order, const FinalTraining& final);
std::string to_json(const FinalOrder& order, const FinalTraining& final);

}  // namespace hwnas
