#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/torch.h>

#include "trainer/trainer.h"

namespace hwnas {

void set_threads(int threads) {
  at::set_num_threads(threads);
  // OpenBLAS built on pthreads keeps its own count, which LibTorch does not set.
  using Setter = void (*)(int);
  if (auto* set = reinterpret_cast<Setter>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads")))
    set(threads);
  // Values below 1e-38 cost a hundred cycles each and train nothing.
  at::globalContext().setFlushDenormal(true);
}

bool cuda_available() {
  return torch::cuda::is_available();
}
std::string torch_version() {
  return TORCH_VERSION;
}

}  // namespace hwnas
