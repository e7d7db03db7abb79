#include "trainer/protocol.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "space/input_error.h"
#include "space/network_file.h"
#include "trainer/cell_noise_json.h"
#include "trainer/json_reader.h"

namespace hwnas {
namespace {

// Ordered, so that the lines read as the reference lists them.
using Json = nlohmann::ordered_json;

std::uint64_t read_seed(JsonReader& reader) {
  const std::string text = reader.string("seed");  // JSON numbers are doubles to many readers
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    reader.fail("seed", "expected a whole number below 2^64, as a string");
  }
  return seed;
}

OptimiserKind read_optimiser(JsonReader& reader) {
  if (reader.find("optimiser") == nullptr) return OptimiserKind::sgd;
  const auto kind = parse_optimiser(reader.string("optimiser"));
  if (!kind) reader.fail("optimiser", "expected sgd or adamw");
  return *kind;
}

Augment read_augment(JsonReader& reader, const Shape& image) {
  Augment augment;
  const Json* names = reader.find("augment");
  if (names == nullptr) return augment;
  if (image.width == 1 && !names->empty()) reader.fail("augment", "a text has none");
  if (!names->is_array()) reader.fail("augment", "expected a list of \"flip\", \"crop\"");
  for (const Json& name : *names) {
    if (name == "flip") {
      augment.flip = true;
    } else if (name == "crop") {
      augment.crop_pad = image.height >= 32 ? 4 : 2;
    } else {
      reader.fail("augment", "expected a list of \"flip\", \"crop\"");
    }
  }
  return augment;
}

Precision read_precision(JsonReader& reader) {
  if (reader.find("precision") == nullptr) return Precision::fp32;
  const std::string name = reader.string("precision");
  if (name == "bf16") return Precision::bf16;
  if (name != "fp32" && name != "auto") reader.fail("precision", "expected fp32, bf16 or auto");
  return Precision::fp32;
}

// The network is deployed on analog cells.
void read_cells(JsonReader& reader, TrainSettings& settings) {
  const Json* cells = reader.find("cells");
  if (cells == nullptr) return;
  settings.cells = read_cell_noise(*cells);
  settings.noise_aware = cells->value("aware", settings.noise_aware);
  settings.noise_draws = cells->value("draws", settings.noise_draws);
  if (settings.noise_draws < 1 || settings.noise_draws > 100'000)
    reader.fail("cells", "draws: expected a whole number from 1 to 100000");
}

// {"kind":"proxies"}: zero-cost scores, all unless "scores" names some.
std::vector<std::string> read_scores(JsonReader& reader) {
  const std::vector<std::string>& known = zero_cost_names();
  const Json* names = reader.find("scores");
  if (names == nullptr) return known;
  std::vector<std::string> scores;
  if (!names->is_array() || names->empty()) reader.fail("scores", "expected a list of names");
  for (const Json& name : *names) {
    const std::string text = name.is_string() ? name.get<std::string>() : "";
    if (std::find(known.begin(), known.end(), text) == known.end())
      reader.fail("scores", name.dump() + " is not known here" + suggestion(text, known));
    scores.push_back(text);
  }
  return scores;
}

std::int64_t read_task(JsonReader& reader) {
  const Json& task = reader.need("task");
  if (!task.is_number_integer()) reader.fail("task", "expected a whole number");
  return task.get<std::int64_t>();
}

ExportRequest read_export(const Json& object) {
  JsonReader reader(object);
  ExportRequest request;
  request.task = read_task(reader);
  const Json& part = reader.need("export");
  if (!part.is_object()) reader.fail("export", "expected an object");
  JsonReader settings(part, "export.");
  request.settings.weights = settings.string("weights");
  request.settings.folder = settings.string("folder");
  request.settings.samples = settings.integer("samples", 0, 1 << 20, 0);
  request.settings.on_test = settings.boolean("test", false);
  request.settings.int8 = settings.boolean("int8", false);
  request.settings.calibration =
      settings.integer("calibration", 1, 1 << 20, request.settings.calibration);
  settings.done();
  const std::string network = reader.string("network");
  reader.done();
  request.network = parse_network(network, "network");
  return request;
}

ScoreRequest read_score_request(const Json& object) {
  JsonReader reader(object);
  reader.need("kind");
  ScoreRequest request;
  request.task = read_task(reader);
  request.seed = read_seed(reader);
  request.scores = read_scores(reader);
  const std::string network = reader.string("network");
  reader.done();
  request.network = parse_network(network, "network");
  return request;
}

std::optional<Distillation> read_distillation(JsonReader& request) {
  const Json* object = request.find("distillation");
  if (object == nullptr) return std::nullopt;
  if (!object->is_object()) request.fail("distillation", "expected an object");
  JsonReader reader(*object, "distillation.");
  Distillation distillation;
  const std::string network = reader.string("network");
  distillation.weights = reader.string("weights");
  distillation.logits = reader.string("logits", "");
  distillation.temperature = reader.number("temperature", 0.1, 1000, distillation.temperature);
  distillation.weight = reader.number("weight", 0, 1, distillation.weight);
  reader.done();
  distillation.teacher = parse_network(network, "distillation.network");
  return distillation;
}

// Files of state, and what they go with.
void read_state(JsonReader& reader, TrainSettings& settings) {
  settings.cooldown = reader.number("cooldown", 0, 1, settings.cooldown);
  settings.checkpoint = reader.string("checkpoint", "");
  settings.checkpoint_every_s =
      reader.number("checkpoint_every_s", 0, 1e9, settings.checkpoint_every_s);
  for (const auto& [key, path] : {std::pair{"keep_state", &settings.keep_state},
                                  std::pair{"continue_from", &settings.continue_from}}) {
    *path = reader.string(key, "");
    if (!path->empty() && settings.cooldown <= 0) reader.fail(key, "needs a cooldown above 0");
  }
}

Request read_request(const Json& object, const Shape& image) {
  JsonReader reader(object);
  if (const Json* kind = reader.find("kind"); kind != nullptr && *kind != "train")
    reader.fail("kind", "expected train or proxies");
  Request request;
  request.task = read_task(reader);
  TrainSettings& settings = request.settings;
  settings.seed = read_seed(reader);
  settings.epochs = reader.integer("epochs", 1, 100000);
  settings.batch = reader.integer("batch", 1, 1 << 20, settings.batch);
  settings.learning_rate = reader.number("learning_rate", 0, 1e9, settings.learning_rate);
  settings.warmup = reader.number("warmup", 0, 1, settings.warmup);
  settings.optimiser = read_optimiser(reader);
  settings.momentum = reader.number("momentum", 0, 1, settings.momentum);
  settings.weight_decay = reader.number("weight_decay", 0, 1, settings.weight_decay);
  settings.label_smoothing = reader.number("label_smoothing", 0, 1, settings.label_smoothing);
  settings.augment = read_augment(reader, image);
  settings.precision = read_precision(reader);
  settings.time_limit_s = reader.number("time_limit_s", 0, 1e9, settings.time_limit_s);
  settings.weights = reader.string("weights", "");
  settings.start_from = reader.string("start_from", "");
  const std::string how = reader.string("quantization", "post_training");
  if (how != "aware" && how != "post_training")
    reader.fail("quantization", "expected post_training or aware");
  settings.compression_aware = how == "aware";
  read_cells(reader, settings);
  read_state(reader, settings);
  settings.distillation = read_distillation(reader);
  request.test = reader.boolean("test", false);
  if (request.test && settings.weights.empty()) reader.fail("test", "needs 'weights'");
  const std::string network = reader.string("network");
  reader.done();
  request.network = parse_network(network, "network");
  return request;
}

// [[epoch, loss, accuracy or null], ...]
Json curve(const std::vector<EpochReport>& epochs) {
  Json rows = Json::array();
  for (const EpochReport& e : epochs) rows.push_back({e.epoch, e.loss, e.accuracy});  // NaN: null
  return rows;
}

std::string line(const Json& object) {
  return object.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace

AnyRequest parse_request(std::string_view line, const Shape& image) {
  const Json object = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded()) return Refusal{{}, "the line is not JSON"};
  if (!object.is_object()) return Refusal{{}, "the line is not a JSON object"};
  Refusal refusal;
  if (const auto task = object.find("task"); task != object.end() && task->is_number_integer()) {
    refusal.task = task->get<std::int64_t>();
  }
  try {
    if (object.contains("export")) return read_export(object);
    if (object.value("kind", Json()) == "proxies") return read_score_request(object);
    return read_request(object, image);
  } catch (const std::exception& error) {
    refusal.reason = error.what();
  }
  return refusal;
}

std::string ready_line(const Ready& ready) {
  const auto [channels, height, width] = ready.input;
  return line({{"event", "ready"},
               {"protocol", kProtocolVersion},
               {"data_set", ready.data_set},
               {"input", {channels, height, width}},
               {"classes", ready.classes},
               {"train_images", ready.train_images},
               {"validation_images", ready.validation_images},
               {"torch", ready.torch},
               {"device", ready.device},
               {"threads", ready.threads},
               {"host", ready.host},
               {"processor", ready.processor}});
}

std::string alive_line(std::int64_t task) {
  return line({{"event", "alive"}, {"task", task}});
}

std::string epoch_line(std::int64_t task, const EpochReport& report) {
  Json object{{"event", "epoch"},
              {"task", task},
              {"epoch", report.epoch},
              {"epochs", report.epochs},
              {"loss", report.loss}};
  if (!std::isnan(report.accuracy)) object["accuracy"] = report.accuracy;
  object["images_per_s"] = report.images_per_s;
  object["seconds"] = report.seconds;
  if (report.perplexity) object["perplexity"] = report.perplexity->value;
  return line(object);
}

std::string note_line(std::int64_t task, const std::string& text) {
  return line({{"event", "note"}, {"task", task}, {"text", text}});
}

std::string outcome_line(std::int64_t task, const TrainOutcome& outcome) {
  if (!outcome.failure.empty()) return refusal_line({task, outcome.failure});
  const TrainResult& result = outcome.result;
  Json done{{"event", "done"}, {"task", task}};
  if (!std::isnan(result.accuracy)) {
    done["accuracy"] = result.accuracy;
    done["stddev"] = result.stddev;
  }
  done["loss"] = result.loss;
  done["epochs"] = result.curve.size();
  done["parameters"] = result.parameters;
  done["images"] = result.images;
  done["seconds"] = result.seconds;
  for (const NoisyAccuracy& time : result.on_cells) {
    done["on_cells"].push_back(
        {{"seconds", time.seconds}, {"mean", time.mean}, {"stddev", time.stddev}});
  }
  if (!result.on_cells.empty()) done["without_noise"] = result.without_noise;
  if (result.perplexity) {
    done["perplexity"] = result.perplexity->value;
    done["perplexity_stddev"] = result.perplexity->stddev;
  }
  if (result.test) {
    done["test_accuracy"] = result.test->accuracy.value;
    done["test_images"] = result.test_images;
    if (result.test->perplexity) {
      done["test_perplexity"] = result.test->perplexity->value;
      done["test_perplexity_stddev"] = result.test->perplexity->stddev;
    }
  }
  done["curve"] = curve(result.curve);
  return line(done);
}

std::string scores_line(std::int64_t task, const ScoreOutcome& outcome) {
  if (!outcome.failure.empty()) return refusal_line({task, outcome.failure});
  Json scores = Json::object();
  for (const ZeroCostScore& score : outcome.scores)  // JSON has no NaN: null
    scores[score.name] = {{"value", score.value}, {"seconds", score.seconds}};
  return line({{"event", "done"}, {"task", task}, {"scores", scores}});
}

std::string export_line(std::int64_t task, const ExportOutcome& outcome) {
  if (!outcome.failure.empty()) return refusal_line({task, outcome.failure});
  const auto [channels, height, width] = outcome.image;
  Json words{{"event", "exported"},
             {"task", task},
             {"image", {channels, height, width}},
             {"mean", outcome.normalisation.mean},
             {"stddev", outcome.normalisation.stddev},
             {"accuracy", outcome.accuracy}};
  if (outcome.int8_accuracy) words["int8_accuracy"] = *outcome.int8_accuracy;
  return line(words);
}

std::string refusal_line(const Refusal& refusal) {
  const Json task = refusal.task ? Json(*refusal.task) : Json(nullptr);
  return line({{"event", "failed"}, {"task", task}, {"reason", refusal.reason}});
}

}  // namespace hwnas
