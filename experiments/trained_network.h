// A trained network by the name that a user gives it: to teach others, or to begin with.
#pragma once

#include <filesystem>
#include <string>

namespace hwnas {

struct TrainedNetwork {
  std::string name;     // as given
  std::string network;  // text of its network file
  std::filesystem::path weights;
  std::string hash;  // of both
};

// "STUDY.db:ID" (the weights of its longest full training, else those of the search), or a folder
// with network.toml and weights.pt, as `hwnas train -o` leaves it. Relative to `base`. Throws
// InputError for `key` (of `file`) where there is no such thing.
TrainedNetwork find_trained(const std::string& name, const std::filesystem::path& base,
                            const std::string& file, const std::string& key);

}  // namespace hwnas
