#include "tests/hw_models/cost_model_contract.h"

namespace hwnas {
namespace {

class CostModelContract : public ::testing::TestWithParam<const char*> {
 protected:
  const Device device_ = testing::shipped(GetParam());
  const CostModel& model_ = *device_.model;
};

TEST_P(CostModelContract, ZooIsSane) {
  for (const char* name : {"resnet8", "dscnn", "mobilenet_v1_025_96", "fc_autoencoder",
                           "mobilenet_v2", "resnet18", "resnet50", "alexnet", "vgg16"}) {
    SCOPED_TRACE(name);
    // Every shipped device but the Jetson runs int8.
    const int bits = device_.name == "jetson_tx2" ? 16 : 8;
    const Candidate c = testing::candidate(testing::zoo(name, bits, bits));
    const Estimate estimate = model_.estimate(c);
    testing::expect_sane(estimate, 1);
    testing::expect_all_macs(model_, c);
    // No device here takes less than 10 us or more than 10 minutes, 10 nJ or 100 J.
    EXPECT_GT(estimate.cost.latency_s, 10e-6);
    EXPECT_LT(estimate.cost.latency_s, 600);
    EXPECT_GT(estimate.cost.energy_j, 10e-9);
    EXPECT_LT(estimate.cost.energy_j, 100);
  }
}

TEST_P(CostModelContract, MoreIsNeverCheaper) {
  const int bits = device_.name == "jetson_tx2" ? 16 : 8;
  testing::expect_monotonous(model_, bits);
  testing::expect_slower_at_lower_clock(model_, testing::wide_net(128, bits));
}

TEST_P(CostModelContract, ThreadSafe) {
  const int bits = device_.name == "jetson_tx2" ? 16 : 8;
  testing::expect_thread_safe(model_, testing::candidate(testing::zoo("resnet8", bits, bits)));
}

TEST_P(CostModelContract, BatchScales) {
  if (device_.family == Family::microcontroller) {
    EXPECT_FALSE(model_.estimate(testing::candidate(testing::zoo("resnet8", 8, 8), 2)).covered);
    return;
  }
  const int bits = device_.name == "jetson_tx2" ? 16 : 8;
  testing::expect_batch_scales(model_, testing::zoo("resnet50", bits, bits), 1.5);
}

TEST_P(CostModelContract, OneBitIsNotCovered) {
  const Estimate estimate = model_.estimate(testing::candidate(testing::zoo("resnet8", 1, 1)));
  EXPECT_FALSE(estimate.covered);
  EXPECT_NE(estimate.reason.find(device_.name), std::string::npos);
  EXPECT_NE(estimate.reason.find("has 1/1"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Shipped, CostModelContract, ::testing::ValuesIn(testing::kShippedDevices),
                         [](const auto& device) { return std::string(device.param); });

}  // namespace
}  // namespace hwnas
