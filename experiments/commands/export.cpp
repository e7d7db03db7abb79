#include <algorithm>
#include <iostream>
#include <optional>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/experiment.h"
#include "experiments/export/model_card.h"
#include "experiments/export/pending_folder.h"
#include "experiments/export/trained_files.h"
#include "experiments/interrupt.h"
#include "experiments/onnx_file.h"
#include "experiments/stored_programs.h"
#include "space/input_error.h"
#include "space/network_file.h"

namespace hwnas {
namespace {

// What an export may consist of.
const std::vector<std::string> kFiles{"model.onnx",        "model.int8.onnx",     "model.pt",
                                      "model.safetensors", "samples.safetensors", "network.toml",
                                      "MODEL_CARD.md"};

// The trial's trained values: of its longest training in full, unless those of the search are
// asked for or there is none. Throws InputError that says how to get them.
void find_weights(const Study& study, const std::string& path, bool searched, CardFacts& facts) {
  const TrialId id = facts.trial.id;
  const std::filesystem::path files = files_folder(path);
  for (const FinalTraining& final : study.finals(id)) {
    const std::filesystem::path file = files / final.folder / "weights.pt";  // or absolute
    if (searched || !std::filesystem::exists(file)) continue;
    if (facts.final && facts.final->epochs >= final.epochs) continue;
    facts.final = final;
    facts.weights = file.string();
  }
  if (facts.final) return;
  for (const Artifact& a : study.artifacts(id)) {
    facts.weights = (files / a.path).string();
    if (a.kind == "weights" && std::filesystem::exists(facts.weights)) return;
  }
  throw InputError(path, 0, "", "",
                   "trial " + std::to_string(id) +
                       " has no trained weights; train it: hwnas train " + path + " " +
                       std::to_string(id));
}

// A study may be older than the format of its devices: the card goes without those.
std::vector<Device> readable_devices(const Study& study) {
  std::vector<Device> devices;
  for (const StudyDevice& stored : study.devices()) {
    try {
      devices.push_back(stored_device(stored));
    } catch (const InputError& error) {
      std::cerr << stored.name << ": left out of the card: " << error.what() << '\n';
    }
  }
  return devices;
}

CardFacts read_facts(const std::string& path, const CommandLine& line, const Study& study) {
  const std::int64_t trials = study.trial_count();
  const auto id = line.integer("ID", 0, std::max<std::int64_t>(trials - 1, 0));
  const auto trial = study.trial(*id);
  if (!trial) {
    throw InputError(path, 0, "", "",
                     "has no trial " + std::to_string(*id) + "; it has " + std::to_string(trials));
  }
  CardFacts facts;
  facts.study = study.info().name;
  facts.study_file = path;
  facts.study_version = study.info().version;
  facts.trial = *trial;
  facts.config = RunConfig::parse(study.info().config, "config of study '" + facts.study + "'");
  if (!facts.config.data || !facts.config.training) {
    throw InputError(path, 0, "", "",
                     "trains nothing (its config has no [training]): there is no model to export");
  }
  auto alive = live(stored_space(study).decode(trial->genotype).network);
  if (!alive)
    throw InputError(path, 0, "", "",
                     "trial " + std::to_string(*id) + ": nothing reaches its output");
  facts.network = std::move(*alive);
  facts.devices = readable_devices(study);
  return facts;
}

bool asks_for_integers(const Network& network) {
  return std::any_of(network.layers().begin(), network.layers().end(), [](const Layer& layer) {
    return weight_count(layer) > 0 && layer.weight_bits <= 8;
  });
}

// False where interrupted.
bool fill(const PendingFolder& folder, CardFacts& facts, int samples, std::optional<int> int8,
          std::stop_token stop) {
  folder.write("network.toml", to_toml(facts.network));
  auto trained = write_trained_files(
      facts.config, {facts.network, facts.weights, facts.final, folder.path(), samples, int8},
      std::move(stop));
  if (!trained) return false;
  facts.trained = std::move(*trained);
  write_onnx(folder / "network.toml", folder / "model.safetensors", folder / "model.onnx");
  facts.files = {{"model.onnx", "ONNX, float32, norms kept as layers"},
                 {"model.pt", "TorchScript, float32: `torch.jit.load`"},
                 {"model.safetensors", "the trained values, by layer of `network.toml`"},
                 {"network.toml", "the network, for `hwnas estimate network.toml`"}};
  if (int8) {
    write_onnx(folder / "network.int8.toml", folder / "model.int8.safetensors",
               folder / "model.int8.onnx");
    facts.files.emplace_back("model.int8.onnx",
                             "ONNX in QDQ form: int8 weights for each channel, uint8 tensors, "
                             "norms folded in");
    facts.files.emplace_back("model.int8.safetensors", "the same as integers, scales, zero points");
    facts.files.emplace_back("network.int8.toml", "the network that these two compute");
  }
  if (samples > 0) {
    facts.files.emplace_back("samples.safetensors",
                             "test images as the network reads them, labels, and the logits of the "
                             "trainer: to check a runtime against");
  }
  folder.write("MODEL_CARD.md", model_card(facts));
  return true;
}

}  // namespace

int export_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas export STUDY ID -o DIR",
      "A trained trial as files for other programs: ONNX, TorchScript, the plain values, the "
      "network file,\nand a model card. Example: hwnas export fashion_mnist.db 42 -o model");
  line.positional("STUDY", "a study file")
      .positional("ID", "number of a trial")
      .value("output,o", "DIR", "folder to write; must be new or empty")
      .value("samples", "N",
             "also write N test images with the trainer's answers, to check a runtime against (0)")
      .flag("int8", "also an int8 model (always where the network asks for 8 bits or fewer)")
      .value("calibration", "N", "training images that the int8 model's ranges are from (512)")
      .flag("search-weights", "those of the search, even where hwnas train has trained the trial")
      .flag("force", "write into a folder that holds something; its other files stay");
  if (!line.parse(arguments)) return 0;
  if (!line.has("output")) throw InputError("-o is missing; expected the folder to write");
  const std::string path = line.get("STUDY");
  const Study study = Study::open_readonly(path);
  CardFacts facts = read_facts(path, line, study);
  find_weights(study, path, line.has("search-weights"), facts);
  const Interrupt interrupt;
  PendingFolder folder(line.get("output"), line.has("force"));
  std::optional<int> int8;
  if (line.has("int8") || asks_for_integers(facts.network))
    int8 = static_cast<int>(line.integer("calibration", 1, 1 << 20).value_or(512));
  const auto samples = static_cast<int>(line.integer("samples", 0, 1 << 20).value_or(0));
  if (!fill(folder, facts, samples, int8, interrupt.stop())) return 130;
  folder.commit(kFiles);
  for (const auto& [name, what] : facts.files)
    std::cout << (std::filesystem::path(line.get("output")) / name).string() << "  " << what
              << '\n';
  std::cout << (std::filesystem::path(line.get("output")) / "MODEL_CARD.md").string() << '\n';
  return 0;
}

}  // namespace hwnas
