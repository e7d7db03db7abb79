// Study files: flipped bytes, cut off, made by others.
#include "search/store/study.h"

#include "search/store/care.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto file = hwnas::fuzz::folder() / "study.db";
  hwnas::fuzz::write(file, bytes, size);
  try {
    const hwnas::Study study = hwnas::Study::open_readonly(file);
    for (const hwnas::Trial& trial : study.trials()) (void)study.finals(trial.id);
    (void)study.front();
    (void)study.schedule();
  } catch (const hwnas::InputError&) {
  }
  try {
    (void)hwnas::problems_of(file);
  } catch (const hwnas::InputError&) {
  }
  return 0;
}
