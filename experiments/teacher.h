// A teacher of a distillation: a trained network by the name that a user gives it.
#pragma once

#include <filesystem>
#include <string>

namespace hwnas {

struct Teacher {
  std::string name;     // as given
  std::string network;  // text of its network file
  std::filesystem::path weights;
  std::string hash;  // of both
};

// "STUDY.db:ID" (the weights of its longest full training, else those of the search), or a folder
// with network.toml and weights.pt, as `hwnas train -o` leaves it. Relative to `base`. Throws
// InputError for `key` (of `file`) where there is no such thing.
Teacher find_teacher(const std::string& name, const std::filesystem::path& base,
                     const std::string& file, const std::string& key);

}  // namespace hwnas
