#include "tests/hw_models/cost_model_contract.h"

namespace hwnas {
namespace {

class CostModelContract : public ::testing::TestWithParam<std::string> {
 protected:
  const Device device_ = testing::shipped(GetParam());
  const CostModel& model_ = *device_.model;
  const Bits bits_ = testing::bits_of(device_);

  Network zoo(const char* name) const {
    return testing::zoo(name, bits_.weights, bits_.activations);
  }
  // Zoo networks that the device covers; it need not cover them all.
  bool covers(const Network& network, int batch = 1) const {
    return model_.estimate(testing::candidate(network, batch)).covered;
  }
};

TEST_P(CostModelContract, ZooIsSane) {
  int covered = 0;
  for (const char* name : {"resnet8", "dscnn", "mobilenet_v1_025_96", "fc_autoencoder",
                           "mobilenet_v2", "resnet18", "resnet50", "alexnet", "vgg16"}) {
    SCOPED_TRACE(name);
    const Candidate c = testing::candidate(zoo(name));
    const Estimate estimate = model_.estimate(c);
    if (!estimate.covered) {
      EXPECT_NE(estimate.reason.find(device_.name), std::string::npos) << estimate.reason;
      continue;
    }
    ++covered;
    testing::expect_sane(estimate, 1);
    testing::expect_all_macs(model_, c);
    // No device here takes less than 10 ns (rooflines without overhead) or 1 nJ, nor, for what fits
    // it, more than 10 minutes or 100 J (VGG-16 on a Cortex-M0+ would take half an hour).
    EXPECT_GT(estimate.cost.latency_s, 10e-9);
    EXPECT_GT(estimate.cost.energy_j, 1e-9);
    if (!estimate.fits) continue;
    EXPECT_LT(estimate.cost.latency_s, 600);
    EXPECT_LT(estimate.cost.energy_j, 100);
  }
  EXPECT_GT(covered, 0);
}

TEST_P(CostModelContract, MoreIsNeverCheaper) {
  const Network net = testing::wide_net(128, bits_.weights, bits_.activations);
  if (!covers(net)) GTEST_SKIP() << device_.name << " does not cover the wide net";
  testing::expect_monotonous(model_, bits_.weights, bits_.activations);
  testing::expect_slower_at_lower_clock(model_, net);
}

TEST_P(CostModelContract, ThreadSafe) {
  testing::expect_thread_safe(model_, testing::candidate(zoo("fc_autoencoder")));
}

TEST_P(CostModelContract, BatchScales) {
  const Network network = zoo("fc_autoencoder");
  const Estimate two = model_.estimate(testing::candidate(network, 2));
  if (!two.covered) {
    EXPECT_NE(two.reason.find("one input at a time"), std::string::npos) << two.reason;
    return;
  }
  testing::expect_batch_scales(model_, network, 1.5);
}

TEST_P(CostModelContract, UncoveredBitsAreNamed) {
  Network network = testing::zoo("fc_autoencoder", 31, 31);  // nobody runs 31 bits
  const Estimate estimate = model_.estimate(testing::candidate(std::move(network)));
  EXPECT_FALSE(estimate.covered);
  EXPECT_NE(estimate.reason.find(device_.name), std::string::npos);
  EXPECT_NE(estimate.reason.find("31/31"), std::string::npos) << estimate.reason;
}

INSTANTIATE_TEST_SUITE_P(Shipped, CostModelContract,
                         ::testing::ValuesIn(testing::shipped_devices()),
                         [](const auto& device) { return device.param; });

}  // namespace
}  // namespace hwnas
