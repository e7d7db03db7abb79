// 15,625 published measurements (beside the checkout) looked up again.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "hw_models/device.h"
#include "space/architecture_text.h"
#include "tests/hw_models/support.h"
#include "tests/scratch_folder.h"
#include "tests/shared_data.h"

namespace hwnas {
namespace {

TEST(LookupValidation, NasBench201IsExact) {
  HWNAS_NEEDS_SHARED("nb201_cifar10_devices.csv.gz");
  const ScratchFolder folder;
  const std::string table = testing::shared_path("nb201_cifar10_devices.csv.gz");
  std::ofstream(folder / "raspi4.toml")
      << "description = \"t\"\nfamily = \"lookup\"\nconfidence = \"A\"\n[table]\nfile = \"" << table
      << "\"\nrows = \"networks\"\nspace = \"nasbench201\"\narchitecture_column = \"arch_str\"\n"
      << "latency_column = \"c10_raspi4_latency_ms\"\nlatency_unit = \"ms\"\n"
      << testing::kCited;
  const std::filesystem::path spaces = std::string(HWNAS_SOURCE_DIR) + "/space/spaces";
  const auto start = std::chrono::steady_clock::now();
  const Device device = Device::load(folder / "raspi4.toml", {}, {spaces});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took.count(), 5);  // 0.3 s on two free cores
  RecordProperty("load_s", std::to_string(took.count()));

  const SearchSpace space = SearchSpace::load(spaces / "nasbench201.toml");
  int alive = 0, exact = 0, dead = 0;
  for (const auto& row : testing::read_csv(table)) {
    const Candidate c = space.decode(parse_architecture(space, row.at("arch_str")));
    const auto network = live(c.network);
    if (!network) {
      ++dead;
      continue;
    }
    ++alive;
    const Estimate e = device.model->estimate({c.genotype, *network, {}});
    const double published = std::stod(row.at("c10_raspi4_latency_ms")) * 1e-3;
    if (e.ok() && std::abs(e.cost.latency_s - published) <= 1e-15) ++exact;
  }
  EXPECT_EQ(alive + dead, 15'625);
  EXPECT_EQ(exact, alive);
}

}  // namespace
}  // namespace hwnas
