// ONNX models.
#include "experiments/onnx/import.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  onnx::ModelProto model;
  if (!model.ParseFromArray(bytes, static_cast<int>(size))) return 0;
  try {
    (void)hwnas::import_onnx(std::move(model), "fuzz.onnx");
  } catch (const hwnas::InputError&) {
  }
  return 0;
}
