// Learning devices from measurements: what is read, what is written, and the command.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "experiments/fit/device_fit.h"
#include "experiments/fit/learned_file.h"
#include "experiments/library.h"
#include "predictors/boosted_trees.h"
#include "space/input_error.h"
#include "tests/experiments/program.h"
#include "tests/predictors/space_support.h"
#include "tests/shared_data.h"

namespace hwnas::testing {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::size_t kRows = 240;

// Measured on a made-up device, with 1 % of noise, beside eight others. Every tenth has no value.
std::string made_up_csv() {
  const SearchSpace space = cell_space();
  const std::vector<Genotype> cells = some_cells(space, kRows, 3);
  const std::vector<Architecture> population = read_all(space, cells);
  const std::vector<SourceColumn> sources = made_up_sources(population);
  const MadeUpDevice device{1.2, 0.5, 0.8, 0.1, true};
  Rng rng(4);
  std::ostringstream csv;
  csv << "row,cell,mine_latency_ms,mine_energy_mJ";
  for (const SourceColumn& source : sources) csv << ',' << source.name;
  csv << '\n';
  for (std::size_t i = 0; i < kRows; ++i) {
    const double ms = device(population[i]) * (1 + 0.01 * rng.normal());
    csv << i << ',' << to_text(cells[i]) << ',';
    if (i % 10 != 7) csv << ms;
    csv << ',' << 3 * ms;
    for (const SourceColumn& source : sources) csv << ',' << source.values[i];
    csv << '\n';
  }
  csv << "900,0-0-0-0-0-0,1,1,1,1,1,1,1,1,1,1\n";  // nothing reaches its output
  return csv.str();
}

struct Desk {
  Folder folder;
  Desk() { write(folder / "mine.csv", made_up_csv()); }
  Result fit(const std::string& options) const {
    return run(folder.path(),
               kHwnas + " devices fit --space nasbench201 --csv mine.csv " + options);
  }
};

// Every row priced by the file as by the predictor that it was written from.
void expect_same(const std::string& csv, const std::string& target, std::size_t samples,
                 const char* prior_name, bool with_sources) {
  const SearchSpace space = cell_space();
  MeasurementOptions options{csv, target, "", "", "", {}, false};
  if (with_sources) options.sources = {"all"};
  Measurements m = read_measurements(options, space);
  std::optional<Device> prior;
  std::vector<double> estimates;
  if (prior_name) {
    prior = find_device(prior_name);
    estimates = prior_estimates(*prior, space, m);
  }
  const std::vector<Architecture> architectures = m.architectures;
  const std::vector<Genotype> genotypes = m.genotypes;
  const Metric metric = m.metric;
  const DeviceFit fit(space, std::move(m), FitMethod::gaussian_process, estimates);
  const FitResult result = fit.draw(samples, 1);
  const DevicePredictor predictor(*result.model);
  std::vector<std::size_t> rows = fit.measurements().measured();
  Rng rng(1);
  rng.shuffle(rows);
  std::vector<Genotype> drawn;
  for (std::size_t i = 0; i < samples; ++i) drawn.push_back(genotypes[rows[i]]);
  LearnedFile file{"t",    std::string(HWNAS_SOURCE_DIR) + "/space/spaces/nasbench201.toml",
                   "t",    "2025",
                   metric, prior ? &*prior : nullptr};
  const Device device = Device::parse(learned_text(file, *result.model, drawn), "t.toml");
  double worst = 0, worst_stddev = 0;
  for (std::size_t i = 0; i < genotypes.size(); ++i) {
    Candidate c = space.decode(genotypes[i]);
    c.network = *live(std::move(c.network));
    const Estimate e = device.model->estimate(c);
    ASSERT_TRUE(e.covered) << e.reason;
    Prediction p = predictor.predict(architectures[i]);
    if (prior) {
      p.mean *= estimates[i];
      p.stddev *= estimates[i];
    }
    const bool timed = metric == Metric::latency;
    const double value = timed ? e.cost.latency_s : e.cost.energy_j;
    const double stddev = timed ? e.cost.latency_stddev_s : e.cost.energy_stddev_j;
    worst = std::max(worst, std::fabs(value / p.mean - 1));
    worst_stddev = std::max(worst_stddev, std::fabs(stddev / p.stddev - 1));
  }
  EXPECT_LT(worst, 1e-5) << target << ' ' << samples;
  EXPECT_LT(worst_stddev, 1e-3) << target << ' ' << samples;
}

TEST(LearnedFile, PricesAsThePredictorDoes) {
  const Desk desk;
  const std::string csv = (desk.folder / "mine.csv").string();
  expect_same(csv, "mine_latency_ms", 10, nullptr, true);
  expect_same(csv, "mine_energy_mJ", 40, nullptr, true);
  expect_same(csv, "mine_latency_ms", 205, nullptr, false);  // beyond those with own spread
  expect_same(csv, "mine_latency_ms", 20, "raspberry_pi_4", false);
}

TEST(Measurements, ReadsUnitsDevicesAndGaps) {
  const Desk desk;
  MeasurementOptions options{
      (desk.folder / "mine.csv").string(), "mine_latency_ms", "", "", "", {"all"}, false};
  const Measurements m = read_measurements(options, cell_space());
  EXPECT_EQ(m.architecture_column, "cell");
  EXPECT_EQ(m.metric, Metric::latency);
  EXPECT_EQ(m.unit, 1e-3);
  EXPECT_EQ(m.genotypes.size(), kRows);
  EXPECT_EQ(m.without_network, 1U);
  EXPECT_EQ(m.without_value, kRows / 10);
  EXPECT_EQ(m.measured().size(), kRows - kRows / 10);
  EXPECT_EQ(m.sources.size(), 8U);  // not the energy of the same device
  EXPECT_EQ(device_of_column("c10_edgegpu_energy_mJ"), device_of_column("c10_edgegpu_latency_ms"));
  EXPECT_NE(device_of_column("1080ti_1_latency_ms"), device_of_column("1080ti_32_latency_ms"));
}

TEST(CliFit, LearnsEstimatesAndSearches) {
  const Desk desk;
  const Result fit = desk.fit(
      "--target mine_latency_ms --source-columns all --samples 10 --seeds 3 --out mine.toml");
  ASSERT_EQ(fit.code, 0) << fit.err;
  EXPECT_THAT(fit.out,
              AllOf(HasSubstr("10 of 216 measured rows, drawn with 3 seeds"), HasSubstr("Spearman"),
                    HasSubstr("op-count ridge"), HasSubstr("24 rows without a value above 0"),
                    HasSubstr("1 rows in which nothing reaches"), HasSubstr("wrote mine.toml")));
  write(desk.folder / "run.toml", R"(
name = "run"
space = "nasbench201"
devices = ["./mine.toml"]
[search]
batch = 8
population = 8
[budget]
trials = 16
[[objectives]]
metric = "macs"
[[objectives]]
metric = "latency@mine"
)");
  const Result search = run(desk.folder.path(), kHwnas + " search run.toml");
  ASSERT_EQ(search.code, 0) << search.err;
  EXPECT_THAT(search.out, HasSubstr("predicted (latency)"));
  const Result again = run(desk.folder.path(), kHwnas + " search run.db --trials 20");
  EXPECT_EQ(again.code, 0) << again.err;
  const Result estimate =
      run(desk.folder.path(), kHwnas + " estimate run.db:0 --device ./mine.toml --json");
  ASSERT_EQ(estimate.code, 0) << estimate.err;
  const json device = json::parse(estimate.out)["devices"][0];
  EXPECT_EQ(device["source"], "predicted");
  const Result rescore = run(desk.folder.path(), kHwnas + " rescore run.db --device ./mine.toml");
  EXPECT_EQ(rescore.code, 0) << rescore.err;
  const Result other = run(desk.folder.path(), kHwnas + " estimate resnet8 --device ./mine.toml");
  EXPECT_EQ(other.code, 2);
  EXPECT_THAT(other.out, HasSubstr("learned on the space 'nasbench201'"));
  EXPECT_EQ(run(desk.folder.path(), kHwnas + " devices show ./mine.toml").code, 0);
  EXPECT_EQ(run(desk.folder.path(), kHwnas + " devices check ./mine.toml").code, 0);
}

TEST(CliFit, TellsJson) {
  const Desk desk;
  const Result r = desk.fit(
      "--target mine_energy_mJ --source-columns d0_ms,d1_ms,d3_ms --samples 12 "
      "--seeds 2 --name e --json");
  ASSERT_EQ(r.code, 0) << r.err;
  const json j = json::parse(r.out);
  EXPECT_EQ(j["samples"], 12);
  EXPECT_EQ(j["seeds"], 2);
  EXPECT_EQ(j["target"], "mine_energy_mJ");
  EXPECT_EQ(j["metric"], "energy");
  EXPECT_EQ(j["sources"].size(), 3U);
  EXPECT_EQ(j["unseen_rows"], kRows - 12);
  EXPECT_EQ(j["file"], "e.toml");
  for (const char* which : {"metrics", "op_count_ridge"}) {
    for (const char* key : {"spearman", "kendall", "mape", "within_10_percent", "coverage_90"}) {
      EXPECT_TRUE(j[which][key]["mean"].is_number()) << which << key;
      EXPECT_TRUE(j[which][key]["sd"].is_number()) << which << key;
    }
  }
  EXPECT_GT(j["metrics"]["spearman"]["mean"], 0.95);
  EXPECT_LT(j["adapt_s"]["mean"], 1);
  EXPECT_EQ(run(desk.folder.path(), kHwnas + " devices show ./e.toml").code, 0);
}

TEST(CliFit, LearnsFromAllRowsAndByEveryMethod) {
  const Desk desk;
  for (const std::string method : {"auto", "gaussian_process", "ridge"}) {
    const Result r = desk.fit("--target mine_latency_ms --out all.toml --json --method " + method);
    ASSERT_EQ(r.code, 0) << method << r.err;
    const json j = json::parse(r.out);
    EXPECT_TRUE(j["cross_validated"]);
    EXPECT_EQ(j["samples"], kRows - kRows / 10);
    EXPECT_GT(j["metrics"]["spearman"]["mean"], method == "ridge" ? 0.7 : 0.97) << method;
    EXPECT_EQ(run(desk.folder.path(), kHwnas + " devices show ./all.toml").code, 0);
  }
  const Result trees =
      desk.fit("--target mine_latency_ms --samples 100 --seeds 1 --method boosted_trees");
  EXPECT_EQ(trees.code, has_boosted_trees() ? 0 : 2) << trees.err;
  const Result prior =
      desk.fit("--target mine_latency_ms --samples 30 --seeds 1 --prior raspberry_pi_4 --name p");
  ASSERT_EQ(prior.code, 0) << prior.err;
  EXPECT_THAT(prior.out, HasSubstr("prior: raspberry_pi_4"));
  EXPECT_EQ(run(desk.folder.path(), kHwnas + " devices show ./p.toml").code, 0);
}

TEST(CliFit, ChoosesWhatToMeasure) {
  const Desk desk;
  const auto lines = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  };
  const Result rest = desk.fit("--target mine_latency_ms --source-columns all --choose 5");
  EXPECT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(lines(rest.out), 5);
  const Result unmeasured = desk.fit("--target new_ms --source-columns all --choose 4 --json");
  ASSERT_EQ(unmeasured.code, 0) << unmeasured.err;
  EXPECT_EQ(json::parse(unmeasured.out)["choose"].size(), 4U);
  const Result space =
      run(desk.folder.path(), kHwnas + " devices fit --space nasbench201 --choose 3");
  EXPECT_EQ(space.code, 0) << space.err;
  EXPECT_EQ(lines(space.out), 3);
}

