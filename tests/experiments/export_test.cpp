// Exported models: read back by hwnas, run by ONNX Runtime where Node.js has it, and the command.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "experiments/export/model_card.h"
#include "experiments/export/pending_folder.h"
#include "space/input_error.h"
#include "space/network_builder.h"
#include "space/network_file.h"
#include "space/search_space.h"
#include "tests/experiments/program.h"

namespace hwnas::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace fs = std::filesystem;

const std::string kTrainer = std::string(HWNAS_BIN_DIR) + "/hwnas-trainer";
const std::string kOnnx = std::string(HWNAS_BIN_DIR) + "/hwnas-onnx";

#define HWNAS_NEEDS_EXPORT()                       \
  if (!fs::exists(kTrainer) || !fs::exists(kOnnx)) \
    GTEST_SKIP() << "needs hwnas-trainer and hwnas-onnx, which were not built";

// ONNX Runtime on the models of an export with samples: one JSON object each; none where Node.js
// or its package onnxruntime-node is missing (NODE_PATH says where it is).
std::vector<json> check_in_runtime(const Folder& f, const std::string& folders) {
  if (run(f.path(), "node -e 'require(\"onnxruntime-node\")'").code != 0) return {};
  const Result r =
      run(f.path(), "node " HWNAS_SOURCE_DIR "/tests/experiments/check_onnx.js " + folders);
  EXPECT_EQ(r.code, 0) << r.err;
  std::vector<json> reports;
  std::istringstream lines(r.out);
  for (std::string line; std::getline(lines, line);) reports.push_back(json::parse(line));
  return reports;
}

constexpr const char* kNoRuntime =
    "ONNX Runtime was not asked: npm install --ignore-scripts onnxruntime-node somewhere and set "
    "NODE_PATH to its node_modules";

int padded(NetworkBuilder& b, int from, Op op, int channels = 0) {
  Layer layer;
  layer.name = "padded_" + std::to_string(b.size());
  layer.op = op;
  layer.kernel_h = 2;
  layer.kernel_w = 3;
  layer.stride_h = 2;
  layer.pad = {.top = 0, .left = 1, .bottom = 1, .right = 2};
  return b.append(layer, {&from, 1}, channels);
}

int block(NetworkBuilder& b, int from, const ConvSpec& spec, Activation kind) {
  return b.activation(b.batch_norm(b.conv(from, spec)), kind);
}

// Between them every op that trains.
std::vector<Network> all_ops() {
  std::vector<Network> networks;
  {
    NetworkBuilder b("squeezed", {1, 28, 28});
    int x = block(b, 0, {.channels = 8, .kernel = 3, .stride = 2}, Activation::relu6);
    int gate =
        b.activation(b.conv(b.global_avg_pool(x), {.channels = 4, .bias = true}), Activation::relu);
    gate = b.activation(b.conv(gate, {.channels = 8, .bias = true}), Activation::hard_sigmoid);
    x = b.join(std::vector<int>{x, gate}, Op::multiply);
    x = block(b, x, {.channels = 8, .kernel = 5, .groups = 8}, Activation::hard_swish);
    x = b.unary(b.conv(x, {.channels = 12, .groups = 4}), Op::channel_shuffle, 3);
    x = b.add({x, b.activation(x, Activation::swish), b.activation(x, Activation::gelu)});
    b.linear(b.global_avg_pool(x), 10);
    networks.push_back(std::move(b).build());
  }
  {
    NetworkBuilder b("padded", {1, 28, 28});
    int x = padded(b, 0, Op::conv, 6);
    x = b.join(std::vector<int>{padded(b, x, Op::max_pool), padded(b, x, Op::avg_pool)},
               Op::concat);
    x = b.activation(b.batch_norm(b.activation(x, Activation::tanh)), Activation::sigmoid);
    x = b.pool(b.pool(x, Op::max_pool, 3, 2, 1), Op::avg_pool, 3, 1, 1);
    x = b.activation(b.batch_norm(b.linear(b.unary(x, Op::flatten), 16)), Activation::relu);
    b.unary(b.linear(x, 10), Op::softmax);
    networks.push_back(std::move(b).build());
  }
  {
    NetworkBuilder b("summed", {1, 20, 24});  // reads resized images
    int x = b.conv(0, {.channels = 6, .kernel = 3, .stride = 4, .bias = true});
    const int nothing = b.unary(x, Op::zero);
    x = b.add({b.unary(x, Op::identity), b.batch_norm(b.conv(nothing, {.channels = 6}))});
    x = b.activation(b.add({x, x}), Activation::relu);
    b.global_avg_pool(b.conv(x, {.channels = 10, .bias = true}));
    networks.push_back(std::move(b).build());
  }
  return networks;
}

