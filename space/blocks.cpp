#include "space/blocks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace hwnas {
namespace {

const std::array<std::string, 19> kBlocks{
    "conv",       "depthwise",   "separable",   "mbconv",          "residual",
    "bottleneck", "max_pool",    "avg_pool",    "linear",          "norm",
    "skip",       "cell",        "classifier",  "global_pool",     "embedding",
    "patches",    "transformer", "first_token", "token_classifier"};
const std::array<std::string, 3> kShortcuts{"conv", "conv_bare", "pool_conv"};
const std::array<std::string, 5> kCellOps{"none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3",
                                          "avg_pool_3x3"};

const std::array<std::string, 4> kNorms{"false", "true", "layer_norm", "rms_norm"};

// Builds the parts of one block: keeps the builder's name prefix at PREFIX.PART.
class BlockWriter {
 public:
  BlockWriter(NetworkBuilder& builder, std::string_view prefix, const BlockSpec& spec)
      : builder_(builder), prefix_(prefix), spec_(spec) {}

  int conv(std::string_view part, int from, ConvSpec conv, Activation activation) {
    enter(part);
    conv.bias = spec_.bias && spec_.norm == Norm::none;
    return builder_.activation(normalised(builder_.conv(from, conv)), activation);
  }

  int depthwise(std::string_view part, int from) {
    const int channels = builder_.shape(from).channels;
    return conv(part, from,
                {.channels = channels,
                 .kernel = spec_.kernel,
                 .kernel_w = spec_.kernel_w,
                 .stride = spec_.stride,
                 .pad = spec_.pad,
                 .groups = channels},
                spec_.activation);
  }

  int pointwise(std::string_view part, int from, int channels, Activation activation,
                int groups = 1) {
    return conv(part, from, {.channels = channels, .groups = groups}, activation);
  }

  int squeeze_excite(int from) {
    const int inside = builder_.shape(from).channels;
    const int squeezed = scale_channels(inside, spec_.squeeze);
    enter("se");
    int gate = builder_.global_avg_pool(from);
    enter("se1");
    gate = builder_.conv(gate, {.channels = squeezed, .bias = true});
    gate = builder_.activation(gate, Activation::relu);
    enter("se2");
    gate = builder_.conv(gate, {.channels = inside, .bias = true});
    gate = builder_.activation(gate, Activation::hard_sigmoid);
    enter("se");
    const std::array both{from, gate};
    return builder_.join(both, Op::multiply);
  }

  int mbconv(int from) {
    const Shape in = builder_.shape(from);
    int x = from;
    if (spec_.expansion != 1 || spec_.expand_always) {
      const int inside = std::max(1, static_cast<int>(std::lround(in.channels * spec_.expansion)));
      x = pointwise("exp", x, inside, spec_.activation, spec_.groups);
      if (spec_.groups > 1) x = builder_.unary(x, Op::channel_shuffle, spec_.groups);
    }
    x = depthwise("dw", x);
    if (spec_.squeeze > 0) x = squeeze_excite(x);
    x = pointwise("proj", x, spec_.channels, Activation::none, spec_.groups);
    enter("");
    return builder_.shape(x) == in ? builder_.add({from, x}) : x;
  }

  int shortcut(int from, int channels) {
    const Shape& in = builder_.shape(from);
    if (in.channels == channels && spec_.stride == 1) return from;
    enter("short");
    switch (spec_.shortcut) {
      case Shortcut::conv_bare:
        return builder_.conv(from, {.channels = channels, .stride = spec_.stride, .bias = true});
      case Shortcut::pool_conv:
        if (spec_.stride > 1) from = builder_.pool(from, Op::avg_pool, 2, spec_.stride, 0);
        return builder_.conv(from, {.channels = channels});
      case Shortcut::conv:
        break;
    }
    return builder_.batch_norm(builder_.conv(from, {.channels = channels, .stride = spec_.stride}));
  }

  int residual(int from) {
    const ConvSpec first{
        .channels = spec_.channels, .kernel = spec_.kernel, .stride = spec_.stride};
    const ConvSpec second{.channels = spec_.channels, .kernel = spec_.kernel};
    int x;
    if (spec_.preactivation) {
      x = preactivated("a", from, first);
      x = preactivated("b", x, second);
    } else {
      x = conv("a", from, first, spec_.activation);
      x = conv("b", x, second, Activation::none);
    }
    return sum(from, x, spec_.channels);
  }

