// Units, errors, the generator, genotypes and the variation operators.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "space/genotype.h"
#include "space/input_error.h"
#include "space/operators.h"
#include "space/rng.h"
#include "space/units.h"

namespace hwnas {
namespace {

TEST(Units, FormatsWithThreeDigitsInTheLargestUnit) {
  EXPECT_EQ(format_quantity(0.0203, Unit::second), "20.3 ms");
  EXPECT_EQ(format_quantity(1.5e-6, Unit::second), "1.50 us");
  EXPECT_EQ(format_quantity(262144, Unit::byte), "256 KiB");
  EXPECT_EQ(format_quantity(0.9999999, Unit::second), "1.00 s");
  EXPECT_EQ(format_quantity(0.913, Unit::fraction), "91.3 %");
  EXPECT_EQ(format_quantity(3504872, Unit::count), "3.50 M");
  EXPECT_EQ(format_quantity(0.42, Unit::usd), "$0.420");
  EXPECT_EQ(format_quantity(0, Unit::joule), "0 pJ");
  EXPECT_EQ(format_quantity(std::nan(""), Unit::second), "-");
}

TEST(Units, ParsesWhatPeopleWrite) {
  EXPECT_DOUBLE_EQ(parse_quantity("20 ms", Unit::second), 0.02);
  EXPECT_DOUBLE_EQ(parse_quantity("20ms", Unit::second), 0.02);
  EXPECT_DOUBLE_EQ(parse_quantity("256 KiB", Unit::byte), 262144);
  EXPECT_DOUBLE_EQ(parse_quantity("64 kB", Unit::byte), 64000);
  EXPECT_DOUBLE_EQ(parse_quantity(" 2.5 mJ ", Unit::joule), 0.0025);
  EXPECT_DOUBLE_EQ(parse_quantity("12 %", Unit::fraction), 0.12);
  EXPECT_DOUBLE_EQ(parse_quantity("20 k", Unit::count), 20000);
}

TEST(Units, RefusesAMissingOrForeignUnit) {
  EXPECT_THROW(parse_quantity("20", Unit::second), std::invalid_argument);
  EXPECT_THROW(parse_quantity("20 KiB", Unit::second), std::invalid_argument);
  EXPECT_THROW(parse_quantity("fast", Unit::second), std::invalid_argument);
  EXPECT_THROW(parse_quantity("nan ms", Unit::second), std::invalid_argument);
  EXPECT_THROW(parse_quantity("", Unit::none), std::invalid_argument);
  try {
    parse_quantity("20 KiB", Unit::second);
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "expected a time such as '20 ms' (ns, us, ms, s, min, h, day)");
  }
}

TEST(InputError, IsOneLineWithEveryPart) {
  EXPECT_STREQ(
      InputError("run.toml", 12, "budget.trials", "'many'", "expected a\nwhole number").what(),
      "run.toml:12: budget.trials = 'many': expected a whole number");
  EXPECT_STREQ(InputError("run.toml", 0, "", "", "cannot be read").what(),
               "run.toml: cannot be read");
}

TEST(InputError, SuggestsOnlyMisspellings) {
  const std::vector<std::string> known{"trials", "seconds", "batch"};
  EXPECT_EQ(nearest("trails", known), "trials");
  EXPECT_EQ(nearest("population", known), "");
  EXPECT_EQ(suggestion("batsh", known), "; did you mean 'batch'?");
  EXPECT_EQ(suggestion("population", known), "; known: trials, seconds, batch");
}

TEST(Units, AValueHasTheDigitsThatItsErrorLeaves) {
  EXPECT_EQ(format_quantity(9.8e-3, 0.4e-3, Unit::second), "9.8 \u00b1 0.4 ms");
  EXPECT_EQ(format_quantity(9.8e-3, 0.12e-3, Unit::second), "9.80 \u00b1 0.12 ms");
  EXPECT_EQ(format_quantity(9.8e-3, 3e-6, Unit::second), "9.800 \u00b1 0.003 ms");
  EXPECT_EQ(format_quantity(1.2e-3, 30e-3, Unit::second), "1 \u00b1 30 ms");
  EXPECT_EQ(format_quantity(0.874, 0.004, Unit::fraction), "87.4 \u00b1 0.4 %");
  EXPECT_EQ(format_quantity(0.874, 0.00999, Unit::fraction), "87.4 \u00b1 1.0 %");
  EXPECT_EQ(format_quantity(1.0, 0.0, Unit::fraction), "100.0 \u00b1 0.0 %");
  EXPECT_EQ(format_quantity(0.42, 0.03, Unit::usd), "$0.42 \u00b1 0.03");
  EXPECT_EQ(format_quantity(1536, 102.4, Unit::byte), "1.50 \u00b1 0.10 KiB");
  EXPECT_EQ(format_quantity(1e-3, std::nan(""), Unit::second), "1.00 ms");
}

// Known answers of Random123 1.09, kat_vectors, "philox4x32 10".
TEST(Rng, IsPhilox) {
  using Block = std::array<std::uint32_t, 4>;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Rng, StreamsDifferAndRepeat) {
  Rng a(7, 1), b(7, 1), c(7, 2);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(a.next(), c.next());
}

TEST(Rng, BelowIsUniform) {
  Rng rng(3);
  std::array<int, 5> seen{};
  for (int i = 0; i < 50000; ++i) ++seen[rng.below(5)];
  for (const int count : seen) EXPECT_NEAR(count, 10000, 400);  // 4.5 standard deviations
}

TEST(Rng, NormalHasItsMoments) {
  Rng rng(5);
  double sum = 0, squares = 0;
  const int n = 100000;
  for (int i = 0; i < n; ++i) {
    const double x = rng.normal();
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / n, 0, 0.015);
  EXPECT_NEAR(squares / n, 1, 0.02);
}

TEST(Genotype, TextRoundTrips) {
  EXPECT_EQ(to_text(Genotype{{3, 0, 255}}), "3-0-255");
  EXPECT_EQ(parse_genotype("3-0-255"), (Genotype{{3, 0, 255}}));
  EXPECT_EQ(parse_genotype(""), Genotype{});
}

TEST(Genotype, RefusesOtherText) {
  for (const char* bad : {"3-", "-3", "a", "3--1", "256", "3 0", "3-0x"}) {
    EXPECT_THROW(parse_genotype(bad), std::invalid_argument) << bad;
  }
  try {
    parse_genotype("3-999");
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(),
                 "genotype part '999' is not an index from 0 to 255; expected text such as 3-0-2");
  }
}

