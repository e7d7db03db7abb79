#include "trainer/module.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include "space/rng.h"
#include "trainer/cell_noise.h"
#include "trainer/compression.h"
#include "trainer/layer_op.h"
#include "trainer/norm.h"
#include "trainer/ranges.h"
#include "trainer/sequence_op.h"

namespace hwnas {

using at::Tensor;

struct Module::Impl {
  Network network;
  std::vector<std::string> names;  // of layers, a repeated one with a number, as to_toml has it
  std::vector<std::vector<Tensor>> values;  // per layer, as layer_op.h wants them
  std::vector<int> last_reader;             // of each layer; -1: the output does not need it
  std::vector<bool> overwrites;             // activations whose input nobody else looks at
  std::vector<int> fused;                   // the activation that a norm computes along; 0: none
  bool training = true;
  std::vector<std::vector<Tensor>> compressed;  // `values` as deployed; empty: not compressed
  std::vector<bool> rounded;                    // of each layer, where compressed
  const CellNoise* cells = nullptr;
  Rng* cell_rng = nullptr;
  std::vector<CellMap> programmed;  // of each layer; empty: drawn in each pass

  bool aware = false;             // compressed in training, too
  double pruned = 0;              // in training: of the way to the layers' densities
  std::vector<Tensor> ranges;     // {low, high} of each rounded tensor; undefined: not known
  RangeObserver* seen = nullptr;  // while ranges are chosen

  // Of the norms, in order; they share storage.
  std::vector<Tensor> statistics() const {
    std::vector<Tensor> all;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (network.layer(static_cast<int>(i)).op == Op::batch_norm)
        all.insert(all.end(), {values[i][2], values[i][3]});
    }
    return all;
  }

  std::vector<Tensor> values_of(std::size_t at) const {
    if (!compressed.empty()) return compressed[at];
    if (!training || values[at].empty()) return values[at];
    Layer layer = network.layer(static_cast<int>(at));
    layer.weight_density = density_on_the_way(layer.weight_density, pruned);
    if (!aware) layer.weight_bits = kExactBits;
    if (layer.weight_density == 1 && layer.weight_bits >= kExactBits) return values[at];
    std::vector<Tensor> with = values[at];
    with[0] = straight_through(with[0], compressed_weight(layer, with[0].detach()));
    return with;
  }
  // A layer's result as it is stored in a deployed network.
  Tensor stored(std::size_t layer, Tensor result) const {
    if ((compressed.empty() && !(aware && training)) || !rounded[layer]) return result;
    const int bits = network.layer(static_cast<int>(layer)).activation_bits;
    if (bits >= kExactBits) return result;
    if (seen != nullptr) {
      seen->see(layer, result, bits);
      return result;
    }
    const Tensor range = ranges.empty() ? Tensor() : ranges[layer];
    if (!range.defined())
      return straight_through(result, rounded_between(result, own_range(result), bits));
    return aware && training ? rounded_learning(result, range, bits)
                             : rounded_between(result, range, bits);
  }

  Tensor on_cells(std::size_t at, std::vector<Tensor> inputs, std::size_t time) const {
    std::vector<Tensor> with = values_of(at);
    const CellMap map = programmed.empty() ? hwnas::program_cells(*cells, time, with[0], *cell_rng)
                                           : programmed[at];
    with[0] = straight_through(with[0], read_cells(map, *cell_rng));
    inputs[0] = converted_input(*cells, inputs[0]);
    return converted_output(
        *cells, apply(network.layer(static_cast<int>(at)), inputs, with, {training, false}));
  }
};

