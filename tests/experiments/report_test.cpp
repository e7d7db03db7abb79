// The page of `hwnas report` and `hwnas serve`. What it looks like, and that it can be used, is
// tried in a browser where there is one: check_report.js.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "experiments/front_report.h"
#include "search/store/study.h"
#include "tests/experiments/program.h"

namespace hwnas::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kHostile = "<script>alert(1)</script> \\\"&'</style> \u6f22\u5b57";

std::string config(const std::string& name, const std::string& objectives, int trials = 40) {
  return "name = \"" + name +
         "\"\nspace = \"tiny_image\"\ndevices = [\"stm32l4r5\"]\n"
         "[search]\nalgorithm = \"nsga2\"\nbatch = 8\npopulation = 16\n[budget]\ntrials = " +
         std::to_string(trials) + "\n" + objectives;
}
const std::string kTwo =
    "[[objectives]]\nmetric = \"parameters\"\nat_most = 60_000\n"
    "[[objectives]]\nmetric = \"latency@stm32l4r5\"\n";

class Report : public ::testing::Test {
 protected:
  void search(const std::string& file, const std::string& text) {
    write(folder_ / (file + ".toml"), text);
    const Result r = hwnas("search " + file + ".toml --study " + file + ".db");
    ASSERT_EQ(r.code, 0) << r.err;
  }
  Result hwnas(const std::string& arguments) const {
    return run(folder_.path(), kHwnas + " " + arguments);
  }
  std::string page(const std::string& arguments) const {
    const Result r = hwnas("report " + arguments + " -o page.html");
    EXPECT_EQ(r.code, 0) << r.err;
    return slurp(folder_ / "page.html");
  }
  static json data_of(const std::string& page) {
    const std::string begin = "<script type=\"application/json\" id=\"data\">";
    const std::size_t at = page.find(begin) + begin.size();
    return json::parse(page.substr(at, page.find("</script>", at) - at));
  }
  static constexpr const char* kNoBrowser =
      "no browser was asked: apt-get install chromium, npm install playwright-core somewhere and "
      "set "
      "NODE_PATH to its node_modules";
  bool has_browser() const {
    return run(folder_.path(), "node -e 'require(\"playwright-core\")' && which chromium").code ==
           0;
  }
  // Passes, or skips where there is no browser.
  void browse(const std::string& arguments) const {
    if (!has_browser()) GTEST_SKIP() << kNoBrowser;
    const Result r = run(
        folder_.path(), "node " HWNAS_SOURCE_DIR "/tests/experiments/check_report.js " + arguments);
    EXPECT_EQ(r.code, 0) << r.out << r.err;
  }
  Folder folder_;
};

