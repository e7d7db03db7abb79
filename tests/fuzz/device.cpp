// Device files of every family; one that is taken prices a network.
#include "hw_models/device.h"

#include "hw_models/cost_model.h"
#include "space/network_file.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const hwnas::Network network =
      hwnas::load_network(std::filesystem::path(HWNAS_SOURCE_DIR) / "space/networks/resnet8.toml");
  const std::string_view text = hwnas::fuzz::text_of(bytes, size);
  // Programs and plug-ins are not to be started here.
  if (text.find("program") != text.npos || text.find("plugin") != text.npos) return 0;
  try {
    const hwnas::Device device = hwnas::Device::parse(text, "fuzz.toml");
    hwnas::Candidate candidate;
    candidate.network = network;
    (void)device.model->estimate(candidate);
  } catch (const hwnas::InputError&) {
  }
  return 0;
}
