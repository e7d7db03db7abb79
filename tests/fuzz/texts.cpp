// Small texts, by the first byte: genotypes, quantities, metrics.
#include "search/trial.h"
#include "space/genotype.h"
#include "space/units.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = hwnas::fuzz::text_of(bytes + 1, size - 1);
  try {
    switch (bytes[0] % 3) {
      case 0: {
        const hwnas::Genotype genotype = hwnas::parse_genotype(text);
        if (hwnas::parse_genotype(hwnas::to_text(genotype)) != genotype)
          throw std::logic_error("read again it is another genotype");
        break;
      }
      case 1:
        (void)hwnas::parse_quantity(text, hwnas::Unit::second);
        break;
      case 2:
        (void)hwnas::parse_quantity(text, hwnas::Unit::byte);
        break;
    }
  } catch (const std::invalid_argument&) {
  } catch (const hwnas::InputError&) {
  }
  return 0;
}
