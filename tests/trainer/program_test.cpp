// The program hwnas-trainer itself, through its pipes.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "data_files.h"
#include "space/network_builder.h"
#include "space/network_file.h"

namespace hwnas::testing {
namespace {

using Json = nlohmann::json;

struct Answer {
  int code = -1;
  std::string err;
  std::vector<std::string> lines;

  Json json(std::size_t i) const { return Json::parse(lines.at(i)); }
};

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// Runs the program on these input lines until it ends.
Answer run(const std::string& options, const std::vector<std::string>& input = {}) {
  TempDir dir;
  std::ofstream in(dir / "in");
  for (const std::string& line : input) in << line << '\n';
  in.close();
  const std::string command = HWNAS_BIN_DIR "/hwnas-trainer " + options + " < " +
                              (dir / "in").string() + " > " + (dir / "out").string() + " 2> " +
                              (dir / "err").string();
  const int status = std::system(command.c_str());
  Answer answer;
  answer.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  answer.lines = lines_of(dir / "out");
  const std::vector<std::string> err = lines_of(dir / "err");
  EXPECT_LE(err.size(), 1u);
  if (!err.empty()) answer.err = err.front();
  return answer;
}

std::string request(int task, int channels, Json more = Json::object()) {
  NetworkBuilder b("net", {1, 28, 28});
  const int x = b.activation(
      b.batch_norm(b.conv(0, {.channels = channels, .kernel = 5, .stride = 2})), Activation::relu);
  b.linear(b.unary(x, Op::flatten), 10);
  Json line{{"task", task},
            {"seed", "3"},
            {"network", to_toml(std::move(b).build())},
            {"epochs", 2},
            {"batch", 32}};
  line.update(more);
  return line.dump();
}

std::string data_options(const TempDir& dir) {
  return "--data-set mnist --data " + dir.path().string();
}

TEST(Program, ScoresNetworksOnDataOrOnNoise) {
  TempDir dir;
  write_bars(dir.path(), 200);
  Json proxies = Json::parse(request(1, 4));
  proxies.erase("epochs");
  proxies.erase("batch");
  proxies["kind"] = "proxies";
  const Answer on_data = run(data_options(dir) + " --device cpu", {proxies.dump(), proxies.dump()});
  ASSERT_EQ(on_data.lines.size(), 3u) << on_data.err;
  const Json scores = on_data.json(1)["scores"];
  EXPECT_EQ(scores.size(), 10u);
  EXPECT_EQ(scores["parameters"]["value"], 5 * 5 * 4 + 8 + 14 * 14 * 4 * 10 + 10);
  EXPECT_TRUE(scores["nwot"]["value"].is_number());
  EXPECT_EQ(scores["nwot"]["value"], on_data.json(2)["scores"]["nwot"]["value"]);
  const Answer on_noise = run("--data-set noise --device cpu", {proxies.dump(), request(2, 4)});
  ASSERT_EQ(on_noise.lines.size(), 3u) << on_noise.err;
  EXPECT_EQ(on_noise.json(0)["data_set"], "noise");
  EXPECT_EQ(on_noise.json(1)["scores"]["parameters"]["value"], scores["parameters"]["value"]);
  EXPECT_NE(on_noise.json(1)["scores"]["nwot"]["value"], scores["nwot"]["value"]);
  EXPECT_EQ(on_noise.json(2)["reason"], "there are no images: --data-set is noise");
}

TEST(Program, TrainsWhatArrivesAndEndsWithItsInput) {
  TempDir dir;
  write_bars(dir.path(), 500);
  const Answer a =
      run(data_options(dir) + " --validation-share 0.2 --device cpu",
          {request(1, 4), "garbage", "", request(2, 4, {{"epochs", 0}}), request(3, 6)});
  EXPECT_EQ(a.code, 0);
  EXPECT_EQ(a.err, "");
  ASSERT_EQ(a.lines.size(), 9u);
  const Json ready = a.json(0);
  EXPECT_EQ(ready["event"], "ready");
  EXPECT_EQ(ready["train_images"], 400);
  EXPECT_EQ(ready["validation_images"], 100);
  EXPECT_EQ(ready["input"], Json({1, 28, 28}));
  EXPECT_EQ(a.json(1)["event"], "epoch");
  EXPECT_EQ(a.json(2)["epoch"], 2);
  EXPECT_EQ(a.json(3)["event"], "done");
  EXPECT_GT(a.json(3)["accuracy"], 0.9);
  EXPECT_EQ(a.json(3)["parameters"], 4 * 25 + 8 + 4 * 14 * 14 * 10 + 10);
  EXPECT_EQ(a.json(4),
            Json({{"event", "failed"}, {"task", nullptr}, {"reason", "the line is not JSON"}}));
  EXPECT_EQ(a.json(5)["task"], 2);
  EXPECT_EQ(a.json(5)["event"], "failed");
  EXPECT_EQ(a.json(8)["event"], "done");
  EXPECT_EQ(a.json(8)["task"], 3);
}

TEST(Program, DataThatDoesNotFitTheMemoryLimitIsOneLine) {
  const std::string data = "/usr/share/datasets/fashion-mnist";
  if (!std::filesystem::exists(data)) {
    GTEST_SKIP() << "needs Debian's dataset-fashion-mnist; looked in " << data;
  }
  const Answer a = run("--data-set fashion_mnist --data " + data + " --memory-limit '64 MiB'");
  EXPECT_EQ(a.code, 2);
  EXPECT_EQ(a.err,
            "hwnas-trainer: out of memory before any training; --memory-limit must hold LibTorch "
            "and the data");
}

TEST(Program, TrainsOnAText) {
  TempDir dir;
  std::string text;
  for (int i = 0; i < 300; ++i) text += "abc";
  write_file(dir / "t.txt", Bytes(text.begin(), text.end()));
  NetworkBuilder b("net", {1, 8, 1});
  b.linear(b.embedding(0, 4, 3), 3);
  const std::string line = Json{
      {"task", 1},           {"seed", "3"}, {"network", to_toml(std::move(b).build())},
      {"epochs", 10},        {"batch", 8},  {"optimiser", "adamw"},
      {"learning_rate", 0.1}}.dump();
  const Answer a = run("--data-set text --data " + (dir / "t.txt").string() +
                           " --context 8 --validation-share 0.2 --device cpu",
                       {line});
  ASSERT_EQ(a.lines.size(), 12u) << a.err;
  const Json ready = a.json(0);
  EXPECT_EQ(ready["input"], Json({1, 8, 1}));
  EXPECT_EQ(ready["classes"], 3);
  EXPECT_EQ(ready["train_images"], 81);  // 810 bytes to train: 101 sequences
  EXPECT_EQ(ready["validation_images"], 20);
  EXPECT_LT(a.json(11)["perplexity"], 1.1);  // what follows is certain
  EXPECT_GE(a.json(11)["perplexity_stddev"], 0);
  EXPECT_EQ(a.json(11)["accuracy"], 1);
}

TEST(Program, IsDeterministicAcrossProcesses) {
  TempDir dir;
  write_bars(dir.path(), 300);
  std::vector<Json> done;
  for (const char* name : {"a.pt", "b.pt"}) {
    const Answer a = run(data_options(dir), {request(1, 4, {{"weights", (dir / name).string()}})});
    done.push_back(a.json(3));
    done.back().erase("seconds");
  }
  EXPECT_EQ(done[0], done[1]);
  const Bytes weights = read_bytes(dir / "a.pt");
  EXPECT_GT(weights.size(), 1000u);
  EXPECT_EQ(weights, read_bytes(dir / "b.pt"));
}

TEST(Program, MemoryLimitEndsATrainingNotTheProgram) {
  TempDir dir;
  write_bars(dir.path(), 3000);
  const Answer a = run(data_options(dir) + " --memory-limit '800 MiB' --device cpu",
                       {request(1, 512, {{"batch", 2000}}), request(2, 4)});
  EXPECT_EQ(a.code, 0);
  EXPECT_EQ(a.json(1), Json({{"event", "failed"}, {"task", 1}, {"reason", "out of memory"}}));
  EXPECT_EQ(a.json(a.lines.size() - 1)["event"], "done");
}

TEST(Program, BadOptionsAndDataAreOneLine) {
  TempDir dir;
  write_bars(dir.path(), 100);
  const auto problem = [](const std::string& options) {
    const Answer a = run(options);
    EXPECT_EQ(a.code, 2);
    EXPECT_TRUE(a.lines.empty());
    return a.err;
  };
  EXPECT_EQ(problem("--data-set fashion_mnist --data no/such"),
            "hwnas-trainer: no/such: no such directory; apt-get install dataset-fashion-mnist or "
            "set data.directory");
  EXPECT_EQ(
      problem("--data ."),
      "hwnas-trainer: the option '--data-set' is required but missing; see hwnas-trainer --help");
  EXPECT_EQ(problem("--data-set mnist"),
            "hwnas-trainer: the option '--data' is required but missing; see hwnas-trainer --help");
  EXPECT_EQ(problem(data_options(dir) + " --thread 1"),
            "hwnas-trainer: unrecognised option '--thread'; see hwnas-trainer --help");
  EXPECT_EQ(problem("--data-set imagenet --data ."),
            "hwnas-trainer: --data-set = imagenet: expected fashion_mnist, mnist, cifar10, "
            "cifar100, text or noise");
  EXPECT_EQ(problem(data_options(dir) + " --threads 0"),
            "hwnas-trainer: --threads = 0: expected 1 to 1024");
  EXPECT_EQ(problem("--data-set text --data . --context 1"),
            "hwnas-trainer: --context = 1: expected 2 to 65536");
  EXPECT_EQ(problem(data_options(dir) + " --device tpu"),
            "hwnas-trainer: --device = tpu: expected auto, cpu or cuda");
  EXPECT_THAT(problem(data_options(dir) + " --validation-share 1"),
              ::testing::HasSubstr("--validation-share = 1"));
  EXPECT_THAT(problem(data_options(dir) + " --memory-limit 3"),
              ::testing::HasSubstr("--memory-limit = 3: "));
  EXPECT_EQ(problem(data_options(dir) + " --memory-limit '1 MiB'"),
            "hwnas-trainer: --memory-limit = 1 MiB: expected at least 64 MiB");
  EXPECT_EQ(problem(data_options(dir) + " --train-images 91"),
            "hwnas-trainer: train-images = 91: expected 1 to 90");
}

TEST(Program, HelpIsPrinted) {
  const Answer a = run("--help");
  EXPECT_EQ(a.code, 0);
  EXPECT_EQ(a.lines.at(0).substr(0, 14), "hwnas-trainer:");
}

// Starts the program on one request and kills it once a checkpoint of a batch within an epoch is
// there, as often as asked; then lets it end.
TEST(Program, KilledInTheMiddleOfAnEpochItGoesOnToTheSameWeights) {
  TempDir dir;
  write_bars(dir.path(), 3000);
  const Json more{{"epochs", 3}, {"augment", {"flip", "crop"}}, {"checkpoint_every_s", 0}};
  const auto asked = [&](const char* weights, bool checkpoint) {
    Json keys = more;
    keys["weights"] = (dir / weights).string();
    if (checkpoint) keys["checkpoint"] = (dir / "c").string();
    return request(1, 16, keys);
  };
  const Answer whole = run(data_options(dir), {asked("whole.pt", false)});
  std::ofstream(dir / "in") << asked("parts.pt", true) << '\n';
  for (int kills = 0; kills < 3; ++kills) {
    std::filesystem::file_time_type before{};
    if (kills > 0) before = std::filesystem::last_write_time(dir / "c");
    const pid_t child = fork();
    if (child == 0) {
      dup2(open((dir / "in").c_str(), O_RDONLY), 0);
      dup2(open("/dev/null", O_WRONLY), 1);
      execl(HWNAS_BIN_DIR "/hwnas-trainer", "hwnas-trainer", "--data-set", "mnist", "--data",
            dir.path().c_str(), nullptr);
      _exit(127);
    }
    std::error_code none;  // until it has written some checkpoints of its own
    for (int writes = 0; writes < 10;) {
      usleep(1000);
      const auto now = std::filesystem::last_write_time(dir / "c", none);
      writes += !none && now != before;
      if (!none) before = now;
      ASSERT_EQ(waitpid(child, nullptr, WNOHANG), 0) << "ended before it was killed";
    }
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ASSERT_FALSE(std::filesystem::exists(dir / "parts.pt"));
  }
  const Answer rest = run(data_options(dir), {asked("parts.pt", true)});
  EXPECT_EQ(rest.json(1)["event"], "note");
  EXPECT_THAT(rest.json(1)["text"], ::testing::StartsWith("continues in epoch "));
  EXPECT_EQ(rest.json(rest.lines.size() - 1)["curve"], whole.json(4)["curve"]);
  EXPECT_EQ(read_bytes(dir / "parts.pt"), read_bytes(dir / "whole.pt"));
}

// All images train, and the test images are read once, for the saved weights.
TEST(Program, TestsAtTheEndWhereAsked) {
  TempDir dir;
  write_bars(dir.path(), 500);
  const Json with_test{{"weights", (dir / "w.pt").string()}, {"test", true}};
  const std::string options = data_options(dir) + " --validation-share 0";
  const Answer without = run(options, {request(1, 4, with_test)});
  EXPECT_THAT(without.json(3)["reason"], ::testing::HasSubstr("t10k-images"));
  write_bars(dir.path(), 60, "t10k");
  const Answer a = run(options, {request(1, 4, with_test)});
  EXPECT_EQ(a.json(0)["train_images"], 500);
  EXPECT_EQ(a.json(0)["validation_images"], 0);
  EXPECT_FALSE(a.json(1).contains("accuracy"));
  EXPECT_EQ(a.json(3)["event"], "done");
  EXPECT_FALSE(a.json(3).contains("accuracy"));
  EXPECT_GT(a.json(3)["test_accuracy"], 0.9);
  EXPECT_EQ(a.json(3)["test_images"], 60);
}

// SIGINT belongs to the controller; SIGTERM ends.
TEST(Program, IgnoresInterruptDiesOnTerminate) {
  TempDir dir;
  write_bars(dir.path(), 100);
  int in[2], out[2];
  ASSERT_EQ(pipe(in), 0);
  ASSERT_EQ(pipe(out), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[1]);
    close(out[0]);
    execl(HWNAS_BIN_DIR "/hwnas-trainer", "hwnas-trainer", "--data-set", "mnist", "--data",
          dir.path().c_str(), nullptr);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  FILE* from = fdopen(out[0], "r");
  char line[4096];
  ASSERT_NE(fgets(line, sizeof line, from), nullptr);
  EXPECT_EQ(Json::parse(line)["event"], "ready");
  kill(child, SIGINT);
  ASSERT_EQ(write(in[1], "x\n", 2), 2);
  ASSERT_NE(fgets(line, sizeof line, from), nullptr);
  EXPECT_EQ(Json::parse(line)["event"], "failed");
  kill(child, SIGTERM);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
  fclose(from);
  close(in[1]);
}

}  // namespace
}  // namespace hwnas::testing
