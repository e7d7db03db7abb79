// Reproduction: a trial trained again from its record.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "search/store/study.h"

namespace hwnas {

struct Reproduction {
  struct Number {
    std::string name;
    double recorded = 0, now = 0;
  };
  TrialId trial = 0;
  TrialId trained = 0;  // the trial whose training this was: an earlier one of the same network
  std::string stage;
  std::vector<Number> numbers;
  std::string recorded_on, now_on;      // environments; the first empty where unknown
  std::string recorded_with, now_with;  // versions of hwnas
  std::string failure;                  // of the training now

  bool matches() const;  // to the last digit
};

// Trains it as the stage of its highest fidelity did; nothing where stopped. Throws InputError: no
// such trial, one that was not trained.
std::optional<Reproduction> reproduce(const Study& study, const std::filesystem::path& path,
                                      TrialId id, std::stop_token stop);

std::string to_text(const Reproduction& reproduction);

}  // namespace hwnas