TEST(CliFit, MistakesAreNamed) {
  const Desk desk;
  write(desk.folder / "odd.csv", "cell,x_ms\n0-1-2-3-4-1,5\nnonsense,6\n");
  write(desk.folder / "words.csv", "cell,x_ms\n0-1-2-3-4-1,5\n1-1-2-3-4-1,slow\n");
  write(desk.folder / "few.csv", "cell,x_ms\n0-1-2-3-4-1,5\n1-1-2-3-4-1,-1\n");
  const std::string fit = kHwnas + " devices fit --space nasbench201 ";
  const struct {
    std::string command, says;
  } cases[] = {
      {kHwnas + " devices fit --csv mine.csv --target x_ms", "--space is missing"},
      {fit + "--target x_ms", "--csv is missing"},
      {fit + "--csv mine.csv", "--target is missing"},
      {fit + "--csv absent.csv --target x_ms", "absent.csv"},
      {fit + "--csv mine.csv --target mine_latency_m", "mine_latency_m"},
      {fit + "--csv mine.csv --target mien_latency_ms", "did you mean 'mine_latency_ms'"},
      {fit + "--csv mine.csv --target row", "say --unit"},
      {fit + "--csv mine.csv --target row --unit hours", "expected s, ms, us"},
      {fit + "--csv mine.csv --target mine_latency_ms --metric energy",
       "does not go with the unit ms"},
      {fit + "--csv mine.csv --target mine_latency_ms --metric speed",
       "expected latency or energy"},
      {fit + "--csv mine.csv --target mine_latency_ms --method magic", "expected auto"},
      {fit + "--csv mine.csv --target mine_latency_ms --method boosted_trees --name b",
       "leave out --out"},
      {fit + "--csv mine.csv --target mine_latency_ms --samples 216", "leaves no row to predict"},
      {fit + "--csv mine.csv --target mine_latency_ms --out a.toml --name b", "--name"},
      {fit + "--csv mine.csv --target mine_latency_ms --source-columns d0", "d0"},
      {fit + "--csv mine.csv --target mine_latency_ms --source-columns mine_latency_ms",
       "is the target itself"},
      {fit + "--csv mine.csv --target mine_latency_ms --architecture row", "no architecture"},
      {fit + "--csv mine.csv --target mine_latency_ms --out no/where.toml", "cannot be written"},
      {fit + "--csv mine.csv --target mine_latency_ms --samples 9 --prior stm32h743",
       "says nothing of"},
      {fit + "--csv odd.csv --target x_ms --architecture cell", "odd.csv:3"},
      {fit + "--csv odd.csv --target x_ms", "say which with --architecture"},
      {fit + "--csv words.csv --target x_ms", "expected a number"},
      {fit + "--csv few.csv --target x_ms", "at least 2 are needed"},
      {fit + "--csv mine.csv --target mine_energy_mJ --choose 2", "nothing is left to choose"},
  };
  for (const auto& c : cases) {
    const Result r = run(desk.folder.path(), c.command);
    EXPECT_EQ(r.code, 2) << c.command << r.out;
    EXPECT_THAT(r.err, HasSubstr(c.says)) << c.command;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
  }
}

