// SearchSpace: the named choices of a space file and what they decode to.
//
// A space is data: stages of blocks, each with keys that hold one value, or an array of options
// (one gene for the stage), or {each = [...]} (one gene for each block of the stage). The grammar,
// with the vocabulary of blocks, is in space/README.md. const access is thread-safe.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "space/candidate.h"

namespace hwnas {

// One gene: what it chooses and between what, as text for people.
struct Choice {
  std::string name;                  // "stage2.block1.kernel"
  std::vector<std::string> options;  // {"3", "5"}
};

// What a data set says of a network's two ends; replaces [input] of the space file, but for classes
// of 0, which are not known yet.
struct Task {
  Shape input;
  int classes = 0;
};

class SearchSpace {
 public:
  // Throw InputError (file, line, key, value): unknown keys or blocks, an empty list of options,
  // options of the wrong type, more than 256 options, a space without stages.
  static SearchSpace load(const std::filesystem::path& path, std::optional<Task> task = {});
  static SearchSpace parse(std::string_view text, std::string_view file_name,
                           std::optional<Task> task = {});

  const std::string& name() const;
  const std::string& description() const;
  const std::string& text() const;  // the file, for the study
  const std::vector<Choice>& choices() const;
  const std::vector<int>& cardinalities() const;  // options of each choice
  double log10_size() const;                      // log10 of the number of genotypes
  Task task() const;

  // Throws std::invalid_argument where the genotype does not fit the choices, or decodes to shapes
  // that do not fit (a space file that allows these is at fault; the message names the stage).
  Candidate decode(const Genotype& genotype) const;

  // Which genes the decoded candidate depends on: not those of blocks beyond a stage's depth.
  std::vector<bool> active_genes(const Genotype& genotype) const;

  struct Plan;  // internal: space/space_plan.h

 private:
  SearchSpace(const class TomlTable& file, const std::optional<Task>& task);
  std::shared_ptr<const Plan> plan_;
};

// "stage1.channels 16, stage1.block1.kernel 5, ...": a genotype in words, its active genes only.
std::string describe(const SearchSpace& space, const Genotype& genotype);

}  // namespace hwnas
