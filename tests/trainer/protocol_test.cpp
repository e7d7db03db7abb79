#include "trainer/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "space/network_builder.h"
#include "space/network_file.h"

namespace hwnas::testing {
namespace {

using Json = nlohmann::json;
constexpr Shape kImage{1, 28, 28};

Network net() {
  NetworkBuilder b("net", {1, 28, 28});
  b.linear(b.global_avg_pool(b.conv(0, {.channels = 4, .kernel = 3})), 10);
  return std::move(b).build();
}

Json request() {
  return {
      {"task", 12}, {"seed", "18446744073709551615"}, {"network", to_toml(net())}, {"epochs", 2}};
}

Request accepted(const Json& line) {
  return std::get<Request>(parse_request(line.dump(), kImage));
}
Refusal refused(const std::string& line) {
  return std::get<Refusal>(parse_request(line, kImage));
}

TEST(Protocol, ReadsTheLeastRequest) {
  const Request r = accepted(request());
  EXPECT_EQ(r.task, 12);
  EXPECT_EQ(r.settings.seed, 18446744073709551615u);
  EXPECT_EQ(r.settings.epochs, 2);
  EXPECT_EQ(r.settings.batch, TrainSettings().batch);
  EXPECT_EQ(r.settings.augment, Augment());
  EXPECT_EQ(fingerprint(r.network), fingerprint(net()));
}

TEST(Protocol, ReadsEveryKey) {
  Json line = request();
  line.update({{"batch", 64},
               {"learning_rate", 0.2},
               {"warmup", 0.5},
               {"optimiser", "adamw"},
               {"momentum", 0.8},
               {"weight_decay", 1e-3},
               {"label_smoothing", 0.2},
               {"augment", {"flip", "crop"}},
               {"precision", "bf16"},
               {"time_limit_s", 60},
               {"weights", "a/b.pt"},
               {"test", true},
               {"cooldown", 0.25},
               {"checkpoint", "c"},
               {"checkpoint_every_s", 3},
               {"keep_state", "k"},
               {"continue_from", "f"},
               {"distillation",
                {{"network", to_toml(net())},
                 {"weights", "t.pt"},
                 {"logits", "l"},
                 {"temperature", 2},
                 {"weight", 0.75}}}});
  EXPECT_TRUE(accepted(line).test);
  const TrainSettings s = accepted(line).settings;
  EXPECT_EQ(s.batch, 64);
  EXPECT_EQ(s.learning_rate, 0.2);
  EXPECT_EQ(s.warmup, 0.5);
  EXPECT_EQ(s.optimiser, OptimiserKind::adamw);
  EXPECT_EQ(s.momentum, 0.8);
  EXPECT_EQ(s.weight_decay, 1e-3);
  EXPECT_EQ(s.label_smoothing, 0.2);
  EXPECT_EQ(s.augment, (Augment{true, 2}));
  EXPECT_EQ(s.precision, Precision::bf16);
  EXPECT_EQ(s.time_limit_s, 60);
  EXPECT_EQ(s.weights, "a/b.pt");
  EXPECT_EQ(s.cooldown, 0.25);
  EXPECT_EQ(s.checkpoint, "c");
  EXPECT_EQ(s.checkpoint_every_s, 3);
  EXPECT_EQ(s.keep_state, "k");
  EXPECT_EQ(s.continue_from, "f");
  EXPECT_EQ(s.distillation->weights, "t.pt");
  EXPECT_EQ(s.distillation->logits, "l");
  EXPECT_EQ(s.distillation->temperature, 2);
  EXPECT_EQ(s.distillation->weight, 0.75);
  EXPECT_EQ(fingerprint(s.distillation->teacher), fingerprint(net()));
  EXPECT_EQ(std::get<Request>(parse_request(line.dump(), {3, 32, 32})).settings.augment.crop_pad,
            4);
  line["precision"] = "auto";
  EXPECT_EQ(accepted(line).settings.precision, Precision::fp32);
}

TEST(Protocol, RefusesWithTaskKeyAndReason) {
  EXPECT_EQ(refused("garbage").reason, "the line is not JSON");
  EXPECT_EQ(refused("[1]").reason, "the line is not a JSON object");
  EXPECT_EQ(refused("[1]").task, std::nullopt);
  EXPECT_EQ(refused("{\"task\": 3}").task, 3);
  EXPECT_EQ(refused("{\"task\": 3}").reason, "seed: is missing");
  const auto with = [](const char* key, const Json& value) {
    Json line = request();
    line[key] = value;
    return refused(line.dump()).reason;
  };
  EXPECT_EQ(with("task", "x"), "task = \"x\": expected a whole number");
  EXPECT_EQ(with("seed", 5), "seed = 5: expected a string");
  EXPECT_EQ(with("seed", "-5"), "seed = \"-5\": expected a whole number below 2^64, as a string");
  EXPECT_EQ(with("seed", "18446744073709551616"),
            "seed = \"18446744073709551616\": expected a whole number below 2^64, as a string");
  EXPECT_EQ(with("epochs", 0), "epochs = 0: expected a whole number from 1 to 100000");
  EXPECT_EQ(with("epochs", 1.5), "epochs = 1.5: expected a whole number from 1 to 100000");
  EXPECT_EQ(with("batch", "8"), "batch = \"8\": expected a whole number from 1 to 1048576");
  EXPECT_EQ(with("momentum", 1.1), "momentum = 1.1: expected a number from 0.0 to 1.0");
  EXPECT_EQ(with("augment", {"rotate"}),
            "augment = [\"rotate\"]: expected a list of \"flip\", \"crop\"");
  EXPECT_EQ(with("optimiser", "adam"), "optimiser = \"adam\": expected sgd or adamw");
  Json text = request();
  text["augment"] = {"flip"};
  EXPECT_EQ(std::get<Refusal>(parse_request(text.dump(), {1, 128, 1})).reason,
            "augment = [\"flip\"]: a text has none");
  EXPECT_EQ(with("precision", "int8"), "precision = \"int8\": expected fp32, bf16 or auto");
  EXPECT_EQ(with("learning_rte", 1),
            "learning_rte = 1: unknown key; did you mean 'learning_rate'?");
  EXPECT_THAT(with("network", "nonsense ["), ::testing::StartsWith("network:1: "));
  EXPECT_EQ(with("test", 1), "test = 1: expected true or false");
  EXPECT_EQ(with("test", true), "test = true: needs 'weights'");
  EXPECT_EQ(with("keep_state", "k"), "keep_state = \"k\": needs a cooldown above 0");
  EXPECT_EQ(with("continue_from", "k"), "continue_from = \"k\": needs a cooldown above 0");
  EXPECT_EQ(with("distillation", 1), "distillation = 1: expected an object");
  EXPECT_EQ(with("distillation", {{"network", to_toml(net())}}),
            "distillation.weights: is missing");
  EXPECT_EQ(
      with("distillation", {{"network", to_toml(net())}, {"weights", "t.pt"}, {"temperature", 0}}),
      "distillation.temperature = 0: expected a number from 0.1 to 1000.0");
  EXPECT_EQ(with("distillation", {{"network", to_toml(net())}, {"weights", "t"}, {"weigth", 1}}),
            "distillation.weigth = 1: unknown key; did you mean 'weight'?");
}

TEST(Protocol, ReadsRequestsForScores) {
  Json line{{"task", 1}, {"seed", "7"}, {"kind", "proxies"}, {"network", to_toml(net())}};
  EXPECT_EQ(std::get<ScoreRequest>(parse_request(line.dump(), kImage)).scores, zero_cost_names());
  EXPECT_EQ(std::get<ScoreRequest>(parse_request(line.dump(), kImage)).seed, 7u);
  line["scores"] = {"nwot", "jacov"};
  EXPECT_EQ(std::get<ScoreRequest>(parse_request(line.dump(), kImage)).scores,
            (std::vector<std::string>{"nwot", "jacov"}));
  line["scores"] = {"nwto"};
  EXPECT_EQ(refused(line.dump()).reason,
            "scores = [\"nwto\"]: \"nwto\" is not known here; did you mean 'nwot'?");
  line["scores"] = "nwot";
  EXPECT_EQ(refused(line.dump()).reason, "scores = \"nwot\": expected a list of names");
  line.erase("scores");
  line["epochs"] = 2;
  EXPECT_THAT(refused(line.dump()).reason, ::testing::StartsWith("epochs = 2: unknown key"));
  line["kind"] = "score";
  EXPECT_EQ(refused(line.dump()).reason, "kind = \"score\": expected train or proxies");
}

TEST(Protocol, WritesScores) {
  EXPECT_EQ(
      scores_line(3, {{{"nwot", 2.5, 0.25}, {"jacov", std::nan(""), 0.5}}, ""}),
      R"({"event":"done","task":3,"scores":{"nwot":{"value":2.5,"seconds":0.25},"jacov":{"value":null,"seconds":0.5}}})");
  EXPECT_EQ(scores_line(3, {{}, "out of memory"}),
            R"({"event":"failed","task":3,"reason":"out of memory"})");
}

TEST(Protocol, WritesWhatTheReadmeSays) {
  EXPECT_EQ(
      ready_line(
          {"fashion_mnist", {1, 28, 28}, 10, 54000, 6000, "1.13.1", "cpu", 1, "node7", "Xeon"}),
      R"({"event":"ready","protocol":1,"data_set":"fashion_mnist","input":[1,28,28],"classes":10,)"
      R"("train_images":54000,"validation_images":6000,"torch":"1.13.1","device":"cpu","threads":1,"host":"node7","processor":"Xeon"})");
  EXPECT_EQ(
      epoch_line(12, {1, 2, 0.5, 0.875, 9000, 5.25}),
      R"({"event":"epoch","task":12,"epoch":1,"epochs":2,"loss":0.5,"accuracy":0.875,"images_per_s":9000.0,"seconds":5.25})");
  TrainOutcome outcome;
  outcome.result.accuracy = 0.5;
  outcome.result.stddev = 0.25;
  outcome.result.loss = 1.5;
  outcome.result.curve = {{1, 2, 2.5, 0.25, 9000, 1}, {2, 2, 1.5, std::nan(""), 9000, 1}};
  outcome.result.parameters = 50;
  outcome.result.images = 100;
  outcome.result.seconds = 2;
  EXPECT_EQ(
      outcome_line(12, outcome),
      R"({"event":"done","task":12,"accuracy":0.5,"stddev":0.25,"loss":1.5,"epochs":2,"parameters":50,"images":100,"seconds":2.0,"curve":[[1,2.5,0.25],[2,1.5,null]]})");
  outcome.result.perplexity = {4.5, 0.5};
  EXPECT_THAT(outcome_line(12, outcome),
              ::testing::HasSubstr(R"("seconds":2.0,"perplexity":4.5,"perplexity_stddev":0.5,)"));
  outcome.result.perplexity.reset();
  outcome.result.accuracy = std::nan("");
  outcome.result.test = Score{{0.75, 0.125}, {}};
  outcome.result.test_images = 40;
  outcome.result.curve.clear();
  EXPECT_EQ(
      outcome_line(12, outcome),
      R"({"event":"done","task":12,"loss":1.5,"epochs":0,"parameters":50,"images":100,"seconds":2.0,"test_accuracy":0.75,"test_images":40,"curve":[]})");
  EXPECT_EQ(note_line(12, "continues"), R"({"event":"note","task":12,"text":"continues"})");
  EXPECT_EQ(
      epoch_line(12, {1, 2, 0.5, std::nan(""), 9000, 5.25}),
      R"({"event":"epoch","task":12,"epoch":1,"epochs":2,"loss":0.5,"images_per_s":9000.0,"seconds":5.25})");
  EXPECT_THAT(epoch_line(12, {1, 2, 0.5, 0.875, 9000, 5.25, Estimated{4.5, 0.5}}),
              ::testing::EndsWith(R"("seconds":5.25,"perplexity":4.5})"));
  outcome.failure = "out of memory";
  EXPECT_EQ(outcome_line(12, outcome), R"({"event":"failed","task":12,"reason":"out of memory"})");
  EXPECT_EQ(refusal_line({{}, "bad \xff byte"}),
            R"({"event":"failed","task":null,"reason":"bad \ufffd byte"})");
}

}  // namespace
}  // namespace hwnas::testing
