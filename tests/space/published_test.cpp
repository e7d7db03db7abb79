// The zoo and the cell space against published counts.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <tuple>

#include "space/architecture_text.h"
#include "space/network_file.h"
#include "space/search_space.h"
#include "tests/shared_data.h"

namespace hwnas {
namespace {

struct Published {
  const char* network;
  double macs, parameters, tolerance;  // parameters 0: not published as such
};

// MLPerf Tiny: macs of the reference networks (arXiv:2106.07597). ImageNet networks: torchvision's
// parameter counts, exact, and the macs customarily quoted.
class Zoo : public ::testing::TestWithParam<Published> {};

TEST_P(Zoo, CountsEqualThePublished) {
  const Published& p = GetParam();
  const Network n =
      load_network(std::string(HWNAS_SOURCE_DIR) + "/space/networks/" + p.network + ".toml");
  EXPECT_EQ(n.name, p.network);
  EXPECT_NEAR(static_cast<double>(macs(n)), p.macs, p.macs * p.tolerance);
  if (p.parameters > 0) {
    EXPECT_EQ(parameters(n), static_cast<std::int64_t>(p.parameters));
  }
  EXPECT_EQ(fingerprint(*live(n)), fingerprint(n));
}

INSTANTIATE_TEST_SUITE_P(All, Zoo,
                         ::testing::Values(Published{"resnet8", 12501632, 0, 0},
                                           Published{"dscnn", 2656768, 0, 0},
                                           Published{"mobilenet_v1_025_96", 7489664, 0, 0},
                                           Published{"fc_autoencoder", 264192, 0, 0},
                                           Published{"kws_mlp", 172800, 0, 0},
                                           Published{"mobilenet_v2", 300.8e6, 3504872, 1e-3},
                                           Published{"resnet18", 1.814e9, 11689512, 1e-3},
                                           Published{"resnet50", 4.09e9, 25557032, 1e-3},
                                           Published{"alexnet", 714.2e6, 61100840, 1e-3},
                                           Published{"alexnet_grouped", 724.4e6, 60965224, 1e-3},
                                           Published{"vgg16", 15.47e9, 138357544, 1e-3},
                                           Published{"deit_tiny", 1.26e9, 5717416, 1e-2}),
                         [](const auto& test) { return std::string(test.param.network); });

// Language models; published parameters, and what our networks have more or less.
TEST(Zoo, LanguageModels) {
  const auto zoo = [](const char* name) {
    return load_network(std::string(HWNAS_SOURCE_DIR) + "/space/networks/" + name + ".toml");
  };
  // 109 482 240 with two token types of 768, without a classifier of two classes.
  EXPECT_EQ(parameters(zoo("bert_base")), 109482240 - 2 * 768 + 2 * 768 + 2);
  // 124 439 808, the head's table being the embedding's.
  EXPECT_EQ(parameters(zoo("gpt2")), 124439808 + 50257 * 768);
  for (const char* name : {"llama2_7b", "llama2_7b_decode"})
    EXPECT_EQ(parameters(zoo(name)), 6738415616) << name;
  // A layer at n tokens: 4 * 768^2 + 2 * 4 * 768^2 MACs a token, and 2 * 768 * n in attention.
  const std::int64_t n = 384;
  const std::int64_t bert = 12 * n * (12 * 768 * 768 + 2 * 768 * n) + 768 * 768 + 768 * 2;
  EXPECT_EQ(macs(zoo("bert_base")), bert);
  // One token, which reads 1024 earlier ones and itself.
  const std::int64_t weights = 32LL * (4 * 4096 * 4096 + 3 * 4096 * 11008) + 4096LL * 32000;
  EXPECT_EQ(macs(zoo("llama2_7b_decode")), weights + 32LL * 2 * 4096 * 1025);
}

// The canonical string of a cell by the rule of the benchmark (arXiv:2001.00326): nodes are sorted
// sums of "(source)@op", skips vanish, "none" is '#'. The benchmark keeps the '#' terms of a sum,
// so that it tells x + conv(0 + 0) from x, and sums of sums from flat sums; with `absorb` neither
// is told apart.
std::string canonical(const SearchSpace& space, const Genotype& g, bool absorb) {
  std::vector<std::vector<std::string>> nodes{{"0"}};  // the terms of each node's sum
  const auto sum = [](const std::vector<std::string>& terms) {
    std::string text;
    for (const std::string& term : terms) text += (text.empty() ? "" : "+") + term;
    return terms.empty() ? "#" : text;
  };
  std::size_t edge = 0;
  while (edge < g.genes.size()) {
    std::vector<std::string> terms;
    for (std::size_t source = 0, n = nodes.size(); source < n; ++source, ++edge) {
      const std::string& op = space.choices()[edge].options[g.genes[edge]];
      const std::string input = sum(nodes[source]);
      const bool zero = op == "none" || input == "#";
      if (absorb && zero) continue;
      if (absorb && op == "skip_connect") {
        terms.insert(terms.end(), nodes[source].begin(), nodes[source].end());
      } else {
        terms.push_back(zero ? "#" : op == "skip_connect" ? input : "(" + input + ")@" + op);
      }
    }
    std::sort(terms.begin(), terms.end());
    nodes.push_back(std::move(terms));
  }
  return sum(nodes.back());
}

TEST(NasBench201, EveryParameterCountAndEveryClass) {
  HWNAS_NEEDS_SHARED("nb201_cifar10_accuracy.csv.gz");
  const SearchSpace space =
      SearchSpace::load(std::string(HWNAS_SOURCE_DIR) + "/space/spaces/nasbench201.toml");
  const auto rows = testing::read_csv(testing::shared_path("nb201_cifar10_accuracy.csv.gz"));
  ASSERT_EQ(rows.size(), 15625u);
  std::map<std::string, std::string> published;  // the benchmark's string -> its class in the file
  std::map<std::uint64_t, std::string> string_of;  // fingerprint -> absorbed string
  std::map<std::tuple<std::string, int, std::int64_t>, std::uint64_t>
      fingerprint_of;  // absorbed string, live layers and parameters
  std::set<Genotype> seen;
  for (const auto& row : rows) {
    const std::string& text = row.at("arch_str");
    const Genotype g = parse_architecture(space, text);
    EXPECT_TRUE(seen.insert(g).second);
    const Network n = space.decode(g).network;
    const auto stated =
        static_cast<std::int64_t>(std::llround(std::stod(row.at("c10_params_M")) * 1e6));
    ASSERT_EQ(parameters(n), stated) << text;
    const auto [known, fresh] =
        published.emplace(canonical(space, g, false), row.at("isomorphic_rep_index"));
    EXPECT_EQ(known->second, row.at("isomorphic_rep_index")) << text;

    const std::string string = canonical(space, g, true);
    const auto alive = live(n);
    EXPECT_EQ(alive.has_value(), string != "#") << text;
    // Equal fingerprints: equal cells. Equal cells: equal fingerprints, unless one shares a conv or
    // pool where the other has two (the string cannot tell; costs can).
    EXPECT_EQ(string_of.emplace(fingerprint(n), string).first->second, string) << text;
    const int size = alive ? alive->size() : 0;
    const std::int64_t live_parameters = alive ? parameters(*alive) : 0;
    EXPECT_EQ(fingerprint_of.emplace(std::tuple(string, size, live_parameters), fingerprint(n))
                  .first->second,
              fingerprint(n))
        << text;
  }
  EXPECT_EQ(published.size(), 6466u);  // as published
}

std::vector<std::string> parts(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, '_');) all.push_back(part);
  return all;
}

