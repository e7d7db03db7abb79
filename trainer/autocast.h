// Bf16Scope: within it, conv and linear compute in bfloat16 where `on`. Per thread.
#pragma once

namespace hwnas {

class Bf16Scope {
 public:
  Bf16Scope(bool on, bool cuda);
  ~Bf16Scope();
  Bf16Scope(const Bf16Scope&) = delete;
  Bf16Scope& operator=(const Bf16Scope&) = delete;

 private:
  bool on_, cuda_;
};

}  // namespace hwnas
