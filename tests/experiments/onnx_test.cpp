// ONNX models, written here in ONNX's own text form, as networks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/defs/parser.h>

#include <fstream>

#include "experiments/onnx/import.h"
#include "space/input_error.h"
#include "space/network_file.h"
#include "tests/experiments/program.h"

namespace hwnas {
namespace {

using ::testing::HasSubstr;

struct Weight {
  const char* name;
  std::vector<std::int64_t> shape;
  onnx::TensorProto::DataType type = onnx::TensorProto::FLOAT;
  float value = 0;
};

onnx::ModelProto model(const std::string& graph, const std::vector<Weight>& weights) {
  onnx::ModelProto model;
  const std::string text = "<ir_version: 7, opset_import: [\"\" : 13]>\n" + graph;
  onnx::OnnxParser parser(text.c_str());
  const auto status = parser.Parse(model);
  if (!status.IsOK()) throw std::logic_error(status.ErrorMessage());
  for (const Weight& w : weights) {
    onnx::TensorProto& tensor = *model.mutable_graph()->add_initializer();
    tensor.set_name(w.name);
    tensor.set_data_type(w.type);
    std::int64_t values = 1;
    for (const std::int64_t d : w.shape) {
      tensor.add_dims(d);
      values *= d;
    }
    if (w.type == onnx::TensorProto::FLOAT) {
      for (std::int64_t i = 0; i < values; ++i) tensor.add_float_data(w.value);
    } else {
      tensor.set_raw_data(std::string(static_cast<std::size_t>(values), '\0'));
    }
  }
  return model;
}

std::vector<Op> ops(const Network& network) {
  std::vector<Op> all;
  for (const Layer& layer : network.layers()) all.push_back(layer.op);
  return all;
}

const char* const kSmall = R"(
small (float[N, 3, 32, 32] x) => (float[N, 10] y) {
  c1 = Conv <kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]> (x, w1, b1)
  n1 = BatchNormalization (c1, s, t, m, v)
  r1 = Relu (n1)
  d = Conv <group = 16, kernel_shape = [3, 3], auto_pad = "SAME_UPPER"> (r1, w2)
  a = Add (r1, d)
  p = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (a)
  g = GlobalAveragePool (p)
  f = Flatten (g)
  y = Gemm <transB = 1> (f, w3, b3)
})";
const std::vector<Weight> kSmallWeights{{"w1", {16, 3, 3, 3}}, {"b1", {16}},     {"s", {16}},
                                        {"t", {16}},           {"m", {16}},      {"v", {16}},
                                        {"w2", {16, 1, 3, 3}}, {"w3", {10, 16}}, {"b3", {10}}};

TEST(Onnx, ConvolutionalNetwork) {
  const Network n = import_onnx(model(kSmall, kSmallWeights), "small.onnx");
  EXPECT_EQ(ops(n), (std::vector<Op>{Op::input, Op::conv, Op::batch_norm, Op::activation, Op::conv,
                                     Op::add, Op::max_pool, Op::global_avg_pool, Op::linear}));
  // 432 + 16 weights and biases, 32 of the norm, 144 depthwise, 160 + 10.
  EXPECT_EQ(parameters(n), 432 + 16 + 32 + 144 + 170);
  // 16x16 outputs: 256 * (432 + 144) and 160.
  EXPECT_EQ(macs(n), 256 * (432 + 144) + 160);
  EXPECT_EQ(n.output(), (Shape{10, 1, 1}));
  EXPECT_TRUE(is_depthwise(n.layer(4)));
  EXPECT_EQ(fingerprint(parse_network(to_toml(n), "t")), fingerprint(n));
}

TEST(Onnx, QuantizedWeightsAndActivations) {
  const Network n = import_onnx(model(R"(
q (float[1, 4, 8, 8] x) => (float[1, 8, 8, 8] y) {
  xq = QuantizeLinear (x, one, zero)
  xd = DequantizeLinear (xq, one, zero)
  wd = DequantizeLinear (w, one, zero)
  c = Conv <kernel_shape = [1, 1]> (xd, wd)
  cq = QuantizeLinear (c, one, zero)
  y = DequantizeLinear (cq, one, zero)
})",
                                      {{"w", {8, 4, 1, 1}, onnx::TensorProto::INT8},
                                       {"one", {}},
                                       {"zero", {}, onnx::TensorProto::INT8}}),
                                "q.onnx");
  ASSERT_EQ(n.size(), 2);
  EXPECT_EQ(n.layer(0).activation_bits, 8);
  EXPECT_EQ(n.layer(1).weight_bits, 8);
  EXPECT_EQ(n.layer(1).activation_bits, 8);
}

