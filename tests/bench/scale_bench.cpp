// scale_bench [WORKERS[,WORKERS...] [MEAN_S [TRIALS_EACH [CONFIG LINES OF [search]...]]]]
//
// How busy one hwnas keeps many trainers, and what that costs it: real searches (hwnas, study and
// all) with trainers that only sleep. How long is drawn from the times of 32 real trainings of
// tiny_image on one core, scaled to a mean of MEAN_S. Each sign of life and each answer is real.
//
// Busy share: of the workers' time between the first training of the last worker to start and the
// last training to begin, when all have something to do or should have. hwnas is beside this
// program.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "space/network_file.h"
#include "space/rng.h"

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::system_clock;  // one for all processes

// s, of trials of the main job on 2,000 images, two trainers on two cores.
constexpr double kReal[] = {3.225, 1.667, 2.249, 3.413, 1.943, 2.595, 1.109, 1.474,
                            1.789, 2.849, 0.859, 2.931, 1.051, 0.952, 0.627, 1.812,
                            2.66,  1.703, 2.108, 4.231, 2.54,  2.733, 0.938, 2.497,
                            2.251, 3.55,  1.346, 3.898, 1.617, 0.961, 0.901, 1.929};

double now() {
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

double drawn_seconds(std::uint64_t seed, double mean) {
  double sum = 0;
  for (const double seconds : kReal) sum += seconds;
  hwnas::Rng rng(seed);
  return kReal[rng.below(static_cast<std::uint32_t>(std::size(kReal)))] / (sum / std::size(kReal)) *
         mean;
}

// A trainer that sleeps. Writes "START END" of each training to LOG.PID.
int sleep_as_trainer(double mean, const std::string& log, double pulse) {
  std::cout << R"({"event":"ready","protocol":1,"data_set":"fashion_mnist","input":[1,28,28],)"
               R"("classes":10,"train_images":54000,"validation_images":6000,"torch":"none",)"
               R"("device":"cpu","threads":1})"
            << std::endl;
  std::ofstream out(log + "." + std::to_string(getpid()));
  out.precision(17);
  for (std::string line; std::getline(std::cin, line);) {
    const double start = now();
    const auto request = nlohmann::json::parse(line);
    const auto task = request.at("task").get<std::int64_t>();
    const auto seed = std::stoull(request.at("seed").get<std::string>());
    const hwnas::Network network =
        hwnas::parse_network(request.at("network").get<std::string>(), "request");
    const auto size = hwnas::parameters(network);
    for (double left = drawn_seconds(seed, mean); left > 0; left -= pulse) {
      std::this_thread::sleep_for(std::chrono::duration<double>(std::min(left, pulse)));
      if (left > pulse) std::cout << R"({"event":"alive","task":)" << task << "}" << std::endl;
    }
    const double accuracy = 0.9 - 100.0 / static_cast<double>(size + 1000);
    std::cout << nlohmann::json{{"event", "done"},      {"task", task},    {"parameters", size},
                                {"accuracy", accuracy}, {"stddev", 0.004}, {"loss", 1 - accuracy}}
              << std::endl;
    out << start << ' ' << now() << '\n' << std::flush;
  }
  return 0;
}

struct Span {
  double start, end;
};

struct Outcome {
  double busy, cpu_s, wall_s;
  std::size_t trials;
};

// The real search.
Outcome measure(const fs::path& self, const fs::path& folder, int workers, double mean,
                int trials_each, const std::string& search) {
  const std::string name = "w" + std::to_string(workers);
  const fs::path log = folder / (name + ".log");
  std::ofstream(folder / (name + ".toml"))
      << "name = \"" << name << "\"\nspace = \"tiny_image\"\ndevices = [\"stm32l4r5\"]\n"
      << "[data]\nset = \"fashion_mnist\"\n[training]\nepochs = 1\n[workers]\ncount = " << workers
      << "\ncommand = [" << self << ", \"--trainer\", \"" << mean << "\", " << log << "]\n"
      << "[search]\nasynchronous = true\n"
      << search << "[budget]\ntrials = " << workers * trials_each
      << "\n[[objectives]]\nmetric = \"accuracy\"\n[[objectives]]\nmetric = "
         "\"latency@stm32l4r5\"\n";
  const double start = now();
  const std::string command = "cd " + folder.string() + " && exec " +
                              (self.parent_path() / "hwnas").string() + " search " + name +
                              ".toml > " + name + ".out 2>&1";
  const pid_t child = fork();
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  // Of hwnas alone: its trainers are its children, not waited for here.
  int status = 0;
  rusage usage{};
  double cpu = 0;
  const std::string stat = "/proc/" + std::to_string(child) + "/stat";
  while (wait4(child, &status, WNOHANG, &usage) == 0) {
    std::ifstream file(stat);
    std::string text((std::istreambuf_iterator<char>(file)), {});
    std::istringstream words(text.substr(std::min(text.size(), text.rfind(')') + 2)));
    std::string word;
    double user = 0, system = 0;
    for (int i = 3; i <= 13 && words >> word; ++i) continue;
    if (words >> user >> system) cpu = (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  if (status != 0) {
    std::cerr << "hwnas failed, see " << (folder / (name + ".out")).string() << '\n';
    std::exit(1);
  }
  std::vector<Span> spans;
  double from = 0, to = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().string().rfind(log.string() + ".", 0) != 0) continue;
    std::ifstream file(entry.path());
    bool first = true;
    for (Span span{}; file >> span.start >> span.end; first = false) {
      if (first) from = std::max(from, span.start);
      to = std::max(to, span.start);
      spans.push_back(span);
    }
  }
  double busy = 0;
  for (const Span& span : spans)
    busy += std::max(0.0, std::min(span.end, to) - std::max(span.start, from));
  return {busy / (workers * (to - from)), cpu, now() - start, spans.size()};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 3 && std::string(argv[1]) == "--trainer") {
    double pulse = 1e9;
    for (int i = 4; i + 1 < argc; ++i)
      if (std::string(argv[i]) == "--pulse") pulse = std::atof(argv[i + 1]);
    return sleep_as_trainer(std::atof(argv[2]), argv[3], pulse);
  }
  std::istringstream list(argc > 1 ? argv[1] : "1,10,100,1000");
  const double mean = argc > 2 ? std::atof(argv[2]) : 60;
  const int each = argc > 3 ? std::atoi(argv[3]) : 4;
  std::string search;
  for (int i = 4; i < argc; ++i) search += std::string(argv[i]) + "\n";
  const fs::path self = fs::canonical("/proc/self/exe");
  const fs::path folder = fs::temp_directory_path() / ("scale" + std::to_string(getpid()));
  fs::create_directories(folder);
  std::printf("trainings of %.3g s on average, %d for each worker; asynchronous%s%s\n", mean, each,
              search.empty() ? "" : ", ", search.c_str());
  std::printf("%8s %8s %12s %22s %8s\n", "workers", "trials", "busy share", "controller CPU/trial",
              "wall");
  for (std::string workers; std::getline(list, workers, ',');) {
    const Outcome o = measure(self, folder, std::stoi(workers), mean, each, search);
    std::printf("%8s %8zu %12.3f %19.2f ms %6.0f s\n", workers.c_str(), o.trials, o.busy,
                1e3 * o.cpu_s / static_cast<double>(o.trials), o.wall_s);
    std::fflush(stdout);
  }
  fs::remove_all(folder);
}
