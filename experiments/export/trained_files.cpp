#include "experiments/export/trained_files.h"

#include <nlohmann/json.hpp>

#include "experiments/adapters/trainer_evaluator.h"
#include "search/engine/process_pool.h"
#include "space/input_error.h"
#include "space/network_file.h"

namespace hwnas {

using nlohmann::json;

std::optional<TrainedFiles> write_trained_files(const RunConfig& config,
                                                const TrainedRequest& wanted,
                                                std::stop_token stop) {
  // Images are normalised by those that the network was trained on.
  const bool all = wanted.final && !wanted.final->validation;
  ProcessPool pool(trainer_pool(config, wanted.final ? 0 : config.data->train_images,
                                all ? 0 : config.data->validation_share));
  const TrainerGreeting greeting = greeting_of(pool);
  json request{{"task", 0},
               {"network", to_toml(wanted.network)},
               {"export",
                {{"weights", std::filesystem::absolute(wanted.weights).string()},
                 {"folder", std::filesystem::absolute(wanted.folder).string()},
                 {"test", wanted.final.has_value()},
                 {"samples", wanted.samples}}}};
  if (wanted.int8) {
    request["export"]["int8"] = true;
    request["export"]["calibration"] = *wanted.int8;
  }
  const std::string task = request.dump();
  TaskResult result;
  pool.run(
      {&task, 1}, [](std::size_t, const std::string& line) { return !is_pulse(line); },
      [&result](std::size_t, TaskResult ended) { result = std::move(ended); }, stop, stop);
  if (result.interrupted) return std::nullopt;
  if (!result.failure.empty()) throw InputError("the trainer " + result.failure);
  const json answer = json::parse(result.line, nullptr, false);
  if (!answer.is_object() || answer.value("event", "") != "exported") {
    throw InputError(answer.is_object()
                         ? answer.value("reason", "the trainer failed")
                         : "the trainer wrote what is not JSON: " + result.line.substr(0, 80));
  }
  TrainedFiles files;
  const auto image = answer.at("image").get<std::vector<int>>();
  files.image = {image.at(0), image.at(1), image.at(2)};
  answer.at("mean").get_to(files.mean);
  answer.at("stddev").get_to(files.stddev);
  answer.at("accuracy").get_to(files.accuracy);
  if (answer.contains("int8_accuracy")) files.int8_accuracy = answer["int8_accuracy"].get<double>();
  files.images = wanted.final ? wanted.final->test_images : greeting.validation_images;
  files.torch = greeting.torch;
  return files;
}

}  // namespace hwnas
