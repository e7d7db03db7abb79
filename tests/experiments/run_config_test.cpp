#include "experiments/run_config.h"

#include <gtest/gtest.h>

#include "space/input_error.h"

namespace hwnas {
namespace {

const std::string kHead = "space = 'tiny_image'\ndevices = ['stm32h743']\n";
const std::string kLatency = "[[objectives]]\nmetric = 'latency@stm32h743'\n";

std::string message(const std::string& text) {
  try {
    RunConfig::parse(text, "run.toml");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(RunConfig, ReadsEverything) {
  const RunConfig c = RunConfig::parse(kHead + R"(
name = "n"
seed = 7
[search]
algorithm = "regularized_evolution"
batch = 4
population = 10
[budget]
trials = 50
time = "2 min"
[workers]
count = 3
[[objectives]]
metric = "latency@stm32h743"
at_most = "20 ms"
[[objectives]]
metric = "parameters"
[[bounds]]
metric = "memory@stm32h743"
at_most = "256 KiB"
)",
                                       "run.toml");
  EXPECT_EQ(c.seed, 7u);
  EXPECT_EQ(c.search.algorithm, Algorithm::regularized_evolution);
  EXPECT_EQ(c.batch, 4);
  EXPECT_EQ(c.budget.trials, 50);
  EXPECT_EQ(c.budget.seconds, 120);
  EXPECT_EQ(c.workers.count, 3);
  ASSERT_EQ(c.objectives.size(), 3u);
  EXPECT_DOUBLE_EQ(*c.objectives[0].bound, 0.02);
  EXPECT_FALSE(c.objectives[2].optimised);
  EXPECT_DOUBLE_EQ(*c.objectives[2].bound, 262144);
  EXPECT_FALSE(c.training);
}

TEST(RunConfig, ABoundMayAskForAProbability) {
  const auto first = [](const std::string& bound) {
    return RunConfig::parse(kHead + kLatency + bound, "run.toml").objectives.at(0);
  };
  for (const char* text : {"at_most = '10 ms'\nwith = '95 %'", "at_most = '10 ms with 95 %'",
                           "at_most = '10 ms'\nwith = 0.95"}) {
    EXPECT_DOUBLE_EQ(*first(text).bound, 10e-3) << text;
    EXPECT_DOUBLE_EQ(first(text).probability, 0.95) << text;
  }
  EXPECT_EQ(first("at_most = '10 ms'").probability, 0);
  const auto wrong = [](const std::string& bound) { return message(kHead + kLatency + bound); };
  const std::string range = "expected a probability from 50 % to below 100 %, such as '95 %'";
  EXPECT_EQ(wrong("at_most = '10 ms'\nwith = '30 %'"),
            "run.toml:6: objectives[0].with = '30 %': " + range);
  EXPECT_EQ(wrong("at_most = '10 ms with 100 %'"),
            "run.toml:5: objectives[0].at_most = '10 ms with 100 %': " + range);
  EXPECT_EQ(
      wrong("at_most = '10 ms with luck'"),
      "run.toml:5: objectives[0].at_most = '10 ms with luck': expected a share such as '12 %' "
      "or 0.12");
  EXPECT_EQ(wrong("at_most = '10 mJ with 95 %'"),
            "run.toml:5: objectives[0].at_most = '10 mJ with 95 %': expected a time such as "
            "'20 ms' (ns, us, ms, s, min, h, day)");
  EXPECT_EQ(wrong("at_most = '10 ms with 95 %'\nwith = '90 %'"),
            "run.toml:6: objectives[0].with = '90 %': at_most has one already");
  EXPECT_EQ(wrong("with = '90 %'"),
            "run.toml:5: objectives[0].with = '90 %': is of no use without at_most");
}

TEST(RunConfig, AProbabilityDecidesTheTrials) {
  const auto settings = [](const std::string& bound) {
    return deciding_settings(RunConfig::parse(kHead + kLatency + bound, "r.toml"));
  };
  EXPECT_NE(settings("at_most = '10 ms'"), settings("at_most = '10 ms with 95 %'"));
  EXPECT_NE(settings("at_most = '10 ms with 90 %'"), settings("at_most = '10 ms with 95 %'"));
}

TEST(RunConfig, WhatDecidesTheTrialsLeavesOutTheRest) {
  const auto settings = [](const std::string& extra) {
    return deciding_settings(RunConfig::parse(extra + kLatency, "r.toml"));
  };
  const std::string base = settings(kHead);
  EXPECT_EQ(settings("name = 'other'\n" + kHead + "[budget]\ntrials = 5\n[workers]\ncount = 9\n"),
            base);
  EXPECT_NE(settings(kHead + "seed = 2\n"), base);
  EXPECT_NE(settings(kHead + "[search]\nbatch = 9\n"), base);
}

TEST(RunConfig, ReferencesDecideTheTrials) {
  const RunConfig c = RunConfig::parse(kHead + kLatency + "reference = '20 ms'\n", "run.toml");
  EXPECT_DOUBLE_EQ(*c.objectives[0].reference, 0.02);
  EXPECT_NE(deciding_settings(c),
            deciding_settings(RunConfig::parse(kHead + kLatency, "run.toml")));
  EXPECT_EQ(message(kHead + kLatency + "reference = '0 ms'\n"),
            "run.toml:5: objectives[0].reference = '0 ms': nothing is better than this; it must be "
            "above 0");
  const std::string data = "[data]\nset = 'mnist'\ndirectory = '/usr'\n";
  EXPECT_EQ(message(kHead + data + "[[objectives]]\nmetric = 'accuracy'\nreference = '100 %'\n"),
            "run.toml:8: objectives[0].reference = '100 %': an accuracy that can be bettered is "
            "from 0 to below 100 %");
}

TEST(RunConfig, ABudgetOfCostNeedsNoTrials) {
  EXPECT_EQ(RunConfig::parse(kHead + kLatency + "[budget]\ncost = 5\n", "r.toml").budget.trials,
            kEndless);
  EXPECT_EQ(message(kHead + kLatency + "[budget]\ncost = -5\n").substr(0, 28),
            "run.toml:6: budget.cost = -5");
}

TEST(RunConfig, Mistakes) {
  EXPECT_EQ(message("devices = []\n" + kLatency),
            "run.toml:1: space: is missing; expected a string");
  EXPECT_EQ(
      message(kHead),
      "run.toml:1: objectives: is missing; a run has at least one [[objectives]] with a metric");
  EXPECT_EQ(message("spcae = 'x'\n" + kLatency),
            "run.toml:1: space: is missing; expected a string; is 'spcae' in line 1 a misspelling "
            "of it?");
  EXPECT_EQ(message(kHead + "[budget]\ntrails = 5\n" + kLatency),
            "run.toml:4: budget.trails = 5: unknown key; did you mean 'trials'?");
  EXPECT_EQ(message(kHead + "[budget]\ntime = '5 kg'\n" + kLatency),
            "run.toml:4: budget.time = '5 kg': expected a time such as '20 ms' (ns, us, ms, s, "
            "min, h, day)");
  EXPECT_EQ(message(kHead + "[search]\nalgorithm = 'nsga3'\n" + kLatency),
            "run.toml:4: search.algorithm = 'nsga3': not known here; did you mean 'nsga2'?");
  EXPECT_EQ(message(kHead + kLatency + "at_most = '20 KiB'\n"),
            "run.toml:5: objectives[0].at_most = '20 KiB': expected a time such as '20 ms' (ns, "
            "us, ms, s, min, h, day)");
  EXPECT_EQ(message(kHead + kLatency + "at_most = '-1 ms'\n"),
            "run.toml:5: objectives[0].at_most = '-1 ms': nothing can meet this; the bound must be "
            "above 0");
  EXPECT_EQ(
      message(kHead + kLatency + "at_least = '1 ms'\n"),
      "run.toml:5: objectives[0].at_least = '1 ms': latency is bounded from above; write at_most");
  EXPECT_EQ(message(kHead + "[[objectives]]\nmetric = 'latency@stm32h734'\n"),
            "run.toml:4: objectives[0].metric = 'latency@stm32h734': device 'stm32h734' is not in "
            "'devices'; did you mean 'stm32h743'?");
  EXPECT_EQ(message(kHead + "[[objectives]]\nmetric = 'accuracy'\n"),
            "run.toml:4: objectives[0].metric = 'accuracy': accuracy needs training; add [data] "
            "and [training], or [[tables]]");
  EXPECT_TRUE(message(kHead + "[[objectives]]\nmetric = 'latancy@stm32h743'\n")
                  .starts_with("run.toml:4: objectives[0].metric = 'latancy@stm32h743': "));
  EXPECT_EQ(message(kHead + kLatency + kLatency),
            "run.toml:3: objectives = " + message(kHead + kLatency + kLatency).substr(25));
  EXPECT_NE(message(kHead + kLatency + kLatency).find("latency@stm32h743 is named twice"),
            std::string::npos);
  EXPECT_EQ(message(kHead + kLatency + "[[bounds]]\nmetric = 'memory@stm32h743'\n"),
            "run.toml:5: bounds[0].at_most: is missing; a bound says how much is allowed");
  EXPECT_EQ(message(kHead + kLatency + "[training]\nepochs = 1\n").substr(0, 26),
            "run.toml:5: training = a t");
  EXPECT_EQ(
      message(kHead + kLatency + "[data]\nset = 'fashion_mnits'\n"),
      "run.toml:6: data.set = 'fashion_mnits': not known here; did you mean 'fashion_mnist'?");
  EXPECT_EQ(message(kHead + kLatency + "[data]\nset = 'fashion_mnist'\ndirectory = '/no/such'\n"),
            "run.toml:7: data.directory = '/no/such': no such directory: /no/such; 'apt-get "
            "install dataset-fashion-mnist' brings it");
  EXPECT_EQ(message(kHead + kLatency + "[data]\nset = 'cifar10'\ndirectory = '/no/such'\n"),
            "run.toml:7: data.directory = '/no/such': no such directory: /no/such; expected the "
            "folder with the files of cifar10");
  EXPECT_EQ(message(kHead + kLatency + "[data]\nset = 'cifar10'\n"),
            "run.toml:5: data.directory: is missing; expected a string");
  const std::string data = "[data]\nset = 'mnist'\ndirectory = '/usr'\n";
  EXPECT_EQ(
      message(kHead + data + "[[objectives]]\nmetric = 'accuracy'\nat_least = 1.5\n"),
      "run.toml:8: objectives[0].at_least = 1.5: nothing can meet this; accuracy is at most 100 %");
  EXPECT_EQ(
      message(kHead + data + "[training]\naugment = ['flop']\n" + kLatency),
      "run.toml:7: training.augment = [ 'flop' ]: 'flop' is not known here; did you mean 'flip'?");
  EXPECT_EQ(message(kHead + data + "[training]\nepochs = 0\n" + kLatency),
            "run.toml:7: training.epochs = 0: expected a whole number from 1 to 100000");
  const auto noise = [&](const std::string& rest) {
    return message(kHead + data + "[training]\n[training.noise]\n" + rest + kLatency);
  };
  EXPECT_EQ(noise("device = 'pcm'\n").substr(0, 62),
            "run.toml:8: training.noise.device = 'pcm': is not in 'devices'");
  EXPECT_EQ(noise("device = 'stm32h743'\ntimes = ['-1 s']\n"),
            "run.toml:9: training.noise.times = [ '-1 s' ]: a time is not negative");
  EXPECT_EQ(noise("device = 'stm32h743'\ntimes = []\n"),
            "run.toml:9: training.noise.times = []: is empty; expected such as \"1 day\"");
  EXPECT_EQ(noise("device = 'stm32h743'\ndraws = 0\n"),
            "run.toml:9: training.noise.draws = 0: expected a whole number from 1 to 10000");
  EXPECT_EQ(message(kHead + data + "[training]\nquantization = 'awrae'\n" + kLatency),
            "run.toml:7: training.quantization = 'awrae': not known here; did you mean 'aware'?");
}

}  // namespace
}  // namespace hwnas
