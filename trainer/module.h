// Module: a Network as trainable LibTorch tensors.
//
// Its parameters are exactly those that parameters(Network) counts, named LAYER.weight and
// LAYER.bias (plus LAYER.mean and LAYER.var of a norm, which are state). Weights start from He's
// normal distribution (doi:10.1109/ICCV.2015.123), drawn from the seed alone, but for linear layers
// that only a sum reads, which start at zero; LibTorch's own generator is never used. Precisions
// and densities of layers change what it computes only where set_compressed() says so; else
// float32, dense. Errors: c10::Error of LibTorch where memory or shapes give out. Not thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "space/network.h"

namespace at {
class Tensor;
}

namespace hwnas {

struct CellNoise;
class Rng;

// Bilinear, where height or width are not the input's; else the images themselves.
at::Tensor resized(const at::Tensor& images, const Shape& input);

inline constexpr const char* kRangeSuffix = ".range";  // of a range's name in state()

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// Torch's header costs 15 s per file: it is named here, included only by those who look inside.
class Module {
 public:
  // Without a seed the weights are left undefined, for load_weights. Throws std::invalid_argument
  // on an empty network.
  Module(Network network, std::optional<std::uint64_t> seed);
  ~Module();
  Module(Module&&) noexcept;
  Module& operator=(Module&&) noexcept;

  // images: batch x channels x height x width, resized bilinearly where height or width differ from
  // the network's input; a difference in channels is std::invalid_argument. Returns batch x
  // channels x height x width of the last layer, with a final softmax applied (forward) or not
  // (logits).
  at::Tensor forward(const at::Tensor& images);
  at::Tensor logits(const at::Tensor& images);

  const Network& network() const;
  // Of one layer: its name, a repeated one with a number; its values as layer_op.h wants them.
  const std::string& layer_name(int layer) const;
  const std::vector<at::Tensor>& values(int layer) const;
  void set_training(bool training);  // batch statistics or running ones; on at first
  // As deployed (trainer/compression.h), with the weights of this moment; for evaluation only.
  void set_compressed(bool compressed);
  void use_channels_last();  // weights as height x width x channels
  // Rounded in training, too, with the weights of each moment; gradients pass as if nothing were
  // (straight-through: Bengio et al., arXiv:1308.3432).
  void set_compression_aware(bool aware);
  // How far pruning in training has come, likewise: 0, as at first, to 1 (trainer/compression.h).
  void set_pruned(double share);
  // Ranges of rounded tensors (trainer/ranges.h) are among the values from now on, and trained
  // where `learned`. Without any a tensor is rounded between its own smallest and largest value.
  void expect_ranges(bool learned);
  // Chooses them from images, as they are when deployed.
  void calibrate(const std::vector<at::Tensor>& batches);
  bool has_ranges() const;
  at::Tensor range(int layer) const;  // {low, high}; undefined: not known, or not rounded
  // Conv and linear layers on cells (trainer/cell_noise.h), until set_cells(nullptr, nullptr): with
  // new maps in each forward(), or, after program_cells(), with maps of the weights of that moment,
  // as they are deployed. `noise` and `rng` outlive that.
  void set_cells(const CellNoise* noise, Rng* rng);
  void program_cells(std::size_t time);
  // Running means and variances of the norms: copies; to be set; of the batches, as it computes
  // now.
  std::vector<at::Tensor> norm_statistics() const;
  void set_norm_statistics(const std::vector<at::Tensor>& statistics);
  void measure_norms(const std::vector<at::Tensor>& batches);
  void move_to_cuda();

  // Of each layer, as layer_op.h wants them; they share storage with the module.
  const std::vector<std::vector<at::Tensor>>& values() const;
  // Trained values; and these with the running statistics of the norms. Share storage with the
  // module.
  NamedTensors parameters() const;
  NamedTensors state() const;

 private:
  at::Tensor run(const at::Tensor& images, int layers);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// All values of the module, as a pickled dictionary of tensors that Python's torch.load reads too.
// Written to a neighbour file and renamed, so that PATH holds all or nothing. Throws
// std::runtime_error with path and reason.
void save_weights(const Module& module, const std::filesystem::path& path);

// Throws std::runtime_error: unreadable, or names or shapes are not those of the module's network.
void load_weights(Module& module, const std::filesystem::path& path);

// All values of such a file, by name. Throws std::runtime_error: unreadable.
std::map<std::string, at::Tensor> read_weights(const std::filesystem::path& path);

}  // namespace hwnas
