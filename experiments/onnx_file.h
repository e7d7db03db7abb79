// ONNX models, read by a program of our own (hwnas-onnx) so that no other command loads protobuf.
#pragma once

#include <filesystem>
#include <string>

#include "space/network.h"

namespace hwnas {

// Throws InputError: no such file, not ONNX, an op that has no counterpart (named, with its node).
// `sizes` ("3x224x224"): of the input without the batch, where the model leaves them free.
Network read_onnx(const std::filesystem::path& file, const std::string& sizes = "");

// A network file and its values (safetensors) as an ONNX model. Throws InputError.
void write_onnx(const std::filesystem::path& network, const std::filesystem::path& tensors,
                const std::filesystem::path& file);

}  // namespace hwnas
