#include "experiments/final/final_order.h"

#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>

#include "experiments/experiment.h"
#include "experiments/progress.h"
#include "experiments/sample_statistics.h"
#include "space/input_error.h"
#include "space/rng.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

// A folder in the study's is stored without that part.
std::string stored_folder(const FinalOrder& order) {
  const fs::path files = fs::absolute(files_folder(order.study));
  const fs::path folder = fs::absolute(order.plan.folder);
  return folder.parent_path() == files ? folder.filename().string() : folder.string();
}

void record(const FinalOrder& order, FinalTraining result) {
  static std::mutex one_writer;
  const std::lock_guard lock(one_writer);
  result.trial = *order.trial;
  result.folder = stored_folder(order);
  try {
    Study::open_for_finals(order.study).record_final(result);
  } catch (const InputError& error) {
    throw InputError(std::string("the result is not in the study yet; the same command puts it "
                                 "there: ") +
                     error.what());
  }
}

}  // namespace

FinalOrder order_of_trial(const Study& study, const fs::path& path, RunConfig config, TrialId id) {
  FinalOrder order;
  const auto trial = study.trial(id);
  if (!trial) throw InputError(path.string(), 0, "", "", "has no trial " + std::to_string(id));
  auto alive = live(stored_space(study).decode(trial->genotype).network);
  order.subject = "trial " + std::to_string(id);
  if (!alive) throw InputError(order.subject + ": nothing reaches the output of this network");
  order.study = path;
  order.trial = id;
  order.plan.network = std::move(*alive);
  order.plan.seed = trial->seed;
  order.plan.cells = noisy_device(config, stored_materials(config, study).devices);
  order.plan.config = std::move(config);
  return order;
}

fs::path usual_folder(const FinalOrder& order) {
  std::uint64_t hash = 0;
  for (const char c : final_settings(order.plan))
    hash = hash_combine(hash, static_cast<unsigned char>(c));
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", static_cast<unsigned>(hash));
  const std::string name = order.trial ? "final" + std::to_string(*order.trial) : "network";
  return files_folder(order.study) / (name + "-" + digits);
}

std::optional<FinalTraining> carry_out(const FinalOrder& order, const FinalListener& listener,
                                       std::stop_token stop) {
  std::optional<FinalTraining> result = train_finally(order.plan, listener, std::move(stop));
  if (result && order.trial) record(order, *result);
  return result;
}

std::string to_text(const FinalOrder& order, const FinalTraining& f) {
  char text[640], validation[60] = "", test[160];
  if (f.test_perplexity) {
    std::snprintf(test, sizeof test,
                  "test perplexity %.3f +- %.3f, %.2f %% of bytes right (%lld sequences",
                  *f.test_perplexity, f.test_perplexity_stddev, 100 * f.test_accuracy,
                  static_cast<long long>(f.test_images));
  } else {
    const Interval interval = wilson_interval(f.test_accuracy, f.test_images);
    std::snprintf(test, sizeof test,
                  "test accuracy %.2f %% (95 %% interval %.2f to %.2f %%, %lld images",
                  100 * f.test_accuracy, 100 * interval.low, 100 * interval.high,
                  static_cast<long long>(f.test_images));
  }
  if (f.validation)
    std::snprintf(validation, sizeof validation, ", validation accuracy %.2f %%",
                  100 * *f.validation);
  std::snprintf(text, sizeof text,
                "%s, %lld parameters, trained for %d epoch%s on %lld %s%s\n"
                "%s, looked at once)\nloss %.4f%s, %s\nfiles %s\n",
                order.subject.c_str(), static_cast<long long>(parameters(order.plan.network)),
                f.epochs, f.epochs == 1 ? "" : "s", static_cast<long long>(f.images),
                f.test_perplexity ? "sequences" : "images",
                f.validation ? "" : ", those of validation among them", test, f.loss, validation,
                clock_text(f.seconds).c_str(), order.plan.folder.c_str());
  return text;
}

std::string to_json(const FinalOrder& order, const FinalTraining& f) {
  nlohmann::json j{{"test_accuracy", f.test_accuracy},
                   {"test_images", f.test_images},
                   {"images", f.images},
                   {"epochs", f.epochs},
                   {"seed", std::to_string(f.seed)},
                   {"loss", f.loss},
                   {"seconds", f.seconds},
                   {"environment", f.environment},
                   {"folder", order.plan.folder.string()}};
  if (f.test_perplexity) {
    j["test_perplexity"] = *f.test_perplexity;
    j["test_perplexity_stddev"] = f.test_perplexity_stddev;
  } else {  // bytes that follow one another are not independent
    const Interval interval = wilson_interval(f.test_accuracy, f.test_images);
    j["interval95"] = {interval.low, interval.high};
  }
  if (order.trial) j["trial"] = *order.trial;
  if (f.validation) j["validation_accuracy"] = *f.validation;
  return j.dump(2) + "\n";
}

}  // namespace hwnas
