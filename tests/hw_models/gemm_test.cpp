#include "hw_models/gemm.h"

#include <gtest/gtest.h>

#include "hw_models/kernel.h"
#include "hw_models/memory_plan.h"
#include "hw_models/validation.h"
#include "space/input_error.h"
#include "space/network_builder.h"
#include "space/network_file.h"

namespace hwnas {
namespace {

TEST(Gemms, ConvLinearAndPool) {
  NetworkBuilder b("n", {4, 8, 6});
  const int conv = b.conv(0, {.channels = 10, .kernel = 3, .groups = 2});
  const int pool = b.global_avg_pool(conv);
  b.linear(pool, 5);
  const Network n = std::move(b).build();
  const Gemms of_conv(n, n.layer(1)), of_pool(n, n.layer(2)), of_linear(n, n.layer(3));
  ASSERT_EQ(of_conv.size(), 1u);
  EXPECT_EQ(of_conv[0], (Gemm{48, 5, 18, 2, true}));
  EXPECT_EQ(of_conv[0].macs(), macs(n, n.layer(1)));
  EXPECT_EQ(of_pool.size(), 0u);
  EXPECT_EQ(of_linear[0], (Gemm{1, 5, 10, 1, true}));
}

// Two query heads of 4 channels share one head of keys; 3 new tokens, 5 in the cache.
Network attention() {
  NetworkBuilder b("a", {6, 3, 1});
  const int q = b.linear(0, 8), k = b.linear(0, 4), v = b.linear(0, 4);
  b.attention(q, k, v, 2, 5);
  return with_precision(std::move(b).build(), 16, 16);
}

TEST(Gemms, Attention) {
  const Network n = attention();
  const Layer& layer = n.layer(4);
  const Gemms gemms(n, layer);
  ASSERT_EQ(gemms.size(), 2u);
  EXPECT_EQ(gemms[0], (Gemm{3, 8, 4, 2, false}));
  EXPECT_EQ(gemms[1], (Gemm{3, 4, 8, 2, false}));
  EXPECT_EQ(gemms[0].macs() + gemms[1].macs(), macs(n, layer));
  EXPECT_EQ(macs(n), 3 * 6 * (8 + 4 + 4) + 2 * 2 * 4 * 3 * 8);
  EXPECT_EQ(cached_values(n, layer), 5 * 8);
}

TEST(Gemms, AttentionAsAKernelAndInMemory) {
  const Network n = attention();
  const std::vector<Kernel> kernels = kernels_of(n, {});
  ASSERT_EQ(kernels.size(), 4u);
  EXPECT_EQ(kernels[3].op, OpClass::attention);
  EXPECT_EQ(kernels[3].macs, macs(n, n.layer(4)));
  EXPECT_EQ(kernels[3].element_ops, 2 * 3 * 8);
  EXPECT_EQ(kernels[3].cache_bytes, 5 * 8 * 2);
  EXPECT_EQ(kernels[3].input_bytes, 3 * (8 + 4 + 4) * 2);
  // q, k, v (48 values) and the output (24), and twice the cache (40) for a batch of two.
  EXPECT_EQ(plan_memory(n, {}).peak_bytes, (48 + 24 + 40) * 2);
  EXPECT_EQ(plan_memory(n, {}, 2).peak_bytes, 2 * (48 + 24 + 40) * 2);
}

TEST(Gemms, TransformerLayersRoundTripThroughAFile) {
  NetworkBuilder b("t", {1, 7, 1});
  int x = b.embedding(0, 8, 100);
  x = b.with_entries(x, Op::position_embedding, 16);
  x = b.unary(x, Op::layer_norm);
  x = b.attention(x, x, x, 2, 3);
  x = b.unary(x, Op::rms_norm);
  b.linear(b.unary(x, Op::select_token), 3);
  const Network n = std::move(b).build();
  EXPECT_EQ(parameters(n), 100 * 8 + 16 * 8 + 2 * 8 + 8 + 8 * 3 + 3);
  EXPECT_EQ(n.output(), (Shape{3, 1, 1}));
  const Network again = parse_network(to_toml(n), "t.toml");
  EXPECT_EQ(to_toml(again), to_toml(n));
  EXPECT_EQ(fingerprint(again), fingerprint(n));
  ASSERT_TRUE(live(n));
  EXPECT_EQ(fingerprint(*live(n)), fingerprint(n));
  NetworkBuilder image("i", {8, 4, 4});
  const int tokens = image.with_entries(0, Op::tokens, 1);
  EXPECT_EQ(image.shape(tokens), (Shape{8, 17, 1}));
  EXPECT_THROW(image.attention(tokens, tokens, tokens, 3), std::invalid_argument);
  // The table is stored; only the rows that are named are read.
  const Kernel table = kernels_of(n, {})[0];
  EXPECT_EQ(table.table_bytes, 100 * 8 * 4);
  EXPECT_EQ(table.input_bytes, 7 * 8 * 4);
  EXPECT_EQ(table.weight_bytes, 0);
}

TEST(Gemms, ParsedFromText) {
  const auto network = parse_gemm("gemm:841x128x64");
  ASSERT_TRUE(network);
  EXPECT_EQ(Gemms(*network, network->layer(1))[0], (Gemm{841, 128, 64, 1, true}));
  EXPECT_FALSE(parse_gemm("resnet8"));
  for (const char* bad : {"gemm:", "gemm:1x2", "gemm:1x2x0", "gemm:1x2x3x4", "gemm:1,2,3"})
    EXPECT_THROW(parse_gemm(bad), InputError) << bad;
}

}  // namespace
}  // namespace hwnas
