// CPUs against published measurements (HWNAS_SHARED_DATA). Not independent: no constant was fitted
// by a solver, but thread counts, runtimes and several constants were chosen or changed after these
// rows and the model's errors on them had been seen. The device files say "in view" where, and
// hw_models/families/cpu.md has the errors before and after. Regression pins, not predictions.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "hw_models/device.h"
#include "space/architecture_text.h"
#include "tests/hw_models/errors.h"
#include "tests/hw_models/published_networks.h"
#include "tests/hw_models/published_spaces.h"
#include "tests/hw_models/support.h"
#include "tests/shared_data.h"

namespace hwnas {
namespace {

using testing::candidate;
using testing::Errors;
using testing::shipped;

double latency_s(const Device& device, const Network& network, int batch = 1) {
  return device.model->estimate(candidate(network, batch)).cost.latency_s;
}

TEST(CpuValidation, MobileNetworksHaveTheSizeOfTheirPapers) {
  const auto size = [](const Network& network, double million_macs, double million_parameters) {
    EXPECT_NEAR(static_cast<double>(macs(network)) / 1e6 / million_macs, 1, 0.02)
        << network.name << ' ' << million_macs;
    EXPECT_NEAR(static_cast<double>(parameters(network)) / 1e6 / million_parameters, 1, 0.03)
        << network.name << ' ' << million_parameters;
  };
  size(testing::mobilenet_v1(1, 224, 32), 569, 4.2);  // arXiv:1704.04861, tables 4 and 6
  size(testing::mobilenet_v1(0.5, 160, 32), 76, 1.3);
  size(testing::mobilenet_v2(1, 224, 32), 300,
       3.47);  // arXiv:1801.04381, table 4; 3.47: its repository
  size(testing::mobilenet_v2(1.4, 224, 32), 585, 6.0);
  size(testing::mobilenet_v2(0.75, 224, 32), 209, 2.61);
  size(testing::mobilenet_v3(true, false, 1, 224, 32), 219, 5.4);  // arXiv:1905.02244, table 3
  size(testing::mobilenet_v3(true, false, 0.75, 224, 32), 155, 4.0);
  size(testing::mobilenet_v3(false, false, 1, 224, 32), 56, 2.5);
  size(testing::mobilenet_v3(true, true, 1, 224, 32), 209, 3.9);  // recalled: its repository
  // Recalled from its repository. Its MACs are 3-5 % above what the layers have.
  constexpr int kSizes[] = {224, 240, 260, 280, 300};
  constexpr double kMacs[] = {407, 631, 899, 1440, 2640}, kParameters[] = {4.7, 5.4, 6.1, 8.2, 13};
  for (int i = 0; i < 5; ++i)
    size(testing::efficientnet_lite(i, kSizes[i], 32), kMacs[i] * 0.955, kParameters[i]);
}

// Correlations and errors as measured when written. `energy` < 0: no power was published.
struct System {
  const char *name, *device;
  int rows;
  double spearman, fp32, int8, mape, energy, energy_mape;
};

// The bar is a Spearman of 0.95 in each system. The one miss is the RK3588S with Arm NN: light
// networks run up to four times slower there than the model says while heavy ones do not (a slimmer
// MobileNetV2 takes longer than a wider one). A governor that leaves the clock low would look like
// that; nothing here shows that it is one.
// Errors of the systems "vmaster" are large in int8 EfficientNets, which take as long as one thread
// would, unlike the other int8 networks. The cause is not established.
constexpr System kSystems[] = {
    {"rpi4-armnn-v22.11-neon", "raspberry_pi_4", 84, 0.968, 0.957, 0.967, 0.290, -1, 0},
    {"firefly-armnn-v22.11-neon", "rk3588s_armnn", 94, 0.910, 0.896, 0.928, 0.415, 0.959, 0.225},
    {"firefly-tflite-v2.11.0-ruy", "rk3588s_tflite", 94, 0.977, 0.957, 0.983, 0.328, 0.985, 0.247},
    {"firefly-armnn-v22.11-opencl", "mali_g610", 94, 0.969, 0.971, 0.988, 0.472, 0.979, 0.428},
    {"orin-tflite-v2.11.0-ruy", "jetson_agx_orin_cpu_ruy", 94, 0.959, 0.954, 0.979, 0.231, -1, 0},
    {"nvidia_orin-tflite_cpp-cpu-tflite-vmaster-default_config", "jetson_agx_orin_cpu_xnnpack", 81,
     0.952, 0.998, 0.972, 0.274, 0.962, 0.211},
    {"nvidia_orin-tflite_armnn_cpp-cpu-armnn_tflite-v22.11-using_neon", "jetson_agx_orin_cpu_armnn",
     81, 0.991, 0.988, 0.996, 0.075, 0.989, 0.115},
    {"aws_graviton_m7g.2xlarge-tflite_cpp-cpu-tflite-vmaster-default_config", "graviton3_xnnpack",
     81, 0.968, 0.997, 0.985, 0.157, -1, 0},
    {"aws_graviton_m7g.2xlarge-tflite_armnn_cpp-cpu-armnn_tflite-v22.11-using_neon",
     "graviton3_armnn", 81, 0.980, 0.978, 0.992, 0.143, -1, 0},
    {"aws_c5.4xlarge-tflite_cpp-cpu-tflite-vmaster-default_config", "xeon_8275cl_xnnpack", 81,
     0.991, 0.992, 0.992, 0.109, -1, 0}};

TEST(CpuValidation, MobileNetworksInMlperfInference) {
  HWNAS_NEEDS_SHARED("mlperf_edge_mobilenets.csv");
  const auto table = testing::read_csv(testing::shared_path("mlperf_edge_mobilenets.csv"));
  std::map<std::string, Network> networks;
  for (const System& system : kSystems) {
    const Device device = shipped(system.device);
    Errors all, fp32, int8, energy;
    for (const auto& row : table) {
      if (row.at("system") != system.name) continue;
      const int bits = row.at("precision") == "int8" ? 8 : 32;
      Network& network = networks[row.at("family") + row.at("width_or_variant") + ' ' +
                                  row.at("resolution") + row.at("precision")];
      if (network.empty()) {
        network = *live(*testing::mobile_network(row.at("family"), row.at("width_or_variant"),
                                                 row.at("resolution"), bits));
      }
      const Cost cost = device.model->estimate(candidate(network)).cost;
      const double published_ms = std::stod(row.at("latency_mean_ms"));
      all.add(cost.latency_s * 1e3, published_ms);
      (bits == 8 ? int8 : fp32).add(cost.latency_s * 1e3, published_ms);
      if (system.energy > 0)
        energy.add(cost.energy_j * 1e3, std::stod(row.at("energy_mJ_per_inference")));
    }
    SCOPED_TRACE(system.device);
    EXPECT_EQ(all.rows(), system.rows);
    EXPECT_NEAR(all.spearman(), system.spearman, 0.003);
    EXPECT_NEAR(fp32.spearman(), system.fp32, 0.003);
    EXPECT_NEAR(int8.spearman(), system.int8, 0.003);
    EXPECT_NEAR(all.mape(), system.mape, 0.01);
    if (system.energy < 0) continue;
    EXPECT_NEAR(energy.spearman(), system.energy, 0.003);
    EXPECT_NEAR(energy.mape(), system.energy_mape, 0.01);
  }
}

struct Column {
  const char *name, *device;
  double spearman, bias;
  Errors errors{};
};

void check(std::vector<Column>& columns, int rows) {
  for (const Column& column : columns) {
    EXPECT_EQ(column.errors.rows(), rows);
    EXPECT_NEAR(column.errors.spearman(), column.spearman, 0.01) << column.name;
    EXPECT_NEAR(column.errors.bias(), column.bias, 0.01) << column.name;
  }
}

// Cells without `none`, every 7th row: the bar is a Spearman of 0.90. All devices are too fast.
TEST(CpuValidation, NasBench201) {
  HWNAS_NEEDS_SHARED("nb201_cifar10_devices.csv.gz");
  std::vector<Column> columns{{"c10_raspi4_latency_ms", "raspberry_pi_4_tflite", 0.967, -0.347},
                              {"c10_pixel3_latency_ms", "pixel_3", 0.925, -0.244},
                              {"essential_ph_1_latency_ms", "essential_ph_1", 0.923, -0.290},
                              {"samsung_a50_latency_ms", "samsung_a50", 0.974, -0.523},
                              {"silver_4114_latency_ms", "xeon_silver_4114", 0.955, -0.490},
                              {"silver_4210r_latency_ms", "xeon_silver_4210r", 0.988, -0.398},
                              {"gold_6240_latency_ms", "xeon_gold_6240", 0.946, -0.374}};
  std::vector<Device> devices;
  for (const Column& column : columns) devices.push_back(shipped(column.device));
  const SearchSpace space =
      SearchSpace::load(std::string(HWNAS_SOURCE_DIR) + "/space/spaces/nasbench201.toml");
  int index = 0;
  for (const auto& row : testing::read_csv(testing::shared_path("nb201_cifar10_devices.csv.gz"))) {
    const std::string& text = row.at("arch_str");
    if (index++ % 7 || text.find("none") != std::string::npos) continue;
    const Network cell = *live(space.decode(parse_architecture(space, text)).network);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      columns[i].errors.add(latency_s(devices[i], cell) * 1e3, std::stod(row.at(columns[i].name)));
    }
  }
  check(columns, 600);
}

// Every 10th row. Misses in level on the Xeons and two phones, with poor ranks on the phones; the
// cause is not established.
TEST(CpuValidation, FbnetCifar100) {
  HWNAS_NEEDS_SHARED("fbnet_cifar100_devices.csv.gz");
  std::vector<Column> columns{{"pixel3_latency_ms", "pixel_3", 0.992, -0.242},
                              {"essential_ph_1_latency_ms", "essential_ph_1", 0.716, -0.632},
                              {"samsung_a50_latency_ms", "samsung_a50", 0.860, -0.705},
                              {"silver_4114_latency_ms", "xeon_silver_4114", 0.881, -0.757},
                              {"silver_4210r_latency_ms", "xeon_silver_4210r", 0.915, -0.710},
                              {"gold_6240_latency_ms", "xeon_gold_6240", 0.910, -0.777}};
  std::vector<Device> devices;
  for (const Column& column : columns) devices.push_back(shipped(column.device));
  int index = 0;
  for (const auto& row : testing::read_csv(testing::shared_path("fbnet_cifar100_devices.csv.gz"))) {
    if (index++ % 10) continue;
    const Network network = testing::fbnet_cifar100(row.at("ops"));
    for (std::size_t i = 0; i < columns.size(); ++i) {
      columns[i].errors.add(latency_s(devices[i], network) * 1e3,
                            std::stod(row.at(columns[i].name)));
    }
  }
  check(columns, 500);
}

// One generic server against five hosts that are not described, batch 8, every 10th row: an
// order of magnitude, and ranks.
TEST(CpuValidation, GptSmallOnHosts) {
  HWNAS_NEEDS_SHARED("gpt_small_devices.csv.gz");
  std::vector<Column> columns{{"cpu_a6000_latency_median_ms", "", 0.952, -0.628},
                              {"cpu_alldlc_latency_median_ms", "", 0.978, -0.544},
                              {"cpu_meta_latency_median_ms", "", 0.968, 0.038},
                              {"cpu_p100_latency_median_ms", "", 0.961, -0.622},
                              {"helix_cpu_latency_median_ms", "", 0.978, -0.840}};
  const Device server = shipped("xeon_gold_6240");
  int index = 0;
  for (const auto& row : testing::read_csv(testing::shared_path("gpt_small_devices.csv.gz"))) {
    if (index++ % 10) continue;
    const Network network =
        *live(testing::gpt_small(std::stoi(row.at("embed_dim")), std::stoi(row.at("n_layer")),
                                 row.at("n_head"), row.at("mlp_ratio"), row.at("bias") == "1"));
    // Their count differs by layer in a way that heads and ratios alone do not explain.
    EXPECT_NEAR(static_cast<double>(macs(network)) * 8 / std::stod(row.at("macs")), 1.04, 0.12);
    const double modelled_s = latency_s(server, network, 8);
    for (Column& column : columns)
      column.errors.add(modelled_s * 1e3, std::stod(row.at(column.name)));
  }
  check(columns, 499);
}

}  // namespace
}  // namespace hwnas
