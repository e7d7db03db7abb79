// What other processes say, by the first byte: plug-ins and programs that cost, trainers.
#include "experiments/adapters/trainer_lines.h"
#include "hw_models/exchange.h"
#include "space/network_file.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const hwnas::Candidate candidate = [] {
    hwnas::Candidate one;
    one.network = hwnas::load_network(std::filesystem::path(HWNAS_SOURCE_DIR) /
                                      "space/networks/resnet8.toml");
    return one;
  }();
  if (size == 0) return 0;
  const std::string line(hwnas::fuzz::text_of(bytes + 1, size - 1));
  try {
    switch (bytes[0] % 4) {
      case 0:
        (void)hwnas::read_reply(line, 7, candidate);
        break;
      case 1:
        (void)hwnas::read_greeting(line);
        break;
      case 2:
        (void)hwnas::parse_greeting(line);
        break;
      case 3:
        (void)hwnas::is_pulse(line);
        break;
    }
  } catch (const hwnas::InputError&) {
  }
  return 0;
}