namespace {

bool is_weighted(const Layer& layer) {
  return layer.op == Op::conv || layer.op == Op::linear;
}

// fan_in of the layer in He's sense; the last linear layer has no rectifier after it, so gain 1.
Tensor initial_weight(const Layer& layer, Rng* rng) {
  const bool is_conv = layer.op == Op::conv;
  const int fan_in = is_conv ? layer.in.channels / layer.groups * layer.kernel_h * layer.kernel_w
                             : layer.in.channels;
  const double stddev = std::sqrt((is_conv ? 2.0 : 1.0) / fan_in);
  Tensor weight = is_conv ? torch::empty({layer.out.channels, layer.in.channels / layer.groups,
                                          layer.kernel_h, layer.kernel_w})
                          : torch::empty({layer.out.channels, layer.in.channels});
  float* at = weight.data_ptr<float>();
  for (std::int64_t i = 0; rng != nullptr && i < weight.numel(); ++i)
    at[i] = static_cast<float>(stddev * rng->normal());
  return weight.requires_grad_();
}

// Linear layers that only a sum reads, the ends of a transformer's branches. From zero each block
// begins as the identity, which short trainings make much of (README.md; arXiv:2003.04887).
std::vector<bool> find_branch_ends(const Network& network) {
  std::vector<bool> ends(static_cast<std::size_t>(network.size()), false);
  for (int i = 0; i < network.size(); ++i)
    ends[static_cast<std::size_t>(i)] = network.layer(i).op == Op::linear;
  ends.back() = false;
  for (const Layer& layer : network.layers()) {
    for (const int from : network.inputs(layer)) {
      if (layer.op != Op::add || layer.input_count < 2)
        ends[static_cast<std::size_t>(from)] = false;
    }
  }
  return ends;
}

std::vector<Tensor> initial_values(const Layer& layer, Rng* rng) {
  const std::int64_t channels = layer.out.channels;
  if (layer.op == Op::batch_norm) {
    return {torch::ones({channels}).requires_grad_(), torch::zeros({channels}).requires_grad_(),
            torch::zeros({channels}), torch::ones({channels})};
  }
  if (is_sequence_op(layer.op)) return sequence_values(layer, rng);
  if (layer.op != Op::conv && layer.op != Op::linear) return {};
  return {initial_weight(layer, rng),
          layer.bias ? torch::zeros({channels}).requires_grad_() : Tensor()};
}

// Backward of these looks at their inputs only, so a rectifier may overwrite their output.
bool output_is_spare(Op op) {
  return op == Op::conv || op == Op::batch_norm || op == Op::add;
}

std::vector<std::string> unique_names(const Network& network) {
  std::set<std::string> taken;
  std::vector<std::string> names;
  for (const Layer& layer : network.layers()) {
    std::string name = layer.name;
    for (int copy = 2; !taken.insert(name).second; ++copy)
      name = layer.name + "_" + std::to_string(copy);
    names.push_back(std::move(name));
  }
  return names;
}

std::vector<int> find_last_readers(const Network& network) {
  std::vector<int> last(static_cast<std::size_t>(network.size()), -1);
  last.back() = network.size();
  for (int i = network.size() - 1; i > 0; --i) {
    if (last[static_cast<std::size_t>(i)] < 0) continue;
    for (const int from : network.inputs(network.layer(i))) {
      last[static_cast<std::size_t>(from)] = std::max(last[static_cast<std::size_t>(from)], i);
    }
  }
  return last;
}

std::vector<bool> find_overwrites(const Network& network) {
  std::vector<int> readers(static_cast<std::size_t>(network.size()), 0);
  for (const Layer& layer : network.layers()) {
    for (const int from : network.inputs(layer)) ++readers[static_cast<std::size_t>(from)];
  }
  std::vector<bool> overwrites(readers.size(), false);
  for (int i = 1; i < network.size(); ++i) {
    const Layer& layer = network.layer(i);
    const int from = network.inputs(layer)[0];
    // An add of one term returns the term itself, which others may hold.
    const bool is_new = network.layer(from).op != Op::add || network.layer(from).input_count > 1;
    overwrites[static_cast<std::size_t>(i)] = layer.op == Op::activation && is_new &&
                                              readers[static_cast<std::size_t>(from)] == 1 &&
                                              output_is_spare(network.layer(from).op);
  }
  return overwrites;
}

std::vector<int> find_fused(const Network& network, const std::vector<bool>& overwrites) {
  std::vector<int> fused(overwrites.size(), 0);
  for (int i = 1; i < network.size(); ++i) {
    const Layer& layer = network.layer(i);
    const bool rectifier =
        layer.activation == Activation::relu || layer.activation == Activation::relu6;
    if (!overwrites[static_cast<std::size_t>(i)] || !rectifier) continue;
    const int from = network.inputs(layer)[0];
    if (network.layer(from).op == Op::batch_norm) fused[static_cast<std::size_t>(from)] = i;
  }
  return fused;
}

}  // namespace

Tensor resized(const Tensor& images, const Shape& input) {
  if (images.size(2) == input.height && images.size(3) == input.width) return images;
  namespace F = torch::nn::functional;
  return F::interpolate(images, F::InterpolateFuncOptions()
                                    .size(std::vector<std::int64_t>{input.height, input.width})
                                    .mode(torch::kBilinear)
                                    .align_corners(false));
}