// Trains them a little, exports each to a folder of its name: "squeezed padded summed".
std::string train_and_export(const Folder& f, const std::vector<Network>& networks) {
  write_idx(f.path(), 800, 300);
  std::string folders, lines;
  for (const Network& network : networks) {
    const std::string name = network.name;
    fs::create_directory(f / name);
    write(f / name / "network.toml", to_toml(network));
    const std::string weights = (f / (name + ".pt")).string();
    json train{{"task", 1},   {"seed", "3"},           {"network", to_toml(network)}, {"epochs", 4},
               {"batch", 16}, {"learning_rate", 0.05}, {"weights", weights}};
    json save{{"task", 2},
              {"network", to_toml(network)},
              {"export",
               {{"weights", weights},
                {"folder", (f / name).string()},
                {"samples", 300},
                {"int8", true},
                {"calibration", 100}}}};
    lines += train.dump() + "\n" + save.dump() + "\n";
    folders += " " + name;
  }
  write(f / "requests", lines);
  const Result r =
      run(f.path(), kTrainer + " --data-set mnist --data . --validation-share 0.2 < requests");
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out, ::testing::Not(HasSubstr("failed")));
  for (const Network& network : networks) {
    for (const std::string kind : {"", ".int8"}) {
      const std::string at = network.name + "/";
      const Result w =
          run(f.path(), kOnnx + " write " + at + "network" + kind + ".toml " + at + "model" + kind +
                            ".safetensors " + at + "model" + kind + ".onnx");
      EXPECT_EQ(w.code, 0) << w.err;
    }
  }
  return folders;
}

void expect_read_back(const Folder& f, const std::string& model, const Network& expected) {
  const Result r = run(f.path(), kOnnx + " " + model);
  ASSERT_EQ(r.code, 0) << r.err;
  const Network back = *live(parse_network(r.out, model));
  const Network now = *live(expected);
  EXPECT_EQ(fingerprint(back), fingerprint(now)) << model << "\n" << r.out << "\n" << to_toml(now);
  EXPECT_EQ(parameters(back), parameters(now));
  EXPECT_EQ(macs(back), macs(now));
}

TEST(Export, EveryOpReadsBackAndRunsTheSame) {
  HWNAS_NEEDS_EXPORT();
  const Folder f;
  const std::vector<Network> networks = all_ops();
  const std::string folders = train_and_export(f, networks);
  for (const Network& network : networks) {
    expect_read_back(f, network.name + "/model.onnx", network);
    const fs::path file = f / network.name / "network.int8.toml";
    expect_read_back(f, network.name + "/model.int8.onnx", load_network(file));
    EXPECT_EQ(macs(load_network(file)), macs(network));
  }
  const std::vector<json> reports = check_in_runtime(f, folders);
  if (reports.empty()) GTEST_SKIP() << kNoRuntime;
  ASSERT_EQ(reports.size(), 2 * networks.size());
  for (const json& report : reports) {
    EXPECT_EQ(report["images"], 300);
    const bool whole = report["model"].get<std::string>().ends_with("/model.onnx");
    EXPECT_LT(report["largest"].get<double>(), whole ? 1e-4 : 0.5) << report;
    EXPECT_GE(report["same"].get<int>(), whole ? 300 : 297) << report;
    EXPECT_GT(report["right"].get<int>(), 50) << report;  // more than chance: it says something
  }
}

