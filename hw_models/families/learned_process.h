// The Gaussian process of a learned device file: internal to the family.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "space/search_space.h"
#include "space/toml_table.h"

namespace hwnas {

// An architecture as the process reads it: genes (kInactive where they decide nothing) and
// layer_counts().
struct LearnedInput {
  std::vector<std::uint8_t> choices;
  std::vector<double> counts;
};

class LearnedProcess {
 public:
  // The section [latency] or [energy]. Throws InputError.
  LearnedProcess(const TomlTable& section, const SearchSpace& space);

  // Mean and standard error of the value.
  std::pair<double, double> predict(const LearnedInput& input) const;

 private:
  // constant + a number for each option chosen, for each two, and for each layer count.
  struct Coordinate {
    double constant = 0;
    std::vector<double> options, pairs, counts;
    double at(const LearnedInput& input, const std::vector<int>& cardinalities) const;
  };
  Coordinate read_coordinate(const TomlTable& table, const std::vector<std::string>& counts) const;
  void read_samples(const TomlTable& section, const SearchSpace& space);
  void solve(const TomlTable& section, const std::vector<double>& values);
  void covariances(const LearnedInput& input, const std::vector<double>& x,
                   std::vector<double>& k) const;
  std::vector<double> coordinates_of(const LearnedInput& input) const;

  std::vector<int> cardinalities_;
  std::vector<Coordinate> coordinates_;
  std::vector<double> by_difference_;  // of the covariance, by how many choices differ
  double noise_ = 0, scale_ = 1, centre_ = 0, lowest_ = 0;
  bool logarithm_ = false;
  Coordinate line_;
  double line_share_ = 0;
  std::vector<LearnedInput> samples_;
  std::vector<double> sample_x_;  // their coordinates, row by row
  std::vector<double> weights_;
  std::vector<double> factor_;    // Cholesky, lower, row by row; empty where samples are many
  double left_out_variance_ = 1;  // then: of a sample left out, on average
};

// What the process reads of the genes and the network that they decode to.
LearnedInput learned_input(const SearchSpace& space, const Candidate& decoded);

}  // namespace hwnas
