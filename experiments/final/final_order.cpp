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
  const Interval interval = wilson_interval(f.test_accuracy, f.test_images);
  char text[640], validation[60] = "";
  if (f.validation)
    std::snprintf(validation, sizeof validation, ", validation accuracy %.2f %%",
                  100 * *f.validation);
  std::snprintf(text, sizeof text,
                "%s, %lld parameters, trained for %d epochs on %lld images%s\n"
                "test accuracy %.2f %% (95 %% interval %.2f to %.2f %%, %lld images, looked at "
                "once)\nloss %.4f%s, %s\nfiles %s\n",
                order.subject.c_str(), static_cast<long long>(parameters(order.plan.network)),
                f.epochs, static_cast<long long>(f.images),
                f.validation ? "" : ", validation images among them", 100 * f.test_accuracy,
                100 * interval.low, 100 * interval.high, static_cast<long long>(f.test_images),
                f.loss, validation, clock_text(f.seconds).c_str(), order.plan.folder.c_str());
  return text;
}

std::string to_json(const FinalOrder& order, const FinalTraining& f) {
  const Interval interval = wilson_interval(f.test_accuracy, f.test_images);
  nlohmann::json j{{"test_accuracy", f.test_accuracy},
                   {"interval95", {interval.low, interval.high}},
                   {"test_images", f.test_images},
                   {"images", f.images},
                   {"epochs", f.epochs},
                   {"seed", std::to_string(f.seed)},
                   {"loss", f.loss},
                   {"seconds", f.seconds},
                   {"environment", f.environment},
                   {"folder", order.plan.folder.string()}};
  if (order.trial) j["trial"] = *order.trial;
  if (f.validation) j["validation_accuracy"] = *f.validation;
  return j.dump(2) + "\n";
}

}  // namespace hwnas
