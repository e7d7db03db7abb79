#include "experiments/final/final_training.h"

#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "experiments/adapters/trainer_evaluator.h"
#include "search/engine/process_pool.h"
#include "space/input_error.h"
#include "space/network_file.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

InputError error_at(const fs::path& path, const std::string& problem) {
  return InputError(path.string(), 0, "", "", problem);
}

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Whole or not at all.
void write_file(const fs::path& path, const std::string& text) {
  const fs::path temporary = path.string() + ".tmp";
  std::ofstream file(temporary, std::ios::binary);
  file << text;
  file.close();
  std::error_code error;
  if (file) fs::rename(temporary, path, error);
  if (!file || error) throw error_at(path, "cannot be written");
}

// "training.epochs = 20, not training.epochs = 30": the first line that differs.
std::string difference(const std::string& stored, const std::string& asked) {
  std::istringstream a(stored), b(asked);
  std::string x, y;
  while (true) {
    const bool more_a = static_cast<bool>(std::getline(a, x));
    const bool more_b = static_cast<bool>(std::getline(b, y));
    if (!more_a && !more_b) return "";
    if (!more_a) return "no '" + y + "'";
    if (!more_b) return "'" + x + "'";
    if (x != y) return "'" + x + "', not '" + y + "'";
  }
}

// The folder made ready for this training.
void claim(const FinalPlan& plan, const std::string& settings) {
  std::error_code error;
  fs::create_directories(plan.folder, error);
  if (error) throw error_at(plan.folder, "cannot be created: " + error.message());
  const fs::path file = plan.folder / "settings.txt";
  if (fs::exists(file)) {
    const std::string other = difference(contents(file), settings);
    if (!other.empty())
      throw error_at(plan.folder, "holds another training: " + other + "; choose another folder");
    return;
  }
  write_file(plan.folder / "network.toml", to_toml(plan.network));
  write_file(file, settings);
}

json to_json(const FinalTraining& f) {
  json j{{"settings", f.settings},
         {"seed", std::to_string(f.seed)},
         {"epochs", f.epochs},
         {"images", f.images},
         {"loss", f.loss},
         {"test_accuracy", f.test_accuracy},
         {"test_images", f.test_images},
         {"environment", f.environment},
         {"seconds", f.seconds}};
  if (f.validation) j["validation_accuracy"] = *f.validation;
  if (f.validation_perplexity) j["validation_perplexity"] = *f.validation_perplexity;
  if (f.test_perplexity) {
    j["test_perplexity"] = *f.test_perplexity;
    j["test_perplexity_stddev"] = f.test_perplexity_stddev;
  }
  return j;
}

void read_perplexity(const json& words, FinalTraining& f) {
  if (!words.contains("test_perplexity")) return;
  f.test_perplexity = words.at("test_perplexity").get<double>();
  f.test_perplexity_stddev = words.value("test_perplexity_stddev", 0.0);
}

std::optional<FinalTraining> read_result(const FinalPlan& plan, const std::string& settings) {
  const fs::path path = plan.folder / "result.json";
  if (!fs::exists(path)) return std::nullopt;
  try {
    const json j = json::parse(contents(path));
    FinalTraining f;
    f.settings = settings;
    f.seed = plan.seed;
    f.epochs = j.at("epochs").get<int>();
    f.images = j.at("images").get<std::int64_t>();
    f.loss = j.at("loss").get<double>();
    f.test_accuracy = j.at("test_accuracy").get<double>();
    f.test_images = j.at("test_images").get<std::int64_t>();
    read_perplexity(j, f);
    if (j.contains("validation_perplexity"))
      f.validation_perplexity = j.at("validation_perplexity").get<double>();
    f.environment = j.at("environment").get<std::string>();
    f.seconds = j.at("seconds").get<double>();
    if (j.contains("validation_accuracy")) f.validation = j.at("validation_accuracy").get<double>();
    return f;
  } catch (const json::exception&) {
    throw error_at(path, "is damaged; remove it to train again");
  }
}

FinalEpoch epoch_of(const json& words) {
  FinalEpoch epoch{words.value("epoch", 0),          words.value("epochs", 0),
                   words.value("loss", 0.0),         std::nullopt,
                   words.value("images_per_s", 0.0), words.value("seconds", 0.0)};
  if (words.contains("accuracy")) epoch.validation = words.at("accuracy").get<double>();
  return epoch;
}

