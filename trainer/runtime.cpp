#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/torch.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "trainer/trainer.h"

namespace hwnas {

namespace {

const char* best_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) return "SkylakeX";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
  return nullptr;
}

}  // namespace

void choose_blas_kernels(char** argv) {
  using Name = char* (*)();
  const auto name = reinterpret_cast<Name>(dlsym(RTLD_DEFAULT, "openblas_get_corename"));
  const char* kernels = best_kernels();
  const bool mistaken = name != nullptr && std::string_view(name()) == "Prescott";
  if (!mistaken || kernels == nullptr || std::getenv("OPENBLAS_CORETYPE") != nullptr) return;
  setenv("OPENBLAS_CORETYPE", kernels, 0);
  execv("/proc/self/exe", argv);  // comes back only where it fails; then on as it is, slowly
}

void take_blas_memory() {
  const torch::Tensor some = torch::ones({512, 512});
  torch::mm(some, some);
}

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

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

}  // namespace hwnas
