// Transformers on GPUs against measurements: LLaMA-7B on an A100, and thousands of GPT-2-like
// networks on five cards.
#include <gtest/gtest.h>

#include <sstream>

#include "space/blocks.h"
#include "space/toml_table.h"
#include "tests/hw_models/errors.h"
#include "tests/hw_models/support.h"
#include "tests/shared_data.h"

namespace hwnas {
namespace {

using testing::candidate;
using testing::shipped;

std::vector<double> parts(const std::string& text) {
  std::vector<double> numbers;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, '_');) numbers.push_back(std::stod(part));
  return numbers;
}

// HW-GPT-Bench (arXiv:2405.10299): heads of 64 channels, rotary positions, gated feed-forward;
// heads and width of the feed-forward layer by layer. A vocabulary of 50254.
Network gpt(const std::map<std::string, std::string>& row, int tokens) {
  NetworkBuilder b("gpt", {1, tokens, 1});
  b.set_prefix("embed");
  const int width = std::stoi(row.at("embed_dim"));
  int x = append_block(
      b, "embed", 0,
      {.block = Block::embedding, .channels = width, .norm = Norm::none, .vocabulary = 50254});
  const std::vector<double> heads = parts(row.at("n_head")), ratio = parts(row.at("mlp_ratio"));
  for (int i = 0; i < std::stoi(row.at("n_layer")); ++i) {
    x = append_block(b, std::to_string(i), x,
                     {.block = Block::transformer,
                      .expansion = ratio[static_cast<std::size_t>(i)],
                      .activation = Activation::swish,
                      .norm = Norm::layer,
                      .bias = row.at("bias") == "1",
                      .heads = static_cast<int>(heads[static_cast<std::size_t>(i)]),
                      .head_channels = 64,
                      .gated = true});
  }
  b.set_prefix("norm");
  x = b.unary(x, Op::layer_norm);
  append_block(b, "head", x, {.block = Block::token_classifier, .classes = 50254});
  return std::move(b).build();
}

// Under a runtime that fuses nothing: kernel by kernel, with attention that writes its scores,
// masks them (read, written), takes the softmax (read, written) and reads them.
Device eager(const Device& device) {
  TomlTable over = TomlTable::parse("[coverage]\nfused = []\n[runtime]\nscore_passes = 6\n",
                                    device.name + ".toml");
  const std::string text =
      TomlTable::merge(TomlTable::parse(device.text, device.file), std::move(over)).text();
  return Device::parse(text, device.name + ".toml");
}

// What was measured is PyTorch in half precision, as the cards' peaks tell; our files of these
// cards but the last describe TensorRT. As shipped: -55 to -66 % and a rank correlation of 0.97 to
// 0.99.
struct Card {
  const char* device;
  const char* column;
  double shipped, eager;  // bias of the latency
  double calibrated;      // MAPE of eager latencies after one factor from ten of the networks
  double energy;          // bias, as shipped
  double latency_spearman, energy_spearman;
};

class GptCards : public ::testing::TestWithParam<Card> {};

