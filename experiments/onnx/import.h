// ONNX -> Network. Only hwnas-onnx links it: protobuf stays out of every other program.
//
// Batch 1; two-dimensional convolutions, tokens as batch x tokens x channels. Weights that pass
// through DequantizeLinear count at their stored bits, as do activations between QuantizeLinear and
// DequantizeLinear. A constant factor or summand is the bias of the layer before it, or else a
// scale and shift of each channel (batch_norm). What only computes shapes is left out.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <string>
#include <vector>

#include "space/network.h"

namespace hwnas {

// Throws InputError with the `file`'s name: an op without counterpart (with the node's name), a
// shape that is not fixed, a model that ONNX's own shape inference refuses.
// `sizes`: of the input without the batch, where the model leaves them free; else empty.
Network import_onnx(onnx::ModelProto model, const std::string& file,
                    const std::vector<std::int64_t>& sizes = {});

}  // namespace hwnas
