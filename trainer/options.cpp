#include "trainer/options.h"

#include <boost/program_options.hpp>
#include <sstream>

#include "space/input_error.h"
#include "space/units.h"

namespace hwnas {
namespace {

namespace po = boost::program_options;

po::options_description description() {
  po::options_description options("Options");
  options.add_options()("data-set", po::value<std::string>()->required(),
                        "fashion_mnist, mnist, cifar10, cifar100 or text; noise: random images, to "
                        "score networks on")("data", po::value<std::string>(),
                                             "directory of its files; a text's file or folder")(
      "context", po::value<int>()->default_value(128), "of a text: bytes of a sequence")(
      "validation-share", po::value<double>()->default_value(0.1, "0.1"),
      "of the training part, by class; 0: all images train")(
      "train-images", po::value<int>(), "at most so many; default: all that are left")(
      "split-seed", po::value<std::uint64_t>()->default_value(1), "of that division")(
      "threads", po::value<int>()->default_value(1), "per training")(
      "device", po::value<std::string>()->default_value("auto"), "auto, cpu or cuda")(
      "memory-limit", po::value<std::string>(), "of this process, such as \"2 GiB\"")(
      "pulse", po::value<double>()->default_value(0, "0"),
      "a line every so many seconds of work; it then also ends when its input closes; 0: none")(
      "version", "print versions")("help", "print this");
  return options;
}

[[noreturn]] void fail(std::string_view key, const std::string& value, std::string_view problem) {
  throw InputError("", 0, "--" + std::string(key), value, problem);
}

Device parse_device(const std::string& name) {
  if (name == "cpu") return Device::cpu;
  if (name == "cuda") return Device::cuda;
  if (name != "auto") fail("device", name, "expected auto, cpu or cuda");
  return cuda_available() ? Device::cuda : Device::cpu;
}

double parse_limit(const std::string& text) {
  double bytes = 0;
  try {
    bytes = parse_quantity(text, Unit::byte);
  } catch (const std::invalid_argument& error) {
    fail("memory-limit", text, error.what());
  }
  if (!(bytes >= 64 << 20)) fail("memory-limit", text, "expected at least 64 MiB");
  return bytes;
}

TrainerOptions read(const po::variables_map& values) {
  TrainerOptions options;
  const auto set_name = values["data-set"].as<std::string>();
  options.noise = set_name == "noise";
  const auto set = parse_data_set(set_name);
  if (!set && !options.noise)
    fail("data-set", set_name, "expected fashion_mnist, mnist, cifar10, cifar100, text or noise");
  options.data_set = set.value_or(options.data_set);
  if (values.count("data") != 0) {
    options.data = values["data"].as<std::string>();
  } else if (!options.noise) {
    throw InputError("the option '--data' is required but missing; see hwnas-trainer --help");
  }
  options.context = values["context"].as<int>();
  if (options.context < 2 || options.context > 65536) {
    fail("context", std::to_string(options.context), "expected 2 to 65536");
  }
  options.validation_share = values["validation-share"].as<double>();
  if (!(options.validation_share >= 0 && options.validation_share < 1)) {
    fail("validation-share", std::to_string(options.validation_share),
         "expected a share from 0 to below 1");
  }
  if (values.count("train-images") != 0) options.train_images = values["train-images"].as<int>();
  options.split_seed = values["split-seed"].as<std::uint64_t>();
  options.threads = values["threads"].as<int>();
  if (options.threads < 1 || options.threads > 1024) {
    fail("threads", std::to_string(options.threads), "expected 1 to 1024");
  }
  options.device = parse_device(values["device"].as<std::string>());
  options.pulse_s = values["pulse"].as<double>();
  if (!(options.pulse_s >= 0 && options.pulse_s <= 3600)) {
    fail("pulse", std::to_string(options.pulse_s), "expected 0 to 3600 seconds");
  }
  if (values.count("memory-limit") != 0) {
    options.memory_limit_bytes = parse_limit(values["memory-limit"].as<std::string>());
  }
  return options;
}

}  // namespace

std::string trainer_help() {
  std::ostringstream text;
  text << "hwnas-trainer: trains networks that arrive as JSON lines on standard input and answers "
          "on\n"
          "standard output (see trainer/README.md). hwnas starts it; people seldom need to.\n\n"
       << description();
  return text.str();
}

TrainerOptions parse_trainer_options(int argc, const char* const* argv) {
  po::variables_map values;
  try {
    po::store(
        po::command_line_parser(argc, argv)
            .options(description())
            .positional({})
            .style(po::command_line_style::unix_style & ~po::command_line_style::allow_guessing)
            .run(),
        values);
    if (values.count("help") + values.count("version") != 0) {
      TrainerOptions options;
      options.help = values.count("help") != 0;
      options.version = !options.help;
      return options;
    }
    po::notify(values);
  } catch (const po::error& error) {
    throw InputError(std::string(error.what()) + "; see hwnas-trainer --help");
  }
  return read(values);
}

}  // namespace hwnas
