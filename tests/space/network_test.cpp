#include "space/network.h"

#include <gtest/gtest.h>

#include <functional>

#include "space/candidate.h"
#include "space/network_builder.h"
#include "space/network_file.h"

namespace hwnas {
namespace {

std::string message(const std::function<void()>& act) {
  try {
    act();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

TEST(NetworkBuilder, InfersShapesAndCounts) {
  NetworkBuilder b("n", {3, 9, 11});
  int x = b.conv(0, {.channels = 8, .kernel = 3, .stride = 2});
  EXPECT_EQ(b.shape(x), (Shape{8, 5, 6}));  // ceil(9/2), ceil(11/2)
  x = b.batch_norm(x);
  x = b.conv(x, {.channels = 8, .kernel = 5, .groups = 8, .bias = true});
  x = b.linear(b.global_avg_pool(x), 10);
  const Network n = std::move(b).build();
  // 8*3*9 weights; 2*8; 8*25 + 8; 80 + 10
  EXPECT_EQ(parameters(n), 216 + 16 + 208 + 90);
  // 216 * 30 positions; 200 * 30; 80
  EXPECT_EQ(macs(n), 6480 + 6000 + 80);
  EXPECT_TRUE(is_depthwise(n.layer(3)));
  EXPECT_FALSE(is_depthwise(n.layer(1)));
}

TEST(NetworkBuilder, RectangularAndEvenKernelsKeepSame) {
  NetworkBuilder b("n", {1, 49, 10});
  EXPECT_EQ(b.shape(b.conv(0, {.channels = 64, .kernel = 10, .kernel_w = 4, .stride = 2})),
            (Shape{64, 25, 5}));
  EXPECT_EQ(b.shape(b.conv(0, {.channels = 2, .kernel = 11, .stride = 4, .pad = 2})),
            (Shape{2, 11, 1}));
}

TEST(NetworkBuilder, ErrorsNameTheLayer) {
  NetworkBuilder b("n", {3, 8, 8});
  b.set_prefix("s1");
  EXPECT_EQ(message([&] { b.conv(0, {.channels = 8, .kernel = 3, .groups = 2}); }),
            "layer 's1.conv' (conv): 2 groups do not divide 3 input and 8 output channels");
  const int x = b.conv(0, {.channels = 4});
  EXPECT_EQ(message([&] { b.add({0, x}); }), "layer 's1.add' (add): cannot add 4x8x8 to 3x8x8");
  EXPECT_EQ(message([&] { b.pool(0, Op::max_pool, 9, 1, 0); }),
            "layer 's1.max_pool' (max_pool): kernel 9 is larger than its padded input of 8");
  EXPECT_EQ(message([&] { b.linear(7, 4); }),
            "layer 's1.linear' (linear): reads a layer that is not before it");
  EXPECT_EQ(message([&] { b.unary(0, Op::channel_shuffle, 2); }),
            "layer 's1.channel_shuffle' (channel_shuffle): 2 groups do not divide 3 channels");
  const std::array both{0, x};
  EXPECT_EQ(message([&] { b.join(both, Op::multiply); }),
            "layer 's1.multiply' (multiply): cannot scale 3x8x8 by 4x8x8");
  NetworkBuilder text("n", {1, 9, 1});
  const int word = text.embedding(0, 4, 5);
  EXPECT_EQ(message([&] { text.with_entries(word, Op::position_embedding, 8); }),
            "layer 'position_embedding' (position_embedding): has 8 positions for 9 tokens");
  EXPECT_EQ(message([&] {
              NetworkBuilder("n", {0, 1, 1});
            }),
            "input shape 0x1x1 has an empty dimension");
}

// input -> a -> [identity] -> add(a', b?) -> output, with a dead branch on request.
Network diamond(bool swapped, bool dead_branch, bool identity, bool shared = false) {
  NetworkBuilder b("n", {4, 8, 8});
  if (dead_branch) b.conv(0, {.channels = 16, .kernel = 3});
  int p = b.conv(0, {.channels = 4, .kernel = 3});
  int q = shared ? p : b.conv(0, {.channels = 4, .kernel = 3});
  p = b.activation(p, Activation::relu);
  if (identity) q = b.unary(q, Op::identity);
  int x = swapped ? b.add({q, p}) : b.add({p, q});
  b.linear(b.global_avg_pool(x), 3);
  return std::move(b).build();
}

TEST(Network, FingerprintSeesThroughOrderDeadBranchesAndIdentities) {
  const std::uint64_t base = fingerprint(diamond(false, false, false));
  EXPECT_EQ(fingerprint(diamond(true, false, false)), base);
  EXPECT_EQ(fingerprint(diamond(false, true, false)), base);
  EXPECT_EQ(fingerprint(diamond(false, false, true)), base);
  EXPECT_NE(fingerprint(diamond(false, false, false, true)),
            base);  // one conv used twice is not two convs
  EXPECT_NE(fingerprint(with_precision(diamond(false, false, false), 8, 8)), base);
}

// Stored in studies: must not change between versions.
TEST(Network, FingerprintIsStable) {
  EXPECT_EQ(fingerprint(diamond(false, false, false)), 14213020481496074545u);
}

Network attending(bool causal) {
  NetworkBuilder b("n", {4, 8, 1});
  b.attention(0, 0, 0, 2, 0, causal);
  return std::move(b).build();
}

// The number is that of version 0.2.0, which knew no causal attention.
TEST(Network, CausalAttentionIsAnotherNetwork) {
  EXPECT_EQ(fingerprint(attending(false)), 9571574744212774619u);
  EXPECT_NE(fingerprint(attending(true)), fingerprint(attending(false)));
  EXPECT_EQ(macs(attending(true)), macs(attending(false)));
  const Network read = parse_network(to_toml(attending(true)), "n.toml");
  EXPECT_TRUE(read.layer(1).causal);
  EXPECT_EQ(fingerprint(read), fingerprint(attending(true)));
  EXPECT_FALSE(parse_network(to_toml(attending(false)), "n.toml").layer(1).causal);
}

TEST(Network, LiveDropsWhatDoesNotRun) {
  const Network n = diamond(false, true, true);
  const auto alive = live(n);
  ASSERT_TRUE(alive);
  EXPECT_EQ(alive->size(), n.size() - 2);  // the dead conv and the identity
  EXPECT_EQ(parameters(*alive), parameters(n) - 16 * 4 * 9);
  EXPECT_EQ(fingerprint(*alive), fingerprint(n));
  EXPECT_EQ(live(*alive)->size(), alive->size());
}

TEST(Network, LiveOfZerosIsNothing) {
  NetworkBuilder b("n", {4, 8, 8});
  const int zero = b.unary(0, Op::zero);
  const int x = b.add({zero, zero});
  b.linear(b.global_avg_pool(x), 3);
  const Network n = std::move(b).build();
  EXPECT_FALSE(live(n));
  EXPECT_EQ(fingerprint(n), 0u);
}

TEST(Network, LiveAddOfOneTermIsTheTerm) {
  NetworkBuilder b("n", {4, 8, 8});
  const int zero = b.unary(0, Op::zero);
  const int x = b.add({zero, b.conv(0, {.channels = 4})});
  b.linear(b.global_avg_pool(x), 3);
  const auto alive = live(std::move(b).build());
  ASSERT_TRUE(alive);
  EXPECT_EQ(alive->size(), 4);  // input, conv, pool, linear
}

TEST(Candidate, FingerprintTellsDeploymentsApart) {
  Candidate a{{}, diamond(false, false, false), {}}, b = a, c = a;
  b.deployment.batch = 2;
  c.deployment.clock_share = 0.5;
  EXPECT_NE(fingerprint(a), fingerprint(b));
  EXPECT_NE(fingerprint(a), fingerprint(c));
  EXPECT_EQ(fingerprint(a), fingerprint(Candidate{Genotype{{1}}, a.network, a.deployment}));
}

TEST(Network, NamesParseBack) {
  for (int i = 0; i < kOps; ++i)
    EXPECT_EQ(parse_op(to_string(static_cast<Op>(i))), static_cast<Op>(i));
  for (int i = 0; i <= static_cast<int>(Activation::gelu); ++i) {
    EXPECT_EQ(parse_activation(to_string(static_cast<Activation>(i))), static_cast<Activation>(i));
  }
  EXPECT_FALSE(parse_op("convolution"));
}

}  // namespace
}  // namespace hwnas
