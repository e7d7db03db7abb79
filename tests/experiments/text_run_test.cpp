// Language models searched for real: a small text, a small space, through the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/run_config.h"
#include "search/store/study.h"
#include "space/input_error.h"
#include "tests/experiments/program.h"

namespace hwnas::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;

const std::string kSpace = R"(
name = "small_gpt"
[choices]
bits = [8, 32]
[input]
channels = 1
height = 16
width = 1
classes = 20
[precision]
weight_bits = "$bits"
activation_bits = "$bits"
[[stages]]
name = "embed"
block = "embedding"
channels = [8, 16]
positions = 16
[[stages]]
name = "body"
block = "transformer"
depth = [1, 2]
heads = {each = [1, 2]}
expansion = {each = [1, 2]}
causal = true
[[stages]]
name = "head"
block = "token_classifier"
)";

const std::string kData = "[data]\nset = 'text'\npath = 'text.txt'\ncontext = 16\n";

std::string config(const std::string& extra = "") {
  return "name = 'words'\nspace = './space.toml'\ndevices = ['raspberry_pi_4']\n" + kData + R"(
[training]
batch = 8
[search]
batch = 4
initial_design = 4
[budget]
trials = 8
[[objectives]]
metric = "perplexity"
reference = 12
[[objectives]]
metric = "latency@raspberry_pi_4"
[[bounds]]
metric = "storage@raspberry_pi_4"
at_most = "1 MiB"
)" + extra;
}

// A folder with a text of twelve different bytes, the space and a config.
struct Words {
  Folder folder;
  explicit Words(const std::string& extra = "") {
    Rng rng(1);
    std::string text;
    const char* words[] = {"an ", "ant ", "eats ", "no ", "tea ", "so ", "it ", "rests "};
    while (text.size() < 8000) text += words[rng.below(8)];
    text.resize(8000);
    write(folder / "text.txt", text);
    write(folder / "space.toml", kSpace);
    write(folder / "run.toml", config(extra));
  }
  Result hwnas(const std::string& arguments) const {
    return run(folder.path(), kHwnas + " " + arguments);
  }
};