// What ten measured rows of an unseen device teach, other devices known.
struct Unseen {
  const char *csv, *space, *target;
  std::size_t samples;
  bool sources;
  double least;
};
void PrintTo(const Unseen& unseen, std::ostream* out) {
  *out << unseen.target << ", " << unseen.samples << " rows";
}

class PublishedDevices : public ::testing::TestWithParam<Unseen> {};

TEST_P(PublishedDevices, AreLearnedFromFewRows) {
  const auto& [csv, space_name, target, samples, sources, least] = GetParam();
  HWNAS_NEEDS_SHARED(csv);
  const SearchSpace space = SearchSpace::load(find_file(LibraryShelf::spaces, space_name));
  MeasurementOptions options{shared_path(csv), target, "", "", "", {}, false};
  if (sources) options.sources = {"all"};
  const DeviceFit fit(space, read_measurements(options, space), FitMethod::gaussian_process, {});
  const FitResult result = fit.draw(samples, 4);
  double mean = 0, ridge = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    mean += result.method[i].spearman / 4;
    ridge += result.op_count_ridge[i].spearman / 4;
    EXPECT_LT(result.seconds[i], 1);
  }
  EXPECT_GE(mean, least);
  EXPECT_GE(mean, ridge - 0.01);
  RecordProperty("spearman", std::to_string(mean));
}

INSTANTIATE_TEST_SUITE_P(Shared, PublishedDevices,
                         ::testing::Values(Unseen{"nb201_cifar10_devices.csv.gz", "nasbench201",
                                                  "c10_raspi4_latency_ms", 10, true, 0.91},
                                           Unseen{"nb201_cifar10_devices.csv.gz", "nasbench201",
                                                  "c10_raspi4_latency_ms", 50, false, 0.93},
                                           Unseen{"nb201_cifar10_devices.csv.gz", "nasbench201",
                                                  "c10_edgegpu_energy_mJ", 20, true, 0.89},
                                           Unseen{"fbnet_cifar100_devices.csv.gz", "fbnet",
                                                  "pixel3_latency_ms", 10, true, 0.94},
                                           Unseen{"fbnet_cifar100_devices.csv.gz", "fbnet",
                                                  "2080ti_1_latency_ms", 10, true, 0.94}));

}  // namespace
}  // namespace hwnas::testing
