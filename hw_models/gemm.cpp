#include "hw_models/gemm.h"

namespace hwnas {

Gemms::Gemms(const Network& network, const Layer& layer) {
  const std::int64_t positions = std::int64_t{layer.out.height} * layer.out.width;
  switch (layer.op) {
    case Op::conv:
      gemms_[count_++] = {
          positions, layer.out.channels / layer.groups,
          std::int64_t{layer.kernel_h} * layer.kernel_w * layer.in.channels / layer.groups,
          layer.groups, true};
      break;
    case Op::linear:
      gemms_[count_++] = {positions, layer.out.channels, layer.in.channels, 1, true};
      break;
    case Op::attention: {
      const AttentionShape s = attention_shape(network, layer);
      gemms_[count_++] = {s.tokens, s.kv_tokens, s.head_channels, s.heads, false};
      gemms_[count_++] = {s.tokens, s.head_channels, s.kv_tokens, s.heads, false};
      break;
    }
    default:
      break;
  }
}

}  // namespace hwnas
