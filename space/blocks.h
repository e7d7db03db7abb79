// The vocabulary of blocks from which space files and network files build networks.
//
// A block appends layers to a NetworkBuilder. Names are the field's; sources:
//   separable   MobileNetV1, arXiv:1704.04861
//   mbconv      MobileNetV2, arXiv:1801.04381; squeeze-excite as in MobileNetV3, arXiv:1905.02244;
//               grouped 1x1 convs with channel shuffle as in FBNet, arXiv:1812.03443
//   residual, bottleneck   ResNet, arXiv:1512.03385 (stride in the 3x3 conv: "v1.5")
//   cell        NAS-Bench-201, arXiv:2001.00326
//   transformer arXiv:1706.03762; norms before each part as in GPT-2; shared keys and values,
//               arXiv:2305.13245; gated feed-forward, arXiv:2002.05202
//   patches     Vision Transformer, arXiv:2010.11929
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "space/network_builder.h"

namespace hwnas {

enum class Block : std::uint8_t {
  conv,        // conv, norm, activation
  depthwise,   // depthwise conv, norm, activation
  separable,   // depthwise, then a 1x1 conv block
  mbconv,      // [1x1 expand,] depthwise, [squeeze-excite,] 1x1 project; added to its input where
               // shapes agree
  residual,    // two 3x3 convs and a shortcut
  bottleneck,  // 1x1, 3x3, 1x1 (four times as wide) and a shortcut
  max_pool,
  avg_pool,
  linear,       // [flatten,] linear, norm, activation
  norm,         // norm, activation
  skip,         // identity; where channels or stride change, a 1x1 conv block (FBNet)
  cell,         // a DAG of ops (space/README.md)
  classifier,   // global average pool (or flatten), linear to the number of classes
  global_pool,  // global average pool
  // Sequences (channels x tokens x 1).
  embedding,         // indices to vectors, plus learned positions, norm
  patches,           // an image cut into tokens, a class token first, plus learned positions
  transformer,       // attention and feed-forward, each added to its input
  first_token,       // of a sequence
  token_classifier,  // linear to the number of classes at every token, without a bias
};

// A norm's kind, by its name in files: false, true, layer_norm, rms_norm.
enum class Norm : std::uint8_t { none, batch, layer, rms };

enum class Shortcut : std::uint8_t {
  conv,       // where shapes change: 1x1 conv with norm (torchvision)
  conv_bare,  // 1x1 conv with bias, no norm (MLPerf Tiny's ResNet-8)
  pool_conv,  // 2x2 average pool, 1x1 conv without norm (NAS-Bench-201)
};

enum class CellOp : std::uint8_t { none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3 };

std::span<const std::string> block_names();
std::span<const std::string> shortcut_names();
std::span<const std::string> cell_op_names();
std::span<const std::string> norm_names();

// What a block is told. Each block reads what concerns it.
struct BlockSpec {
  Block block = Block::conv;
  int channels = 1;
  int kernel = 3;
  int kernel_w = 0;  // 0: as kernel
  int stride = 1;
  int pad = -1;          // -1: "same" for convs, 0 for pools
  int groups = 1;        // conv: of the conv; mbconv: of its 1x1 convs, with a channel shuffle
  double expansion = 1;  // mbconv, transformer's feed-forward: width of the inside over the input's
  double squeeze = 0;    // mbconv: squeeze-excite width over the inside's; 0: none
  Activation activation = Activation::relu;
  Norm norm = Norm::batch;
  bool bias = false;           // of convs without a norm and of a transformer; `linear` has one
  bool expand_always = false;  // mbconv: expand also at expansion 1
  bool preactivation = false;  // residual: activation, conv, norm, twice, nothing after the sum
  bool global_pool = true;     // classifier: pool; else flatten
  Shortcut shortcut = Shortcut::conv;
  int vocabulary = 1;                  // embedding: rows
  int positions = 0;                   // embedding: learned positions; 0: none
  int heads = 1;                       // transformer
  int head_channels = 0;               // 0: channels / heads
  int kv_heads = 0;                    // 0: as heads
  int cached_tokens = 0;               // earlier tokens whose keys and values are kept
  bool gated = false;                  // feed-forward: activation(a x) * (b x)
  bool prenorm = true;                 // norms before attention and feed-forward; else after sums
  bool causal = false;                 // a token attends to itself and to those before it
  int classes = 0;                     // classifier, token_classifier
  std::span<const CellOp> edges = {};  // cell: ops of edges (1,0), (2,0), (2,1), (3,0), ...
};

// Appends the block's layers, named PREFIX.PART.OP, and returns the index of the last.
// Throws std::invalid_argument where shapes do not fit.
int append_block(NetworkBuilder& builder, std::string_view prefix, int from, const BlockSpec& spec);

// `channels` times `width`, rounded to a multiple of 8 but never down by more than 10 %
// (MobileNet's rule). Width 1 leaves the number alone.
int scale_channels(int channels, double width);

}  // namespace hwnas
