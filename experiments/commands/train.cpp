#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/experiment.h"
#include "experiments/final/final_training.h"
#include "experiments/interrupt.h"
#include "experiments/subject.h"
#include "space/input_error.h"
#include "space/rng.h"
#include "space/units.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

CommandLine describe_command() {
  CommandLine line(
      "hwnas train STUDY ID [options]",
      "Trains a trial of a study in full, on the training and validation images together, and "
      "reports the test\nset once, at the end. Ctrl-C, a crash or a power cut loses seconds: the "
      "same command goes on and ends\nwith the same weights.\n"
      "Example: hwnas train fashion_mnist.db 42 --epochs 60");
  line.positional("STUDY", "a study file; its config says which data")
      .positional("ID",
                  "number of a trial; or a network (a name or a file), to be a teacher of others")
      .value("epochs", "N", "passes over the images (30)")
      .value("seed", "N", "of weights, order and augmentation (the trial's own)")
      .values("set", "KEY=VALUE",
              "a key of [training], as in a run config: --set batch=128; may be repeated")
      .value("distill", "TEACHER",
             "learn from a trial too: its number, STUDY.db:ID, or a folder of hwnas train")
      .flag("keep-validation", "leave the validation images out and show their accuracy")
      .value("threads", "N", "of the trainer (1)")
      .value("checkpoint-every", "T",
             "how often its state is written ('10 s'); changes nothing else")
      .value("output,o", "DIR", "folder for the results (one in STUDY.files)")
      .flag("json", "print the result as JSON");
  return line;
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

struct Order {
  FinalPlan plan;
  fs::path study;
  std::optional<TrialId> trial;
  std::string subject;  // "trial 42"
};

TrainingConfig read_training(const CommandLine& line, const RunConfig& config,
                             const fs::path& study) {
  TrainingConfig usual = long_training(*config.training, config.data->set);
  if (line.has("distill")) {
    if (!usual.distillation) usual.distillation.emplace();
    usual.distillation->name = line.get("distill");
  }
  TrainingConfig training = with_settings(config, usual, line.list("set"));
  if (const auto epochs = line.integer("epochs", 1, 100'000))
    training.epochs = static_cast<int>(*epochs);
  if (line.has("distill")) {
    const std::string name = line.get("distill");
    const std::string full = is_number(name) ? fs::absolute(study).string() + ":" + name : name;
    training.distillation->teacher = find_teacher(full, "", "", "--distill");
  } else if (training.distillation) {
    training.distillation->teacher =
        find_teacher(training.distillation->name, fs::path(config.file).parent_path(), config.file,
                     "training.distillation.teacher");
  }
  return training;
}

// A folder of its own for each training of each subject.
fs::path usual_folder(const Order& order) {
  std::uint64_t hash = 0;
  for (const char c : final_settings(order.plan))
    hash = hash_combine(hash, static_cast<unsigned char>(c));
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", static_cast<unsigned>(hash));
  const std::string name = order.trial ? "final" + std::to_string(*order.trial) : "network";
  return files_folder(order.study) / (name + "-" + digits);
}

Order read_order(const CommandLine& line) {
  Order order;
  order.study = line.get("STUDY");
  const Study study = Study::open_readonly(order.study);
  RunConfig& config = order.plan.config;
  config = stored_config(study, order.study);
  if (!config.training)
    throw InputError(order.study.string(), 0, "", "",
                     "its run trains nothing: no [data] and [training] in its config");
  const std::string id = line.get("ID");
  if (is_number(id)) {
    order.trial = line.integer("ID", 0, std::max<std::int64_t>(study.trial_count() - 1, 0));
    const auto trial = study.trial(*order.trial);
    if (!trial) throw InputError(order.study.string(), 0, "", "", "has no trials");
    auto alive = live(stored_space(study).decode(trial->genotype).network);
    if (!alive) throw InputError("trial " + id + ": nothing reaches the output of this network");
    order.plan.network = std::move(*alive);
    order.plan.seed = trial->seed;
  } else {
    order.plan.network = find_subject(id).network;
    order.plan.seed = config.seed;
  }
  order.subject = order.trial ? "trial " + id : "network " + order.plan.network.name;
  if (const auto seed = line.integer("seed", 0, std::int64_t{1} << 53))
    order.plan.seed = static_cast<std::uint64_t>(*seed);
  config.training = read_training(line, config, order.study);
  order.plan.cells = noisy_device(config, stored_materials(config, study).devices);
  config.workers.threads = static_cast<int>(line.integer("threads", 1, 1024).value_or(1));
  order.plan.keep_validation = line.has("keep-validation");
  if (line.has("checkpoint-every")) {
    try {
      order.plan.checkpoint_every_s =
          std::max(0.0, parse_quantity(line.get("checkpoint-every"), Unit::second));
    } catch (const std::invalid_argument& error) {
      throw InputError("", 0, "--checkpoint-every", line.get("checkpoint-every"), error.what());
    }
  }
  order.plan.folder = line.has("output") ? fs::path(line.get("output")) : usual_folder(order);
  return order;
}

std::string clock_text(double seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  char text[32];
  std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  return text;
}

// Overwritten on a terminal, a line for each epoch elsewhere.
void print_epoch(const FinalEpoch& e, bool terminal) {
  char text[200], validation[40] = "";
  if (e.validation)
    std::snprintf(validation, sizeof validation, ", validation %.2f %%", 100 * *e.validation);
  std::snprintf(text, sizeof text, "epoch %d/%d: loss %.4f%s, %.0f images/s, %s left", e.epoch,
                e.epochs, e.loss, validation, e.images_per_s,
                clock_text(e.seconds * (e.epochs - e.epoch)).c_str());
  std::fprintf(stderr, terminal ? "\r\033[K%s%s" : "%s%s\n", text,
               terminal && e.epoch == e.epochs ? "\n" : "");
  std::fflush(stderr);
}

FinalListener listener(const Order& order) {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  FinalListener all;
  all.starts = [&order](const TrainerGreeting& greeting) {
    const TrainingConfig& t = *order.plan.config.training;
    std::fprintf(stderr, "%s: %lld parameters, %d epochs of %lld images%s (%s)\n",
                 order.subject.c_str(), static_cast<long long>(parameters(order.plan.network)),
                 t.epochs, static_cast<long long>(greeting.train_images),
                 t.distillation ? (", with teacher " + t.distillation->name).c_str() : "",
                 environment_text(greeting).c_str());
    std::fprintf(stderr, "files in %s\n", order.plan.folder.c_str());
  };
  all.epoch = [terminal](const FinalEpoch& epoch) { print_epoch(epoch, terminal); };
  all.note = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  return all;
}

std::string report(const Order& order, const FinalTraining& f) {
  const Interval interval = wilson_interval(f.test_accuracy, f.test_images);
  char text[640], validation[60] = "";
  if (f.validation)
    std::snprintf(validation, sizeof validation, ", validation accuracy %.2f %%",
                  100 * *f.validation);
  std::snprintf(text, sizeof text,
                "%s, trained for %d epochs on %lld images%s\n"
                "test accuracy %.2f %% (95 %% interval %.2f to %.2f %%, %lld images, looked at "
                "once)\nloss %.4f%s, %s\nfiles %s\n",
                order.subject.c_str(), f.epochs, static_cast<long long>(f.images),
                f.validation ? "" : ", validation images among them", 100 * f.test_accuracy,
                100 * interval.low, 100 * interval.high, static_cast<long long>(f.test_images),
                f.loss, validation, clock_text(f.seconds).c_str(), order.plan.folder.c_str());
  return text;
}

std::string as_json(const Order& order, const FinalTraining& f) {
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

// A folder in the study's is stored without that part.
std::string stored_folder(const Order& order) {
  const fs::path files = fs::absolute(files_folder(order.study));
  const fs::path folder = fs::absolute(order.plan.folder);
  return folder.parent_path() == files ? folder.filename().string() : folder.string();
}

}  // namespace

int train_command(const Arguments& arguments) {
  CommandLine line = describe_command();
  if (!line.parse(arguments)) return 0;
  const Order order = read_order(line);
  std::optional<FinalTraining> result;
  {
    const Interrupt interrupt;
    result = train_finally(order.plan, listener(order), interrupt.stop());
  }
  if (!result) {
    std::fprintf(stderr, "\ninterrupted; the same command goes on\n");
    return 130;
  }
  std::cout << (line.has("json") ? as_json(order, *result) : report(order, *result));
  if (!order.trial) return 0;
  result->trial = *order.trial;
  result->folder = stored_folder(order);
  try {
    Study::open_for_finals(order.study).record_final(*result);
  } catch (const InputError& error) {
    throw InputError(std::string("the result is not in the study yet; the same command puts it "
                                 "there: ") +
                     error.what());
  }
  return 0;
}

}  // namespace hwnas
