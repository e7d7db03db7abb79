// Lightening-Transformer's simulator, figure by figure: power by component, energy and latency of
// every module of two transformers at 4 bits.
#include <gtest/gtest.h>

#include <map>

#include "tests/hw_models/support.h"
#include "tests/shared_data.h"

namespace hwnas {
namespace {

using testing::candidate;
using testing::shipped;
using testing::zoo;

TEST(PhotonicPublished, PowerByComponent) {
  HWNAS_NEEDS_SHARED("photonic_dptc_power.csv");
  const std::map<std::string, const char*> names{
      {"total", "power_w"},       {"laser", "power_laser_w"},
      {"DAC", "power_dac_w"},     {"MZM", "power_modulator_w"},
      {"ADC", "power_adc_w"},     {"TIA", "power_amplifier_w"},
      {"adder", "power_adder_w"}, {"Photodetector", "power_detector_w"},
      {"mem", "power_memory_w"}};
  const Cost cost =
      shipped("lightening_transformer_b").model->estimate(candidate(zoo("deit_tiny", 4, 4))).cost;
  const auto rows = testing::read_csv(testing::shared_path("photonic_dptc_power.csv"));
  ASSERT_EQ(rows.size(), names.size());
  for (const auto& row : rows) {
    const double published = std::stod(row.at("power_mW"));
    const double modelled = count(cost, names.at(row.at("component"))) * 1e3;
    EXPECT_NEAR(modelled, published, 1e-6 * published) << row.at("component");
  }
}

// The published module that a layer of a transformer of the zoo belongs to.
std::string module_of(const std::string& layer) {
  for (const auto& [part, module] : std::map<std::string, std::string>{{".query.", "qkv"},
                                                                       {".key.", "qkv"},
                                                                       {".value.", "qkv"},
                                                                       {".proj.", "proj"},
                                                                       {".ffn1.", "FFN1"},
                                                                       {".ffn2.", "FFN2"}}) {
    if (layer.find(part) != std::string::npos) return module;
  }
  if (layer.starts_with("pooler")) return "pooler";
  if (layer.starts_with("head")) return "head";
  return layer.starts_with("embed") ? "embed" : "attn";
}

struct Modules {
  std::map<std::string, double> energy_j, latency_s;
  Cost cost;
};

Modules modules(const char* device, const char* network) {
  const Network n = zoo(network, 4, 4);
  Modules all{{}, {}, shipped(device).model->estimate(candidate(n)).cost};
  for (const LayerCost& row : all.cost.layers) {
    const std::string module = row.macs > 0 ? module_of(n.layer(row.layer).name) : "others";
    all.energy_j[module] += row.energy_j;
    all.latency_s[module] += row.latency_s;
  }
  return all;
}

class PhotonicModules : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(PhotonicModules, EqualTheSimulators) {
  HWNAS_NEEDS_SHARED("photonic_dptc_workloads.csv");
  const auto& [network, published_name] = GetParam();
  const Modules ours = modules("lightening_transformer_b_as_published", network);
  int compared = 0;
  for (const auto& row : testing::read_csv(testing::shared_path("photonic_dptc_workloads.csv"))) {
    if (row.at("model_tokens_bits") != published_name) continue;
    const std::string& module = row.at("module");
    const double energy_j = std::stod(row.at("energy_mJ")) * 1e-3;
    const double latency_s = std::stod(row.at("latency_ms")) * 1e-3;
    ++compared;
    if (module == "total") {
      // Our BERT also has a pooler.
      const double pooler_j = ours.energy_j.contains("pooler") ? ours.energy_j.at("pooler") : 0;
      const double pooler_s = ours.latency_s.contains("pooler") ? ours.latency_s.at("pooler") : 0;
      EXPECT_NEAR(ours.cost.energy_j - pooler_j, energy_j, 1e-6 * energy_j);
      EXPECT_NEAR(ours.cost.latency_s - pooler_s, latency_s, 1e-6 * latency_s);
      EXPECT_NEAR(ours.cost.energy_j, energy_j, 2e-3 * energy_j);
      EXPECT_NEAR(ours.cost.latency_s, latency_s, 2e-3 * latency_s);
      continue;
    }
    // What is no product rests on a constant that we know to four digits.
    const double tolerance = module == "others" ? 5e-5 : 1e-6;
    EXPECT_NEAR(ours.energy_j.at(module), energy_j, tolerance * energy_j) << module;
    EXPECT_NEAR(ours.latency_s.at(module), latency_s, tolerance * latency_s) << module;
  }
  EXPECT_GE(compared, 8);
}

INSTANTIATE_TEST_SUITE_P(All, PhotonicModules,
                         ::testing::Values(std::pair("deit_tiny", "deit-t_197_4bit"),
                                           std::pair("bert_base", "bert-b_384_4bit")),
                         [](const auto& test) { return std::string(test.param.first); });

// The physical model has what the simulator leaves out: see families/photonic.md.
TEST(PhotonicPublished, WhatTheSimulatorLeavesOut) {
  HWNAS_NEEDS_SHARED("photonic_dptc_workloads.csv");
  for (const auto& [network, energy, latency] :
       {std::tuple("deit_tiny", 0.0631, 0.0285), std::tuple("bert_base", 0.0359, 0.0106)}) {
    const Cost as_is = modules("lightening_transformer_b", network).cost;
    const Cost slips = modules("lightening_transformer_b_as_published", network).cost;
    EXPECT_NEAR(as_is.energy_j / slips.energy_j - 1, energy, 5e-4) << network;
    EXPECT_NEAR(as_is.latency_s / slips.latency_s - 1, latency, 5e-4) << network;
  }
}

}  // namespace
}  // namespace hwnas
