// The models against published measurements: the rows of the device files, within the tolerance
// that each states, and rows that no constant was chosen with (HWNAS_SHARED_DATA).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "space/search_space.h"
#include "tests/hw_models/support.h"
#include "tests/shared_data.h"

namespace hwnas {
namespace {

using testing::candidate;

double metric_of(const Cost& cost, const std::string& metric) {
  if (metric == "latency_s") return cost.latency_s;
  if (metric == "energy_j") return cost.energy_j;
  if (metric == "throughput_per_s") return cost.throughput_per_s;
  if (metric == "peak_memory_bytes") return static_cast<double>(cost.peak_memory_bytes);
  return static_cast<double>(cost.storage_bytes);
}

TEST(Validation, ShippedDevicesHoldTheirOwnRows) {
  int rows = 0;
  for (const char* name : testing::kShippedDevices) {
    const Device device = testing::shipped(name);
    for (const Validation& row : device.validation) {
      const Network network = testing::zoo(row.network, row.weight_bits, row.activation_bits);
      const Estimate estimate = device.model->estimate(candidate(network, row.batch));
      ASSERT_TRUE(estimate.ok()) << estimate.reason;
      const double error = metric_of(estimate.cost, row.metric) / row.value - 1;
      EXPECT_LE(std::fabs(error), row.tolerance)
          << name << ' ' << row.network << ' ' << row.metric << " of " << row.source;
      ++rows;
    }
  }
  EXPECT_EQ(rows, 9);
}

// Pairs of figures, with mean absolute and mean signed relative error and Spearman's correlation.
class Errors {
 public:
  void add(double model, double published) {
    model_.push_back(model);
    published_.push_back(published);
  }
  double mape() const {
    double sum = 0;
    for (std::size_t i = 0; i < model_.size(); ++i) sum += std::fabs(model_[i] / published_[i] - 1);
    return sum / static_cast<double>(rows());
  }
  double bias() const {
    double sum = 0;
    for (std::size_t i = 0; i < model_.size(); ++i) sum += model_[i] / published_[i] - 1;
    return sum / static_cast<double>(rows());
  }
  double spearman() const {
    const std::vector<double> a = ranks(model_), b = ranks(published_);
    double squares = 0;
    for (std::size_t i = 0; i < a.size(); ++i) squares += (a[i] - b[i]) * (a[i] - b[i]);
    const double n = rows();
    return 1 - 6 * squares / (n * (n * n - 1));
  }
  int rows() const { return static_cast<int>(model_.size()); }

 private:
  static std::vector<double> ranks(const std::vector<double>& values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t i, std::size_t j) { return values[i] < values[j]; });
    std::vector<double> rank(values.size());
    for (std::size_t i = 0; i < order.size(); ++i) rank[order[i]] = static_cast<double>(i);
    return rank;
  }

  std::vector<double> model_, published_;
};

// MobileNetV1, arXiv:1704.04861, table 1.
Network mobilenet_v1(double width, int size, int bits) {
  const auto scaled = [width](int channels) { return static_cast<int>(channels * width); };
  NetworkBuilder b("mobilenet_v1", {3, size, size});
  const auto block = [&](int x, const ConvSpec& spec) {
    return b.activation(b.batch_norm(b.conv(x, spec)), Activation::relu6);
  };
  int x = block(0, {.channels = scaled(32), .kernel = 3, .stride = 2});
  constexpr int kChannels[] = {64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024};
  constexpr int kStrides[] = {1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1};
  for (int i = 0; i < 13; ++i) {
    const int in = b.shape(x).channels;
    x = block(x, {.channels = in, .kernel = 3, .stride = kStrides[i], .groups = in});
    x = block(x, {.channels = scaled(kChannels[i])});
  }
  b.linear(b.global_avg_pool(x), 1000);
  return with_precision(std::move(b).build(), bits, bits);
}

TEST(Validation, MobileNetV1OnA100) {
  // 0.16 ms: NVIDIA TensorFlow-quantization toolkit docs, TensorRT 8.4, INT8, batch 1.
  const Network network = mobilenet_v1(1, 224, 8);
  EXPECT_NEAR(static_cast<double>(macs(network)), 568.7e6, 0.1e6);
  const double latency_s =
      testing::shipped("a100").model->estimate(candidate(network)).cost.latency_s;
  EXPECT_NEAR(latency_s, 0.16e-3, 0.016e-3);
}

// Not independent: the efficiency shares of the device were chosen with these two rows in view.
TEST(Validation, MobileNetV2OnRaspberryPi4) {
  HWNAS_NEEDS_SHARED("mlperf_edge_mobilenets.csv");
  const Device device = testing::shipped("raspberry_pi_4");
  int rows = 0;
  for (const auto& row : testing::read_csv(testing::shared_path("mlperf_edge_mobilenets.csv"))) {
    if (row.at("system") != "rpi4-armnn-v22.11-neon" || row.at("family") != "mobilenet-v2" ||
        row.at("width_or_variant") != "1.0" || row.at("resolution") != "224") {
      continue;
    }
    const int bits = row.at("precision") == "int8" ? 8 : 32;
    const Network network = testing::zoo("mobilenet_v2", bits, bits);
    const double published_s = std::stod(row.at("latency_mean_ms")) * 1e-3;
    const double latency_s = device.model->estimate(candidate(network)).cost.latency_s;
    EXPECT_NEAR(latency_s / published_s, 0.86, 0.02);  // -14.4 % and -12.8 % when written
    ++rows;
  }
  EXPECT_EQ(rows, 2);
}

