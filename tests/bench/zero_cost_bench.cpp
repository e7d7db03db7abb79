// How zero-cost scores on cells of NAS-Bench-201 rank beside the published ones, and beside the
// published accuracies: Spearman's correlation and Kendall's tau.
//   zero_cost_bench [cells (200)] [fashion|noise] [seed (1)]
// Needs the published tables beside the checkout. The scores here are of other images (no CIFAR)
// and other initial weights, so they cannot be equal.
#include <malloc.h>
#include <torch/torch.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "predictors/accuracy.h"
#include "space/architecture_text.h"
#include "space/rng.h"
#include "space/search_space.h"
#include "tests/shared_data.h"
#include "trainer/batcher.h"
#include "trainer/dataset.h"
#include "trainer/zero_cost.h"

namespace {

using namespace hwnas;

struct Batch {
  at::Tensor images, labels;
};

// Three equal channels of Fashion-MNIST on a black border of two pixels.
Batch fashion(std::uint64_t seed) {
  const Images images =
      load_images(DataSet::fashion_mnist, Part::training, "/usr/share/datasets/fashion-mnist");
  Batch batch{torch::empty({kZeroCostBatch, 1, 28, 28}), torch::empty({kZeroCostBatch}, at::kLong)};
  std::vector<int> order;
  Rng rng(seed, 7);
  for (int i = 0; i < kZeroCostBatch; ++i)
    order.push_back(static_cast<int>(rng.below(static_cast<std::uint32_t>(images.size()))));
  Batcher(images, measure(images))
      .fill(order, {}, rng, false, batch.images.data_ptr<float>(),
            batch.labels.data_ptr<std::int64_t>());
  namespace F = torch::nn::functional;
  const double black = batch.images.min().item<double>();
  batch.images = F::pad(batch.images, F::PadFuncOptions({2, 2, 2, 2}).value(black))
                     .expand({-1, 3, -1, -1})
                     .contiguous();
  return batch;
}

Batch noise(std::uint64_t seed) {
  Batch batch{torch::empty({kZeroCostBatch, 3, 32, 32}), torch::empty({kZeroCostBatch}, at::kLong)};
  Rng rng(seed, 7);
  float* at = batch.images.data_ptr<float>();
  for (std::int64_t i = 0; i < batch.images.numel(); ++i) at[i] = static_cast<float>(rng.normal());
  for (int i = 0; i < kZeroCostBatch; ++i)
    batch.labels[i] = static_cast<std::int64_t>(rng.below(10));
  return batch;
}

const std::map<std::string, std::string> kPublished{
    {"parameters", "c10_naslib_params_M"}, {"macs", "c10_naslib_flops_M"},
    {"nwot", "c10_naslib_nwot"},           {"jacov", "c10_naslib_jacov"},
    {"synflow", "c10_naslib_synflow"},     {"snip", "c10_naslib_snip"},
    {"grad_norm", "c10_naslib_grad_norm"}};

}  // namespace

int main(int argc, char** argv) {
  const auto scores = hwnas::testing::shared_path("nb201_cifar10_zero_cost_proxies.csv.gz");
  const auto accuracies = hwnas::testing::shared_path("nb201_cifar10_accuracy.csv.gz");
  mallopt(M_MMAP_THRESHOLD, 1 << 30);  // as hwnas-trainer does
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  at::set_num_threads(1);
  const auto seed = static_cast<std::uint64_t>(argc > 3 ? std::atoi(argv[3]) : 1);
  const Batch batch = argc > 2 && std::string(argv[2]) == "noise" ? noise(seed) : fashion(seed);
  auto rows = hwnas::testing::read_csv(scores);
  if (rows.empty()) {
    std::fprintf(stderr, "zero_cost_bench: needs %s\n", scores.c_str());
    return 2;
  }
  std::erase_if(rows, [](const auto& row) {  // cells with dead branches have none
    const auto cell = row.find(kPublished.at("nwot"));
    return cell == row.end() || cell->second.empty();
  });
  std::map<std::string, double> accuracy;
  for (const auto& row : hwnas::testing::read_csv(accuracies))
    accuracy[row.at("arch_str")] = std::atof(row.at("c10_valid_acc_200ep_pct").c_str());
  Rng rng(seed, 8);
  rng.shuffle(rows);
  rows.resize(std::min<std::size_t>(rows.size(),
                                    argc > 1 ? static_cast<std::size_t>(std::atoi(argv[1])) : 200));
  const SearchSpace space =
      SearchSpace::load(std::string(HWNAS_SOURCE_DIR) + "/space/spaces/nasbench201.toml");
  std::map<std::string, std::vector<double>> ours, theirs;
  std::map<std::string, double> seconds;
  std::vector<double> truth;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Network cell = space.decode(parse_architecture(space, rows[i].at("arch_str"))).network;
    for (const auto& s :
         zero_cost_scores(cell, batch.images, batch.labels, seed + i, zero_cost_names())) {
      ours[s.name].push_back(s.value);
      seconds[s.name] += s.seconds;
      if (const auto column = kPublished.find(s.name); column != kPublished.end())
        theirs[s.name].push_back(std::atof(rows[i].at(column->second).c_str()));
    }
    truth.push_back(accuracy.at(rows[i].at("arch_str")));
    if (argc > 4) {
      for (const auto& name : zero_cost_names()) std::fprintf(stderr, "%.9g,", ours[name].back());
      std::fprintf(stderr, "%s\n", rows[i].at("arch_str").c_str());
    }
  }
  std::printf("%zu cells, %s, seed %llu\n%-14s %10s %10s %10s %8s\n", rows.size(),
              argc > 2 ? argv[2] : "fashion", static_cast<unsigned long long>(seed), "score",
              "published", "accuracy", "tau", "ms");
  for (const auto& name : zero_cost_names()) {
    std::printf("%-14s ", name.c_str());
    if (theirs.contains(name)) {
      std::printf("%10.3f ", spearman(ours[name], theirs[name]));
    } else {
      std::printf("%10s ", "-");
    }
    std::printf("%10.3f %10.3f %8.1f\n", spearman(ours[name], truth), kendall(ours[name], truth),
                1e3 * seconds[name] / static_cast<double>(rows.size()));
  }
  return 0;
}
