// Network and trained values -> ONNX. Only hwnas-onnx links it.
//
// Input "images" (N x channels x height x width, float32, normalised), output "logits" (N x
// classes), or "probabilities" where the network ends in a softmax; the batch N is free. Norms are
// kept as BatchNormalization, so that the model reads back as the same network. The opset is the
// lowest that has the network's ops: 13, or 14 (HardSwish); swish and gelu are written with ops of
// opset 13.
//
// Tensors of an integer network (trainer/integer_network.h) become a model in QDQ form: int8
// weights behind a DequantizeLinear for each output channel, tensors between layers through
// QuantizeLinear and DequantizeLinear.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>

#include "experiments/onnx/tensor_file.h"
#include "space/network.h"

namespace hwnas {

// `tensors`: LAYER.weight, .bias, .mean and .var as the trainer exports them, or those of an
// integer network; `file` is their name in errors. Throws InputError: a value that is missing or
// has another shape, an op that ONNX cannot express here (with the layer's name).
onnx::ModelProto export_onnx(const Network& network, const StoredTensors& tensors,
                             const std::string& file);

}  // namespace hwnas
