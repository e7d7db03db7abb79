// What cheap looks at a network tell of its full training, and what they cost.
//   proxy_bench RESULTS.csv [networks (60)] [space (tiny_image)] [report]
// Trains random networks of a space on Fashion-MNIST for 8 epochs, and each of them in shorter
// ways; prints Kendall's tau-b of each way against the full training, with its bootstrap interval,
// and its CPU seconds a network. What RESULTS.csv holds already is not done again, so it may be
// interrupted at any time. One thread. The truth has a split and seeds of its own: no cheap look
// shares its luck.
#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "predictors/accuracy.h"
#include "space/operators.h"
#include "space/rng.h"
#include "space/search_space.h"
#include "trainer/trainer.h"
#include "trainer/zero_cost.h"

namespace {

using namespace hwnas;

constexpr int kFullEpochs = 8;
constexpr std::int64_t kMostMacs = 1'000'000;  // so that 60 networks take about an hour
const char* const kImages = "/usr/share/datasets/fashion-mnist";

struct Value {
  double value = 0, cpu_s = 0;
};
// What was found out so far, by measure and network; every new value goes to the file at once.
class Results {
 public:
  explicit Results(const std::string& file) : file_(file) {
    std::ifstream in(file);
    std::string line;
    while (std::getline(in, line)) {
      std::istringstream cells(line);
      std::string network, measure, value, cpu_s;
      if (std::getline(cells, network, ',') && std::getline(cells, measure, ',') &&
          std::getline(cells, value, ',') && std::getline(cells, cpu_s))
        values_[measure][std::atoi(network.c_str())] = {std::atof(value.c_str()),
                                                        std::atof(cpu_s.c_str())};
    }
  }
  bool has(const std::string& measure, int network) const {
    const auto found = values_.find(measure);
    return found != values_.end() && found->second.contains(network);
  }
  void add(const std::string& measure, int network, Value v) {
    values_[measure][network] = v;
    std::ofstream out(file_, std::ios::app);
    out.precision(12);
    out << network << ',' << measure << ',' << v.value << ',' << v.cpu_s << '\n';
  }
  const std::map<std::string, std::map<int, Value>>& all() const { return values_; }

 private:
  std::string file_;
  std::map<std::string, std::map<int, Value>> values_;
};

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<Network> random_networks(const std::string& space_name, int count) {
  const SearchSpace space =
      SearchSpace::load(std::string(HWNAS_SOURCE_DIR) + "/space/spaces/" + space_name + ".toml",
                        Task{{1, 28, 28}, 10});
  Rng rng(20260501);
  std::set<std::uint64_t> met;
  std::vector<Network> networks;
  while (static_cast<int>(networks.size()) < count) {
    auto network = live(space.decode(sample(space.cardinalities(), rng)).network);
    if (network && macs(*network) <= kMostMacs && met.insert(fingerprint(*network)).second)
      networks.push_back(std::move(*network));
  }
  return networks;
}

// One way to train: an accuracy, and the loss of the last epoch beside it.
struct Way {
  std::string name;
  const Trainer* trainer;
  int epochs;
  std::uint64_t seed;
  int batch = 64;
};

void train(const Way& way, const Network& network, int number, Results& results) {
  if (results.has(way.name, number)) return;
  const double start = cpu_seconds();
  TrainSettings settings;
  settings.epochs = way.epochs;
  settings.batch = way.batch;
  settings.learning_rate = 0.2 * way.batch / 64;
  settings.seed = way.seed + static_cast<std::uint64_t>(number);
  const TrainOutcome outcome = way.trainer->train(network, settings);
  if (!outcome.failure.empty()) {
    std::fprintf(stderr, "network %d, %s: %s\n", number, way.name.c_str(), outcome.failure.c_str());
    std::exit(1);
  }
  const double cpu_s = cpu_seconds() - start;
  results.add(way.name + " (loss)", number, {-outcome.result.loss, cpu_s});
  results.add(way.name, number, {outcome.result.accuracy, cpu_s});
}

// Zero-cost scores on a batch of the training part.
void score(const Trainer& trainer, const Network& network, int number, Results& results) {
  for (const std::string& name : zero_cost_names()) {
    if (results.has(name, number)) continue;
    const double start = cpu_seconds();
    const ScoreOutcome outcome = trainer.score(network, 1, std::span(&name, 1));
    const double cpu_s = cpu_seconds() - start;
    const double value = outcome.failure.empty() ? outcome.scores[0].value : std::nan("");
    results.add(name, number, {value, cpu_s});
  }
}

// One way to tell networks apart, for those that have a truth.
struct Column {
  std::string name;
  std::vector<double> values;
  double cpu_s = 0;  // mean
};

// The sum of ln(rank / n), as AZ-NAS joins its scores.
Column joined(const std::string& name, const std::vector<const Column*>& columns) {
  Column all{name, std::vector<double>(columns[0]->values.size(), 0), 0};
  for (const Column* column : columns) {
    all.cpu_s += column->cpu_s;
    std::vector<double> sorted = column->values;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < all.values.size(); ++i) {
      const auto rank = std::upper_bound(sorted.begin(), sorted.end(), column->values[i]);
      all.values[i] += std::log(static_cast<double>(rank - sorted.begin()));
    }
  }
  return all;
}