TEST(Onnx, ConstantsBecomeBiasesAndScales) {
  const Network n = import_onnx(model(R"(
h (float[1, 5, 16] x) => (float[1, 5, 8] y) {
  m = MatMul (x, w)
  b = Add (bias, m)
  t = Add (b, three)
  c = Clip (t, zero, six)
  p = Mul (b, c)
  y = Div (p, six)
})",
                                      {{"w", {16, 8}},
                                       {"bias", {8}},
                                       {"three", {}},
                                       {"six", {}, onnx::TensorProto::FLOAT, 6},
                                       {"zero", {}}}),
                                "h.onnx");
  EXPECT_EQ(ops(n), (std::vector<Op>{Op::input, Op::linear, Op::batch_norm, Op::activation,
                                     Op::multiply, Op::batch_norm}));
  EXPECT_TRUE(n.layer(1).bias);
  EXPECT_EQ(n.input(), (Shape{16, 5, 1}));
}

TEST(Onnx, ChannelShuffleAndTokens) {
  const Network n = import_onnx(model(R"(
s (float[1, 8, 4, 4] x) => (float[1, 16, 8] y) {
  five = Constant <value = int64[5] {1, 2, 4, 4, 4}> ()
  four = Constant <value = int64[4] {1, 8, 4, 4}> ()
  three = Constant <value = int64[3] {1, 8, 16}> ()
  a = Reshape (x, five)
  b = Transpose <perm = [0, 2, 1, 3, 4]> (a)
  c = Reshape (b, four)
  d = Reshape (c, three)
  y = Transpose <perm = [0, 2, 1]> (d)
})",
                                      {}),
                                "s.onnx");
  EXPECT_EQ(ops(n), (std::vector<Op>{Op::input, Op::channel_shuffle, Op::tokens}));
  EXPECT_EQ(n.layer(1).groups, 2);
}

std::string message(const std::string& graph, const std::vector<Weight>& weights,
                    const std::vector<std::int64_t>& sizes = {}) {
  try {
    import_onnx(model(graph, weights), "m.onnx", sizes);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(Onnx, SaysWhatHasNoCounterpart) {
  EXPECT_EQ(message("g (float[1, 4] x) => (float[1, 4] y) { y = Cos (x) }", {}),
            "m.onnx: node 'y' (Cos): this op has no counterpart in hwnas");
  EXPECT_THAT(message(R"(g (float[1, 4, 8, 8] x) => (float[1, 4, 4, 4] y) {
                y = Conv <kernel_shape = [3, 3], dilations = [2, 2]> (x, w) })",
                      {{"w", {4, 4, 3, 3}}}),
              HasSubstr("dilated kernels have no counterpart"));
  EXPECT_THAT(message("g (float[1, 4] x, float[1, 4] z) => (float[1, 4] y) { y = Add (x, z) }", {}),
              HasSubstr("has more than one input ('x', 'z')"));
  EXPECT_THAT(message("g (float[N, 3, H, W] x) => (float[N, 3, H, W] y) { y = Relu (x) }", {}),
              HasSubstr("'x' has no fixed size in dimension 2; give the input's"));
  EXPECT_EQ(
      message("g (float[N, 3, H, W] x) => (float[N, 3, H, W] y) { y = Relu (x) }", {}, {3, 8, 8}),
      "");
  EXPECT_THAT(
      message("g (float[N, 3, H, W] x) => (float[N, 3, H, W] y) { y = Relu (x) }", {}, {3, 8}),
      HasSubstr("has 4 dimensions with the batch; 2 sizes are given"));
  EXPECT_THAT(message("g (float[1, 4] x) => (float[1, 4] y) { y = Gemm (x, w) }", {{"w", {5, 4}}}),
              HasSubstr("multiplies 4 channels by a matrix of 5 rows"));
  EXPECT_THAT(message("g (float[1, 4] x) => (float[1, 4] y) { y = MatMul (x, w) }", {{"w", {5, 4}}}),
              HasSubstr("ONNX finds a mistake in it"));
}

TEST(Onnx, ThroughTheProgram) {
  const testing::Folder f;
  {
    std::ofstream out(f / "small.onnx", std::ios::binary);
    model(kSmall, kSmallWeights).SerializeToOstream(&out);
  }
  const auto good =
      testing::run(f.path(), testing::kHwnas + " estimate small.onnx --device raspberry_pi_4");
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("small: 794 parameters, 148 k MACs"));
  testing::write(f / "bad.onnx", "no model");
  const auto bad = testing::run(f.path(), testing::kHwnas + " estimate bad.onnx");
  EXPECT_EQ(bad.code, 2);
  EXPECT_EQ(bad.err, "hwnas: bad.onnx: is not an ONNX model\n");
  const auto none = testing::run(f.path(), testing::kHwnas + " estimate none.onnx");
  EXPECT_EQ(none.err, "hwnas: none.onnx: cannot be read; does the file exist?\n");
  const auto sizes = testing::run(f.path(), testing::kHwnas + " estimate small.onnx:3x");
  EXPECT_THAT(sizes.err, HasSubstr("expected such as 3x224x224"));
}

}  // namespace
}  // namespace hwnas