Module::Module(Network network, std::optional<std::uint64_t> seed)
    : impl_(std::make_unique<Impl>()) {
  if (network.empty()) throw std::invalid_argument("the network has no layers");
  Rng rng(seed.value_or(0));
  for (const Layer& layer : network.layers())
    impl_->values.push_back(initial_values(layer, seed ? &rng : nullptr));
  const std::vector<bool> branch_ends = find_branch_ends(network);
  for (std::size_t i = 0; seed && i < branch_ends.size(); ++i) {
    const torch::NoGradGuard no_grad;
    if (branch_ends[i]) impl_->values[i][0].zero_();
  }
  impl_->names = unique_names(network);
  impl_->last_reader = find_last_readers(network);
  impl_->overwrites = find_overwrites(network);
  impl_->fused = find_fused(network, impl_->overwrites);
  impl_->network = std::move(network);
}

Module::~Module() = default;
Module::Module(Module&&) noexcept = default;
Module& Module::operator=(Module&&) noexcept = default;

const Network& Module::network() const {
  return impl_->network;
}
const std::string& Module::layer_name(int layer) const {
  return impl_->names[static_cast<std::size_t>(layer)];
}
const std::vector<Tensor>& Module::values(int layer) const {
  return impl_->values[static_cast<std::size_t>(layer)];
}
void Module::set_training(bool training) {
  impl_->training = training;
}

void Module::set_compressed(bool compressed) {
  impl_->compressed.clear();
  if (!compressed) return;
  impl_->rounded = rounded_outputs(impl_->network);
  for (std::size_t i = 0; i < impl_->values.size(); ++i) {
    std::vector<Tensor> values = impl_->values[i];
    if (!values.empty())
      values[0] = compressed_weight(impl_->network.layer(static_cast<int>(i)), values[0]);
    impl_->compressed.push_back(std::move(values));
  }
}

void Module::expect_ranges(bool learned) {
  impl_->ranges.resize(impl_->values.size());
  const std::vector<bool> rounded = rounded_outputs(impl_->network);
  for (std::size_t i = 0; i < rounded.size(); ++i) {
    if (!rounded[i] || impl_->last_reader[i] < 0) continue;
    if (impl_->network.layer(static_cast<int>(i)).activation_bits >= kExactBits) continue;
    if (!impl_->ranges[i].defined()) impl_->ranges[i] = torch::zeros({2});
    impl_->ranges[i].set_requires_grad(learned);
  }
}

void Module::calibrate(const std::vector<Tensor>& batches) {
  const torch::NoGradGuard no_grad;
  const bool training = impl_->training, compressed = !impl_->compressed.empty();
  RangeObserver observer(impl_->values.size());
  set_training(false);
  set_compressed(true);
  impl_->seen = &observer;
  for (const Tensor& batch : batches) (void)logits(batch);
  observer.begin_second_pass();
  for (const Tensor& batch : batches) (void)logits(batch);
  impl_->seen = nullptr;
  set_compressed(compressed);
  set_training(training);
  if (impl_->ranges.empty()) expect_ranges(false);
  for (std::size_t i = 0; i < impl_->ranges.size(); ++i) {
    if (impl_->ranges[i].defined() && observer.saw(i)) impl_->ranges[i].copy_(observer.range(i));
  }
}

bool Module::has_ranges() const {
  return !impl_->ranges.empty();
}

Tensor Module::range(int layer) const {
  return impl_->ranges.empty() ? Tensor() : impl_->ranges[static_cast<std::size_t>(layer)];
}

void Module::set_compression_aware(bool aware) {
  impl_->aware = aware;
  if (aware) impl_->rounded = rounded_outputs(impl_->network);
}

void Module::set_pruned(double share) {
  impl_->pruned = share;
}

std::vector<Tensor> Module::norm_statistics() const {
  std::vector<Tensor> copies;
  for (const Tensor& statistic : impl_->statistics()) copies.push_back(statistic.clone());
  return copies;
}

void Module::set_norm_statistics(const std::vector<Tensor>& statistics) {
  std::vector<Tensor> own = impl_->statistics();
  for (std::size_t i = 0; i < own.size(); ++i) own[i].copy_(statistics.at(i));
}