// Another runtime on the same board, whose KWS time equals X-CUBE-AI's; not used for the constants.
TEST(Validation, VisualWakeWordsOnStm32l4r5WithAnotherRuntime) {
  HWNAS_NEEDS_SHARED("mlperf_tiny.csv");
  const Network network = testing::zoo("mobilenet_v1_025_96", 8, 8);
  const double latency_s =
      testing::shipped("stm32l4r5").model->estimate(candidate(network)).cost.latency_s;
  int rows = 0;
  for (const auto& row : testing::read_csv(testing::shared_path("mlperf_tiny.csv"))) {
    if (row.at("benchmark") != "vww" || row.at("round") != "v1.1" ||
        row.at("submitter") != "bosch" || row.at("framework").find("HALE") == std::string::npos ||
        row.at("board").find("L4R5") == std::string::npos) {
      continue;
    }
    EXPECT_NEAR(latency_s / (std::stod(row.at("latency_ms")) * 1e-3), 1,
                0.1);  // -1.3 % when written
    ++rows;
  }
  EXPECT_GE(rows, 1);
}

TEST(Validation, MobileNetV1OnRaspberryPi4) {
  HWNAS_NEEDS_SHARED("mlperf_edge_mobilenets.csv");
  const Device device = testing::shipped("raspberry_pi_4");
  Errors fp32, int8;
  for (const auto& row : testing::read_csv(testing::shared_path("mlperf_edge_mobilenets.csv"))) {
    if (row.at("system") != "rpi4-armnn-v22.11-neon" || row.at("family") != "mobilenet-v1")
      continue;
    const int bits = row.at("precision") == "int8" ? 8 : 32;
    const Network network =
        mobilenet_v1(std::stod(row.at("width_or_variant")), std::stoi(row.at("resolution")), bits);
    (bits == 8 ? int8 : fp32)
        .add(device.model->estimate(candidate(network)).cost.latency_s * 1e3,
             std::stod(row.at("latency_mean_ms")));
  }
  // Measured when written: 18.6 % (bias -6.0 %) and 15.9 % (bias -9.9 %). The board and runtime are
  // those of the two mobilenet_v2 rows that the efficiencies were chosen with.
  EXPECT_EQ(fp32.rows(), 16);
  EXPECT_EQ(int8.rows(), 16);
  EXPECT_LT(fp32.mape(), 0.20);
  EXPECT_LT(int8.mape(), 0.20);
}

// Cells without `none`, every 23rd row.
TEST(Validation, NasBench201OnJetsonTx2AndRaspberryPi4) {
  HWNAS_NEEDS_SHARED("nb201_cifar10_devices.csv.gz");
  const SearchSpace space =
      SearchSpace::load(std::string(HWNAS_SOURCE_DIR) + "/space/spaces/nasbench201.toml");
  const Device jetson = testing::shipped("jetson_tx2"), pi = testing::shipped("raspberry_pi_4");
  Errors jetson_latency, jetson_energy, pi_latency;
  int index = 0;
  for (const auto& row : testing::read_csv(testing::shared_path("nb201_cifar10_devices.csv.gz"))) {
    const std::string& text = row.at("arch_str");
    if (index++ % 23 || text.find("none") != std::string::npos) continue;
    Genotype genotype;
    for (std::size_t at = text.find('~'); at != std::string::npos; at = text.find('~', at + 1)) {
      const std::size_t start = text.rfind('|', at) + 1;
      const std::string op = text.substr(start, at - start);
      const auto& options = space.choices().front().options;
      genotype.genes.push_back(static_cast<std::uint8_t>(
          std::find(options.begin(), options.end(), op) - options.begin()));
    }
    Candidate cell = space.decode(genotype);
    cell.network = *live(cell.network);
    const Cost on_jetson = jetson.model->estimate(cell).cost;
    jetson_latency.add(on_jetson.latency_s * 1e3, std::stod(row.at("c10_edgegpu_latency_ms")));
    jetson_energy.add(on_jetson.energy_j * 1e3, std::stod(row.at("c10_edgegpu_energy_mJ")));
    pi_latency.add(pi.model->estimate(cell).cost.latency_s * 1e3,
                   std::stod(row.at("c10_raspi4_latency_ms")));
  }
  // Known misses, pinned so that a change shows: both devices are far too fast here, though they
  // rank cells well. Precision, threads and clocks of the published runs are not stated.
  EXPECT_EQ(jetson_latency.rows(), 165);
  EXPECT_NEAR(jetson_latency.bias(), -0.44, 0.02);
  EXPECT_NEAR(jetson_energy.bias(), -0.58, 0.02);
  EXPECT_NEAR(pi_latency.bias(), -0.65, 0.02);
  EXPECT_GT(jetson_latency.spearman(), 0.88);
  EXPECT_GT(jetson_energy.spearman(), 0.87);
  EXPECT_GT(pi_latency.spearman(), 0.94);
}

}  // namespace
}  // namespace hwnas
