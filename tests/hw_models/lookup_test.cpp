#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "hw_models/device.h"
#include "space/input_error.h"
#include "space/search_space.h"
#include "tests/hw_models/cost_model_contract.h"
#include "tests/hw_models/support.h"
#include "tests/scratch_folder.h"

namespace hwnas {
namespace {

using ::testing::AllOf;
using testing::candidate;
using ::testing::HasSubstr;
using testing::kCited;
using testing::replaced;

const std::filesystem::path kSpaces = std::string(HWNAS_SOURCE_DIR) + "/space/spaces";

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// Two choices, four architectures; 0-1 and 1-0 are one network.
const char* const kSpace = R"(
name = "pair"
[input]
channels = 4
height = 8
width = 8
classes = 3
[[stages]]
name = "a"
block = "conv"
channels = {each = [4, 8]}
depth = 2
kernel = 3
[[stages]]
name = "pool"
block = "classifier"
)";

const char* const kTable = R"(# of four nets
architecture,ms,mJ,kB
0-0,1.5,3,20
0_1,2.5,,30
"[1, 0]",-1,,
1-1,4,7,50
1-1,5,8,50
)";

std::string network_device() {
  return std::string("description = \"test\"\nfamily = \"lookup\"\nconfidence = \"A\"\n[table]\n") +
         "file = \"table.csv\"\nrows = \"networks\"\nspace = \"./pair.toml\"\n"
         "architecture_column = \"architecture\"\nlatency_column = \"ms\"\nlatency_unit = \"ms\"\n"
         "energy_column = \"mJ\"\nenergy_unit = \"mJ\"\nmemory_column = \"kB\"\n"
         "memory_unit = \"kB\"\n" +
         kCited;
}