// A study of three small trained networks, and one of costs.
struct Studies {
  Folder folder;
  Studies() {
    write_idx(folder.path(), 400, 60);
    write(folder / "train.toml",
          "name = \"train\"\nspace = \"tiny_image\"\n"
          "devices = [\"stm32l4r5\"]\n[data]\nset = \"mnist\"\n"
          "directory = \"" +
              folder.path().string() +
              "\"\nvalidation_share = 0.2\n[training]\nbatch = 32\n"
              "[budget]\ntrials = 2\n[search]\nalgorithm = \"random\"\n"
              "batch = 2\n[[objectives]]\nmetric = \"accuracy\"\n"
              "[[objectives]]\nmetric = \"latency@stm32l4r5\"\n");
    write(folder / "costs.toml",
          "name = \"costs\"\nspace = \"tiny_image\"\n"
          "devices = [\"stm32l4r5\"]\n[budget]\ntrials = 2\n"
          "[[objectives]]\nmetric = \"latency@stm32l4r5\"\n"
          "[[objectives]]\nmetric = \"parameters\"\n");
  }
  Result hwnas(const std::string& arguments) const {
    return run(folder.path(), kHwnas + " " + arguments);
  }
};

TEST(Export, ATrialBecomesAFolderWithACard) {
  HWNAS_NEEDS_EXPORT();
  const Studies s;
  ASSERT_EQ(s.hwnas("search train.toml").code, 0);
  const Result r = s.hwnas("export train.db 1 -o model --samples 60");
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out, StartsWith("model/model.onnx  ONNX, float32"));
  const fs::path model = s.folder / "model";
  for (const char* file : {"model.onnx", "model.pt", "model.safetensors", "network.toml",
                           "model.int8.onnx", "samples.safetensors", "MODEL_CARD.md"})
    EXPECT_TRUE(fs::exists(model / file)) << file;
  const std::string card = slurp(model / "MODEL_CARD.md");
  const Network network = load_network(model / "network.toml");
  for (const std::string& part :
       {std::string("# train, trial 1\n"), std::string("float32, N x 1 x 28 x 28"),
        std::string("Classes in order: 0 0, 1 1"), std::string("95 % interval"),
        std::string("CC BY-SA 3.0"), std::to_string(parameters(network)) + " parameters",
        std::string("| stm32l4r5 | latency |"), std::string("| analytic |"),
        std::string("hwnas export train.db 1 -o DIR"), std::string("| learning rate | one cycle")})
    EXPECT_THAT(card, HasSubstr(part)) << card;
  expect_read_back(s.folder, "model/model.onnx", with_precision(network, 32, 32));
  expect_read_back(s.folder, "model/model.int8.onnx", load_network(model / "network.int8.toml"));
  const Result costs = s.hwnas("estimate model/model.onnx --device raspberry_pi_4");
  EXPECT_EQ(costs.code, 0) << costs.err;

  // What is there is kept unless said otherwise; other files stay, what is no longer made goes.
  EXPECT_EQ(s.hwnas("export train.db 1 -o model").err,
            "hwnas: model: is there and not empty; another folder, or --force to write into it\n");
  write(model / "mine.txt", "x");
  EXPECT_EQ(s.hwnas("export train.db 0 -o model/ --force").code, 0);
  EXPECT_TRUE(fs::exists(model / "mine.txt"));
  EXPECT_FALSE(fs::exists(model / "samples.safetensors"));
  EXPECT_THAT(slurp(model / "MODEL_CARD.md"), StartsWith("# train, trial 0\n"));
  int entries = 0;
  for (const auto& entry : fs::directory_iterator(s.folder.path()))
    entries += entry.path().filename().string().starts_with("model");
  EXPECT_EQ(entries, 1);  // no temporary folder is left
}

