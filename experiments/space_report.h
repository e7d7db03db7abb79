// What a look at a config's space says before anything is trained: for people (tables) and for
// scripts (JSON).
#pragma once

#include <string>

#include "experiments/experiment.h"
#include "search/engine/feasibility.h"

namespace hwnas {

struct SpaceReport {
  const Experiment& experiment;
  const Survey& survey;
  Feasibility feasibility;
};

std::string to_text(const SpaceReport& report);
std::string to_json(const SpaceReport& report);

}  // namespace hwnas
