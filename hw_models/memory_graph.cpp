#include "hw_models/memory_graph.h"

#include <algorithm>

namespace hwnas {
namespace {

std::int64_t tensor_bytes(std::int64_t elements, int bits, int batch) {
  return (elements * bits + 7) / 8 * batch;
}

bool is_view(const Layer& layer) {
  return layer.op == Op::flatten || layer.op == Op::identity ||
         (layer.op == Op::tokens && layer.entries == 0);
}

MemoryGraph::Reuse reuse_of(const Layer& layer, const MemoryRules& rules) {
  switch (layer.op) {
    case Op::activation:
    case Op::batch_norm:
    case Op::layer_norm:
    case Op::rms_norm:
    case Op::position_embedding:
    case Op::add:
    case Op::multiply:
      return rules.in_place_elementwise ? MemoryGraph::Reuse::whole : MemoryGraph::Reuse::never;
    case Op::conv:
      if (!is_depthwise(layer)) return MemoryGraph::Reuse::never;
      if (rules.in_place_depthwise) return MemoryGraph::Reuse::part;
      return rules.in_place_depthwise_rows && layer.stride_h == 1 && layer.stride_w == 1
                 ? MemoryGraph::Reuse::part
                 : MemoryGraph::Reuse::never;
    default:
      return MemoryGraph::Reuse::never;
  }
}

// Elements of the padded input of a conv; 0 where nothing is padded.
std::int64_t padded_elements(const Layer& layer) {
  const Padding& pad = layer.pad;
  if (layer.op != Op::conv || pad == Padding{}) return 0;
  return std::int64_t{layer.in.channels} * (layer.in.height + pad.top + pad.bottom) *
         (layer.in.width + pad.left + pad.right);
}

// What a depthwise conv in place needs beside its input.
std::int64_t part_elements(const Layer& layer, const MemoryRules& rules) {
  if (rules.in_place_depthwise) return std::int64_t{layer.out.height} * layer.out.width;
  return std::int64_t{layer.kernel_h} * (layer.in.width + layer.pad.left + layer.pad.right) *
         layer.in.channels;
}

}  // namespace

MemoryGraph::MemoryGraph(const Network& network, const MemoryRules& rules, int batch)
    : bytes(at(network.size())),
      store(at(network.size())),
      readers(at(network.size()), 0),
      last_reader(at(network.size()), 0),
      padded(at(network.size()), 0),
      reuse(at(network.size())),
      part(at(network.size()), 0),
      network_(network) {
  for (int i = 0; i < size(); ++i) {
    const Layer& layer = network.layer(i);
    bytes[at(i)] = tensor_bytes(layer.out.elements(), layer.activation_bits, batch);
    store[at(i)] = is_view(layer) ? store[at(inputs(i)[0])] : i;
    reuse[at(i)] = reuse_of(layer, rules);
    if (reuse[at(i)] == Reuse::part)
      part[at(i)] = tensor_bytes(part_elements(layer, rules), layer.activation_bits, batch);
    if (rules.padding_materialised && layer.op == Op::conv) {
      const int bits = network.layer(inputs(i)[0]).activation_bits;
      padded[at(i)] = tensor_bytes(padded_elements(layer), bits, batch);
    }
    if (layer.op == Op::attention) {
      cached_bytes_ += tensor_bytes(cached_values(network, layer),
                                    network.layer(inputs(i)[1]).activation_bits, batch);
    }
    each_input(i, [&](int from) { ++readers[at(from)]; });
    for (const int from : inputs(i)) last_reader[at(from)] = i;
  }
  ++readers[at(store.back())];
  if (rules.padded_tensors) pad_tensors(batch);
}

// Backwards, so that a tensor that is padded in place was padded when it was first written.
void MemoryGraph::pad_tensors(int batch) {
  for (int i = size() - 1; i > 0; --i) {
    const Layer& layer = network_.layer(i);
    const int source = store[at(inputs(i)[0])];
    if (source == 0 || readers[at(source)] != 1) continue;
    const bool in_place = reuse[at(i)] == Reuse::whole && inputs(i).size() == 1;
    const std::int64_t wanted =
        in_place
            ? bytes[at(i)]
            : tensor_bytes(padded_elements(layer), network_.layer(source).activation_bits, batch);
    if (in_place || layer.op == Op::conv) bytes[at(source)] = std::max(bytes[at(source)], wanted);
  }
}

std::int64_t MemoryGraph::running(int i, std::int64_t live, std::int64_t dying,
                                  std::int64_t largest_dying) const {
  if (store[at(i)] != i) return live;
  std::int64_t out = bytes[at(i)];
  // With a padded copy the input itself is gone before the output is made; a depthwise conv in
  // place then writes over the copy, which is at least as large as the input.
  const bool fits = reuse[at(i)] != Reuse::never &&
                    (largest_dying >= out || (padded[at(i)] >= out && padded[at(i)] > 0));
  if (fits) out = std::min(out, part[at(i)]);
  if (padded[at(i)] == 0) return live + out;
  return live + padded[at(i)] + std::max<std::int64_t>(0, out - dying);
}

std::int64_t MemoryGraph::least_running(int i) const {
  std::int64_t sum = 0, largest = 0;
  each_input(i, [&](int from) {
    sum += bytes[at(from)];
    largest = std::max(largest, bytes[at(from)]);
  });
  return running(i, sum, sum, largest);
}

bool MemoryGraph::free_follower(int i) const {
  if (store[at(i)] != i) return true;
  const auto from = inputs(i);
  if (from.size() != 1) return false;
  const int source = store[at(from[0])];
  if (readers[at(source)] != 1) return false;
  return reuse[at(i)] == Reuse::whole && padded[at(i)] == 0 && bytes[at(i)] <= bytes[at(source)];
}

}  // namespace hwnas
