#include "experiments/export/model_card.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <sstream>

#include "experiments/adapters/cost_evaluator.h"
#include "experiments/export/data_facts.h"
#include "experiments/front_report.h"
#include "experiments/sample_statistics.h"
#include "space/units.h"

namespace hwnas {
namespace {

constexpr double kZ95 = 1.959964;

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f %%", 100 * share);
  return text;
}

std::string list(const std::vector<double>& values) {
  std::string text;
  for (const double v : values) {
    char number[32];
    std::snprintf(number, sizeof number, "%.9g", v);
    text += (text.empty() ? "" : ", ") + std::string(number);
  }
  return text;
}

// The bits that weights are stored with, and the share of them that is.
double weight_bytes(const Network& network) {
  double bits = 0;
  for (const Layer& layer : network.layers()) {
    const auto weights = static_cast<double>(weight_count(layer));
    bits += weights * layer.weight_bits + (static_cast<double>(parameters(layer)) - weights) * 32;
  }
  return bits / 8;
}

bool is_compressed(const Network& network) {
  return std::any_of(network.layers().begin(), network.layers().end(), [](const Layer& layer) {
    return layer.activation_bits < 16 || layer.weight_bits < 16 || layer.weight_density < 1;
  });
}

void write_files(std::ostream& out, const CardFacts& facts) {
  out << "| file | what it is |\n|---|---|\n";
  for (const auto& [name, what] : facts.files) out << "| `" << name << "` | " << what << " |\n";
}

void write_ends(std::ostream& out, const CardFacts& facts, const DataFacts& data) {
  const auto [channels, height, width] = facts.network.input();
  out << "\n## Input and output\n\n"
      << "Input `images`: float32, N x " << channels << " x " << height << " x " << width
      << " (batch, channels, rows, columns), N free. Each value is (byte / 255 - mean) / stddev "
         "of\n"
      << "its channel, byte from 0 to 255; mean " << list(facts.trained.mean) << "; stddev "
      << list(facts.trained.stddev) << ".\n";
  if (facts.trained.image.height != height || facts.trained.image.width != width) {
    out << "The data set's images are " << facts.trained.image.height << " x "
        << facts.trained.image.width
        << ": after that they are resized bilinearly (pixel centres at halves, `align_corners` "
           "false).\n";
  }
  const bool softmax = facts.network.layers().back().op == Op::softmax;
  out << "\nOutput `" << (softmax ? "probabilities" : "logits") << "`: float32, N x "
      << facts.network.output().channels
      << (softmax ? "." : ", before the softmax; the largest is the answer.")
      << " Classes in order: ";
  for (std::size_t i = 0; i < data.classes.size(); ++i)
    out << (i == 0 ? "" : ", ") << i << " " << data.classes[i];
  out << ".\n";
}

void write_data(std::ostream& out, const CardFacts& facts, const DataFacts& data) {
  const DataConfig& config = *facts.config.data;
  out << "\n## Data\n\n"
      << data.title << ": " << data.source << ". Licence: " << data.licence << ".\n";
  if (facts.final && !facts.final->validation) {
    out << "All training images are trained on.\n";
    return;
  }
  out << percent(config.validation_share) << " of the training images, drawn by class with seed "
      << facts.config.seed << ", are for validation; ";
  if (config.train_images > 0) {
    out << config.train_images << " of the others";
  } else {
    out << "all others";
  }
  out << " are trained on.\n";
}

// The settings of a full training are kept as they were, a line each.
void write_final_training(std::ostream& out, const CardFacts& facts) {
  out << "\n## Training\n\nIn full, on " << facts.final->images << " images"
      << (facts.final->validation ? "" : ", those of the search's validation part among them")
      << ".\n\n| setting | value |\n|---|---|\n";
  std::istringstream lines(facts.final->settings);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find(" = ");
    if (equals == std::string::npos) continue;
    std::string value = line.substr(equals + 3);
    if (value.find('.') != std::string::npos) {  // 0.20000000000000001 is 0.2 to a reader
      char* end = nullptr;
      const double number = std::strtod(value.c_str(), &end);
      char text[32];
      std::snprintf(text, sizeof text, "%.9g", number);
      if (*end == '\0') value = text;
    }
    out << "| " << line.substr(0, equals) << " | " << value << " |\n";
  }
  out << "| environment | " << facts.final->environment << " |\n| hwnas | " << facts.study_version
      << " (this export: " HWNAS_VERSION ") |\n| weights from | `" << facts.weights << "` |\n";
}

void write_training(std::ostream& out, const CardFacts& facts) {
  if (facts.final) return write_final_training(out, facts);
  const TrainingConfig& t = *facts.config.training;
  std::string augment;
  for (const std::string& a : t.augment) augment += (augment.empty() ? "" : ", ") + a;
  out << "\n## Training\n\n| setting | value |\n|---|---|\n| epochs | " << t.epochs
      << " |\n| batch | " << t.batch << " images |\n| optimiser | SGD, Nesterov momentum "
      << t.momentum << ", weight decay " << t.weight_decay
      << " |\n| learning rate | one cycle: peak " << t.learning_rate << ", the first "
      << format_quantity(t.warmup, Unit::fraction) << " of the steps rise |\n| label smoothing | "
      << t.label_smoothing << " |\n| augmentation | " << (augment.empty() ? "none" : augment)
      << " |\n| arithmetic | " << t.precision << " |\n| seed | " << facts.trial.seed
      << " |\n| LibTorch | " << facts.trained.torch << " |\n| hwnas | " << facts.study_version
      << " (this export: " HWNAS_VERSION ") |\n| weights from | `" << facts.weights << "` |\n";
}

