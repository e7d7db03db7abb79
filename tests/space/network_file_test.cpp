#include "space/network_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "space/input_error.h"
#include "space/operators.h"
#include "space/search_space.h"

namespace hwnas {
namespace {

std::string message(const char* text) {
  try {
    parse_network(text, "net.toml");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

void expect_same(const Network& a, const Network& b) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(a.name, b.name);
  for (int i = 0; i < a.size(); ++i) {
    const Layer &p = a.layer(i), &q = b.layer(i);
    EXPECT_EQ(p.op, q.op);
    EXPECT_EQ(p.activation, q.activation);
    EXPECT_EQ(p.bias, q.bias);
    EXPECT_EQ(p.out, q.out);
    EXPECT_EQ(p.pad, q.pad);
    EXPECT_EQ(p.kernel_h * 1000 + p.kernel_w, q.kernel_h * 1000 + q.kernel_w);
    EXPECT_EQ(p.stride_h * 1000 + p.stride_w, q.stride_h * 1000 + q.stride_w);
    EXPECT_EQ(p.groups, q.groups);
    EXPECT_EQ(p.weight_bits, q.weight_bits);
    EXPECT_EQ(p.activation_bits, q.activation_bits);
    EXPECT_EQ(p.weight_density, q.weight_density);
    EXPECT_EQ(p.density_block, q.density_block);
    const auto from = a.inputs(p), to = b.inputs(q);
    EXPECT_TRUE(std::equal(from.begin(), from.end(), to.begin(), to.end()));
  }
}

TEST(NetworkFile, EveryCandidateOfEverySpaceRoundTrips) {
  int spaces = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(HWNAS_SOURCE_DIR) + "/space/spaces")) {
    const SearchSpace space = SearchSpace::load(entry.path());
    Rng rng(11);
    for (int i = 0; i < 20; ++i) {
      const Network n = space.decode(sample(space.cardinalities(), rng)).network;
      const Network back = parse_network(to_toml(n), "round");
      expect_same(n, back);
      EXPECT_EQ(fingerprint(back), fingerprint(n));
    }
    ++spaces;
  }
  EXPECT_GE(spaces, 4);
}

TEST(NetworkFile, ExplicitLayersByHand) {
  const Network n = parse_network(R"(
name = "hand"
[[layers]]
name = "in"
op = "input"
channels = 1
height = 49
width = 10
[[layers]]
name = "c"
op = "conv"
channels = 4
kernel = [10, 4]
stride = 2
[[layers]]
name = "r"
op = "activation"
kind = "relu"
[[layers]]
name = "sum"
op = "add"
from = ["c", "r"]
)",
                                  "net.toml");
  EXPECT_EQ(n.output(), (Shape{4, 25, 5}));
  EXPECT_EQ(parameters(n), 160);
}

constexpr const char* kHead =
    "[[layers]]\nname = 'in'\nop = 'input'\nchannels = 3\nheight = 8\nwidth = 8\n[[layers]]\nname "
    "= 'c'\n";

TEST(NetworkFile, Mistakes) {
  const auto with = [](const char* rest) { return message((std::string(kHead) + rest).c_str()); };
  EXPECT_EQ(with("op = 'convolve'\n").substr(0, 54),
            "net.toml:9: layers[1].op = 'convolve': no such op; kno");
  EXPECT_EQ(
      with("op = 'conv'\n"),
      "net.toml:7: layers[1].channels: is missing; expected a whole number from 1 to 1.04858e+06");
  EXPECT_EQ(with("op = 'conv'\nchannels = 4\nfrom = ['x']\n"),
            "net.toml:11: layers[1].from = [ 'x' ]: no layer 'x' before this one");
  EXPECT_EQ(
      with("op = 'conv'\nchannels = 4\nkernel = 11\npad = 0\n"),
      "net.toml:7: layers[1]: layer 'c' (conv): kernel 11 is larger than its padded input of 8");
  EXPECT_EQ(
      with("op = 'conv'\nchannels = 4\nweight_density = 0.375\ndensity_block = 3\n"),
      "net.toml:11: layers[1].weight_density = 0.375: 0.375 of 3 weights is no whole number of "
      "them; expected N / 3, N from 1 to 3");
  EXPECT_EQ(with("op = 'conv'\nchannels = 4\nweight_density = 0.5\ndensity_block = 4\n"),
            "net.toml:7: layers[1]: layer 'c' (conv): density_block 4 does not divide its 3 input "
            "channels of a group");
  EXPECT_EQ(with("op = 'conv'\nchannels = 4\nkernal = 3\n"),
            "net.toml:11: layers[1].kernal = 3: unknown key; did you mean 'kernel'?");
  EXPECT_EQ(with("op = 'activation'\nkind = 'rely'\n").substr(0, 42),
            "net.toml:10: layers[1].kind = 'rely': no s");
  EXPECT_EQ(with("op = 'max_pool'\npad = [1, 2, 3]\n"),
            "net.toml:10: layers[1].pad = [ 1, 2, 3 ]: expected one number, [height, width] or "
            "[top, left, bottom, right]");
  EXPECT_EQ(with("op = 'identity'\n[[layers]]\nname = 'c'\nop = 'identity'\n"),
            "net.toml:11: layers[2].name = 'c': two layers have this name");
  EXPECT_EQ(message("[[layers]]\nname = 'c'\nop = 'identity'\n"),
            "net.toml:3: layers[0].op = 'identity': the first layer must have op = \"input\"");
  EXPECT_EQ(message("name = 'n'\n[input]\nchannels = 1\nheight = 8\nwidth = 8\nclasses = "
                    "2\n[[stages]]\nblock = 'conv'\nkernel = [1, 3]\nchannels = 4\n"),
            "net.toml: s1.kernel: leaves a choice open; a network file has one value for each key");
}

}  // namespace
}  // namespace hwnas
