#include "trainer/checkpoint.h"

#include <type_traits>

#include "trainer/checked_file.h"

namespace hwnas {
namespace {

const std::string kKind = "hwnasCP1";
const std::string kValue = "value ";  // before the name of each

// Checkpoint without its lists.
struct Head {
  std::uint64_t identity;
  std::int64_t step, images;
  double loss_sum;
  std::int64_t summed;
  double seconds;
};

static_assert(std::is_trivially_copyable_v<Head> && std::is_trivially_copyable_v<EpochReport>);

}  // namespace

void save_checkpoint(const Checkpoint& c, const std::filesystem::path& path) {
  Parts parts;
  const Head head{c.identity, c.step, c.images, c.loss_sum, c.summed, c.seconds};
  parts["head"] = bytes_of(std::vector<Head>{head});
  parts["curve"] = bytes_of(c.curve);
  for (const auto& [name, numbers] : c.values) parts[kValue + name] = bytes_of(numbers);
  write_checked(path, kKind, parts);
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  const Parts parts = read_checked(path, kKind);
  try {
    const std::vector<Head> heads = values_of<Head>(parts, "head");
    if (heads.size() != 1) throw std::runtime_error("has no head");
    const Head& head = heads[0];
    Checkpoint c{head.identity,
                 head.step,
                 head.images,
                 static_cast<float>(head.loss_sum),
                 head.summed,
                 head.seconds,
                 values_of<EpochReport>(parts, "curve"),
                 {}};
    for (const auto& [name, bytes] : parts) {
      if (!name.starts_with(kValue)) continue;
      c.values.push_back({name.substr(kValue.size()), values_of<float>(parts, name)});
    }
    return c;
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(path.string() + ": " + error.what());
  }
}

}  // namespace hwnas
