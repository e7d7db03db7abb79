#include "trainer/cell_noise.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "space/input_error.h"
#include "space/network_builder.h"
#include "space/rng.h"
#include "trainer/cell_noise_json.h"
#include "trainer/module.h"

namespace hwnas::testing {
namespace {

// Cells that hold exactly what is written.
CellNoise perfect() {
  CellNoise noise;
  noise.times.push_back({0, {0, 0.5, 1}, {0, 0, 0}, {0, 0, 0}});
  return noise;
}

// 20,000 weights, half of them 0.5 and half -1.
at::Tensor many() {
  return torch::cat({torch::full({100, 100}, 0.5F), torch::full({100, 100}, -1.F)});
}

TEST(CellNoise, PerfectCellsChangeNothing) {
  Rng rng(1);
  const at::Tensor w = torch::linspace(-2, 3, 12).view({3, 4});
  const CellMap map = program_cells(perfect(), 0, w, rng);
  ASSERT_EQ(map.size(), 1U);
  EXPECT_TRUE(torch::allclose(read_cells(map, rng), w, 1e-6, 1e-6));
  EXPECT_TRUE(program_cells(perfect(), 0, torch::zeros({2, 2}), rng)[0].eq(0).all().item<bool>());
}

TEST(CellNoise, SpreadsAsTheTableSays) {
  CellNoise noise = perfect();
  // At half the largest conductance 0.04 of it, at all of it 0.02; largest weight 1.
  noise.times[0].deviation = {0.1, 0.04, 0.02};
  noise.times[0].read = {0, 0.01, 0};
  Rng rng(2);
  const CellMap map = program_cells(noise, 0, many(), rng);
  const at::Tensor half = map[0].slice(0, 0, 100), whole = map[0].slice(0, 100);
  // 10,000 draws: the mean to 4 sd / 100, the deviation to 4 sd / sqrt(20000).
  EXPECT_NEAR(half.mean().item<double>(), 0.5, 0.0016);
  EXPECT_NEAR(half.std().item<double>(), 0.04, 0.0012);
  EXPECT_NEAR(whole.mean().item<double>(), -1, 0.0008);
  EXPECT_NEAR(whole.std().item<double>(), 0.02, 0.0006);
  const at::Tensor again = read_cells(map, rng) - map[0];
  EXPECT_NEAR(again.slice(0, 0, 100).std().item<double>(), 0.01, 0.0003);
  EXPECT_EQ(again.slice(0, 100).abs().max().item<double>(), 0);
  // The partner at zero is as noisy as its own place in the table, and never negative: the mean of
  // max(0, n) is sd / sqrt(2 pi), its variance sd^2 (1/2 - 1/(2 pi)).
  noise.devices_per_weight = 2;
  const at::Tensor pairs = program_cells(noise, 0, many(), rng)[0].slice(0, 0, 100);
  EXPECT_NEAR(pairs.mean().item<double>(), 0.5 - 0.1 / std::sqrt(2 * M_PI), 0.003);
  EXPECT_NEAR(pairs.std().item<double>(), std::sqrt(0.04 * 0.04 + 0.01 * (0.5 - 0.5 / M_PI)),
              0.003);
}

TEST(CellNoise, MeanDecayIsCompensatedWithOneFactor) {
  CellNoise noise = perfect();
  noise.times[0].mean = {0, 0.4, 0.8};  // 80 % of everything is left
  Rng rng(3);
  EXPECT_TRUE(torch::allclose(program_cells(noise, 0, many(), rng)[0], many(), 1e-5, 1e-6));
}

TEST(CellNoise, SomeCellsAreStuck) {
  CellNoise noise = perfect();
  noise.stuck_off_share = 0.1;
  noise.stuck_on_share = 0.05;
  Rng rng(4);
  const at::Tensor half = program_cells(noise, 0, many(), rng)[0].slice(0, 0, 100);
  // 10,000 cells: sd of a share of 0.1 is 0.003.
  EXPECT_NEAR(half.eq(0).to(at::kFloat).mean().item<double>(), 0.1, 0.012);
  EXPECT_NEAR(half.gt(0.9).to(at::kFloat).mean().item<double>(), 0.05, 0.009);
}

TEST(CellNoise, ClipsAtRootMeanSquares) {
  CellNoise noise = perfect();
  noise.clip = 1;
  Rng rng(5);
  // rms of (1, 1, 1, 5) is sqrt(28 / 4) = 2.646.
  const at::Tensor held = program_cells(noise, 0, torch::tensor({1.F, 1.F, 1.F, 5.F}), rng)[0];
  EXPECT_NEAR(held[3].item<double>(), std::sqrt(7.0), held[0].item<double>() * 1e-3 + 1.1);
  EXPECT_LT(held[3].item<double>(), 4);
}

TEST(CellNoise, ConvertersRound) {
  CellNoise noise = perfect();
  noise.input_bits = 2;  // four codes over 0 .. 3
  EXPECT_TRUE(converted_input(noise, torch::tensor({0.F, 1.2F, 1.8F, 3.F}))
                  .equal(torch::tensor({0.F, 1.F, 2.F, 3.F})));
  noise.adc_bits = 3;  // codes -3 .. 3 over all of the range
  EXPECT_TRUE(converted_output(noise, torch::tensor({-3.F, 0.4F, 1.6F, 2.F}))
                  .equal(torch::tensor({-3.F, 0.F, 2.F, 2.F})));
  // Within one root mean square, sqrt((1 + 1 + 1 + 9) / 4) = 1.732: the last is clipped to it.
  noise.adc_range_deviations = 1;
  EXPECT_NEAR(converted_output(noise, torch::tensor({-1.F, 1.F, 1.F, 3.F}))[3].item<double>(),
              std::sqrt(3.0), 1e-6);
  at::Tensor x = torch::tensor({0.F, 1.2F, 3.F}).requires_grad_();
  converted_input(noise, x).sum().backward();
  EXPECT_TRUE(x.grad().equal(torch::ones(3)));
}

TEST(CellNoise, AModuleDrawsNewMapsUntilItIsProgrammed) {
  NetworkBuilder b("net", {1, 4, 4});
  b.linear(b.unary(b.conv(0, {.channels = 4, .kernel = 3}), Op::flatten), 3);
  Module module(std::move(b).build(), 7);
  const at::Tensor x = torch::linspace(0, 1, 16).view({1, 1, 4, 4});
  const at::Tensor clean = module.logits(x);
  CellNoise noise = perfect();
  Rng rng(6);
  module.set_cells(&noise, &rng);
  EXPECT_TRUE(torch::allclose(module.logits(x), clean, 1e-4, 1e-5));
  noise.times[0].deviation = {0.1, 0.1, 0.1};
  const at::Tensor first = module.logits(x);
  EXPECT_FALSE(module.logits(x).equal(first));
  module.program_cells(0);
  EXPECT_TRUE(module.logits(x).equal(module.logits(x)));
  module.set_cells(nullptr, nullptr);
  EXPECT_TRUE(module.logits(x).equal(clean));
}

TEST(CellNoise, NormsAreMeasuredAnewOnEachChip) {
  NetworkBuilder b("net", {1, 4, 4});
  const int x =
      b.activation(b.batch_norm(b.conv(0, {.channels = 4, .kernel = 3})), Activation::relu);
  b.linear(b.unary(x, Op::flatten), 3);
  Module module(std::move(b).build(), 7);
  module.set_training(false);
  torch::manual_seed(1);
  const at::Tensor first = torch::randn({50, 1, 4, 4}), second = torch::randn({50, 1, 4, 4});
  const std::vector<at::Tensor> before = module.norm_statistics();
  ASSERT_EQ(before.size(), 2U);
  // Of one batch they are its own: what the convolution makes of it.
  module.measure_norms({first});
  const at::Tensor made = torch::conv2d(first, module.values(1)[0], {}, 1, 1);
  EXPECT_TRUE(torch::allclose(module.norm_statistics()[0], made.mean({0, 2, 3}), 1e-4, 1e-5));
  EXPECT_TRUE(torch::allclose(module.norm_statistics()[1], made.var({0, 2, 3}), 1e-4, 1e-5));
  // A chip whose cells all hold half as much computes the same once it is recalibrated.
  const at::Tensor whole = module.logits(first);
  {
    const torch::NoGradGuard no_grad;
    at::Tensor(module.values(1)[0]).mul_(0.5);
  }
  EXPECT_FALSE(torch::allclose(module.logits(first), whole, 1e-2, 1e-2));
  module.measure_norms({first});
  EXPECT_TRUE(torch::allclose(module.logits(first), whole, 1e-3, 1e-3));
  module.measure_norms({first, second});
  EXPECT_FALSE(module.norm_statistics()[0].equal(before[0]));
  module.set_norm_statistics(before);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(module.norm_statistics()[i].equal(before[i]));
}

TEST(CellNoise, RequestsSayWhatIsWrong) {
  using Json = nlohmann::ordered_json;
  const Json good = Json::parse(R"({"times": [{"seconds": 0, "mean": [0, 1], "deviation": [0, 0],
      "read": [0, 0]}], "devices_per_weight": 2, "stuck_off_share": 0, "stuck_on_share": 0,
      "clip": 2.5, "input_bits": 8, "adc_bits": 8, "adc_range_deviations": 4})");
  EXPECT_EQ(read_cell_noise(good).devices_per_weight, 2);
  const auto error = [&good](const char* key, const Json& value) -> std::string {
    Json bad = good;
    bad[key] = value;
    try {
      read_cell_noise(bad);
    } catch (const InputError& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_NE(error("times", Json::array()).find("expected a list of at least one"),
            std::string::npos);
  EXPECT_NE(error("times", {{{"seconds", 0}, {"mean", {1}}}}).find("at least two numbers"),
            std::string::npos);
  EXPECT_NE(error("adc_bits", 99).find("expected a number from"), std::string::npos);
  EXPECT_NE(error("draw", 1).find("unknown key"), std::string::npos);
}

}  // namespace
}  // namespace hwnas::testing
