#include "trainer/inherit.h"

#include <torch/torch.h>

#include <map>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "trainer/module.h"

namespace hwnas {
namespace {

using at::Tensor;
using Values = std::map<std::string, Tensor>;

// Layers whose channels are the same ones, by a representative.
class SharedChannels {
 public:
  explicit SharedChannels(const Network& network)
      : above_(static_cast<std::size_t>(network.size())) {
    std::iota(above_.begin(), above_.end(), 0);
    rigid_.resize(above_.size(), false);
    for (int i = 0; i < network.size(); ++i) tie(network, i);
  }

  int of(int layer) const {
    while (above_[at(layer)] != layer) layer = above_[at(layer)];
    return layer;
  }
  // Channels that layers rearrange: of another number of them nothing is known.
  bool rigid(int layer) const { return rigid_[at(of(layer))]; }
  const std::vector<int>& rearranging() const { return rearranging_; }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }

  void tie(const Network& network, int i) {
    const Layer& layer = network.layer(i);
    switch (layer.op) {
      case Op::conv:
        if (is_depthwise(layer)) join(i, network.inputs(layer)[0]);
        if (!is_depthwise(layer) && layer.groups > 1) stiffen(network, i);
        return;
      case Op::linear:
        return;
      case Op::max_pool:
      case Op::avg_pool:
      case Op::global_avg_pool:
      case Op::batch_norm:
      case Op::layer_norm:
      case Op::rms_norm:
      case Op::activation:
      case Op::softmax:
      case Op::add:
      case Op::multiply:
      case Op::identity:
      case Op::zero:
        for (const int from : network.inputs(layer)) join(i, from);
        return;
      case Op::flatten:
        if (layer.in.height == 1 && layer.in.width == 1) return join(i, network.inputs(layer)[0]);
        return stiffen(network, i);
      default:
        stiffen(network, i);
    }
  }
  void stiffen(const Network& network, int i) {
    rearranging_.push_back(i);
    rigid_[at(of(i))] = true;
    for (const int from : network.inputs(network.layer(i))) rigid_[at(of(from))] = true;
  }
  void join(int a, int b) {
    a = of(a);
    b = of(b);
    above_[at(a)] = b;
    rigid_[at(b)] = rigid_[at(a)] || rigid_[at(b)];
  }

  std::vector<int> above_;
  std::vector<bool> rigid_;
  std::vector<int> rearranging_;
};

class Inheritance {
 public:
  Inheritance(Module& module, const Values& parent)
      : module_(module), network_(module.network()), parent_(parent), shared_(network_) {}

  Inherited go() {
    const torch::NoGradGuard no_grad;
    for (int i = 0; i < network_.size(); ++i) {
      if (!module_.values(i).empty()) measure(i);
    }
    Inherited done;
    for (int i = 0; i < network_.size(); ++i) {
      if (module_.values(i).empty()) continue;
      ++done.of;
      if (take(i)) ++done.layers;
    }
    return done;
  }

 private:
  // What the parent's values say of channels; undefined: nothing.
  struct Found {
    Tensor scale, made, read;
    std::int64_t channels = 0;
    bool agree = true;
  };
  struct Map {
    Tensor here, there;  // indices, alike long
    Tensor fresh;        // the others of here
  };

  static bool maps_channels(const Layer& layer) {
    return layer.op == Op::conv || layer.op == Op::linear || layer.op == Op::batch_norm ||
           layer.op == Op::layer_norm || layer.op == Op::rms_norm;
  }
  static bool reads_all(const Layer& layer) {
    return layer.op == Op::linear || (layer.op == Op::conv && layer.groups == 1);
  }

  Tensor of_parent(int layer, std::size_t value) const {
    constexpr const char* kSuffixes[] = {".weight", ".bias", ".mean", ".var"};
    const auto at = parent_.find(module_.layer_name(layer) + kSuffixes[value]);
    return at == parent_.end() ? Tensor() : at->second;
  }

  int input_of(int i) const { return network_.inputs(network_.layer(i))[0]; }

  static void add(Tensor& sum, const Tensor& term) {
    sum = sum.defined() && sum.numel() == term.numel() ? sum + term : term;
  }

  void measure(int i) {
    const Layer& layer = network_.layer(i);
    const Tensor weight = of_parent(i, 0);
    if (!weight.defined()) return;
    Found& out = found_[shared_.of(i)];
    const std::int64_t made = weight.size(maps_channels(layer) ? 0 : -1);
    if (out.channels != 0 && out.channels != made) out.agree = false;
    out.channels = made;
    if (layer.op == Op::batch_norm) add(out.scale, weight.abs());
    if (!reads_all(layer) || weight.dim() < 2) return;
    add(out.made, weight.abs().flatten(1).sum(1));
    add(found_[shared_.of(input_of(i))].read, weight.abs().transpose(0, 1).flatten(1).sum(1));
  }

