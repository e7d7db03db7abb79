#include "space/search_space.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "space/input_error.h"
#include "space/network_file.h"
#include "space/operators.h"

namespace hwnas {
namespace {

const std::string kHead = "name = 't'\n[input]\nchannels = 1\nheight = 8\nwidth = 8\nclasses = 4\n";

SearchSpace parse(const std::string& rest) {
  return SearchSpace::parse(kHead + rest, "space.toml");
}

std::string message(const std::string& rest) {
  try {
    (void)parse(rest);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(SearchSpace, GenesAreNamedInOrder) {
  const SearchSpace s = parse(R"(
[choices]
w = [0.5, 1.0]
[precision]
weight_bits = [4, 8]
[[stages]]
name = "body"
block = "mbconv"
depth = [1, 2]
channels = [8, 16]
width = "$w"
kernel = {each = [3, 5]}
[[stages]]
block = "classifier"
[deployment]
batch = [1, 4]
)");
  std::vector<std::string> names;
  for (const Choice& c : s.choices()) names.push_back(c.name);
  EXPECT_EQ(names, (std::vector<std::string>{"w", "precision.weight_bits", "body.depth",
                                             "body.channels", "body.block1.kernel",
                                             "body.block2.kernel", "deployment.batch"}));
  EXPECT_EQ(s.cardinalities(), std::vector<int>(7, 2));
  EXPECT_NEAR(s.log10_size(), 7 * 0.30103, 1e-4);
  const Candidate c = s.decode(Genotype{{0, 1, 1, 1, 0, 1, 1}});
  EXPECT_EQ(c.deployment.batch, 4);
  std::vector<int> kernels;
  for (const Layer& layer : c.network.layers()) {
    if (layer.name.ends_with("dw.conv")) kernels.push_back(layer.kernel_h);
    if (layer.op == Op::conv) {
      EXPECT_EQ(layer.weight_bits, 8);
    }
  }
  EXPECT_EQ(kernels, (std::vector<int>{3, 5}));
  EXPECT_EQ(c.network.output(), (Shape{4, 1, 1}));
  EXPECT_EQ(describe(s, Genotype{{0, 1, 1, 1, 0, 1, 1}}).substr(0, 32),
            "w 0.5, precision.weight_bits 8, ");
}

TEST(SearchSpace, GenesOfAbsentBlocksDoNotMatter) {
  const SearchSpace s = parse(
      "[[stages]]\nblock = 'mbconv'\ndepth = [1, 2]\nchannels = 8\nkernel = {each = [3, 5]}\n");
  EXPECT_EQ(fingerprint(s.decode(Genotype{{0, 1, 0}})), fingerprint(s.decode(Genotype{{0, 1, 1}})));
  EXPECT_NE(fingerprint(s.decode(Genotype{{1, 1, 0}})), fingerprint(s.decode(Genotype{{1, 1, 1}})));
}

TEST(SearchSpace, WordsLeaveOutGenesOfAbsentBlocks) {
  const SearchSpace s = parse(
      "[[stages]]\nblock = 'mbconv'\ndepth = [1, 2]\nchannels = 8\nkernel = {each = [3, 5]}\n");
  EXPECT_EQ(describe(s, Genotype{{0, 1, 0}}), "s1.depth 1, s1.block1.kernel 5");
  EXPECT_EQ(describe(s, Genotype{{1, 1, 0}}), "s1.depth 2, s1.block1.kernel 5, s1.block2.kernel 3");
}

// A gene is active exactly where changing it changes the candidate (or another active gene hides
// it).
TEST(SearchSpace, InactiveGenesChangeNothing) {
  const SearchSpace s =
      SearchSpace::load(std::string(HWNAS_SOURCE_DIR) + "/space/spaces/tiny_image.toml");
  Rng rng(3);
  int inactive = 0;
  for (int i = 0; i < 200; ++i) {
    const Genotype g = sample(s.cardinalities(), rng);
    const std::vector<bool> active = s.active_genes(g);
    for (std::size_t j = 0; j < active.size(); ++j) {
      if (active[j]) continue;
      Genotype other = g;
      other.genes[j] = static_cast<std::uint8_t>((g.genes[j] + 1) % s.cardinalities()[j]);
      EXPECT_EQ(fingerprint(s.decode(other)), fingerprint(s.decode(g)));
      ++inactive;
    }
  }
  EXPECT_GT(inactive, 200);
}

TEST(SearchSpace, TaskReplacesTheInput) {
  const SearchSpace s = SearchSpace::load(
      std::string(HWNAS_SOURCE_DIR) + "/space/spaces/tiny_image.toml", Task{{3, 32, 32}, 100});
  Rng rng(1);
  const Network n = s.decode(sample(s.cardinalities(), rng)).network;
  EXPECT_EQ(n.input(), (Shape{3, 32, 32}));
  EXPECT_EQ(n.output().channels, 100);
}

TEST(SearchSpace, ScaledChannelsFollowMobileNetsRule) {
  const auto channels = [](const char* width) {
    const SearchSpace s =
        parse(std::string("[[stages]]\nblock = 'conv'\nkernel = 1\nchannels = 24\nwidth = ") +
              width + "\n");
    return s.decode({}).network.layer(1).out.channels;
  };
  EXPECT_EQ(channels("1.0"), 24);
  EXPECT_EQ(channels("0.5"), 16);   // 12 -> 16: (12 + 4) / 8 * 8
  EXPECT_EQ(channels("0.75"), 24);  // 18 -> 16 would lose more than 10 %
  EXPECT_EQ(channels("0.1"), 8);
}

TEST(SearchSpace, DecodeRefusesForeignGenotypes) {
  const SearchSpace s = parse("[[stages]]\nblock = 'conv'\nkernel = [1, 3]\nchannels = 8\n");
  EXPECT_THROW(s.decode(Genotype{{0, 0}}), std::invalid_argument);
  EXPECT_THROW(s.decode(Genotype{{2}}), std::invalid_argument);
}

TEST(SearchSpace, EveryShippedSpaceDecodesEverywhere) {
  int spaces = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(HWNAS_SOURCE_DIR) + "/space/spaces")) {
    const SearchSpace s = SearchSpace::load(entry.path());
    EXPECT_EQ(s.name(), entry.path().stem().string());
    EXPECT_FALSE(s.description().empty());
    Rng rng(7);
    for (int i = 0; i < 500; ++i) {
      const Genotype g = sample(s.cardinalities(), rng);
      const Candidate c = s.decode(g);
      EXPECT_EQ(c.genotype, g);
      EXPECT_EQ(c.network.output().channels, s.task().classes);
    }
    ++spaces;
  }
  EXPECT_GE(spaces, 4);
}

TEST(SearchSpace, Transformers) {
  const SearchSpace s = SearchSpace::parse(R"(name = "gpt"
[input]
channels = 1
height = 16
width = 1
classes = 50
[[stages]]
name = "embed"
block = "embedding"
channels = [32, 64]
vocabulary = 50
positions = 16
[[stages]]
name = "body"
block = "transformer"
depth = [1, 2]
heads = {each = [2, 4]}
expansion = {each = [2, 4]}
kv_heads = 1
cached_tokens = 8
bias = false
gated = true
norm = "rms_norm"
[[stages]]
name = "head"
block = "token_classifier"
)",
                                           "gpt.toml");
  // Genes: channels, depth, heads of blocks 1 and 2, expansion of both.
  const Network n = s.decode(Genotype{{1, 1, 1, 0, 0, 1}}).network;
  // Table 50 x 64, positions 16 x 64; a block of h heads: rms norms 2 x 64, queries and projection
  // 2 x 64^2, keys and values of one head 2 x 64 * 64/h, feed-forward 3 x 64 * 64 e; head 64 x 50.
  const auto block = [](int heads, int expansion) {
    return 2 * 64 + 2 * 64 * 64 + 2 * 64 * 64 / heads + 3 * 64 * 64 * expansion;
  };
  EXPECT_EQ(parameters(n), 66 * 64 + block(4, 2) + block(2, 4) + 64 * 50);
  EXPECT_EQ(n.output(), (Shape{50, 16, 1}));
  for (const Layer& layer : n.layers()) {
    if (layer.op == Op::attention) {
      EXPECT_EQ(attention_shape(n, layer).kv_heads, 1);
      EXPECT_EQ(attention_shape(n, layer).kv_tokens, 24);
    }
  }
  EXPECT_EQ(fingerprint(parse_network(to_toml(n), "written.toml")), fingerprint(n));
}

// Rows of an embedding: as many as the data set has classes, unless the file says otherwise.
TEST(SearchSpace, AVocabularyIsTheDataSets) {
  const std::string file = std::string(HWNAS_SOURCE_DIR) + "/space/spaces/tiny_gpt.toml";
  const auto rows = [&](const std::optional<Task>& task) {
    const SearchSpace space = SearchSpace::load(file, task);
    Genotype first;
    first.genes.assign(space.cardinalities().size(), 0);
    const Network network = space.decode(first).network;
    EXPECT_EQ(network.output().channels, network.layer(1).entries);
    EXPECT_EQ(network.layer(1).op, Op::embedding);
    return network.layer(1).entries;
  };
  EXPECT_EQ(rows({}), 146);
  EXPECT_EQ(rows(Task{{1, 128, 1}, 60}), 60);
  EXPECT_EQ(rows(Task{{1, 64, 1}, 0}), 146);  // classes not known: the file's
}

TEST(SearchSpace, BlocksOfPrunedWeights) {
  const SearchSpace s = parse(R"(
[defaults]
density = 0.5
density_block = 4
[[stages]]
block = "conv"
channels = 8
kernel = 3
[[stages]]
block = "separable"
channels = 8
kernel = 3
[[stages]]
block = "classifier"
)");
  // One input channel (of a group, where depthwise): dense. Eight: pruned.
  std::vector<int> blocks;
  const Candidate c = s.decode(Genotype{});
  for (const Layer& layer : c.network.layers()) {
    if (layer.op != Op::conv && layer.op != Op::linear) continue;
    blocks.push_back(layer.density_block);
    EXPECT_EQ(layer.weight_density, layer.density_block == 4 ? 0.5 : 1) << layer.name;
  }
  EXPECT_EQ(blocks, (std::vector<int>{0, 0, 4, 4}));
  // One by one they are pruned everywhere, which is another network.
  const Candidate anywhere =
      parse(
          "[[stages]]\nblock = 'conv'\nchannels = 8\nkernel = 3\n[[stages]]\nblock = "
          "'classifier'\ndensity = 0.5\n")
          .decode(Genotype{});
  const Candidate in_blocks =
      parse(
          "[[stages]]\nblock = 'conv'\nchannels = 8\nkernel = 3\n[[stages]]\nblock = "
          "'classifier'\ndensity = 0.5\ndensity_block = 4\n")
          .decode(Genotype{});
  EXPECT_NE(fingerprint(anywhere.network), fingerprint(in_blocks.network));
}

TEST(SearchSpace, SparsityOfEveryLayer) {
  const SearchSpace s = parse(
      "[sparsity]\ndensity = [1, 0.5]\ndensity_block = 4\n[[stages]]\nblock = 'conv'\nchannels = "
      "8\nkernel = 3\n[[stages]]\nblock = 'conv'\nchannels = 8\nkernel = 3\ndensity = 0.25\n"
      "[[stages]]\nblock = 'classifier'\n");
  ASSERT_EQ(s.choices().size(), 1U);
  EXPECT_EQ(s.choices()[0].name, "sparsity.density");
  const auto densities = [&](int gene) {
    std::vector<double> all;
    const Candidate c = s.decode(Genotype{{static_cast<std::uint8_t>(gene)}});
    for (const Layer& layer : c.network.layers()) {
      if (layer.op == Op::conv || layer.op == Op::linear) all.push_back(layer.weight_density);
    }
    return all;
  };
  // The first has one input channel, which blocks of four do not divide; the second says its own.
  EXPECT_EQ(densities(0), (std::vector<double>{1, 0.25, 1}));
  EXPECT_EQ(densities(1), (std::vector<double>{1, 0.25, 0.5}));
}

TEST(SearchSpace, Mistakes) {
  const std::string stage = "[[stages]]\nblock = 'conv'\nkernel = 3\nchannels = 8\n";
  EXPECT_EQ(message(""), "space.toml:1: stages: is missing; a space has at least one [[stages]]");
  EXPECT_EQ(message("[[stages]]\nblock = 'mbconf'\n"),
            "space.toml:8: stages[0].block = 'mbconf': no such block or preset: 'mbconf'; did you "
            "mean 'mbconv'?");
  EXPECT_EQ(message("[[stages]]\nchannels = 8\n").substr(0, 66),
            "space.toml:7: stages[0].block: is missing; a stage names a block; ");
  EXPECT_EQ(message("[[stages]]\nblock = 'conv'\nchannels = 8\n"),
            "space.toml:7: stages[0].kernel: is missing; block 'conv' needs it");
  EXPECT_EQ(message(stage + "expansion = 3\n").substr(0, 52),
            "space.toml:11: stages[0].expansion = 3: unknown key;");
  EXPECT_EQ(
      message(stage + "density = [1, 0.375]\ndensity_block = 4\n"),
      "space.toml:11: stages[0].density = [ 1, 0.375 ]: 0.375 of 4 weights is no whole number of "
      "them; expected N / 4, N from 1 to 4");
  EXPECT_EQ(message(stage + "density_block = 4\n"),
            "space.toml:11: stages[0].density_block = 4: goes with 'density', the share of each "
            "block that is kept");
  EXPECT_EQ(
      message("[sparsity]\ndensity_block = 4\n" + stage),
      "space.toml:8: sparsity.density_block = 4: goes with 'density', the share of each block "
      "that is kept");
  EXPECT_EQ(message(stage + "strid = 2\n"),
            "space.toml:11: stages[0].strid = 2: unknown key; did you mean 'stride'?");
  EXPECT_EQ(message("[[stages]]\nblock = 'conv'\nkernel = 3\nchannels = []\n"),
            "space.toml:10: stages[0].channels = []: an empty list leaves nothing to choose; give "
            "at least one option");
  EXPECT_EQ(message("[[stages]]\nblock = 'conv'\nkernel = 3\nchannels = [8, 'many']\n"),
            "space.toml:10: stages[0].channels = [ 8, 'many' ]: 'many' is not a whole number from "
            "1 to 65536");
  EXPECT_EQ(message("[[stages]]\nblock = 'conv'\nkernel = 3\nchannels = [8, 8]\n"),
            "space.toml:10: stages[0].channels = [ 8, 8 ]: offers '8' twice");
  EXPECT_EQ(message("[choices]\nw = [1, 2]\n" + stage),
            "space.toml:8: choices.w = [ 1, 2 ]: is never used; a stage uses it as \"$w\"");
  EXPECT_EQ(message(stage + "width = '$wide'\n"),
            "space.toml:11: stages[0].width = '$wide': no such entry in [choices]");
  EXPECT_EQ(message(stage + "activation = 'rely'\n"),
            "space.toml:11: stages[0].activation = 'rely': 'rely' is not known here; did you mean "
            "'relu'?");
  EXPECT_EQ(
      message("[[stages]]\nblock = 'cell'\n"),
      "space.toml:8: stages[0].block = 'cell': a cell needs a table [cell] with 'nodes' and 'ops'");
  EXPECT_EQ(message("[defaults]\nkernel = [1, 3]\n[[stages]]\nblock = 'conv'\nchannels = 8\n")
                .substr(0, 46),
            "space.toml:8: defaults.kernel = [ 1, 3 ]: [def");
  EXPECT_EQ(
      message("[precision]\nweight_bits = {each = [4, 8]}\n" + stage),
      "space.toml:8: precision.weight_bits = a table: 'each' works only for the blocks of a stage");
  EXPECT_EQ(message("[presets.p]\nblock = 'conf'\n[[stages]]\nblock = 'p'\n").substr(0, 58),
            "space.toml:8: presets.p.block = 'conf': no such block; did");
  EXPECT_EQ(message("[[stages]]\nblock = 'conv'\nkernel = [1, 11]\nchannels = 8\npad = 0\n"),
            "space.toml: the choice 1 decodes to no network: layer 's1.conv' (conv): kernel 11 is "
            "larger than its padded input of 8");
  std::string many = "[[stages]]\nblock = 'conv'\nkernel = 3\nchannels = [1";
  for (int i = 2; i < 300; ++i) many += "," + std::to_string(i);
  EXPECT_TRUE(message(many + "]\n").ends_with("has more than 256 options"));
}

}  // namespace
}  // namespace hwnas
