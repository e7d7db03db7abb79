#include "trainer/autocast.h"

#include <ATen/autocast_mode.h>
#include <torch/version.h>

namespace hwnas {
namespace {

void switch_autocast(bool on, bool cuda) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  const auto device = cuda ? at::kCUDA : at::kCPU;
  at::autocast::set_autocast_dtype(device, at::kBFloat16);
  at::autocast::set_autocast_enabled(device, on);
#else
  if (cuda) {
    at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
    at::autocast::set_enabled(on);
  } else {
    at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
    at::autocast::set_cpu_enabled(on);
  }
#endif
}

}  // namespace

Bf16Scope::Bf16Scope(bool on, bool cuda) : on_(on), cuda_(cuda) {
  if (on_) switch_autocast(true, cuda_);
}

Bf16Scope::~Bf16Scope() {
  if (!on_) return;
  at::autocast::clear_cache();  // bfloat16 copies of weights that the next step changes
  switch_autocast(false, cuda_);
}

}  // namespace hwnas
