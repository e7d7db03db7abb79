#include "trainer/export.h"

#include <torch/torch.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <optional>

#include "space/network_file.h"
#include "trainer/compression.h"
#include "trainer/failure.h"
#include "trainer/integer_network.h"
#include "trainer/tensor_file.h"
#include "trainer/torch_script.h"

namespace hwnas {
namespace {

using at::Tensor;

constexpr int kBatch = 250;

// Weights that are not stored are zero; the rest stays as trained.
void prune(Module& module) {
  const torch::NoGradGuard no_grad;
  for (int i = 0; i < module.network().size(); ++i) {
    Layer layer = module.network().layer(i);
    if (layer.weight_density == 1 || module.values(i).empty()) continue;
    layer.weight_bits = 32;
    Tensor weight = module.values(i)[0];
    weight.copy_(compressed_weight(layer, weight));
  }
}

NamedTensors without_ranges(NamedTensors state) {
  std::erase_if(state, [](const auto& entry) { return entry.first.ends_with(kRangeSuffix); });
  return state;
}

// The first `count` images, as a network reads them, and their labels, a batch at a time.
struct Source {
  const Images& images;
  const Normalisation& normalisation;
  const Shape& input;

  template <typename Visit>
  void each_batch(int count, const Visit& visit) const {
    const Batcher batcher(images, normalisation);
    const auto [channels, height, width] = images.shape;
    Rng rng(0);
    count = std::min(count, images.size());
    for (int at = 0; at < count; at += kBatch) {
      std::vector<int> order(static_cast<std::size_t>(std::min(kBatch, count - at)));
      std::iota(order.begin(), order.end(), at);
      const auto size = static_cast<std::int64_t>(order.size());
      const Tensor batch = torch::empty({size, channels, height, width});
      const Tensor labels = torch::empty({size}, at::kLong);
      batcher.fill(order, {}, rng, false, batch.data_ptr<float>(), labels.data_ptr<std::int64_t>());
      visit(resized(batch, input), labels);
    }
  }
};

template <typename Model>
double accuracy_of(Model& model, const Source& source) {
  std::int64_t right = 0;
  source.each_batch(source.images.size(), [&](const Tensor& batch, const Tensor& labels) {
    right +=
        model.forward(batch).flatten(1).argmax(1).eq(labels).sum().template item<std::int64_t>();
  });
  return static_cast<double>(right) / source.images.size();
}

std::optional<IntegerNetwork> save_integers(const Module& module, const Trainer& trainer,
                                            const ExportSettings& settings) {
  if (!settings.int8) return std::nullopt;
  const Source source{trainer.data().train, trainer.normalisation(), module.network().input()};
  std::vector<Tensor> calibration;
  source.each_batch(settings.calibration,
                    [&](const Tensor& batch, const Tensor&) { calibration.push_back(batch); });
  IntegerNetwork integers(module, calibration);
  save_tensors(integers.tensors(), {}, settings.folder / "model.int8.safetensors");
  std::ofstream out(settings.folder / "network.int8.toml");
  out << to_toml(integers.network());
  out.close();
  if (!out)
    throw std::runtime_error((settings.folder / "network.int8.toml").string() +
                             ": cannot be written");
  return integers;
}

void save_samples(Module& module, const IntegerNetwork* integers, const Source& source,
                  const ExportSettings& settings) {
  std::vector<Tensor> images, labels, logits, int8_logits;
  source.each_batch(settings.samples, [&](const Tensor& batch, const Tensor& answers) {
    images.push_back(batch);
    labels.push_back(answers);
    logits.push_back(module.forward(batch).flatten(1));
    if (integers != nullptr) int8_logits.push_back(integers->forward(batch));
  });
  NamedTensors samples{{"images", torch::cat(images)},
                       {"labels", torch::cat(labels)},
                       {"logits", torch::cat(logits)}};
  if (integers != nullptr) samples.emplace_back("int8_logits", torch::cat(int8_logits));
  save_tensors(samples, {{"part", "test"}}, settings.folder / "samples.safetensors");
}

}  // namespace

ExportOutcome export_model(const Trainer& trainer, const Network& network,
                           const ExportSettings& settings, const Images& test) {
  ExportOutcome outcome{trainer.normalisation(), trainer.data().train.shape, 0, {}, ""};
  try {
    const torch::NoGradGuard no_grad;
    Module module(network, {});
    load_weights(module, settings.weights);
    module.set_training(false);
    prune(module);
    save_tensors(without_ranges(module.state()), {{"format", "pt"}},
                 settings.folder / "model.safetensors");
    save_script(module, settings.folder / "model.pt");
    const std::optional<IntegerNetwork> integers = save_integers(module, trainer, settings);
    const Source held_out{settings.on_test ? test : trainer.data().validation,
                          outcome.normalisation, network.input()};
    outcome.accuracy = accuracy_of(module, held_out);
    if (integers) outcome.int8_accuracy = accuracy_of(*integers, held_out);
    if (settings.samples > 0) {
      save_samples(module, integers ? &*integers : nullptr,
                   {test, outcome.normalisation, network.input()}, settings);
    }
  } catch (const std::exception& error) {
    outcome.failure = failure_reason(error);
  }
  return outcome;
}

}  // namespace hwnas