TEST_F(Report, EveryFigureIsTheDatabases) {
  search("a", config("a", kTwo));
  const json all = data_of(page("a.db"));
  ASSERT_EQ(all.at("studies").size(), 1u);
  const json& of = all.at("studies").at(0);
  const Study study = Study::open_readonly(folder_ / "a.db");
  const std::vector<Trial> trials = study.trials();
  ASSERT_EQ(of.at("id").size(), trials.size());
  const auto at = [](const json& column, std::size_t i) {
    return column.is_array() ? column.at(i) : column;
  };
  std::size_t values = 0;
  for (const json& metric : of.at("metrics")) {
    const MetricKey key = parse_metric_key(metric.at("key").get<std::string>());
    for (std::size_t i = 0; i < trials.size(); ++i) {
      const Measurement* m = find(trials[i], key);
      ASSERT_EQ(m == nullptr, metric.at("value").at(i).is_null());
      if (m == nullptr) continue;
      ++values;
      EXPECT_EQ(metric.at("value").at(i).get<double>(), m->value);
      EXPECT_EQ(at(metric.at("source"), i), to_string(m->source));
    }
  }
  EXPECT_GT(values, 3 * trials.size());
  const FrontReport front = report_front(study);
  ASSERT_EQ(of.at("front").size(), front.front.size());
  for (std::size_t i = 0; i < front.front.size(); ++i)
    EXPECT_EQ(of.at("front").at(i).at("trial"), front.front[i].id);
  EXPECT_EQ(of.at("hypervolume").get<double>(), front.hypervolume);
  EXPECT_EQ(of.at("hypervolume_steps").back().at(1).get<double>(), front.hypervolume);
  EXPECT_EQ(of.at("knee"), front.front[static_cast<std::size_t>(front.knee)].id);
  // In depth: what the cost model says of each layer adds up to what the study holds.
  for (const Trial& trial : trials) {
    if (trial.state != TrialState::complete) continue;
    const json& depth = of.at("depth").at(std::to_string(trial.id));
    const json& device = depth.at("devices").at(0);
    double sum = 0;
    for (const json& layer : device.at("layers")) sum += layer.at("latency_s").get<double>();
    const double latency = find(trial, {Metric::latency, "stm32l4r5"})->value;
    EXPECT_NEAR(sum, latency, 1e-9 * latency);
    EXPECT_EQ(device.at("latency_s").get<double>(), latency);
    std::int64_t parameters = 0;
    for (const json& layer : depth.at("layers")) parameters += layer.at("parameters").get<int>();
    EXPECT_EQ(static_cast<double>(parameters), find(trial, {Metric::parameters, ""})->value);
  }
}

TEST_F(Report, IsOneFileAndHostileNamesAreText) {
  search("a", config(kHostile, kTwo));
  const std::string text = page("a.db");
  EXPECT_THAT(text, Not(HasSubstr("<script>alert")));
  EXPECT_EQ(data_of(text).at("studies").at(0).at("name"),
            "<script>alert(1)</script> \"&'</style> \u6f22\u5b57");
  for (const char* outside : {"src=\"", "<link rel=\"stylesheet", "@import", "url(http"})
    EXPECT_THAT(text.substr(0, text.find("id=\"data\"")), Not(HasSubstr(outside)));
  browse("page.html hostile");
}

TEST_F(Report, HoldsTheFrontInDepthFirst) {
  search("a", config("a", kTwo));
  const json of = data_of(page("a.db --depth 12")).at("studies").at(0);
  EXPECT_EQ(of.at("depth").size(), 12u);
  std::size_t front = 0;
  for (const json& member : of.at("front"))
    front += of.at("depth").contains(std::to_string(member.at("trial").get<TrialId>()));
  EXPECT_EQ(front, std::min<std::size_t>(12, of.at("front").size()));
}

TEST_F(Report, OfSeveralStudies) {
  search("a", config("first", kTwo));
  search("b", "seed = 7\n" + config("second", kTwo));
  const json all = data_of(page("a.db b.db"));
  EXPECT_EQ(all.at("studies").at(1).at("name"), "second");
  browse("page.html two");
}

TEST_F(Report, CanBeUsed) {
  search("a", config("a", kTwo, 120));
  page("a.db");
  browse("page.html one");
}

