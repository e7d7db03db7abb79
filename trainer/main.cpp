#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <iostream>
#include <mutex>
#include <new>
#include <string>

#include "space/input_error.h"
#include "trainer/options.h"
#include "trainer/protocol.h"
#include "trainer/pulse.h"

namespace {

using namespace hwnas;

void write_line(const std::string& line) {
  static std::mutex mutex;  // the pulse writes too
  const std::lock_guard lock(mutex);
  std::cout << line << '\n' << std::flush;
}

// Batches free and ask for the same blocks over and over; handing them back to the kernel in
// between costs page faults.
void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

void limit_memory(double bytes) {
  const auto limit = static_cast<rlim_t>(bytes);
  const rlimit both{limit, limit};
  // Data, not address space: LibTorch maps half a gigabyte of code, CUDA reserves terabytes.
  if (setrlimit(RLIMIT_DATA, &both) != 0) {
    throw InputError("", 0, "--memory-limit", std::to_string(limit),
                     "the system refuses this limit");
  }
}

// The test images are read when a training that asks for them is over, and when its network is
// exported.
Images test_images(const TrainerOptions& options) {
  return options.data_set == DataSet::text
             ? load_text(options.data, Part::test, options.context)
             : load_images(options.data_set, Part::test, options.data);
}

void test(const Trainer& trainer, const Request& request, const TrainerOptions& options,
          TrainOutcome& outcome) {
  try {
    const Images images = test_images(options);
    outcome.result.test = trainer.evaluate(request.network, request.settings, images);
    outcome.result.test_images = images.size();
  } catch (const std::exception& error) {
    outcome.failure = error.what();
  }
}

std::string answer(const Trainer& trainer, const TrainerOptions& options, const Request& request) {
  const auto report = [id = request.task](const EpochReport& epoch) {
    write_line(epoch_line(id, epoch));
  };
  const auto note = [&](const std::string& text) { write_line(note_line(request.task, text)); };
  TrainOutcome outcome = trainer.train(request.network, request.settings, report, note);
  if (request.test && outcome.failure.empty()) test(trainer, request, options, outcome);
  return outcome_line(request.task, outcome);
}

std::string answer(const Trainer& trainer, const TrainerOptions&, const ScoreRequest& request) {
  return scores_line(request.task, trainer.score(request.network, request.seed, request.scores));
}

std::string answer(const Trainer& trainer, const TrainerOptions& options,
                   const ExportRequest& request) {
  Images test;
  try {
    if (request.settings.samples > 0 || request.settings.on_test) test = test_images(options);
  } catch (const InputError& error) {
    return refusal_line({request.task, error.what()});
  }
  return export_line(request.task, export_model(trainer, request.network, request.settings, test));
}

std::string answer(const Trainer&, const TrainerOptions&, const Refusal& refusal) {
  return refusal_line(refusal);
}

// -1: a line that does not even say its task.
std::int64_t task_of(const AnyRequest& request) {
  return std::visit(
      [](const auto& what) -> std::int64_t { return std::optional(what.task).value_or(-1); },
      request);
}

void serve(const Trainer& trainer, const TrainerOptions& options) {
  const Shape& image = trainer.data().train.shape;
  const auto alive = [](std::int64_t task) { write_line(alive_line(task)); };
  // Files are written under another name first: leaving in the middle spoils none.
  Pulse pulse(options.pulse_s, STDIN_FILENO, alive, [] { _exit(0); });
  for (std::string line; std::getline(std::cin, line);) {
    if (line.empty()) continue;
    const AnyRequest request = parse_request(line, image);
    pulse.begin(task_of(request));
    const std::string last =
        std::visit([&](const auto& what) { return answer(trainer, options, what); }, request);
    pulse.end();
    write_line(last);
  }
}

void run(const TrainerOptions& options) {
  keep_freed_memory();
  set_threads(options.threads);
  if (options.memory_limit_bytes > 0) {
    take_blas_memory();
    limit_memory(options.memory_limit_bytes);
  }
  Split parts;
  if (!options.noise) {
    const Images all = options.data_set == DataSet::text
                           ? load_text(options.data, Part::training, options.context)
                           : load_images(options.data_set, Part::training, options.data);
    parts = split(all, options.validation_share, options.split_seed, options.train_images);
  }
  const Trainer trainer(std::move(parts), options.device);
  const Split& data = trainer.data();
  const std::string_view name = options.noise ? "noise" : to_string(options.data_set);
  write_line(ready_line({std::string(name), data.train.shape, data.train.classes, data.train.size(),
                         data.validation.size(), torch_version(),
                         options.device == Device::cuda ? "cuda" : "cpu", options.threads,
                         host_name(), processor_name()}));
  serve(trainer, options);
}

}  // namespace

int main(int argc, char** argv) {
  choose_blas_kernels(argv);
  // Ctrl-C reaches the whole process group; the controller decides what becomes of a training.
  std::signal(SIGINT, SIG_IGN);
  try {
    const TrainerOptions options = parse_trainer_options(argc, argv);
    if (options.help) {
      std::cout << trainer_help();
      return 0;
    }
    if (options.version) {
      std::cout << "hwnas-trainer " HWNAS_VERSION ", LibTorch " << torch_version() << '\n';
      return 0;
    }
    run(options);
  } catch (const std::bad_alloc&) {
    std::cerr
        << "hwnas-trainer: out of memory before any training; --memory-limit must hold LibTorch "
           "and the data\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "hwnas-trainer: " << error.what() << '\n';
    return 2;
  }
  return 0;
}