// Accuracy as hwnas train found it: the same weights, normalised alike.
TEST(Export, TakesTheFullTraining) {
  HWNAS_NEEDS_EXPORT();
  const Studies s;
  ASSERT_EQ(s.hwnas("search train.toml").code, 0);
  const Result trained = s.hwnas("train train.db 1 --epochs 3 --json");
  ASSERT_EQ(trained.code, 0) << trained.err;
  const json outcome = json::parse(trained.out);
  ASSERT_EQ(s.hwnas("export train.db 1 -o model").code, 0);
  const std::string card = slurp(s.folder / "model/MODEL_CARD.md");
  EXPECT_THAT(card, HasSubstr("Top-1 on the " + std::to_string(outcome["test_images"].get<int>()) +
                              " images of the test part"));
  EXPECT_THAT(card, HasSubstr("| training.epochs | 3 |"));
  EXPECT_THAT(card, HasSubstr("weights from | `train.files/final1-"));
  char accuracy[40];
  std::snprintf(accuracy, sizeof accuracy, "`model.pt` | %.2f %%",
                100 * outcome["test_accuracy"].get<double>());
  EXPECT_THAT(card, HasSubstr(accuracy));
  ASSERT_EQ(s.hwnas("export train.db 1 -o model --force --search-weights").code, 0);
  EXPECT_THAT(slurp(s.folder / "model/MODEL_CARD.md"), HasSubstr("images of the validation part"));
}

TEST(Export, MistakesAreOneLine) {
  HWNAS_NEEDS_EXPORT();
  const Studies s;
  ASSERT_EQ(s.hwnas("search train.toml").code, 0);
  ASSERT_EQ(s.hwnas("search costs.toml").code, 0);
  const auto problem = [&](const std::string& arguments) {
    const Result r = s.hwnas("export " + arguments);
    EXPECT_EQ(r.code, 2) << r.err;
    EXPECT_EQ(r.out, "");
    return r.err;
  };
  EXPECT_EQ(problem("train.db 1"), "hwnas: -o is missing; expected the folder to write\n");
  EXPECT_EQ(problem("train.db 9 -o m"), "hwnas: --ID = 9: expected a whole number from 0 to 1\n");
  EXPECT_EQ(problem("costs.db 0 -o m"),
            "hwnas: costs.db: trains nothing (its config has no [training]): there is no model to "
            "export\n");
  EXPECT_EQ(problem("train.db 1 -o train.toml"),
            "hwnas: train.toml: is a file; expected a folder\n");
  write(s.folder / "train.files/trial1.pt", "no weights");
  EXPECT_THAT(problem("train.db 1 -o m"), HasSubstr("trial1.pt: is not a file of weights"));
  fs::remove(s.folder / "train.files/trial1.pt");
  EXPECT_EQ(problem("train.db 1 -o m"),
            "hwnas: train.db: trial 1 has no trained weights; train it: hwnas train train.db 1\n");
  EXPECT_FALSE(fs::exists(s.folder / "m"));
}

TEST(Export, CtrlCLeavesNothing) {
  HWNAS_NEEDS_EXPORT();
  const Studies s;
  ASSERT_EQ(s.hwnas("search train.toml").code, 0);
  const pid_t child = start(s.folder.path(), kHwnas + " export train.db 1 -o m --samples 60");
  while (kill(child, 0) == 0) {
    bool begun = false;
    for (const auto& entry : fs::directory_iterator(s.folder.path()))
      begun = begun || entry.path().filename().string().starts_with("m.tmp");
    if (begun) break;
  }
  kill(-child, SIGINT);
  EXPECT_EQ(finish(child, s.folder.path()).code, 130);
  for (const auto& entry : fs::directory_iterator(s.folder.path()))
    EXPECT_FALSE(entry.path().filename().string().starts_with("m"));
}

TEST(PendingFolder, AppearsWholeOrNotAtAll) {
  const Folder f;
  {
    const PendingFolder folder(f / "a", false);
    folder.write("x", "1");
    EXPECT_FALSE(fs::exists(f / "a"));
  }
  EXPECT_TRUE(fs::is_empty(f.path()));
  PendingFolder folder(f / "a", false);
  folder.write("x", "1");
  folder.commit({});
  EXPECT_EQ(slurp(f / "a" / "x"), "1");
  EXPECT_THROW(PendingFolder(f / "a", false), InputError);
}

}  // namespace
}  // namespace hwnas::testing