TEST_F(Report, UsefulWhateverTheStudy) {
  const std::string one = "[[objectives]]\nmetric = \"latency@stm32l4r5\"\n";
  search("one", config("one objective", one));
  search("four", config("four objectives",
                        one + "[[objectives]]\nmetric = \"parameters\"\n[[objectives]]\nmetric = "
                              "\"memory@stm32l4r5\"\n[[objectives]]\nmetric = \"macs\"\n"));
  // Nothing within the bounds, and nothing at all: made from the first.
  for (const auto& [name, statement] :
       {std::pair{"none", "UPDATE trials SET state = 'infeasible', reason = 'too slow'"},
        std::pair{"failed", "UPDATE trials SET state = 'failed', reason = 'out of memory'"},
        std::pair{"empty", "DELETE FROM measurements; DELETE FROM timings; DELETE FROM trials"}}) {
    fs::copy_file(folder_ / "one.db", folder_ / (std::string(name) + ".db"));
    ASSERT_EQ(
        run(folder_.path(), std::string("sqlite3 ") + name + ".db \"" + statement + "\"").code, 0);
    const json of = data_of(page(std::string(name) + ".db")).at("studies").at(0);
    EXPECT_THAT(of.at("why_empty").get<std::string>(), HasSubstr("no trial is complete yet"));
    EXPECT_TRUE(of.at("front").empty());
    page(std::string(name) + ".db");
    fs::rename(folder_ / "page.html", folder_ / (std::string(name) + ".html"));
  }
  for (const char* name : {"one", "four"}) {
    page(std::string(name) + ".db");
    fs::rename(folder_ / "page.html", folder_ / (std::string(name) + ".html"));
  }
  // Killed in the middle.
  write(folder_ / "killed.toml", config("killed", one, 20'000));
  const pid_t child = start(folder_.path(), "exec " + kHwnas + " search killed.toml");
  for (int i = 0; i < 400 && !fs::exists(folder_ / "killed.db-wal"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  kill(child, SIGKILL);
  finish(child, folder_.path());
  page("killed.db");
  fs::rename(folder_ / "page.html", folder_ / "killed.html");
  browse(
      "one.html any four.html any none.html empty failed.html empty empty.html empty "
      "killed.html any");
}

TEST_F(Report, MistakesAreOneLine) {
  search("a", config("a", kTwo));
  const auto problem = [&](const std::string& arguments) {
    const Result r = hwnas("report " + arguments);
    EXPECT_EQ(r.code, 2) << arguments;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
    return r.err;
  };
  EXPECT_THAT(problem(""), HasSubstr("STUDY is missing"));
  EXPECT_THAT(problem("none.db"), HasSubstr("none.db: no such file"));
  EXPECT_THAT(problem("a.toml"), HasSubstr("a.toml: "));
  EXPECT_THAT(problem("a.db -o no/such/folder.html"), HasSubstr("cannot be written"));
  EXPECT_THAT(problem("a.db --depth -1"), HasSubstr("--depth = -1"));
}

TEST_F(Report, WithoutItsChartsItSaysWhatToDo) {
  search("a", config("a", kTwo));
  fs::copy_file(kHwnas, folder_ / "hwnas");  // away from the share folder beside the program
  const Result r = run(folder_.path(), "./hwnas report a.db");
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, AllOf(HasSubstr("the report's echarts.min.js is not installed"),
                           HasSubstr("put it (npm's echarts 6, dist/echarts.min.js) into ")));
}

// One request; the whole answer.
std::string get(int port, const std::string& path, const std::string& header = "",
                const std::string& method = "GET") {
  const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  std::string answer;
  if (connect(socket_fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    const std::string request = method + " " + path +
                                " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + header +
                                "\r\n";
    (void)!::write(socket_fd, request.data(), request.size());
    char buffer[65536];
    for (ssize_t n; (n = read(socket_fd, buffer, sizeof buffer)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(n));
  }
  close(socket_fd);
  return answer;
}

class Serve : public Report {
 protected:
  // The port it says.
  int serve(const std::string& studies) {
    child_ = start(folder_ / "server", "exec " + kHwnas + " serve " + studies + " --port 0");
    for (int i = 0; i < 400; ++i) {
      const std::string said = slurp(folder_ / "server" / "stdout.txt");
      const std::size_t at = said.find("127.0.0.1:");
      if (at != std::string::npos) return std::stoi(said.substr(at + 10));
      std::this_thread::sleep_for(std::chrono::milliseconds(25));
    }
    return 0;
  }
  ~Serve() override {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      finish(child_, folder_ / "server");
    }
  }
  void SetUp() override { fs::create_directory(folder_ / "server"); }
  pid_t child_ = -1;
};

TEST_F(Serve, OnlyAnswersQuestions) {
  search("a", config("a", kTwo));
  const int port = serve("../a.db");
  const std::string before = slurp(folder_ / "a.db");
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH"}) {
    for (const char* path : {"/", "/studies", "/../../etc/passwd"})
      EXPECT_THAT(get(port, path, "Content-Length: 0\r\n", method), HasSubstr(" 404 ")) << method;
  }
  EXPECT_THAT(get(port, "/../../../../etc/passwd"), HasSubstr(" 404 "));
  EXPECT_EQ(slurp(folder_ / "a.db"), before);
}

TEST_F(Serve, ShowsWhatLandsWhileItRuns) {
  search("a", config("a", kTwo));
  const int port = serve("../a.db");
  ASSERT_GT(port, 0) << slurp(folder_ / "server" / "stderr.txt");
  const std::string first = get(port, "/");
  EXPECT_THAT(first, HasSubstr("200 OK"));
  EXPECT_EQ(data_of(first).at("live"), true);
  const auto body = [](const std::string& answer) {
    return json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
  };
  const std::string answer = get(port, "/study/0");
  EXPECT_EQ(body(answer).at("id").size(), 40u);
  const std::size_t at = answer.find("ETag: ") + 6;
  const std::string tag = answer.substr(at, answer.find("\r\n", at) - at);
  EXPECT_THAT(get(port, "/study/0", "If-None-Match: " + tag + "\r\n"), HasSubstr(" 304 "));
  ASSERT_EQ(hwnas("search a.db --trials 56").code, 0);
  for (int i = 0; i < 100 && body(get(port, "/study/0")).at("id").size() < 56; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(body(get(port, "/study/0")).at("id").size(), 56u);
  EXPECT_EQ(body(get(port, "/study/0/trial/55")).at("trial"), 55);
  EXPECT_THAT(get(port, "/study/0/trial/999"),
              AllOf(HasSubstr(" 404 "), HasSubstr("has no trial 999")));
  EXPECT_THAT(get(port, "/study/7"), HasSubstr(" 404 "));
  EXPECT_THAT(get(port, "/../../etc/passwd"), HasSubstr(" 404 "));
  kill(child_, SIGINT);
  const Result ended = finish(std::exchange(child_, -1), folder_ / "server");
  EXPECT_EQ(ended.code, 0) << ended.err;
}

TEST_F(Serve, IsFollowedInABrowser) {
  search("a", config("a", kTwo));
  const int port = serve("../a.db");
  ASSERT_GT(port, 0);
  if (!has_browser()) GTEST_SKIP() << kNoBrowser;
  fs::create_directory(folder_ / "browser");
  const pid_t browser = start(folder_ / "browser", "exec node " HWNAS_SOURCE_DIR
                                                   "/tests/experiments/check_report.js "
                                                   "http://127.0.0.1:" +
                                                       std::to_string(port) + "/ live");
  for (int i = 0; i < 600 && slurp(folder_ / "browser" / "stdout.txt") != "open\n"; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(hwnas("search a.db --trials 80").code, 0);
  const Result seen = finish(browser, folder_ / "browser");
  EXPECT_EQ(seen.code, 0) << seen.out << seen.err;
}

TEST_F(Serve, MistakesAreOneLine) {
  search("a", config("a", kTwo));
  const int port = serve("../a.db");
  ASSERT_GT(port, 0);
  const auto problem = [&](const std::string& arguments) {
    const Result r = hwnas("serve " + arguments);
    EXPECT_EQ(r.code, 2) << arguments;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
    return r.err;
  };
  EXPECT_THAT(problem("a.db --port " + std::to_string(port)), HasSubstr("is taken"));
  EXPECT_THAT(problem("none.db --port 0"), HasSubstr("none.db: no such file"));
  EXPECT_THAT(problem("a.db --port 99999"), HasSubstr("--port = 99999"));
}

}  // namespace
}  // namespace hwnas::testing