  int bottleneck(int from) {
    int x = pointwise("a", from, spec_.channels, spec_.activation);
    x = conv("b", x, {.channels = spec_.channels, .kernel = spec_.kernel, .stride = spec_.stride},
             spec_.activation);
    x = pointwise("c", x, 4 * spec_.channels, Activation::none);
    return sum(from, x, 4 * spec_.channels);
  }

  int linear(int from) {
    from = flat(from);
    return builder_.activation(normalised(builder_.linear(from, spec_.channels)), spec_.activation);
  }

  int classifier(int from) {
    enter("");
    const Shape& in = builder_.shape(from);
    if (spec_.global_pool && (in.height > 1 || in.width > 1)) from = builder_.global_avg_pool(from);
    return builder_.linear(flat(from), spec_.classes);
  }

  int cell(int from) {
    std::vector<int> nodes{from};
    std::size_t edge = 0;
    std::vector<int> terms;
    while (edge < spec_.edges.size()) {
      const std::string node = std::to_string(nodes.size());
      terms.clear();
      for (std::size_t source = 0; source < nodes.size(); ++source, ++edge) {
        const std::string part = node + std::to_string(source);
        const int x = cell_op(part, nodes[source], spec_.edges[edge]);
        if (x >= 0) terms.push_back(x);
      }
      enter(node);
      nodes.push_back(terms.empty()       ? builder_.unary(from, Op::zero)
                      : terms.size() == 1 ? terms[0]
                                          : builder_.join(terms, Op::add));
    }
    return nodes.back();
  }

  int norm(int from) {
    enter("");
    return builder_.activation(normalised(from), spec_.activation);
  }

  int pool(int from, Op op) {
    enter("");
    return builder_.pool(from, op, spec_.kernel, spec_.stride, std::max(0, spec_.pad));
  }

  int global_pool(int from) {
    enter("");
    return builder_.global_avg_pool(from);
  }

  int embedding(int from) {
    enter("");
    int x = builder_.embedding(from, spec_.channels, spec_.vocabulary);
    if (spec_.positions > 0) x = builder_.with_entries(x, Op::position_embedding, spec_.positions);
    return normalised(x);
  }

  int patches(int from) {
    enter("");
    int x = builder_.conv(from, {.channels = spec_.channels,
                                 .kernel = spec_.kernel,
                                 .stride = spec_.kernel,
                                 .pad = 0,
                                 .bias = true});
    x = builder_.with_entries(x, Op::tokens, 1);
    return builder_.with_entries(x, Op::position_embedding, 0);
  }

  int transformer(int from) { return feed_forward(attention(from)); }

  int attention(int from) {
    const int width = builder_.shape(from).channels;
    const int head = spec_.head_channels > 0 ? spec_.head_channels : width / spec_.heads;
    const int kv_heads = spec_.kv_heads > 0 ? spec_.kv_heads : spec_.heads;
    enter("attention");
    const int x = spec_.prenorm ? normalised(from) : from;
    const int queries = projection("query", x, head * spec_.heads);
    const int keys = projection("key", x, head * kv_heads);
    const int values = projection("value", x, head * kv_heads);
    enter("");
    const int seen =
        builder_.attention(queries, keys, values, spec_.heads, spec_.cached_tokens, spec_.causal);
    return sequence_sum("attention", from, projection("proj", seen, width));
  }

  int feed_forward(int from) {
    const int width = builder_.shape(from).channels;
    const int inside = std::max(1, static_cast<int>(std::lround(width * spec_.expansion)));
    enter("ffn");
    const int x = spec_.prenorm ? normalised(from) : from;
    int y = builder_.activation(projection("ffn1", x, inside), spec_.activation);
    if (spec_.gated) {
      const std::array both{y, projection("gate", x, inside)};
      y = builder_.join(both, Op::multiply);
    }
    return sequence_sum("ffn", from, projection("ffn2", y, width));
  }

  int first_token(int from) {
    enter("");
    return builder_.unary(from, Op::select_token);
  }

  int token_classifier(int from) {
    enter("");
    return builder_.linear(from, spec_.classes, false);
  }

  int skip(int from) {
    if (builder_.shape(from).channels == spec_.channels && spec_.stride == 1) return from;
    return conv("", from, {.channels = spec_.channels, .stride = spec_.stride}, spec_.activation);
  }