struct Door {
  ScratchFolder folder;
  explicit Door(const std::string& device, const std::string& table = kTable) {
    write(folder / "pair.toml", kSpace);
    write(folder / "table.csv", table);
    write(folder / "board.toml", device);
  }
  Device load() const { return Device::load(folder / "board.toml", {}, {kSpaces}); }
  std::string message() const {
    try {
      load();
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  }
  Candidate decoded(std::vector<std::uint8_t> genes) const {
    Candidate c = SearchSpace::load(folder / "pair.toml").decode({std::move(genes)});
    c.network = *live(c.network);
    return c;
  }
};

TEST(LookupNetworks, FindsWhatWasMeasured) {
  const Door door(network_device());
  const Device device = door.load();
  const Estimate e = device.model->estimate(door.decoded({0, 0}));
  ASSERT_TRUE(e.ok()) << e.reason;
  EXPECT_DOUBLE_EQ(e.cost.latency_s, 1.5e-3);
  EXPECT_DOUBLE_EQ(e.cost.energy_j, 3e-3);
  EXPECT_EQ(e.cost.peak_memory_bytes, 20'000);
  EXPECT_DOUBLE_EQ(e.cost.throughput_per_s, 1 / 1.5e-3);
  EXPECT_EQ(e.cost.confidence, Confidence::A);
  EXPECT_EQ(e.cost.bound, Bound::unknown);
  EXPECT_TRUE(std::isnan(e.cost.usd_per_million));
  // 4x4x9 + 4x4x9 + 4x3 weights and 3 biases, or norms' 2 x 4 each, at 4 bytes: counted.
  EXPECT_GT(e.cost.storage_bytes, 4 * (144 + 144 + 12));
  EXPECT_THAT(e.cost.extrapolated, ::testing::ElementsAre("storage is counted from the network"));
}

TEST(LookupNetworks, FindsAnEqualNetworkWhateverItsGenes) {
  const Door door(network_device());
  Candidate c = door.decoded({0, 0});
  c.genotype = {};
  EXPECT_DOUBLE_EQ(door.load().model->estimate(c).cost.latency_s, 1.5e-3);
}

TEST(LookupNetworks, RowsOfOneNetworkAreAveraged) {
  const Door door(network_device());
  const Estimate e = door.load().model->estimate(door.decoded({1, 1}));
  EXPECT_DOUBLE_EQ(e.cost.latency_s, 4.5e-3);
  EXPECT_DOUBLE_EQ(e.cost.energy_j, 7.5e-3);
  EXPECT_THAT(
      e.cost.extrapolated,
      ::testing::Contains("mean of 2 rows of equal networks, latency from 4.00 ms to 5.00 ms"));
}

// 4 and 5 ms: s = 0.5 sqrt 2, over sqrt 2: 0.5 ms. Energies 7 and 8 mJ likewise.
TEST(LookupNetworks, RowsOfOneNetworkHaveAStandardError) {
  const Door door(network_device());
  const Estimate twice = door.load().model->estimate(door.decoded({1, 1}));
  EXPECT_NEAR(twice.cost.latency_stddev_s, 0.5e-3, 1e-15);
  EXPECT_NEAR(twice.cost.energy_stddev_j, 0.5e-3, 1e-15);
  const Estimate once = door.load().model->estimate(door.decoded({0, 0}));
  EXPECT_EQ(once.cost.latency_stddev_s, 0);
}

// Two rows with errors of 0.3 and 0.4 ms: sqrt(0.09 + 0.16) / 2 = 0.25 ms, however they differ.
TEST(LookupNetworks, AColumnGivesTheStandardError) {
  const std::string table =
      "architecture,ms,mJ,kB,error\n0-0,1.5,3,20,0.3\n0-0,2.5,3,20,0.4\n0-1,1,1,1,\n";
  const Door door(network_device() + "latency_stddev_column = \"error\"\n", table);
  const Device device = door.load();
  EXPECT_NEAR(device.model->estimate(door.decoded({0, 0})).cost.latency_stddev_s, 0.25e-3, 1e-15);
  EXPECT_EQ(device.model->estimate(door.decoded({0, 0})).cost.energy_stddev_j, 0);
  EXPECT_EQ(device.model->estimate(door.decoded({0, 1})).cost.latency_stddev_s, 0);
}

// Rented for 3.6 USD an hour, a tenth used: 0.01 USD a busy second, a million of 0.5 ms are 5 USD.
// Owned: 31.5576 USD over one year, all used: 1e-6 USD a second, 5e-4 USD; a kWh for 3.6 USD is
// 1e-6 USD a joule: 0.5 mJ are 5e-4 USD, together sqrt 2 times that.
TEST(LookupNetworks, ThePriceHasTheErrorOfTimeAndEnergy) {
  const auto error = [](const std::string& price) {
    const Door door(network_device() + "[price]\n" + price + kCited);
    return door.load().model->estimate(door.decoded({1, 1})).cost.usd_per_million_stddev;
  };
  EXPECT_NEAR(error("usd_per_hour = 3.6\nutilisation_share = 0.1\n"), 5, 1e-9);
  EXPECT_NEAR(error("usd = 31.5576\nlife_years = 1\nutilisation_share = 1\nusd_per_kwh = 3.6\n"
                    "power_usage_effectiveness = 1\n"),
              5e-4 * std::sqrt(2), 1e-12);
}

TEST(LookupNetworks, AMissingEnergyIsNotANumber) {
  const Door door(network_device());
  const Estimate e = door.load().model->estimate(door.decoded({0, 1}));
  ASSERT_TRUE(e.ok()) << e.reason;
  EXPECT_DOUBLE_EQ(e.cost.latency_s, 2.5e-3);
  EXPECT_TRUE(std::isnan(e.cost.energy_j));
}

TEST(LookupNetworks, SaysWhatIsNotCovered) {
  const Door door(network_device());
  const Device device = door.load();
  const auto reason = [&](const Candidate& c) { return device.model->estimate(c).reason; };
  EXPECT_THAT(reason(door.decoded({1, 0})),
              AllOf(HasSubstr("board"), HasSubstr("architecture 1-0"), HasSubstr("line 5"),
                    HasSubstr("no measurement")));
  EXPECT_THAT(reason(candidate(testing::zoo("resnet8", 32, 32))),
              AllOf(HasSubstr("network 'resnet8'"), HasSubstr("is not in the table of board"),
                    HasSubstr("5 rows of space 'pair'")));
  Candidate c = door.decoded({0, 0});
  c.deployment.batch = 8;
  EXPECT_EQ(reason(c), "board was measured at batch 1, not at 8");
  c.deployment = {1, 0.5};
  EXPECT_EQ(reason(c), "board was measured at clock_share 1, not at 0.5");
  c.deployment = {};
  c.network = with_precision(c.network, 8, 8);
  EXPECT_THAT(reason(c), HasSubstr("is not in the table"));
}

TEST(LookupNetworks, AtAPrecision) {
  const Door door(network_device() + "weight_bits = 8\nactivation_bits = 8\n");
  const Device device = door.load();
  Candidate c = door.decoded({0, 0});
  EXPECT_FALSE(device.model->estimate(c).covered);
  c.network = with_precision(c.network, 8, 8);
  EXPECT_TRUE(device.model->estimate(c).covered);
}

TEST(LookupNetworks, IsThreadSafe) {
  const Door door(network_device());
  testing::expect_thread_safe(*door.load().model, door.decoded({0, 0}));
}

TEST(LookupFile, Mistakes) {
  const struct {
    const char *from, *to, *expected;
  } cases[] = {
      {"\"table.csv\"", "\"tabel.csv\"", "table.file = 'tabel.csv': no file "},
      {"\"networks\"", "\"nets\"", "table.rows = 'nets': expected \"networks\" or \"kernels\""},
      {"./pair.toml", "nasbench-201", "no such space; did you mean 'nasbench201'?"},
      {"./pair.toml", "./pear.toml", "table.space = './pear.toml': no file "},
      {"= \"ms\"\nlatency", "= \"msec\"\nlatency",
       "table.latency_column = 'msec': no such column in "},
      {"latency_unit = \"ms\"", "latency_unit = \"mJ\"",
       "table.latency_unit = 'mJ': expected the unit of the column, as in a time"},
      {"latency_unit = \"ms\"", "", "table.latency_unit: is missing"},
      {"file =", "latency_stddev_column = \"sd\"\nfile =",
       "table.latency_stddev_column = 'sd': no such column in "},
      {"= \"architecture\"", "= \"arch\"", "table.architecture_column = 'arch': no such column"},
      {"rows =", "row =", "table.rows: is missing"},
      {"source = \"test\"", "", "table.source: is missing"},
      {"file =", "colour = 1\nfile =", "table.colour = 1: unknown key"},
      {"file =", "weight_bits = 8\nfile =", "weight_bits and activation_bits go together"},
  };
  for (const auto& bad : cases) {
    const Door door(replaced(network_device(), bad.from, bad.to));
    EXPECT_THAT(door.message(), HasSubstr(bad.expected)) << bad.to;
  }
  EXPECT_THAT(Door(network_device(), "architecture,ms,mJ,kB\n0-0,x,1,1\n").message(),
              HasSubstr("table.csv:2: ms = 'x': expected a number"));
  EXPECT_THAT(Door(network_device(), "architecture,ms,mJ,kB\n0-0,1,1,1\n0-7,1,1,1\n").message(),
              HasSubstr("table.csv:3: architecture = '0-7': choice 'a.block2.channels' has no"));
  EXPECT_THAT(Door(network_device(), "architecture,ms,mJ,kB\n").message(),
              HasSubstr("has no rows"));
}

// A study keeps the text of a device and nothing else.
TEST(LookupFile, TheTextOfTheDeviceNamesTheFileAndWhatWasInIt) {
  const Door door(network_device());
  const Device device = door.load();
  EXPECT_THAT(device.text, HasSubstr("path = \"" + (door.folder / "table.csv").string() + "\""));
  const auto again = [&] { return Device::parse(device.text, "board.toml"); };
  EXPECT_DOUBLE_EQ(again().model->estimate(door.decoded({0, 0})).cost.latency_s, 1.5e-3);
  EXPECT_EQ(again().text, device.text);
  const auto message = [&] {
    try {
      again();
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  write(door.folder / "table.csv", replaced(kTable, "1.5", "1.6"));
  EXPECT_THAT(message(), AllOf(HasSubstr("board.toml:5: table.file = 'table.csv': the file "),
                               HasSubstr("table.csv is no longer what it was")));
  std::filesystem::remove(door.folder / "table.csv");
  EXPECT_THAT(message(), HasSubstr("table.csv has gone"));
}

TEST(LookupFile, AFileThatInheritsNamesFilesOfItsBase) {
  const Door door(network_device());
  std::filesystem::create_directory(door.folder / "variants");
  write(door.folder / "variants/mine.toml", "inherits = \"board\"\ndescription = \"mine\"\n");
  const Device device =
      Device::load(door.folder / "variants/mine.toml", {door.folder.path()}, {kSpaces});
  EXPECT_TRUE(device.model->estimate(door.decoded({0, 0})).covered);
  EXPECT_TRUE(
      Device::parse(device.text, "mine.toml").model->estimate(door.decoded({0, 0})).covered);
}

const char* const kKernels = R"(op,cin,out_channels,height,kernel,stride,us,uJ
conv-relu,4,8,8,3,1,10,100
conv-relu,4,8,8,3,1,14,100
conv,8,8,8,3,1,20,
depthwise,8,8,8,3,2,5,40
global_avg_pool,8,8,4,,,1,10
linear,8,10,1,,,2,20
)";

std::string kernel_device(const std::string& more = "") {
  return std::string("description = \"test\"\nfamily = \"lookup\"\nconfidence = \"B\"\n[table]\n") +
         "file = \"table.csv\"\nrows = \"kernels\"\nweight_bits = 8\nactivation_bits = 8\n"
         "fused = [\"batch_norm\", \"activation\"]\nlatency_column = \"us\"\n"
         "latency_unit = \"us\"\nenergy_column = \"uJ\"\nenergy_unit = \"uJ\"\n" +
         more + kCited +
         "[table.columns]\nin_channels = \"cin\"\n[table.ops]\nconv-relu = \"conv\"\n";
}

Network kernel_net(int channels = 8) {
  NetworkBuilder b("net", {4, 8, 8});
  int x =
      b.activation(b.batch_norm(b.conv(0, {.channels = channels, .kernel = 3})), Activation::relu);
  x = b.conv(x, {.channels = channels, .kernel = 3, .stride = 2, .groups = channels});
  b.linear(b.global_avg_pool(x), 10);
  return with_precision(std::move(b).build(), 8, 8);
}

// conv (10 + 14) / 2 = 12 us, depthwise 5, pool 1, linear 2: 20 us; 100 + 40 + 10 + 20 = 170 uJ.
TEST(LookupKernels, AddUp) {
  const Door door(kernel_device(), kKernels);
  const Estimate e = door.load().model->estimate(candidate(kernel_net()));
  ASSERT_TRUE(e.ok()) << e.reason;
  testing::expect_sane(e, 1);
  EXPECT_NEAR(e.cost.latency_s, 20e-6, 1e-12);
  EXPECT_NEAR(e.cost.energy_j, 170e-6, 1e-12);
  ASSERT_EQ(e.cost.layers.size(), 4u);
  EXPECT_NEAR(e.cost.layers[0].latency_s, 12e-6, 1e-12);
  testing::expect_all_macs(*door.load().model, candidate(kernel_net()));
}

// conv-relu was timed twice, 10 and 14 us: 2 us of error; the others have none. With a column: two
// convs 8 -> 8 of 3 us each and one conv 4 -> 8 of 8 us: sqrt(6 6 + 8 8) = 10 us.
TEST(LookupKernels, TheErrorOfASum) {
  const auto error = [](const Door& door, const std::vector<int>& channels) {
    NetworkBuilder b("net", {4, 8, 8});
    int x = 0;
    for (const int c : channels) x = b.conv(x, {.channels = c, .kernel = 3});
    const Candidate c = candidate(with_precision(std::move(b).build(), 8, 8));
    const Estimate e = door.load().model->estimate(c);
    EXPECT_TRUE(e.ok()) << e.reason;
    return e.cost.latency_stddev_s;
  };
  const Door rows(kernel_device(), kKernels);
  EXPECT_NEAR(error(rows, {8}), 2e-6, 1e-15);
  EXPECT_EQ(error(rows, {8, 8}), 0);
  const Door column(kernel_device("latency_stddev_column = \"e\"\n"),
                    "op,cin,out_channels,height,kernel,stride,us,uJ,e\n"
                    "conv,4,8,8,3,1,10,1,8\nconv,8,8,8,3,1,20,1,3\n");
  EXPECT_NEAR(error(column, {8, 8, 8}), 10e-6, 1e-15);
}

TEST(LookupKernels, WhatIsNotInTheTableIsNamed) {
  const Door door(kernel_device(), kKernels);
  const Device device = door.load();
  EXPECT_THAT(device.model->estimate(candidate(kernel_net(6))).reason,
              AllOf(HasSubstr("(conv 4x8x8 -> 6, kernel 3, stride 1) is not in the table of board"),
                    HasSubstr("layer 'conv")));
  EXPECT_THAT(device.model->estimate(candidate(with_precision(kernel_net(), 8, 32))).reason,
              AllOf(HasSubstr("board was measured at 8/8 bits"), HasSubstr("has 8/32")));
}

TEST(LookupKernels, TheNearestRowIsSaid) {
  const Door door(kernel_device("interpolation = \"nearest\"\nlargest_ratio = 1.5\n"), kKernels);
  const Device device = door.load();
  const Estimate e = device.model->estimate(candidate(kernel_net(6)));
  ASSERT_TRUE(e.ok()) << e.reason;
  EXPECT_NEAR(e.cost.latency_s, 20e-6, 1e-12);
  EXPECT_THAT(
      e.cost.extrapolated,
      ::testing::Contains(AllOf(HasSubstr("4 of 4 kernels from the nearest row, layer 'conv"),
                                HasSubstr("-> 6, kernel 3, stride 1) from conv 4x8x8 -> 8"))));
  EXPECT_THAT(device.model->estimate(candidate(kernel_net(5))).reason,
              HasSubstr("nor is one like"));
}

TEST(LookupKernels, UnknownEnergyOfOneIsUnknownOfAll) {
  const Door door(kernel_device(), kKernels);
  NetworkBuilder b("net", {4, 8, 8});
  b.conv(b.conv(0, {.channels = 8, .kernel = 3}), {.channels = 8, .kernel = 3});
  const Estimate e =
      door.load().model->estimate(candidate(with_precision(std::move(b).build(), 8, 8)));
  ASSERT_TRUE(e.ok()) << e.reason;
  EXPECT_NEAR(e.cost.latency_s, 32e-6, 1e-12);
  EXPECT_TRUE(std::isnan(e.cost.energy_j));
}

TEST(LookupKernels, Mistakes) {
  const auto message = [](const std::string& from, const std::string& to) {
    return Door(replaced(kernel_device(), from, to), kKernels).message();
  };
  EXPECT_THAT(message("weight_bits = 8", ""), HasSubstr("table.weight_bits: is missing"));
  EXPECT_THAT(message("\"cin\"", "\"c_in\""), HasSubstr("no such column in "));
  EXPECT_THAT(message("in_channels = \"cin\"", ""), HasSubstr("'in_channels': no such column in "));
  EXPECT_THAT(message("= \"conv\"", "= \"convolution\""), HasSubstr("no such op"));
  EXPECT_THAT(message("conv-relu = \"conv\"", ""),
              AllOf(HasSubstr("table.csv:2: op = 'conv-relu': no such op")));
  EXPECT_THAT(message("\"activation\"]", "\"softmax\"]"), HasSubstr("cannot fuse 'softmax'"));
}

}  // namespace
}  // namespace hwnas
