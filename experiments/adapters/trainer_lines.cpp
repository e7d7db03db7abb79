#include "experiments/adapters/trainer_lines.h"

#include <nlohmann/json.hpp>

#include "experiments/adapters/cell_noise.h"
#include "experiments/library.h"
#include "space/input_error.h"
#include "space/network_file.h"

namespace hwnas {
namespace {

using nlohmann::json;

}  // namespace

ProcessPoolOptions trainer_pool(const RunConfig& config, std::int64_t train_images,
                                std::optional<double> validation_share) {
  std::vector<std::string> command = config.workers.command;
  if (command.empty()) command.push_back(companion_program("hwnas-trainer"));
  const auto option = [&command](const char* name, const std::string& value) {
    command.emplace_back(name);
    command.push_back(value);
  };
  option("--data-set", config.data ? config.data->set : "noise");
  if (config.data) {
    // Wherever it is started.
    option("--data", std::filesystem::absolute(config.data->directory).string());
    if (config.data->is_text()) option("--context", std::to_string(config.data->context));
    option("--validation-share",
           std::to_string(validation_share.value_or(config.data->validation_share)));
  }
  if (train_images > 0) option("--train-images", std::to_string(train_images));
  option("--split-seed", std::to_string(config.seed));
  option("--threads", std::to_string(config.workers.threads));
  option("--device", config.workers.device);
  if (!config.workers.memory_limit.empty()) option("--memory-limit", config.workers.memory_limit);
  return launch_options(config.workers, std::move(command));
}

TrainerGreeting parse_greeting(const std::string& line) {
  const json words = json::parse(line, nullptr, false);
  if (!words.is_object() || words.value("event", "") != "ready" ||
      words.value("protocol", 0) != 1) {
    throw InputError(
        "the trainer does not greet as expected; is workers.command hwnas-trainer? It said: " +
        line);
  }
  TrainerGreeting greeting;
  const auto shape = words.at("input").get<std::vector<int>>();
  greeting.task = {{shape.at(0), shape.at(1), shape.at(2)}, words.at("classes").get<int>()};
  greeting.train_images = words.at("train_images").get<std::int64_t>();
  greeting.validation_images = words.at("validation_images").get<std::int64_t>();
  greeting.torch = words.value("torch", "");
  greeting.device = words.value("device", "");
  greeting.threads = words.value("threads", 1);
  greeting.host = words.value("host", "");
  greeting.processor = words.value("processor", "unknown processor");
  return greeting;
}

bool is_pulse(const std::string& line) {
  const json words = json::parse(line, nullptr, false);
  return words.is_object() && words.contains("event") && words["event"] == "alive";
}

std::string environment_text(const TrainerGreeting& greeting) {
  return "LibTorch " + greeting.torch + ", " + greeting.device + ", " +
         std::to_string(greeting.threads) + (greeting.threads == 1 ? " thread, " : " threads, ") +
         greeting.processor;
}

json training_request(const Job& job, const TrainingConfig& training, const TrainingFiles& files,
                      const std::optional<Device>& cells) {
  json line{{"task", job.trial},
            {"seed", std::to_string(job.seed)},
            {"network", to_toml(job.candidate->network)},
            {"epochs", training.epochs},
            {"batch", training.batch},
            {"learning_rate", training.learning_rate},
            {"warmup", training.warmup},
            {"optimiser", training.optimiser},
            {"momentum", training.momentum},
            {"weight_decay", training.weight_decay},
            {"label_smoothing", training.label_smoothing},
            {"augment", training.augment},
            {"precision", training.precision},
            {"quantization", training.quantization}};
  if (cells) line["cells"] = cells_json(*training.noise, *cells, job.candidate->network);
  if (training.cooldown > 0) line["cooldown"] = training.cooldown;
  if (training.time_limit_s > 0) line["time_limit_s"] = training.time_limit_s;
  const auto file = [&line](const char* key, const std::filesystem::path& path) {
    if (!path.empty()) line[key] = path.string();
  };
  file("weights", files.weights);
  file("checkpoint", files.checkpoint);
  file("keep_state", files.keep_state);
  file("continue_from", files.continue_from);
  if (training.start)
    file("start_from", training.start->parents() ? files.parent : training.start->from.weights);
  if (const auto& d = training.distillation) {
    line["distillation"] = {{"network", d->teacher.network},
                            {"weights", d->teacher.weights.string()},
                            {"temperature", d->temperature},
                            {"weight", d->weight}};
    if (!files.logits.empty()) line["distillation"]["logits"] = files.logits.string();
  }
  return line;
}

std::vector<CurvePoint> curve_of(const json& done) {
  std::vector<CurvePoint> curve;
  if (!done.contains("curve")) return curve;
  for (const json& row : done.at("curve")) {
    CurvePoint point{row.at(0).get<int>(), row.at(1).get<double>(), std::nullopt};
    if (!row.at(2).is_null()) point.accuracy = row.at(2).get<double>();
    curve.push_back(point);
  }
  return curve;
}

}  // namespace hwnas
