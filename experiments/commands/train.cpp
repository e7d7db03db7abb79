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
#include "experiments/final/finalists.h"
#include "experiments/interrupt.h"
#include "experiments/progress.h"
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
                  "number of a trial; or a network (a name or a file), to be a teacher of others; "
                  "unsaid: the models of the config's [[final]]",
                  /*required=*/false)
      .value("epochs", "N", "passes over the images (30)")
      .value("seed", "N", "of weights, order and augmentation (the trial's own)")
      .values("set", "KEY=VALUE",
              "a key of [training], as in a run config: --set batch=128; may be repeated")
      .value("distill", "TEACHER",
             "learn from a trial too: its number, STUDY.db:ID, or a folder of hwnas train")
      .value("start-from", "NETWORK",
             "begin with the weights of a trial, named likewise: of fewer channels this prunes it")
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

TrainingConfig ordered_training(const CommandLine& line, const RunConfig& config,
                                const fs::path& study) {
  TrainingConfig usual = long_training(*config.training, config.data->set);
  if (line.has("distill")) {
    if (!usual.distillation) usual.distillation.emplace();
    usual.distillation->name = line.get("distill");
  }
  std::string settings;
  for (const std::string& setting : line.list("set")) settings += setting + "\n";
  TrainingConfig training =
      read_training(TomlTable::parse(settings, "--set"), config.data, config.devices, usual);
  if (const auto epochs = line.integer("epochs", 1, 100'000))
    training.epochs = static_cast<int>(*epochs);
  const auto named = [&](const char* option) {
    const std::string name = line.get(option);
    const std::string full = is_number(name) ? fs::absolute(study).string() + ":" + name : name;
    return find_trained(full, "", "", std::string("--") + option);
  };
  if (line.has("start-from"))
    training.start = StartConfig{line.get("start-from"), named("start-from")};
  if (line.has("distill")) training.distillation->teacher = named("distill");
  resolve_trained(training, config.file);
  return training;
}

FinalOrder order_of_network(const std::string& name, const fs::path& path, RunConfig config) {
  FinalOrder order;
  order.study = path;
  order.plan.network = find_subject(name).network;
  order.plan.seed = config.seed;
  order.plan.config = std::move(config);
  order.subject = "network " + order.plan.network.name;
  return order;
}

FinalOrder read_order(const CommandLine& line) {
  const fs::path path = line.get("STUDY");
  const Study study = Study::open_readonly(path);
  RunConfig config = stored_config(study, path);
  if (!config.training)
    throw InputError(path.string(), 0, "", "",
                     "its run trains nothing: no [data] and [training] in its config");
  config.training = ordered_training(line, config, path);
  config.workers.threads = static_cast<int>(line.integer("threads", 1, 1024).value_or(1));
  const std::string id = line.get("ID");
  FinalOrder order;
  if (is_number(id)) {
    const std::int64_t last = std::max<std::int64_t>(study.trial_count() - 1, 0);
    order = order_of_trial(study, path, std::move(config), *line.integer("ID", 0, last));
  } else {
    order = order_of_network(id, path, std::move(config));
  }
  if (const auto seed = line.integer("seed", 0, std::int64_t{1} << 53))
    order.plan.seed = static_cast<std::uint64_t>(*seed);
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

// The models of the config's [[final]].
int train_finalists(const CommandLine& line) {
  const fs::path path = line.get("STUDY");
  for (const char* option : {"epochs", "seed", "set", "distill", "keep-validation", "output"}) {
    if (line.has(option))
      throw InputError(std::string("--") + option + " goes with the number of a trial");
  }
  const Study study = Study::open_readonly(path);
  const RunConfig config = stored_config(study, path);
  if (config.finals.empty())
    throw InputError(path.string(), 0, "", "",
                     "its config has no [[final]]: say the number of a trial to be trained");
  const Interrupt interrupt;
  const auto done = train_finalists(finalists(study, path, config), config, interrupt.stop());
  if (!done) return 130;
  std::cout << *done;
  return 0;
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

FinalListener listener(const FinalOrder& order) {
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

}  // namespace

int train_command(const Arguments& arguments) {
  CommandLine line = describe_command();
  if (!line.parse(arguments)) return 0;
  if (!line.has("ID")) return train_finalists(line);
  const FinalOrder order = read_order(line);
  const Interrupt interrupt;
  const auto result = carry_out(order, listener(order), interrupt.stop());
  if (!result) {
    std::fprintf(stderr, "\ninterrupted; the same command goes on\n");
    return 130;
  }
  std::cout << (line.has("json") ? to_json(order, *result) : to_text(order, *result));
  return 0;
}

}  // namespace hwnas
