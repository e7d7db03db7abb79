// Ring collectives by hand, transformers cut over devices, and a device of several cards.
#include "hw_models/collectives.h"

#include <gtest/gtest.h>

#include "space/input_error.h"
#include "tests/hw_models/support.h"

namespace hwnas {
namespace {

using testing::candidate;
using testing::shipped;
using testing::zoo;

const Interconnect kRing{4, 1e9, 1e-6, 5e-6, 1e-12, 10};

// 4 devices, 1 MB at 1 GB/s: 3 steps of 250 us and 1 us, after 5 us; an all-reduce has 6 steps.
TEST(Collectives, RingsByHand) {
  EXPECT_NEAR(kRing.all_gather_s(1e6), 5e-6 + 3 * 251e-6, 1e-12);
  EXPECT_NEAR(kRing.reduce_scatter_s(1e6), 5e-6 + 3 * 251e-6, 1e-12);
  EXPECT_NEAR(kRing.all_reduce_s(1e6), 5e-6 + 6 * 251e-6, 1e-12);
  EXPECT_EQ(Interconnect{}.all_reduce_s(1e6), 0);
}

// LLaMA-2-7B over 8: all but the embedding and the norms is an eighth.
TEST(Collectives, TransformersAreCut) {
  const Network whole = zoo("llama2_7b", 16, 16);
  const Shard part = shard(whole, 8);
  EXPECT_EQ(part.network.size(), whole.size());
  EXPECT_EQ(macs(part.network) * 8, macs(whole));
  const std::int64_t alike = 32000LL * 4096 + (2 * 32 + 1) * 4096;
  EXPECT_EQ((parameters(part.network) - alike) * 8, parameters(whole) - alike);
  int sums = 0;
  for (const Shard::Cut cut : part.cuts) sums += cut == Shard::Cut::sums;
  EXPECT_EQ(sums, 2 * 32);
  EXPECT_EQ(part.cuts.back(), Shard::Cut::last);
}

TEST(Collectives, WhatCannotBeCutRunsAlike) {
  // Three heads do not divide over two devices; the feed-forward layers do.
  const Network deit = zoo("deit_tiny", 16, 16);
  const Shard part = shard(deit, 2);
  int attention = 0, sums = 0;
  for (int i = 0; i < deit.size(); ++i) {
    if (deit.layer(i).op == Op::attention)
      attention += part.cuts[static_cast<std::size_t>(i)] == Shard::Cut::none;
    sums += part.cuts[static_cast<std::size_t>(i)] == Shard::Cut::sums;
  }
  EXPECT_EQ(attention, 12);
  EXPECT_EQ(sums, 12);
  // Convolutions are not cut.
  const Network resnet = zoo("resnet8", 16, 16);
  EXPECT_EQ(macs(shard(resnet, 2).network) - macs(resnet), -64 * 10 / 2);
}

TEST(Collectives, EightCards) {
  const Device one = shipped("a100"), eight = shipped("dgx_a100");
  const Candidate c = candidate(zoo("llama2_7b", 16, 16), 8);
  const Cost alone = one.model->estimate(c).cost, shared = eight.model->estimate(c).cost;
  EXPECT_LT(shared.latency_s, alone.latency_s);
  EXPECT_GT(shared.latency_s, alone.latency_s / 8);
  EXPECT_GT(shared.energy_j, alone.energy_j);
  EXPECT_LT(shared.storage_bytes, alone.storage_bytes / 4);
  EXPECT_NEAR(shared.usd_per_million / alone.usd_per_million,
              8 * shared.latency_s / alone.latency_s, 1e-9);
  // 64 all-reduces of 8 x 128 x 4096 values of 2 bytes and an all-gather of 8 x 32000.
  const double bytes = 8.0 * 128 * 4096 * 2;
  const double reduce_s = 5e-6 + 14 * (2e-6 + bytes / 8 / 240e9);
  const double gather_s = 5e-6 + 7 * (2e-6 + 8.0 * 32000 * 2 / 8 / 240e9);
  EXPECT_NEAR(count(shared, "collective_s"), 64 * reduce_s + gather_s, 1e-9);
  EXPECT_NEAR(count(shared, "sent_bytes"), 64 * 14 * bytes + 7 * 8.0 * 32000 * 2, 1);
}

TEST(Collectives, BadFilesAreNamed) {
  const std::string good = shipped("dgx_a100").text;
  try {
    (void)Device::parse(testing::replaced(good, "devices = 8", "devices = 0"), "d.toml");
    ADD_FAILURE() << "no error";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("interconnect.devices = 0"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace hwnas
