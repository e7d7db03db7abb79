// Run configs.
#include "experiments/run_config.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  try {
    const hwnas::RunConfig config =
        hwnas::RunConfig::parse(std::string(hwnas::fuzz::text_of(bytes, size)), "fuzz.toml");
    (void)hwnas::deciding_settings(config);
  } catch (const hwnas::InputError&) {
  }
  return 0;
}
