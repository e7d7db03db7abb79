#include "experiments/training_config.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "experiments/adapters/proxy_scorer.h"
#include "space/units.h"

namespace hwnas {
namespace {

const std::vector<std::string> kDataSets{"fashion_mnist", "mnist", "cifar10", "cifar100", "text"};
const std::vector<std::string> kAugmentations{"flip", "crop"};
const std::vector<std::string> kPrecisions{"fp32", "bf16", "auto"};
const std::vector<std::string> kQuantizations{"post_training", "aware"};
const std::vector<std::string> kOptimisers{"sgd", "adamw"};

// Debian's jargon-text: The Jargon File, 1.7 MB of prose.
constexpr const char* kUsualText = "/usr/share/doc/jargon-text/jargon.txt.gz";

void read_text(const TomlTable& table, const std::filesystem::path& base, DataConfig& data) {
  data.directory = table.string("path", kUsualText);
  if (data.directory.is_relative()) data.directory = base / data.directory;
  std::error_code ignored;
  if (!std::filesystem::exists(data.directory, ignored)) {
    const std::string cure = data.directory == kUsualText
                                 ? "; 'apt-get install jargon-text' brings it, or name a text"
                                 : "; expected a text file, plain or .gz, or a folder of them";
    throw table.error("path", "no such file or folder: " + data.directory.string() + cure);
  }
  data.context = static_cast<int>(table.integer("context", 2, 65536, 128));
  data.train_images = table.integer("train_sequences", 0, 100'000'000, 0);
}

void read_images(const TomlTable& table, const std::filesystem::path& base, DataConfig& data) {
  const std::string usual = data.set == "fashion_mnist" ? "/usr/share/datasets/fashion-mnist" : "";
  data.directory = usual.empty() ? table.string("directory") : table.string("directory", usual);
  if (data.directory.is_relative()) data.directory = base / data.directory;
  std::error_code ignored;
  if (!std::filesystem::is_directory(data.directory, ignored)) {
    const std::string cure = data.set == "fashion_mnist"
                                 ? "; 'apt-get install dataset-fashion-mnist' brings it"
                                 : "; expected the folder with the files of " + data.set;
    throw table.error("directory", "no such directory: " + data.directory.string() + cure);
  }
  data.train_images = table.integer("train_images", 0, 100'000'000, 0);
}

NoiseConfig read_noise(const TomlTable& table, const std::vector<std::string>& devices) {
  NoiseConfig noise;
  noise.device = table.string("device");
  std::vector<std::string> known;
  for (const std::string& device : devices)
    known.push_back(std::filesystem::path(device).stem().string());
  if (std::find(known.begin(), known.end(), noise.device) == known.end())
    throw table.error("device", "is not in 'devices'" + suggestion(noise.device, known));
  if (table.has("times")) noise.times_s.clear();
  for (const std::string& time : table.strings("times")) {
    try {
      noise.times_s.push_back(parse_quantity(time, Unit::second));
    } catch (const std::invalid_argument& error) {
      throw table.error("times", error.what());
    }
    if (noise.times_s.back() < 0) throw table.error("times", "a time is not negative");
  }
  if (noise.times_s.empty()) throw table.error("times", "is empty; expected such as \"1 day\"");
  noise.aware = table.boolean("aware", noise.aware);
  noise.recalibrated = table.boolean("recalibrated", noise.recalibrated);
  noise.draws = static_cast<int>(table.integer("draws", 1, 10'000, noise.draws));
  table.done();
  return noise;
}

std::optional<DistillationConfig> read_distillation(const TomlTable& training,
                                                    std::optional<DistillationConfig> base) {
  const auto table = training.maybe_table("distillation");
  if (!table) return base;
  DistillationConfig d = base.value_or(DistillationConfig{});
  d.name = d.name.empty() ? table->string("teacher") : table->string("teacher", d.name);
  d.temperature = table->number("temperature", 0.1, 1000, d.temperature);
  d.weight = table->number("weight", 0, 1, d.weight);
  table->done();
  return d;
}

}  // namespace

std::string one_of(const TomlTable& table, std::string_view key, std::span<const std::string> known,
                   const std::string& fallback) {
  const std::string value = fallback.empty() ? table.string(key) : table.string(key, fallback);
  if (std::find(known.begin(), known.end(), value) != known.end()) return value;
  throw table.error(key, "not known here" + suggestion(value, known));
}

DataConfig read_data(const TomlTable& table, const std::filesystem::path& base) {
  DataConfig data;
  data.set = one_of(table, "set", kDataSets, "");
  if (data.is_text()) {
    read_text(table, base, data);
  } else {
    read_images(table, base, data);
  }
  data.validation_share = table.number("validation_share", 0.01, 0.9, data.validation_share);
  table.done();
  return data;
}

Task task_of(const DataConfig& data) {
  if (data.is_text()) return {{1, data.context, 1}, 0};
  if (data.set == "cifar10") return {{3, 32, 32}, 10};
  if (data.set == "cifar100") return {{3, 32, 32}, 100};
  return {{1, 28, 28}, 10};  // the two MNISTs
}

TrainingConfig usual_training(const std::optional<DataConfig>& data) {
  TrainingConfig t;
  if (!data || !data->is_text()) return t;
  t.optimiser = "adamw";
  t.batch = 4;
  t.learning_rate = 5e-3;
  t.warmup = 0.1;
  t.weight_decay = 0.01;
  return t;
}

TrainingConfig long_training(const TrainingConfig& search, const std::string& data_set) {
  TrainingConfig training = search;
  training.epochs = 30;
  training.cooldown = 0;
  training.time_limit_s = 0;
  if (training.start && training.start->parents()) training.start.reset();
  // A mirrored digit is another sign, a mirrored shirt is a shirt; Fashion-MNIST's are centred
  // (trainer/README.md has the measurement).
  training.augment.clear();
  if (data_set == "fashion_mnist" || data_set.starts_with("cifar")) training.augment = {"flip"};
  if (data_set == "mnist" || data_set.starts_with("cifar")) training.augment.push_back("crop");
  return training;
}

TrainingConfig read_training(const TomlTable& table, const std::optional<DataConfig>& data,
                             const std::vector<std::string>& devices, TrainingConfig t) {
  const bool text = data && data->is_text();
  t.epochs = static_cast<int>(table.integer("epochs", 1, 100'000, t.epochs));
  t.batch = static_cast<int>(table.integer("batch", 1, 65536, t.batch));
  t.learning_rate = table.number("learning_rate", 1e-9, 100, t.learning_rate);
  t.warmup = table.number("warmup", 0, 1, t.warmup);
  t.cooldown = table.number("cooldown", 0, 1, t.cooldown);
  t.optimiser = one_of(table, "optimiser", kOptimisers, t.optimiser);
  t.momentum = table.number("momentum", 0, 0.9999, t.momentum);
  t.weight_decay = table.number("weight_decay", 0, 10, t.weight_decay);
  t.label_smoothing = table.number("label_smoothing", 0, 0.99, t.label_smoothing);
  if (table.has("augment")) t.augment = table.strings("augment");
  if (text && !t.augment.empty())
    throw table.error("augment", "images are augmented; a text is not");
  for (const std::string& name : t.augment) {
    if (std::find(kAugmentations.begin(), kAugmentations.end(), name) == kAugmentations.end()) {
      throw table.error("augment",
                        "'" + name + "' is not known here" + suggestion(name, kAugmentations));
    }
  }
  t.precision = one_of(table, "precision", kPrecisions, t.precision);
  t.quantization = one_of(table, "quantization", kQuantizations, t.quantization);
  t.time_limit_s = table.quantity("time_limit", Unit::second, t.time_limit_s);
  if (t.time_limit_s < 0) throw table.error("time_limit", "a time limit is not negative");
  if (const auto noise = table.maybe_table("noise")) t.noise = read_noise(*noise, devices);
  if (t.noise && text)
    throw table.error("noise", "analog cells hold weights, attention has none; leave it out");
  if (table.has("proxies")) t.proxies = table.strings("proxies");
  for (const std::string& name : t.proxies) {
    if (std::find(proxy_names().begin(), proxy_names().end(), name) == proxy_names().end())
      throw table.error("proxies",
                        "'" + name + "' is not known here" + suggestion(name, proxy_names()));
  }
  if (table.has("start_from")) t.start = StartConfig{table.string("start_from"), {}};
  t.distillation = read_distillation(table, std::move(t.distillation));
  if (t.distillation && text)
    throw table.error("distillation", "networks of texts learn without a teacher; leave it out");
  table.done();
  return t;
}

void resolve_trained(TrainingConfig& training, const std::string& file) {
  const std::filesystem::path base = std::filesystem::path(file).parent_path();
  const auto find = [&](const std::string& name, TrainedNetwork& network, const char* key) {
    if (network.weights.empty()) network = find_trained(name, base, file, key);
  };
  if (auto& start = training.start; start && !start->parents())
    find(start->name, start->from, "training.start_from");
  if (auto& d = training.distillation) find(d->name, d->teacher, "training.distillation.teacher");
}

std::string deciding_settings(const TrainingConfig& t) {
  std::ostringstream out;
  out.precision(17);
  out << "training.epochs = " << t.epochs << "\ntraining.batch = " << t.batch
      << "\ntraining.learning_rate = " << t.learning_rate << "\ntraining.warmup = " << t.warmup
      << "\ntraining.momentum = " << t.momentum << "\ntraining.weight_decay = " << t.weight_decay
      << "\ntraining.label_smoothing = " << t.label_smoothing
      << "\ntraining.precision = " << t.precision << "\ntraining.time_limit_s = " << t.time_limit_s
      << "\ntraining.augment =";
  for (const std::string& a : t.augment) out << ' ' << a;
  out << '\n';
  if (t.noise) {
    out << "training.noise = " << t.noise->device << (t.noise->aware ? " aware, " : ", ")
        << (t.noise->recalibrated ? "recalibrated, " : "") << t.noise->draws << " draws at";
    for (const double time : t.noise->times_s) out << ' ' << time;
    out << '\n';
  }
  if (t.quantization != "post_training")
    out << "training.quantization = " << t.quantization << '\n';
  if (!t.proxies.empty()) {
    out << "training.proxies =";
    for (const std::string& name : t.proxies) out << ' ' << name;
    out << '\n';
  }
  if (t.optimiser != "sgd") out << "training.optimiser = " << t.optimiser << '\n';
  if (t.cooldown > 0) out << "training.cooldown = " << t.cooldown << '\n';
  if (t.start) {
    out << "training.start_from = " << (t.start->parents() ? t.start->name : t.start->from.hash)
        << '\n';
  }
  if (t.distillation) {
    out << "training.distillation = " << t.distillation->teacher.hash << " at "
        << t.distillation->temperature << ", weight " << t.distillation->weight << '\n';
  }
  return out.str();
}

}  // namespace hwnas
