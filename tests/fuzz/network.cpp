// Network files; one that is taken is written and read again.
#include "space/network_file.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  try {
    const hwnas::Network network =
        hwnas::parse_network(hwnas::fuzz::text_of(bytes, size), "fuzz.toml");
    (void)hwnas::macs(network);
    const std::string text = hwnas::to_toml(network);
    if (hwnas::fingerprint(hwnas::parse_network(text, "again.toml")) != hwnas::fingerprint(network))
      throw std::logic_error("read again it is another network");
  } catch (const hwnas::InputError&) {
  }
  return 0;
}