 private:
  void enter(std::string_view part) {
    name_ = prefix_;
    if (!part.empty()) name_.append(name_.empty() ? "" : ".").append(part);
    builder_.set_prefix(name_);
  }

  int normalised(int from) {
    switch (spec_.norm) {
      case Norm::none:
        return from;
      case Norm::batch:
        return builder_.batch_norm(from);
      case Norm::layer:
        return builder_.unary(from, Op::layer_norm);
      case Norm::rms:
        return builder_.unary(from, Op::rms_norm);
    }
    return from;
  }

  int projection(std::string_view part, int from, int channels) {
    enter(part);
    return builder_.linear(from, channels, spec_.bias);
  }

  int sequence_sum(std::string_view part, int from, int x) {
    enter(part);
    x = builder_.add({from, x});
    return spec_.prenorm ? x : normalised(x);
  }

  int flat(int from) {
    enter("");
    const Shape& in = builder_.shape(from);
    return in.height > 1 || in.width > 1 ? builder_.unary(from, Op::flatten) : from;
  }

  int preactivated(std::string_view part, int from, const ConvSpec& spec) {
    enter(part);
    return builder_.batch_norm(builder_.conv(builder_.activation(from, spec_.activation), spec));
  }

  int sum(int from, int x, int channels) {
    const int y = shortcut(from, channels);
    enter("");
    x = builder_.add({x, y});
    return spec_.preactivation ? x : builder_.activation(x, spec_.activation);
  }

  // The layer at the end of an edge, or -1 for "none".
  int cell_op(std::string_view part, int from, CellOp op) {
    const int channels = builder_.shape(from).channels;
    enter(part);
    switch (op) {
      case CellOp::none:
        return -1;
      case CellOp::skip_connect:
        return from;
      case CellOp::nor_conv_1x1:
        return preactivated(part, from, {.channels = channels, .kernel = 1});
      case CellOp::nor_conv_3x3:
        return preactivated(part, from, {.channels = channels, .kernel = 3});
      case CellOp::avg_pool_3x3:
        return builder_.pool(from, Op::avg_pool, 3, 1, 1);
    }
    return -1;
  }

  NetworkBuilder& builder_;
  std::string_view prefix_;
  const BlockSpec& spec_;
  std::string name_;
};

}  // namespace

std::span<const std::string> block_names() {
  return kBlocks;
}
std::span<const std::string> shortcut_names() {
  return kShortcuts;
}
std::span<const std::string> cell_op_names() {
  return kCellOps;
}

std::span<const std::string> norm_names() {
  return kNorms;
}

int scale_channels(int channels, double width) {
  if (width == 1) return channels;
  const double wanted = channels * width;
  int rounded = std::max(8, static_cast<int>(wanted + 4) / 8 * 8);
  if (rounded < 0.9 * wanted) rounded += 8;
  return rounded;
}

int append_block(NetworkBuilder& builder, std::string_view prefix, int from,
                 const BlockSpec& spec) {
  BlockWriter write(builder, prefix, spec);
  switch (spec.block) {
    case Block::conv:
      return write.conv("", from,
                        {.channels = spec.channels,
                         .kernel = spec.kernel,
                         .kernel_w = spec.kernel_w,
                         .stride = spec.stride,
                         .pad = spec.pad,
                         .groups = spec.groups},
                        spec.activation);
    case Block::depthwise:
      return write.depthwise("", from);
    case Block::separable:
      return write.pointwise("pw", write.depthwise("dw", from), spec.channels, spec.activation);
    case Block::mbconv:
      return write.mbconv(from);
    case Block::residual:
      return write.residual(from);
    case Block::bottleneck:
      return write.bottleneck(from);
    case Block::max_pool:
      return write.pool(from, Op::max_pool);
    case Block::avg_pool:
      return write.pool(from, Op::avg_pool);
    case Block::linear:
      return write.linear(from);
    case Block::norm:
      return write.norm(from);
    case Block::skip:
      return write.skip(from);
    case Block::cell:
      return write.cell(from);
    case Block::classifier:
      return write.classifier(from);
    case Block::global_pool:
      return write.global_pool(from);
    case Block::embedding:
      return write.embedding(from);
    case Block::patches:
      return write.patches(from);
    case Block::transformer:
      return write.transformer(from);
    case Block::first_token:
      return write.first_token(from);
    case Block::token_classifier:
      return write.token_classifier(from);
  }
  return from;
}

}  // namespace hwnas