TEST_P(GptCards, LatencyAndEnergy) {
  HWNAS_NEEDS_SHARED("gpt_small_devices.csv.gz");
  const Card& card = GetParam();
  const std::string column = card.column;
  const Device device = shipped(card.device);
  const Device unfused = eager(device);
  const auto rows = testing::read_csv(testing::shared_path("gpt_small_devices.csv.gz"));
  testing::Errors latency, energy, eager_latency, calibrated;
  double factor = 0;
  int n = 0;
  for (std::size_t i = 0; i < rows.size(); i += 50, ++n) {
    const auto& row = rows[i];
    const Network network = gpt(row, 1024);
    ASSERT_EQ(parameters(network), std::stoll(row.at("params")));
    const Candidate c = candidate(with_precision(network, 16, 16), 8);
    const Estimate estimate = device.model->estimate(c);
    ASSERT_TRUE(estimate.ok()) << estimate.reason;
    const double published_s = std::stod(row.at(column + "_latency_median_ms")) * 1e-3;
    latency.add(estimate.cost.latency_s, published_s);
    energy.add(estimate.cost.energy_j * 8, std::stod(row.at(column + "_energy_median_J")));
    const double eager_s = unfused.model->estimate(c).cost.latency_s;
    eager_latency.add(eager_s, published_s);
    if (n < 10) factor += published_s / eager_s / 10;
    if (n >= 10) calibrated.add(eager_s * factor, published_s);
  }
  EXPECT_NEAR(latency.bias(), card.shipped, 0.01);
  EXPECT_NEAR(eager_latency.bias(), card.eager, 0.01);
  EXPECT_NEAR(calibrated.mape(), card.calibrated, 0.01);
  EXPECT_NEAR(energy.bias(), card.energy, 0.01);
  EXPECT_NEAR(latency.spearman(), card.latency_spearman, 0.005);
  EXPECT_NEAR(energy.spearman(), card.energy_spearman, 0.005);
}

INSTANTIATE_TEST_SUITE_P(
    All, GptCards,
    ::testing::Values(Card{"a100", "a100", -0.661, -0.403, 0.036, 0.168, 0.996, 0.965},
                      Card{"h100_sxm", "h100", -0.661, -0.271, 0.067, -0.345, 0.995, 0.953},
                      Card{"v100", "v100", -0.597, -0.215, 0.064, 0.373, 0.993, 0.991},
                      Card{"a6000", "a6000", -0.545, 0.153, 0.107, -0.123, 0.995, 0.898},
                      Card{"rtx_2080ti", "rtx2080", -0.623, -0.270, 0.144, -0.392, 0.979, 0.963}),
    [](const auto& test) { return std::string(test.param.device); });

// LLaMA-7B in fp16 on one A100 under TensorRT-LLM (LLM-Viewer, issue 4; the bandwidth of its
// roofline is that of an 80 GB card). Nothing is calibrated on these. Decoding fits; the short
// prompt is a miss: reading the weights and multiplying take about as long as each other here, and
// the model overlaps them wholly. As the two ratios differ, a factor from one makes the other
// worse.
TEST(Llama, PrefillAndDecodeOnA100) {
  const Device device = shipped("a100");
  const auto latency_s = [&](const Network& network, int batch) {
    const Estimate estimate = device.model->estimate(candidate(network, batch));
    EXPECT_TRUE(estimate.ok()) << estimate.reason;
    return estimate.cost.latency_s;
  };
  const Network prompt = testing::zoo("llama2_7b", 16, 16);
  EXPECT_NEAR(latency_s(prompt, 1) / 16.1e-3, 0.61, 0.03);

  // 2048 tokens after 128: the first with the prompt, the last after 2175 cached; a step grows
  // linearly with what is cached (Simpson's rule is exact).
  const auto step_s = [&](int cached) {
    const Network network = testing::zoo("llama2_7b_decode", 16, 16);
    NetworkBuilder b("decode", network.input());
    b.set_input_precision(16);
    for (int i = 1; i < network.size(); ++i) {
      Layer layer = network.layer(i);
      if (layer.op == Op::attention) layer.entries = cached;
      const auto inputs = network.inputs(layer);
      const std::vector<int> from(inputs.begin(), inputs.end());
      b.append(std::move(layer), from, network.layer(i).out.channels);
    }
    return latency_s(std::move(b).build(), 32);
  };
  const double mean_s = (step_s(128) + 4 * step_s(1152) + step_s(2175)) / 6;
  const double tokens_per_s = 32 * 2048 / (latency_s(prompt, 32) + 2047 * mean_s);
  EXPECT_NEAR(tokens_per_s / 1518, 1.02, 0.03);
}

}  // namespace
}  // namespace hwnas
