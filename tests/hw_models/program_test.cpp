// Programs that cost candidates, good and bad, as shell scripts.
#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <thread>

#include "hw_models/device.h"
#include "space/input_error.h"
#include "tests/hw_models/cost_model_contract.h"
#include "tests/hw_models/support.h"
#include "tests/scratch_folder.h"

namespace hwnas {
namespace {

using ::testing::AllOf;
using testing::candidate;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kCited;

// Processes that this one has started and not reaped.
int children() {
  int found = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream in(task.path() / "children");
    for (std::string pid; in >> pid;) ++found;
  }
  return found;
}

// A shell script that sets $id from each request and then does `body`.
struct Script {
  ScratchFolder folder;
  explicit Script(const std::string& body, const std::string& keys = "time_limit_s = 5\n",
                  const std::string& before = "") {
    std::ofstream(folder / "cost.sh") << before << R"(
while read -r line; do
  id=${line#*\"id\":}; id=${id%%,*}
)" << body << "\ndone\n";
    std::ofstream(folder / "board.toml")
        << "description = \"test\"\nfamily = \"program\"\nconfidence = \"C\"\n[program]\n"
           "command = [\"sh\", \"cost.sh\"]\n"
        << keys << kCited;
  }
  Device load() const { return Device::load(folder / "board.toml"); }
};

std::string answer(const std::string& rest) {
  return "echo \"{\\\"id\\\": $id" + (rest.empty() ? "" : ", " + rest) + "}\"";
}

// With its quotes escaped for the shell.
std::string answer(const char* key, const char* value) {
  return answer("\\\"" + std::string(key) + "\\\": " + value);
}

Candidate net() {
  return candidate(testing::wide_net(64, 8, 8));
}

Estimate ask(const Script& script) {
  return script.load().model->estimate(net());
}

TEST(Program, AnswersWhatACandidateCosts) {
  const Script script(
      answer("\\\"latency_s\\\": 0.002, \\\"energy_j\\\": 0.003, \\\"storage_bytes\\\": 1000"));
  const Estimate e = ask(script);
  ASSERT_TRUE(e.ok()) << e.reason;
  EXPECT_DOUBLE_EQ(e.cost.latency_s, 0.002);
  EXPECT_DOUBLE_EQ(e.cost.energy_j, 0.003);
  EXPECT_EQ(e.cost.storage_bytes, 1000);
  EXPECT_GT(e.cost.peak_memory_bytes, 0);
  EXPECT_EQ(e.cost.confidence, Confidence::C);
  EXPECT_THAT(e.cost.extrapolated, ElementsAre("peak memory is counted from the network"));
}

TEST(Program, MayKnowOnlyOneFigure) {
  const Script script(answer("latency_s", "0.002"));
  const Estimate e = ask(script);
  ASSERT_TRUE(e.ok()) << e.reason;
  EXPECT_TRUE(std::isnan(e.cost.energy_j));
  EXPECT_TRUE(std::isnan(e.cost.usd_per_million));
}

TEST(Program, LayersAddUp) {
  const Script script(
      answer("\\\"layers\\\": [{\\\"layer\\\": 1, \\\"latency_s\\\": 0.001, "
             "\\\"energy_j\\\": 1e-3}, {\\\"layer\\\": 4, \\\"latency_s\\\": "
             "0.002, \\\"energy_j\\\": 2e-3}]"));
  const Estimate e = ask(script);
  ASSERT_TRUE(e.ok()) << e.reason;
  EXPECT_DOUBLE_EQ(e.cost.latency_s, 0.003);
  EXPECT_DOUBLE_EQ(e.cost.energy_j, 0.003);
  ASSERT_EQ(e.cost.layers.size(), 2u);
  EXPECT_EQ(e.cost.layers[1].layer, 4);
}

TEST(Program, BadAnswersAreReasons) {
  const struct {
    std::string body;
    const char* expected;
  } cases[] = {
      {answer("error", "\\\"no such op\\\""), "board: no such op"},
      {answer(""), "board: neither latency_s nor energy_j is known"},
      {answer("latency_s", "-1"), "board: latency_s is -1, not from 1e-12 to 1e+06"},
      {answer("latency_s", "0"), "latency_s is 0, not from"},
      {answer("latency_s", "1e7"), "latency_s is 1e+07, not from"},
      {answer("energy_j", "1e-30"), "energy_j is 1e-30, not from"},
      {answer("latency_s", "\\\"fast\\\""), "latency_s is '\"fast\"', not a number"},
      {answer("latency_ms", "3"), "has a key 'latency_ms' that is none of a reply; did you mean"},
      {answer("layers", "3"), "layers is not a list"},
      {answer("layers", "[{\\\"layer\\\": 99, \\\"latency_s\\\": 1}]"), "not from 1 to 6"},
      {answer("layers", "[{\\\"layer\\\": 1, \\\"latency_s\\\": -1}]"), "layer 1 has a negative"},
      {answer("\\\"latency_s\\\": 5, \\\"layers\\\": [{\\\"layer\\\": 1, \\\"latency_s\\\": 1}]"),
       "latency_s is 5, but its layers add up to 1"},
      {answer("latency_s", "NaN"), "which is no JSON object (JSON has no NaN"},
      {"echo rubbish", "board: 'cost.sh' answered 'rubbish', which is no JSON object"},
      {"echo", "answered '', which is no JSON object"},
      {"echo '[1]'", "which is no JSON object"},
      {"echo '{\"id\": 77, \"latency_s\": 1}'", "answered with id '77' to request "},
      {"echo '{\"latency_s\": 1}'", "answered with id missing"},
      {"kill -SEGV $$", "ended without an answer, killed by signal 11 (segmentation fault)"},
      {"echo 'the bus is on fire' >&2; exit 3",
       "'cost.sh' ended without an answer, exit code 3: the bus is on fire"},
      {"exec >&-; sleep 100", "closed its output"},
      {"head -c 20000000 /dev/zero", "wrote a line without end"},
  };
  for (const auto& bad : cases) {
    const Script script(bad.body);
    const Estimate e = ask(script);
    EXPECT_FALSE(e.covered) << bad.body;
    EXPECT_THAT(e.reason, AllOf(HasSubstr(bad.expected), HasSubstr("board"))) << bad.body;
  }
  EXPECT_EQ(children(), 0);
}

TEST(Program, ThatHangsIsKilled) {
  const Script script("echo thinking >&2; sleep 100", "time_limit_s = 0.3\n");
  const Device device = script.load();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(device.model->estimate(net()).reason,
              HasSubstr("'cost.sh' gave no answer within 0.3 s: thinking"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_EQ(children(), 0);
}

// The file `begun` gets a line whenever the script starts.
int starts(const Script& script) {
  std::ifstream in(script.folder / "begun");
  int lines = 0;
  for (std::string line; std::getline(in, line);) ++lines;
  return lines;
}

TEST(Program, IsRestartedForTheNextCandidateAndGivenUpInTheEnd) {
  const Script script("exit 3", "restarts = 2\n", "echo >> begun\n");
  const Device device = script.load();
  for (int i = 0; i < 3; ++i)
    EXPECT_THAT(device.model->estimate(net()).reason, HasSubstr("exit code 3"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(device.model->estimate(net()).reason,
                AllOf(HasSubstr("board: 'cost.sh' given up after 2 restarts; the last trouble: "),
                      HasSubstr("exit code 3")));
  }
  EXPECT_EQ(starts(script), 3);
}

TEST(Program, AWellFormedRefusalCostsNoRestart) {
  const Script script(answer("latency_s", "-1"), "restarts = 0\n", "echo >> begun\n");
  const Device device = script.load();
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(device.model->estimate(net()).covered);
  EXPECT_EQ(starts(script), 1);
}

TEST(Program, OneThatEndsAfterEachAnswerIsStartedAgain) {
  const Script script(answer("latency_s", "0.5") + "; exit 0", "restarts = 5\n", "echo >> begun\n");
  const Device device = script.load();
  for (int i = 0; i < 4; ++i) {
    const Estimate e = device.model->estimate(net());
    EXPECT_TRUE(e.ok()) << e.reason;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(starts(script), 4);
}

TEST(Program, IsAskedByManyThreads) {
  const Script one(answer("energy_j", "0.25"));
  testing::expect_thread_safe(*one.load().model, net());
  const Script four(answer("energy_j", "0.25"), "processes = 4\n", "echo >> begun\n");
  testing::expect_thread_safe(*four.load().model, net());
  EXPECT_LE(starts(four), 4);
  EXPECT_EQ(children(), 0);
}

TEST(Program, ReadsTheWholeRequest) {
  const Script script("printf '%s' \"$line\" > request.json\n" + answer("latency_s", "1"));
  ASSERT_TRUE(ask(script).ok());
  std::ifstream in(script.folder / "request.json");
  std::string text;
  std::getline(in, text);
  EXPECT_THAT(text,
              AllOf(HasSubstr("{\"protocol\":1,\"id\":1,\"device\":\"board\",\"deployment\":"
                              "{\"batch\":1,\"clock_share\":1},\"network\":{\"name\":\"wide\""),
                    HasSubstr("\"op\":\"conv\",\"inputs\":[0],\"in\":[64,8,8],\"out\":"
                              "[64,8,8],\"kernel\":[3,3],\"stride\":[1,1],\"pad\":[1,1,1,1]"),
                    HasSubstr("\"network_file\":\"name = \\\"wide\\\"\\n")));
}

TEST(Program, LeavesWhenItsInputIsClosed) {
  const ScratchFolder elsewhere;
  const Script script(answer("latency_s", "1"), "",
                      "trap 'echo > " + (elsewhere / "left").string() + "' EXIT\n");
  ask(script);
  EXPECT_TRUE(std::filesystem::exists(elsewhere / "left"));
  EXPECT_EQ(children(), 0);
}

TEST(ProgramFile, Mistakes) {
  const Script script(answer("latency_s", "1"));
  std::ifstream in(script.folder / "board.toml");
  const std::string text(std::istreambuf_iterator<char>(in), {});
  const auto message = [&](const std::string& from, const std::string& to) -> std::string {
    std::ofstream(script.folder / "board.toml") << testing::replaced(text, from, to);
    try {
      script.load();
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message("\"sh\"", "\"no-such-program\""),
              HasSubstr("no program 'no-such-program' that can be run in PATH"));
  EXPECT_THAT(message("\"sh\"", "\"./cost.sh\""), HasSubstr("no program './cost.sh' that can be"));
  EXPECT_THAT(message("[\"sh\", \"cost.sh\"]", "[]"), HasSubstr("expected a program and its"));
  EXPECT_THAT(message("time_limit_s = 5", "time_limit_s = 0"),
              HasSubstr("program.time_limit_s = 0"));
  EXPECT_THAT(message("time_limit_s", "timelimit_s"), HasSubstr("did you mean 'time_limit_s'"));
  EXPECT_THAT(message("source = \"test\"\n", ""), HasSubstr("program.source: is missing"));
}

TEST(ProgramFile, ThatHasChangedOrGoneEndsAStudy) {
  const Script script(answer("latency_s", "1"));
  const std::string text = script.load().text;
  EXPECT_TRUE(Device::parse(text, "board.toml").model->estimate(net()).ok());
  const auto message = [&]() -> std::string {
    try {
      Device::parse(text, "board.toml");
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  };
  std::ofstream(script.folder / "cost.sh", std::ios::app) << "# changed\n";
  EXPECT_THAT(message(), HasSubstr("cost.sh is no longer what it was"));
  std::filesystem::remove(script.folder / "cost.sh");
  EXPECT_THAT(message(), HasSubstr("cost.sh has gone"));
}

}  // namespace
}  // namespace hwnas
