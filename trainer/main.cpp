#include <malloc.h>
#include <sys/resource.h>

#include <csignal>
#include <exception>
#include <iostream>
#include <new>
#include <string>

#include "space/input_error.h"
#include "trainer/options.h"
#include "trainer/protocol.h"

namespace {

using namespace hwnas;

void write_line(const std::string& line) {
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

// The test images are read when a training that asks for them is over, and at no other time.
void test(const Trainer& trainer, const Request& request, const TrainerOptions& options,
          TrainOutcome& outcome) {
  try {
    const Images images = load_images(options.data_set, Part::test, options.data);
    outcome.result.test_accuracy =
        trainer.evaluate(request.network, request.settings.weights, images);
    outcome.result.test_images = images.size();
  } catch (const std::exception& error) {
    outcome.failure = error.what();
  }
}

void serve(const Trainer& trainer, const TrainerOptions& options) {
  const Shape& image = trainer.data().train.shape;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.empty()) continue;
    const auto parsed = parse_request(line, image);
    if (const auto* refusal = std::get_if<Refusal>(&parsed)) {
      write_line(refusal_line(*refusal));
      continue;
    }
    const auto& request = std::get<Request>(parsed);
    const auto report = [&](const EpochReport& epoch) {
      write_line(epoch_line(request.task, epoch));
    };
    const auto note = [&](const std::string& text) { write_line(note_line(request.task, text)); };
    TrainOutcome outcome = trainer.train(request.network, request.settings, report, note);
    if (request.test && outcome.failure.empty()) test(trainer, request, options, outcome);
    write_line(outcome_line(request.task, outcome));
  }
}

void run(const TrainerOptions& options) {
  keep_freed_memory();
  set_threads(options.threads);
  if (options.memory_limit_bytes > 0) limit_memory(options.memory_limit_bytes);
  const Trainer trainer(split(load_images(options.data_set, Part::training, options.data),
                              options.validation_share, options.split_seed, options.train_images),
                        options.device);
  const Split& data = trainer.data();
  write_line(
      ready_line({std::string(to_string(options.data_set)), data.train.shape, data.train.classes,
                  data.train.size(), data.validation.size(), torch_version(),
                  options.device == Device::cuda ? "cuda" : "cpu", options.threads}));
  serve(trainer, options);
}

}  // namespace

int main(int argc, char** argv) {
  // Ctrl-C reaches the whole process group; the controller decides what becomes of a training.
  std::signal(SIGINT, SIG_IGN);
  try {
    const TrainerOptions options = parse_trainer_options(argc, argv);
    if (options.help) {
      std::cout << trainer_help();
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
