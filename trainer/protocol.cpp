#include "trainer/protocol.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "space/input_error.h"
#include "space/network_file.h"

namespace hwnas {
namespace {

// Ordered, so that the lines read as the reference lists them.
using Json = nlohmann::ordered_json;

// Reads a request key by key; a key that nobody asked for is an error in done().
class Reader {
 public:
  explicit Reader(const Json& object, std::string prefix = "")
      : object_(object), prefix_(std::move(prefix)) {}

  [[noreturn]] void fail(const std::string& key, std::string_view problem) const {
    const bool absent = !object_.contains(key);
    throw InputError("", 0, prefix_ + key,
                     absent ? "" : object_[key].dump(-1, ' ', true, Json::error_handler_t::replace),
                     problem);
  }

  const Json* find(const std::string& key) {
    asked_.insert(key);
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }

  const Json& need(const std::string& key) {
    const Json* value = find(key);
    if (value == nullptr) fail(key, "is missing");
    return *value;
  }

  std::string string(const std::string& key) {
    const Json& value = need(key);
    if (!value.is_string()) fail(key, "expected a string");
    return value.get<std::string>();
  }

  int integer(const std::string& key, int low, int high, std::optional<int> fallback = {}) {
    if (fallback && find(key) == nullptr) return *fallback;
    const Json& value = need(key);
    const double number = value.is_number_integer() ? value.get<double>() : std::nan("");
    if (!(number >= low && number <= high)) {
      fail(key,
           "expected a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    }
    return static_cast<int>(number);
  }

  double number(const std::string& key, double low, double high, double fallback) {
    const Json* value = find(key);
    if (value == nullptr) return fallback;
    const double number = value->is_number() ? value->get<double>() : std::nan("");
    if (!(number >= low && number <= high)) {
      fail(key, "expected a number from " + Json(low).dump() + " to " + Json(high).dump());
    }
    return number;
  }

  void done() const {
    const std::vector<std::string> known(asked_.begin(), asked_.end());
    for (const auto& [key, value] : object_.items()) {
      if (!asked_.contains(key)) fail(key, "unknown key" + suggestion(key, known));
    }
  }

  std::string string(const std::string& key, const std::string& fallback) {
    return find(key) == nullptr ? fallback : string(key);
  }

  bool boolean(const std::string& key, bool fallback) {
    const Json* value = find(key);
    if (value == nullptr) return fallback;
    if (!value->is_boolean()) fail(key, "expected true or false");
    return value->get<bool>();
  }

 private:
  const Json& object_;
  std::string prefix_;  // of the keys, in messages
  std::set<std::string> asked_;
};

std::uint64_t read_seed(Reader& reader) {
  const std::string text = reader.string("seed");  // JSON numbers are doubles to many readers
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    reader.fail("seed", "expected a whole number below 2^64, as a string");
  }
  return seed;
}

Augment read_augment(Reader& reader, const Shape& image) {
  Augment augment;
  const Json* names = reader.find("augment");
  if (names == nullptr) return augment;
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

Precision read_precision(Reader& reader) {
  if (reader.find("precision") == nullptr) return Precision::fp32;
  const std::string name = reader.string("precision");
  if (name == "bf16") return Precision::bf16;
  if (name != "fp32" && name != "auto") reader.fail("precision", "expected fp32, bf16 or auto");
  return Precision::fp32;
}

std::optional<Distillation> read_distillation(Reader& request) {
  const Json* object = request.find("distillation");
  if (object == nullptr) return std::nullopt;
  if (!object->is_object()) request.fail("distillation", "expected an object");
  Reader reader(*object, "distillation.");
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
void read_state(Reader& reader, TrainSettings& settings) {
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
  Reader reader(object);
  Request request;
  if (!reader.need("task").is_number_integer()) reader.fail("task", "expected a whole number");
  request.task = object["task"].get<std::int64_t>();
  TrainSettings& settings = request.settings;
  settings.seed = read_seed(reader);
  settings.epochs = reader.integer("epochs", 1, 100000);
  settings.batch = reader.integer("batch", 1, 1 << 20, settings.batch);
  settings.learning_rate = reader.number("learning_rate", 0, 1e9, settings.learning_rate);
  settings.warmup = reader.number("warmup", 0, 1, settings.warmup);
  settings.momentum = reader.number("momentum", 0, 1, settings.momentum);
  settings.weight_decay = reader.number("weight_decay", 0, 1, settings.weight_decay);
  settings.label_smoothing = reader.number("label_smoothing", 0, 1, settings.label_smoothing);
  settings.augment = read_augment(reader, image);
  settings.precision = read_precision(reader);
  settings.time_limit_s = reader.number("time_limit_s", 0, 1e9, settings.time_limit_s);
  settings.weights = reader.string("weights", "");
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

std::variant<Request, Refusal> parse_request(std::string_view line, const Shape& image) {
  const Json object = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded()) return Refusal{{}, "the line is not JSON"};
  if (!object.is_object()) return Refusal{{}, "the line is not a JSON object"};
  Refusal refusal;
  if (const auto task = object.find("task"); task != object.end() && task->is_number_integer()) {
    refusal.task = task->get<std::int64_t>();
  }
  try {
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
               {"threads", ready.threads}});
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
  return line(object);
}

std::string note_line(std::int64_t task, const std::string& text) {
  return line({{"event", "note"}, {"task", task}, {"text", text}});
}

std::string outcome_line(std::int64_t task, const TrainOutcome& outcome) {
  if (!outcome.failure.empty()) return refusal_line({task, outcome.failure});
  const TrainResult& result = outcome.result;
  Json object{{"event", "done"}, {"task", task}};
  if (!std::isnan(result.accuracy)) {
    object["accuracy"] = result.accuracy;
    object["stddev"] = result.stddev;
  }
  object["loss"] = result.loss;
  object["epochs"] = result.curve.size();
  object["parameters"] = result.parameters;
  object["images"] = result.images;
  object["seconds"] = result.seconds;
  if (result.test_accuracy) {
    object["test_accuracy"] = *result.test_accuracy;
    object["test_images"] = result.test_images;
  }
  object["curve"] = curve(result.curve);
  return line(object);
}

std::string refusal_line(const Refusal& refusal) {
  const Json task = refusal.task ? Json(*refusal.task) : Json(nullptr);
  return line({{"event", "failed"}, {"task", task}, {"reason", refusal.reason}});
}

}  // namespace hwnas