struct Interval {
  double low, high;  // 95 %
};
Interval bootstrap(const std::vector<double>& a, const std::vector<double>& b) {
  constexpr int kDraws = 2000;
  Rng rng(3);
  std::vector<double> taus, x(a.size()), y(a.size());
  for (int draw = 0; draw < kDraws; ++draw) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      const std::size_t at = rng.below(static_cast<std::uint32_t>(a.size()));
      x[i] = a[at];
      y[i] = b[at];
    }
    taus.push_back(kendall(x, y));
  }
  std::sort(taus.begin(), taus.end());
  return {taus[kDraws / 40], taus[kDraws - kDraws / 40 - 1]};
}

void report(const Results& results) {
  const auto& truth = results.all().at("full");
  std::vector<double> truths;
  for (const auto& [network, v] : truth) truths.push_back(v.value);
  std::map<std::string, Column> columns;
  for (const auto& [name, values] : results.all()) {
    Column column{name, {}, 0};
    for (const auto& [network, ignored] : truth) {
      const auto found = values.find(network);
      if (found == values.end()) break;
      const double value = found->second.value;
      column.values.push_back(std::isnan(value) ? -1e300 : value);
      column.cpu_s += found->second.cpu_s / static_cast<double>(truth.size());
    }
    if (column.values.size() == truths.size() && name != "full" && name != "full (loss)")
      columns[name] = column;
  }
  std::vector<Column> rows;
  for (const auto& [name, column] : columns) rows.push_back(column);
  const auto join = [&](const std::vector<std::string>& members) {
    std::vector<const Column*> parts;
    std::string name;
    for (const std::string& member : members) {
      if (!columns.contains(member)) return;
      parts.push_back(&columns.at(member));
      name += (name.empty() ? "" : " + ") + member;
    }
    rows.push_back(joined(name, parts));
  };
  join({"expressivity", "progressivity", "trainability", "macs"});
  for (const auto& name : zero_cost_names()) {
    for (const char* way : {"1 epoch on a tenth", "1 epoch on a quarter", "1 epoch"})
      join({way, name});
    if (name != "macs") join({"macs", name});
  }
  std::stable_sort(rows.begin(), rows.end(), [&](const Column& a, const Column& b) {
    return kendall(a.values, truths) > kendall(b.values, truths);
  });
  std::printf(
      "%zu networks, full training %.1f CPU s each\n%-56s %6s  %-14s %8s\n", truths.size(),
      [&] {
        double sum = 0;
        for (const auto& [network, v] : truth) sum += v.cpu_s;
        return sum / static_cast<double>(truth.size());
      }(),
      "way", "tau-b", "95 %", "CPU s");
  for (const Column& row : rows) {
    const auto [low, high] = bootstrap(row.values, truths);
    std::printf("%-56s %6.3f  %.3f to %.3f %8.3f\n", row.name.c_str(), kendall(row.values, truths),
                low, high, row.cpu_s);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: proxy_bench RESULTS.csv [networks] [space] [report]\n");
    return 2;
  }
  mallopt(M_MMAP_THRESHOLD, 1 << 30);  // as hwnas-trainer does
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  set_threads(1);
  Results results(argv[1]);
  const std::vector<Network> networks =
      random_networks(argc > 3 ? argv[3] : "tiny_image", argc > 2 ? std::atoi(argv[2]) : 60);
  const Images images = load_images(DataSet::fashion_mnist, Part::training, kImages);
  const Trainer truth(split(images, 1.0 / 6, 2), Device::cpu);
  const Trainer all(split(images, 0.1, 1), Device::cpu);
  const Trainer quarter(split(images, 0.1, 1, 13500), Device::cpu);
  const Trainer tenth(split(images, 0.1, 1, 5400), Device::cpu);
  // What the table needs first, so that one that is broken off is a table of fewer networks.
  const std::vector<std::vector<Way>> passes{
      {{"1 epoch on a quarter", &quarter, 1, 1000},
       {"1 epoch", &all, 1, 1000},
       {"full", &truth, kFullEpochs, 900000, 128}},
      {{"1 epoch on a tenth", &tenth, 1, 1000}, {"2 epochs", &all, 2, 1000}}};
  const bool only_report = argc > 4 && std::string(argv[4]) == "report";
  for (const std::vector<Way>& ways : passes) {
    for (std::size_t i = 0; i < networks.size() && !only_report; ++i) {
      for (const Way& way : ways) train(way, networks[i], static_cast<int>(i), results);
      score(all, networks[i], static_cast<int>(i), results);
    }
  }
  report(results);
  return 0;
}
