#include "space/layer_counts.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "space/search_space.h"

namespace hwnas {
namespace {

double count(const std::vector<double>& counts, const std::string& name) {
  const auto& names = layer_count_names();
  const auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() ? -1 : counts[static_cast<std::size_t>(at - names.begin())];
}

std::vector<double> cell(std::vector<std::uint8_t> genes) {
  static const SearchSpace space =
      SearchSpace::load(std::string(HWNAS_SOURCE_DIR) + "/space/spaces/nasbench201.toml");
  return layer_counts(space.decode(Genotype{std::move(genes)}).network);
}

// Stem, two reductions of a 3x3, a 3x3 and (with a pool) a 1x1 convolution, one matrix; 15 cells.
TEST(LayerCounts, OfAWholeCell) {
  const std::vector<double> counts = cell({3, 3, 3, 3, 3, 3});
  EXPECT_EQ(counts.size(), layer_count_names().size());
  for (const std::string which : {"all.", "used."}) {
    EXPECT_EQ(count(counts, which + "conv3"), 1 + 2 * 2 + 15 * 6) << which;
    EXPECT_EQ(count(counts, which + "conv1"), 2) << which;
    EXPECT_EQ(count(counts, which + "matrix"), 1) << which;
    EXPECT_EQ(count(counts, which + "join"), 2 + 15 * 3) << which;  // sums of 2 and of 3 terms
    // Readers of the cell's input and of its nodes: 3, 2 and 1; of a reduction's input: 2.
    EXPECT_EQ(count(counts, which + "branch"), 2 + 15 * (2 + 1)) << which;
    // The activations that read the first two; of a reduction the first activation.
    EXPECT_EQ(count(counts, which + "shared"), 2 + 15 * (3 + 2)) << which;
  }
}

// The first edge is a convolution that only zeros read: it runs, and is not used.
TEST(LayerCounts, WhatIsNotUsedCountsInAllOnly) {
  const std::vector<double> counts = cell({3, 0, 0, 2, 0, 0});
  EXPECT_EQ(count(counts, "all.conv3"), 5 + 15);
  EXPECT_EQ(count(counts, "used.conv3"), 5);
  EXPECT_EQ(count(counts, "used.conv1"), 2 + 15);
  EXPECT_GT(count(counts, "all.mega_macs"), count(counts, "used.mega_macs"));
  // A convolution of zeros is used: its output is read.
  const std::vector<double> fed_zeros = cell({0, 0, 0, 2, 3, 0});
  EXPECT_EQ(count(fed_zeros, "used.conv3"), 5 + 15);
}

TEST(LayerCounts, OfNothingAreZero) {
  for (const double number : layer_counts(Network{})) EXPECT_EQ(number, 0);
}

}  // namespace
}  // namespace hwnas