// HW-GPT-Bench (arXiv:2405.10299). With width d, heads h of 64 channels, ratio r, a vocabulary of V
// and biases b = 0 or 1:
//   2 V d + 2 d + sum over layers of [4 * 64 h d + 3 r d^2 + 4 d + b (3 * 64 h + 2 r d + 2 d)],
// the tables of embedding and head; the last norm; queries, keys, values and projection; the gated
// feed-forward's three matrices; two norms; biases.
TEST(HwGptBench, EveryParameterCount) {
  HWNAS_NEEDS_SHARED("gpt_small_devices.csv.gz");
  const SearchSpace space =
      SearchSpace::load(std::string(HWNAS_SOURCE_DIR) + "/space/spaces/gpt.toml");
  std::map<std::string, std::size_t> gene;
  for (std::size_t g = 0; g < space.choices().size(); ++g) gene[space.choices()[g].name] = g;
  const auto rows = testing::read_csv(testing::shared_path("gpt_small_devices.csv.gz"));
  ASSERT_EQ(rows.size(), 4982u);
  for (const auto& row : rows) {
    Genotype genotype;
    genotype.genes.assign(space.choices().size(), 0);
    const auto choose = [&](const std::string& name, const std::string& option) {
      const auto& options = space.choices()[gene.at(name)].options;
      const auto at = std::find(options.begin(), options.end(), option);
      ASSERT_NE(at, options.end()) << name << " " << option;
      genotype.genes[gene.at(name)] = static_cast<std::uint8_t>(at - options.begin());
    };
    choose("embed_dim", row.at("embed_dim"));
    choose("bias", row.at("bias") == "1" ? "true" : "false");
    choose("body.depth", row.at("n_layer"));
    const auto heads = parts(row.at("n_head")), ratios = parts(row.at("mlp_ratio"));
    std::int64_t expected = 2 * 50254 + 2;
    const std::int64_t d = std::stoi(row.at("embed_dim")), b = std::stoi(row.at("bias"));
    expected *= d;
    for (std::size_t i = 0; i < heads.size(); ++i) {
      const std::string block = "body.block" + std::to_string(i + 1);
      choose(block + ".heads", heads[i]);
      choose(block + ".expansion", ratios[i]);
      const std::int64_t h = std::stoi(heads[i]), r = std::stoi(ratios[i]);
      expected += 4 * 64 * h * d + 3 * r * d * d + 4 * d + b * (3 * 64 * h + 2 * r * d + 2 * d);
    }
    const Network network = space.decode(genotype).network;
    ASSERT_EQ(parameters(network), expected) << row.at("arch_index");
    ASSERT_EQ(parameters(network), std::stoll(row.at("params"))) << row.at("arch_index");
    for (const Layer& layer : network.layers()) ASSERT_EQ(layer.causal, layer.op == Op::attention);
  }
}

}  // namespace
}  // namespace hwnas