// The "done" or "failed" line of a trainer; nothing where it was stopped.
std::optional<json> ask_trainer(ProcessPool& pool, const std::string& request,
                                const FinalListener& listener, std::stop_token stop) {
  json last;
  TaskResult result;
  const auto on_line = [&](std::size_t, const std::string& line) {
    json words = json::parse(line, nullptr, false);
    if (!words.is_object())
      words = {{"event", "failed"}, {"reason", "it wrote what is not JSON: " + line.substr(0, 80)}};
    const std::string event = words.value("event", "");
    if (event == "epoch" && listener.epoch) listener.epoch(epoch_of(words));
    if (event == "note" && listener.note) listener.note(words.value("text", ""));
    if (event != "done" && event != "failed") return false;
    last = std::move(words);
    return true;
  };
  // A checkpoint is never old, so stopping need not wait.
  pool.run(
      std::vector{request}, on_line,
      [&](std::size_t, TaskResult ended) { result = std::move(ended); }, stop, stop);
  if (result.interrupted) return std::nullopt;
  if (!result.failure.empty()) throw InputError("the trainer was lost: " + result.failure);
  if (last.value("event", "") == "failed")
    throw InputError("the training failed: " +
                     last.value("reason", std::string("no reason given")));
  return last;
}

FinalTraining read_done(const json& done, const FinalPlan& plan, const std::string& settings,
                        const TrainerGreeting& greeting) {
  FinalTraining f;
  f.settings = settings;
  f.seed = plan.seed;
  f.epochs = plan.config.training->epochs;
  f.images = greeting.train_images;
  f.loss = done.at("loss").get<double>();
  if (done.contains("accuracy")) f.validation = done.at("accuracy").get<double>();
  if (done.contains("perplexity")) f.validation_perplexity = done.at("perplexity").get<double>();
  if (plan.test) {
    f.test_accuracy = done.at("test_accuracy").get<double>();
    f.test_images = done.at("test_images").get<std::int64_t>();
    read_perplexity(done, f);
  }
  f.environment = environment_text(greeting);
  f.seconds = done.at("seconds").get<double>();
  return f;
}

}  // namespace

std::string final_settings(const FinalPlan& plan) {
  std::ostringstream out;
  out.precision(17);
  const std::uint64_t network = fingerprint(plan.network);
  out << "network = " << std::hex << network << std::dec << "\nseed = " << plan.seed
      << "\ndata.set = " << plan.config.data->set << "\ndata.validation_share = "
      << (plan.keep_validation ? plan.config.data->validation_share : 0) << '\n';
  if (plan.keep_validation) out << "data.split_seed = " << plan.config.seed << '\n';
  if (!plan.test) out << "test = false\n";
  out << deciding_settings(*plan.config.training)
      << "workers.threads = " << plan.config.workers.threads << '\n';
  return out.str();
}

std::optional<FinalTraining> train_finally(const FinalPlan& plan, const FinalListener& listener,
                                           std::stop_token stop) {
  const std::string settings = final_settings(plan);
  claim(plan, settings);
  if (auto result = read_result(plan, settings)) {
    if (listener.note) listener.note("this training is over; its result is read from its folder");
    return result;
  }
  const RunConfig& config = plan.config;
  const double share = plan.keep_validation ? config.data->validation_share : 0;
  ProcessPool pool(trainer_pool(config, 0, share));
  const TrainerGreeting greeting = greeting_of(pool);
  if (listener.starts) listener.starts(greeting);
  const Candidate candidate{{}, plan.network, {}};
  const fs::path folder = fs::absolute(plan.folder);
  TrainingFiles files;
  files.weights = folder / "weights.pt";
  files.checkpoint = folder / "checkpoint";
  files.logits = folder / "teacher";
  json request = training_request({0, plan.seed, &candidate}, *config.training, files, plan.cells);
  request["test"] = plan.test;
  request["checkpoint_every_s"] = plan.checkpoint_every_s;
  try {
    const std::optional<json> done = ask_trainer(pool, request.dump(), listener, std::move(stop));
    if (!done) return std::nullopt;
    FinalTraining result = read_done(*done, plan, settings, greeting);
    write_file(plan.folder / "result.json", to_json(result).dump(2) + "\n");
    return result;
  } catch (const json::exception& error) {
    throw InputError(std::string("the trainer's answer lacks a part: ") + error.what());
  }
}

}  // namespace hwnas