// A row of the table of accuracies.
void write_accuracy(std::ostream& out, const char* of, double accuracy, double images) {
  const auto [low, high] = wilson_interval(accuracy, std::llround(images));
  out << "| " << of << " | " << percent(accuracy) << " | " << percent(low) << " to "
      << percent(high) << " |\n";
}

void write_accuracies(std::ostream& out, const CardFacts& facts) {
  const auto images = static_cast<double>(facts.trained.images);
  out << "\n## Accuracy\n\nTop-1 on the " << facts.trained.images << " images of the "
      << (facts.final ? "test" : "validation")
      << " part, measured with LibTorch. The intervals are of the images\n"
         "alone, not of the training's seed.\n\n| | accuracy | 95 % interval |\n|---|---|---|\n";
  write_accuracy(out, "`model.onnx`, `model.pt`", facts.trained.accuracy, images);
  if (facts.trained.int8_accuracy)
    write_accuracy(out, "`model.int8.onnx`", *facts.trained.int8_accuracy, images);
  if (facts.final) {
    out << "\nThe test part took no part in the search or in the training.\n";
    return;
  }
  const Measurement* searched = find(facts.trial, {Metric::accuracy, ""});
  if (searched != nullptr && searched->source == Source::trained) {
    std::ostringstream what;
    what << "what the search saw, after " << searched->fidelity
         << (searched->fidelity == 1 ? " epoch" : " epochs")
         << (is_compressed(facts.network) ? ", at the network's bits and densities" : "");
    write_accuracy(out, what.str().c_str(), searched->value, images);
  }
  out << "\nThe search chose among its trials by the last of these, which flatters the chosen. "
         "The test part took no\npart in that, and is not reported here.\n";
}

void write_size(std::ostream& out, const Network& network) {
  const auto count = [](std::int64_t n) {
    return format_quantity(static_cast<double>(n), Unit::count);
  };
  int low = 32, high = 0;
  for (const Layer& layer : network.layers()) {
    if (weight_count(layer) == 0) continue;
    low = std::min<int>(low, layer.weight_bits);
    high = std::max<int>(high, layer.weight_bits);
  }
  out << "\n## Size\n\n"
      << parameters(network) << " parameters (" << count(parameters(network)) << "), "
      << macs(network) << " multiply-accumulates (" << count(macs(network))
      << ") for one input; weights take " << format_quantity(weight_bytes(network), Unit::byte)
      << " at ";
  if (low == high) {
    out << low;
  } else {
    out << low << " to " << high;
  }
  out << " bits, norms and biases at 32. Counted, not measured.\n";
}

const char* meaning(Confidence confidence) {
  switch (confidence) {
    case Confidence::A:
      return "A, calibrated on measurements";
    case Confidence::B:
      return "B, agrees with published silicon";
    case Confidence::C:
      return "C, agrees with a published simulator";
    case Confidence::D:
      return "D, projected";
  }
  return "";
}

std::string figure(Metric metric) {
  std::string name(to_string(metric));
  if (metric == Metric::throughput) name += ", inferences per second";
  if (metric == Metric::cost) name += ", USD per million inferences";
  return name;
}

void write_costs(std::ostream& out, const CardFacts& facts) {
  if (facts.devices.empty()) return;
  out << "\n## Costs\n\nOf one inference, or of one batch where the study has larger ones. "
         "`±`: one standard error,\nwhere the source knows one.\n\n| device | figure | value | "
         "source |\n|---|---|---|---|\n";
  std::string classes;
  for (const Device& device : facts.devices) {
    for (const Measurement& m : facts.trial.measurements) {
      if (m.key.device != device.name || find(facts.trial, m.key) != &m) continue;
      out << "| " << device.name << " | " << figure(m.key.metric) << " | " << value_text(m) << " | "
          << to_string(m.source) << " |\n";
    }
    classes += "* " + device.name + " (" + std::string(to_string(device.family)) +
               "): " + device.description + "; confidence " + meaning(device.confidence) + ".\n";
  }
  out << "\nSources: analytic, a model of the device; predicted, learned from measurements; "
         "measured.\n\n"
      << classes;
}

void write_reproduction(std::ostream& out, const CardFacts& facts) {
  const std::string trial = facts.study_file + " " + std::to_string(facts.trial.id);
  out << "\n## How to reproduce\n\nTrial " << facts.trial.id << " of study `" << facts.study
      << "`, genotype `" << to_text(facts.trial.genotype)
      << "`. The study holds the config, the space and the devices; `hwnas reproduce` trains the "
         "trial\n"
         "as the search did and compares.\n\n```\nhwnas show "
      << trial << "\nhwnas reproduce " << trial << "\nhwnas search " << facts.study_file;
  if (facts.final) out << "\nhwnas train " << trial << " --epochs " << facts.final->epochs;
  out << "\nhwnas export " << trial << " -o DIR\n```\n";
}

}  // namespace

std::string model_card(const CardFacts& facts) {
  const DataFacts data = data_facts(facts.config.data->set);
  std::ostringstream out;
  out << "# " << facts.study << ", trial " << facts.trial.id << "\n\nAn image classifier for "
      << data.title << ", found and trained by hwnas " << facts.study_version << ".\n\n";
  write_files(out, facts);
  write_ends(out, facts, data);
  write_accuracies(out, facts);
  write_size(out, facts.network);
  write_costs(out, facts);
  write_data(out, facts, data);
  write_training(out, facts);
  write_reproduction(out, facts);
  return out.str();
}

}  // namespace hwnas
