#include "experiments/trained_network.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>

#include "experiments/experiment.h"
#include "space/input_error.h"
#include "space/network_file.h"
#include "space/rng.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

// "a.db:42" -> "a.db", 42.
std::optional<std::pair<std::string, TrialId>> as_trial(const std::string& name) {
  const auto colon = name.rfind(':');
  if (colon == std::string::npos || !name.substr(0, colon).ends_with(".db")) return std::nullopt;
  TrialId id = -1;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + colon + 1, end, id);
  if (parsed.ec != std::errc() || parsed.ptr != end || id < 0) return std::nullopt;
  return std::pair{name.substr(0, colon), id};
}

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string hash_of(const std::string& network, const fs::path& weights) {
  std::uint64_t hash = 0;
  for (const std::string& text : {network, contents(weights)}) {
    hash = hash_combine(hash, text.size());
    for (const char c : text) hash = hash_combine(hash, static_cast<unsigned char>(c));
  }
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

TrainedNetwork of_trial(const fs::path& path, TrialId id) {
  const Study study = Study::open_readonly(path);
  const auto trial = study.trial(id);
  if (!trial) throw InputError(path.string() + ": has no trial " + std::to_string(id));
  TrainedNetwork found;
  const std::vector<FinalTraining> finals = study.finals(id);
  const auto longest = std::max_element(
      finals.begin(), finals.end(),
      [](const FinalTraining& a, const FinalTraining& b) { return a.epochs < b.epochs; });
  if (longest != finals.end()) found.weights = fs::path(longest->folder) / "weights.pt";
  for (const Artifact& artifact : study.artifacts(id)) {
    if (found.weights.empty() && artifact.kind == "weights") found.weights = artifact.path;
  }
  if (found.weights.empty())
    throw InputError(path.string() + ": trial " + std::to_string(id) +
                     " has no weights; 'hwnas train' makes them");
  if (found.weights.is_relative()) found.weights = files_folder(path) / found.weights;
  const auto alive = live(stored_space(study).decode(trial->genotype).network);
  found.network = to_toml(*alive);
  return found;
}

}  // namespace

TrainedNetwork find_trained(const std::string& name, const fs::path& base, const std::string& file,
                            const std::string& key) {
  const auto fail = [&](const std::string& problem) -> InputError {
    return InputError(file, 0, key, name, problem);
  };
  TrainedNetwork found;
  if (const auto trial = as_trial(name)) {
    const fs::path path = base / trial->first;  // an absolute one stays itself
    try {
      found = of_trial(path, trial->second);
    } catch (const InputError& error) {
      throw fail(error.what());
    }
  } else {
    const fs::path folder = base / name;
    if (!fs::is_directory(folder))
      throw fail("expected a trial, STUDY.db:ID, or a folder with network.toml and weights.pt");
    if (!fs::exists(folder / "network.toml")) throw fail("has no network.toml");
    found.network = to_toml(
        parse_network(contents(folder / "network.toml"), (folder / "network.toml").string()));
    found.weights = folder / "weights.pt";
  }
  if (!fs::exists(found.weights)) throw fail("no such file: " + found.weights.string());
  found.weights = fs::absolute(found.weights);
  found.name = name;
  found.hash = hash_of(found.network, found.weights);
  return found;
}

}  // namespace hwnas
