// The model card of an exported trial: what a user must know of the model before using it, in
// Markdown. Mitchell et al. 2019, doi:10.1145/3287560.3287596.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "experiments/export/trained_files.h"
#include "experiments/run_config.h"
#include "hw_models/device.h"
#include "search/trial.h"
#include "space/network.h"

namespace hwnas {

struct CardFacts {
  std::string study, study_file, study_version;  // name, path as the user gave it, hwnas's version
  Trial trial;
  Network network;                     // live, as it was trained
  std::optional<FinalTraining> final;  // that the weights are of; nothing: of the search
  RunConfig config;
  std::vector<Device> devices;
  TrainedFiles trained;
  std::string weights;                                     // file that the values are from
  std::vector<std::pair<std::string, std::string>> files;  // name and what it is
};

std::string model_card(const CardFacts& facts);

}  // namespace hwnas
