// Space files; of those that are taken, some genotypes are decoded.
#include "space/search_space.h"

#include "space/operators.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  try {
    const hwnas::SearchSpace space =
        hwnas::SearchSpace::parse(hwnas::fuzz::text_of(bytes, size), "fuzz.toml");
    hwnas::Rng rng(1);
    for (int i = 0; i < 3; ++i) (void)space.decode(hwnas::sample(space.cardinalities(), rng));
  } catch (const hwnas::InputError&) {
  }
  return 0;
}