  // Of the channels that a layer puts out.
  const Map& channels(int layer, std::int64_t count) {
    const int group = shared_.of(layer);
    const auto known = chosen_.find(group);
    if (known != chosen_.end()) return known->second;
    chosen_[group] = choose(found_[group], count, shared_.rigid(layer));
    if (!all_there(group)) chosen_[group] = first(count, 0);
    return chosen_[group];
  }

  // Whether what is rearranged into these channels is the parent's, all of it.
  bool all_there(int group) {
    for (const int i : shared_.rearranging()) {
      if (shared_.of(i) != group) continue;
      for (const int from : network_.inputs(network_.layer(i))) {
        const int count = network_.layer(from).out.channels;
        if (channels(from, count).here.numel() != count) return false;
      }
    }
    return true;
  }

  static Map choose(const Found& found, std::int64_t count, bool rigid) {
    // Who makes them may hold no values, as the input.
    const std::int64_t channels =
        found.channels == 0 && found.read.defined() ? found.read.numel() : found.channels;
    if (!found.agree || (rigid && channels != count)) return first(count, 0);
    Tensor importance = found.scale.defined() ? found.scale : found.made;
    if (channels <= count || !importance.defined()) return first(count, channels);
    if (found.read.defined() && found.read.numel() == channels)
      importance = importance * found.read;
    const Tensor order = std::get<1>(importance.sort(/*stable=*/true, 0, /*descending=*/true));
    return {torch::arange(count), std::get<0>(order.narrow(0, 0, count).sort()),
            torch::empty({0}, at::kLong)};
  }

  static Map first(std::int64_t count, std::int64_t there) {
    const std::int64_t shared = std::min(count, there);
    return {torch::arange(shared), torch::arange(shared), torch::arange(shared, count)};
  }

  bool take(int i) {
    const Layer& layer = network_.layer(i);
    const std::vector<Tensor>& values = module_.values(i);
    const Tensor theirs = of_parent(i, 0);
    if (!theirs.defined() || theirs.dim() != values[0].dim()) return false;
    if (!maps_channels(layer) || (layer.op == Op::conv && layer.groups > 1 && !is_depthwise(layer)))
      return take_whole(i);
    const Map& out = channels(i, values[0].size(0));
    if (out.here.numel() == 0) return false;
    if (values[0].dim() > 1) {
      const Map in =
          reads_all(layer) ? channels(input_of(i), values[0].size(1)) : first(1, theirs.size(1));
      if (in.here.numel() == 0) return false;
      copy_weight(values[0], theirs, out, in);
    }
    for (std::size_t k = values[0].dim() > 1 ? 1 : 0; k < values.size(); ++k) {
      const Tensor vector = of_parent(i, k);
      if (values[k].defined() && vector.defined())
        Tensor(values[k]).index_put_({out.here}, vector.index_select(0, out.there));
    }
    return true;
  }

  bool take_whole(int i) {
    bool all = true;
    for (std::size_t k = 0; k < module_.values(i).size(); ++k) {
      const Tensor mine = module_.values(i)[k], theirs = of_parent(i, k);
      all = all && (!mine.defined() || (theirs.defined() && theirs.sizes() == mine.sizes()));
    }
    for (std::size_t k = 0; all && k < module_.values(i).size(); ++k) {
      if (module_.values(i)[k].defined()) Tensor(module_.values(i)[k]).copy_(of_parent(i, k));
    }
    return all;
  }

  // What was inherited does not hear of fresh channels at first.
  static void copy_weight(const Tensor& mine, const Tensor& theirs, const Map& out, const Map& in) {
    Tensor to = mine, from = theirs.index_select(0, out.there).index_select(1, in.there);
    const Tensor rows = out.here.unsqueeze(1);
    to.index_put_({rows, in.fresh}, torch::zeros({}));
    for (std::int64_t side = 2; side < mine.dim(); ++side) {
      const std::int64_t a = to.size(side), b = from.size(side), both = std::min(a, b);
      if (a > b) to.index_put_({rows, in.here}, torch::zeros({}));
      to = to.narrow(side, (a - both) / 2, both);
      from = from.narrow(side, (b - both) / 2, both);
    }
    to.index_put_({rows, in.here}, from);
  }

  Module& module_;
  const Network& network_;
  const Values& parent_;
  const SharedChannels shared_;
  std::map<int, Found> found_;  // of layers that represent others
  std::map<int, Map> chosen_;
};

}  // namespace

Inherited inherit(Module& module, const std::filesystem::path& weights) {
  return Inheritance(module, read_weights(weights)).go();
}

}  // namespace hwnas