void Module::measure_norms(const std::vector<Tensor>& batches) {
  const torch::NoGradGuard no_grad;
  const bool training = impl_->training;
  // From zero the running statistics are weighted sums of the batches'.
  for (Tensor& statistic : impl_->statistics()) statistic.zero_();
  impl_->training = true;
  for (const Tensor& batch : batches) (void)logits(batch);
  impl_->training = training;
  const double weights = 1 - std::pow(1 - kNormMomentum, static_cast<double>(batches.size()));
  for (Tensor& statistic : impl_->statistics()) statistic.div_(weights);
}

void Module::set_cells(const CellNoise* noise, Rng* rng) {
  impl_->cells = noise;
  impl_->cell_rng = rng;
  impl_->programmed.clear();
}

void Module::program_cells(std::size_t time) {
  impl_->programmed.clear();
  for (std::size_t i = 0; i < impl_->values.size(); ++i) {
    const bool stored = is_weighted(impl_->network.layer(static_cast<int>(i)));
    impl_->programmed.push_back(
        stored ? hwnas::program_cells(*impl_->cells, time, impl_->values_of(i)[0], *impl_->cell_rng)
               : CellMap{});
  }
}

Tensor Module::forward(const Tensor& images) {
  return run(images, impl_->network.size());
}

Tensor Module::logits(const Tensor& images) {
  const auto layers = impl_->network.layers();
  const bool softmax = layers.size() > 1 && layers.back().op == Op::softmax;
  if (!softmax) return run(images, impl_->network.size());
  return run(images, impl_->network.inputs(layers.back())[0] + 1);
}

Tensor Module::run(const Tensor& images, int layers) {
  const Shape& input = impl_->network.input();
  if (images.size(1) != input.channels) {
    throw std::invalid_argument("the network reads " + std::to_string(input.channels) +
                                " channels, the images have " + std::to_string(images.size(1)));
  }
  std::vector<Tensor> results(static_cast<std::size_t>(layers)), inputs;
  results[0] = impl_->stored(0, resized(images, input));
  const std::size_t time =
      impl_->cells != nullptr
          ? impl_->cell_rng->below(static_cast<std::uint32_t>(impl_->cells->times.size()))
          : 0;
  for (int i = 1; i < layers; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (impl_->last_reader[at] < 0) continue;
    const Layer& layer = impl_->network.layer(i);
    if (results[at].defined()) continue;  // an activation that its norm has computed
    inputs.clear();
    for (const int from : impl_->network.inputs(layer))
      inputs.push_back(results[static_cast<std::size_t>(from)]);
    if (const int fused = impl_->fused[at]; fused != 0 && fused < layers) {
      const Activation activation = impl_->network.layer(fused).activation;
      const auto end = static_cast<std::size_t>(fused);
      results[end] = impl_->stored(
          end, norm_activation(inputs[0], impl_->values_of(at), activation, impl_->training));
    } else if (impl_->cells != nullptr && is_weighted(layer)) {
      results[at] = impl_->stored(at, impl_->on_cells(at, inputs, time));
    } else {
      results[at] = impl_->stored(
          at, apply(layer, inputs, impl_->values_of(at), {impl_->training, impl_->overwrites[at]}));
    }
    for (const int from : impl_->network.inputs(layer)) {
      if (impl_->last_reader[static_cast<std::size_t>(from)] == i)
        results[static_cast<std::size_t>(from)].reset();
    }
  }
  return results.back();
}

void Module::use_channels_last() {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, value] : parameters()) {
    if (value.dim() == 4) value.set_data(value.contiguous(at::MemoryFormat::ChannelsLast));
  }
}

void Module::move_to_cuda() {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, value] : state()) value.set_data(value.to(at::kCUDA));
}

const std::vector<std::vector<Tensor>>& Module::values() const {
  return impl_->values;
}

NamedTensors Module::state() const {
  NamedTensors all;
  for (std::size_t i = 0; i < impl_->values.size(); ++i) {
    constexpr const char* kSuffixes[] = {".weight", ".bias", ".mean", ".var"};
    const std::vector<Tensor>& values = impl_->values[i];
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (values[k].defined()) {
        all.emplace_back(impl_->names[i] + kSuffixes[k], values[k]);
      }
    }
    if (const Tensor ends = range(static_cast<int>(i)); ends.defined())
      all.emplace_back(impl_->names[i] + kRangeSuffix, ends);
  }
  return all;
}

NamedTensors Module::parameters() const {
  NamedTensors trained;
  for (auto& entry : state()) {
    if (entry.second.requires_grad()) trained.push_back(std::move(entry));
  }
  return trained;
}

}  // namespace hwnas