const std::vector<int> kCards{4, 1, 7, 2, 256};

TEST(Operators, SampleStaysWithinAndReachesEverything) {
  Rng rng(1);
  std::vector<std::set<int>> seen(kCards.size());
  for (int i = 0; i < 20000; ++i) {
    const Genotype g = sample(kCards, rng);
    for (std::size_t j = 0; j < kCards.size(); ++j) seen[j].insert(g.genes[j]);
  }
  for (std::size_t j = 0; j < kCards.size(); ++j)
    EXPECT_EQ(seen[j].size(), static_cast<std::size_t>(kCards[j]));
}

TEST(Operators, MutateAlwaysChangesSomethingAndOnlyWithinRange) {
  Rng rng(2);
  Genotype g = sample(kCards, rng);
  for (int i = 0; i < 5000; ++i) {
    const Genotype child = mutate(g, kCards, 0.0, rng);
    int changed = 0;
    for (std::size_t j = 0; j < kCards.size(); ++j) {
      EXPECT_LT(child.genes[j], kCards[j]);
      changed += child.genes[j] != g.genes[j];
    }
    EXPECT_EQ(changed, 1);
    EXPECT_EQ(child.genes[1], 0);
    g = child;
  }
}

TEST(Operators, MutateAtRateOneChangesEveryFreeGene) {
  Rng rng(3);
  const Genotype g = sample(kCards, rng);
  const Genotype child = mutate(g, kCards, 1.0, rng);
  for (std::size_t j = 0; j < kCards.size(); ++j)
    EXPECT_EQ(child.genes[j] != g.genes[j], kCards[j] > 1);
}

TEST(Operators, MutateEndsWhereNothingIsFree) {
  Rng rng(4);
  const std::vector<int> fixed{1, 1};
  EXPECT_EQ(mutate(Genotype{{0, 0}}, fixed, 0.5, rng), (Genotype{{0, 0}}));
}

TEST(Operators, VaryChangesEachFreeGeneAtItsRateAndSaysWhether) {
  Rng rng(6);
  const Genotype parent{{1, 0, 3, 0, 200}};
  std::vector<int> changes(kCards.size());
  int unchanged = 0;
  for (int i = 0; i < 4000; ++i) {
    Genotype child = parent;
    const bool changed = vary(child, kCards, 0.25, rng);
    EXPECT_EQ(changed, child != parent);
    unchanged += child == parent;
    for (std::size_t j = 0; j < kCards.size(); ++j) {
      EXPECT_LT(child.genes[j], kCards[j]);
      changes[j] += child.genes[j] != parent.genes[j];
    }
  }
  EXPECT_EQ(changes[1], 0);  // has one option
  for (const std::size_t j : {0, 2, 3, 4}) EXPECT_NEAR(changes[j], 1000, 110) << j;  // 4 sigma
  EXPECT_NEAR(unchanged, 4000 * 0.75 * 0.75 * 0.75 * 0.75, 120);                     // 1266
}

TEST(Operators, CrossoverTakesEachGeneFromAParentEvenly) {
  Rng rng(5);
  const Genotype a{{0, 0, 0, 0, 0}}, b{{3, 0, 6, 1, 255}};
  int from_b = 0;
  for (int i = 0; i < 4000; ++i) {
    const Genotype child = crossover(a, b, rng);
    for (std::size_t j = 0; j < a.genes.size(); ++j) {
      EXPECT_TRUE(child.genes[j] == a.genes[j] || child.genes[j] == b.genes[j]);
    }
    from_b += child.genes[2] == 6;
  }
  EXPECT_NEAR(from_b, 2000, 150);
}

TEST(Operators, CrossoverIsEvenBeyond64Genes) {
  Rng rng(7);
  const Genotype a{std::vector<std::uint8_t>(150, 0)}, b{std::vector<std::uint8_t>(150, 1)};
  std::vector<int> from_b(150);
  for (int i = 0; i < 4000; ++i) {
    const Genotype child = crossover(a, b, rng);
    for (std::size_t j = 0; j < 150; ++j) from_b[j] += child.genes[j];
  }
  for (const int count : from_b) EXPECT_NEAR(count, 2000, 150);
}

}  // namespace
}  // namespace hwnas