std::string message(const std::string& text, const std::string& file = "run.toml") {
  try {
    RunConfig::parse(text, file);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(TextRun, SearchesEndsInAFrontAndContinues) {
  Words t;
  const Result whole = t.hwnas("search run.toml --workers 1");
  ASSERT_EQ(whole.code, 0) << whole.err;
  // 7200 bytes to search on, 16 each: 449 sequences, of which a tenth validates.
  EXPECT_THAT(whole.err, HasSubstr("training on 404 sequences, validating on 45"));
  EXPECT_THAT(whole.out, AllOf(HasSubstr("perplexity"), HasSubstr("latency@raspberry_pi_4"),
                               HasSubstr("trained (perplexity)"), HasSubstr(" \u00b1 "),
                               HasSubstr("perplexity 1.00 to 12.0")));
  // The same in two parts.
  ASSERT_EQ(t.hwnas("search run.toml --workers 1 --study two.db --trials 4").code, 0);
  ASSERT_EQ(t.hwnas("search run.toml --workers 1 --study two.db").code, 0);
  EXPECT_EQ(Study::open_readonly(t.folder / "two.db").dump(),
            Study::open_readonly(t.folder / "words.db").dump());
  const Study study = Study::open_readonly(t.folder / "words.db");
  for (const Trial& trial : study.trials()) {
    if (trial.state != TrialState::complete) continue;
    const Measurement* perplexity = find(trial, {Metric::perplexity, ""});
    ASSERT_NE(perplexity, nullptr);
    EXPECT_EQ(perplexity->source, Source::trained);
    EXPECT_EQ(perplexity->fidelity, 1);  // epochs
    EXPECT_GT(perplexity->value, 1.5);
    EXPECT_LT(perplexity->value, 12);
    EXPECT_GT(*perplexity->stddev, 0);
    EXPECT_GT(find(trial, {Metric::accuracy, ""})->value, 1.0 / 12);
  }
  const std::string best = std::to_string(study.front().front().id);
  EXPECT_EQ(t.hwnas("pareto words.db").out, whole.out);
  EXPECT_THAT(t.hwnas("pareto words.db --json").out, HasSubstr("\"perplexity\""));
  EXPECT_THAT(t.hwnas("show words.db " + best).out,
              AllOf(HasSubstr("perplexity"), HasSubstr("embed.channels")));
  EXPECT_EQ(t.hwnas("estimate words.db:" + best + " --device jetson_agx_orin").code, 0);
  EXPECT_EQ(t.hwnas("rescore words.db --device jetson_agx_orin").code, 0);
}

TEST(TextRun, RungsRankByTheLossWhileTraining) {
  Words t("[rungs]\nkeep = 0.5\n[[rungs.stages]]\ndata_share = 0.25\n");
  const Result r = t.hwnas("search run.toml --workers 1");
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.err, HasSubstr("'training 1 epoch on 101 sequences'"));
}

TEST(TextRun, ATextHasItsOwnDefaults) {
  Words t;
  const RunConfig c = RunConfig::load(t.folder / "run.toml");
  EXPECT_TRUE(c.data->is_text());
  EXPECT_EQ(c.data->context, 16);
  EXPECT_EQ(c.training->optimiser, "adamw");
  EXPECT_EQ(task_of(*c.data).input, (Shape{1, 16, 1}));
  EXPECT_THAT(deciding_settings(c), AllOf(HasSubstr("data.text = text.txt\ndata.context = 16\n"),
                                          HasSubstr("training.optimiser = adamw\n")));
}

TEST(TextRun, Mistakes) {
  Words t;
  const std::string file = (t.folder / "run.toml").string();
  const auto problem = [&](const std::string& from, const std::string& to) {
    std::string text = config();
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return message(text.replace(at, from.size(), to), file);
  };
  EXPECT_THAT(problem("text.txt", "no.txt"),
              AllOf(HasSubstr("data.path = 'no.txt': no such file or folder: "),
                    EndsWith("no.txt; expected a text file, plain or .gz, or a folder of them")));
  EXPECT_THAT(problem("context = 16", "context = 1"), HasSubstr("data.context = 1"));
  EXPECT_THAT(problem("context = 16", "train_images = 5"),
              HasSubstr("data.train_images = 5: unknown key"));
  EXPECT_THAT(problem("batch = 8", "augment = ['flip']"),
              EndsWith("images are augmented; a text is not"));
  EXPECT_THAT(problem("batch = 8", "optimiser = 'adam'"),
              EndsWith("not known here; did you mean 'adamw'?"));
  EXPECT_THAT(problem("batch = 8", "noise = {device = 'raspberry_pi_4'}"),
              EndsWith("analog cells hold weights, attention has none; leave it out"));
  EXPECT_THAT(problem("reference = 12", "reference = 1"),
              EndsWith("nothing is better than this; a perplexity is above 1"));
  EXPECT_THAT(problem("reference = 12", "at_most = 1"),
              EndsWith("nothing can meet this; a perplexity is above 1"));
  EXPECT_THAT(problem("metric = \"perplexity\"", "metric = \"perplexity@raspberry_pi_4\""),
              HasSubstr("is the same on every device"));
  write_idx(t.folder.path(), 20, 10);
  EXPECT_THAT(problem(kData, "[data]\nset = 'mnist'\ndirectory = '.'\n"),
              EndsWith("images have no perplexity; a text has: set = \"text\" in [data]"));
  const std::string no_data = config().erase(config().find(kData), kData.size());
  EXPECT_THAT(message(no_data, file), HasSubstr("is of no use without [data]"));
}

}  // namespace
}  // namespace hwnas::testing
