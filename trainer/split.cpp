#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "space/input_error.h"
#include "space/rng.h"
#include "trainer/dataset.h"

namespace hwnas {
namespace {

Images select(const Images& all, std::vector<int> indices) {
  std::sort(indices.begin(), indices.end());
  Images part{all.shape, all.classes, {}, {}, all.labels_each};
  part.pixels.reserve(indices.size() * static_cast<std::size_t>(all.shape.elements()));
  part.labels.reserve(indices.size());
  for (const int i : indices) {
    part.pixels.insert(part.pixels.end(), all.image(i), all.image(i) + all.shape.elements());
    part.labels.insert(part.labels.end(), all.labels_of(i), all.labels_of(i) + all.labels_each);
  }
  return part;
}

// Deals the classes in turn, so that every prefix of the deal holds each class in its share.
std::vector<int> deal(std::vector<std::vector<int>> by_class) {
  struct Slot {
    double when;
    int index;
  };
  std::vector<Slot> slots;
  for (const std::vector<int>& members : by_class) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      slots.push_back(
          {(static_cast<double>(i) + 0.5) / static_cast<double>(members.size()), members[i]});
    }
  }
  std::stable_sort(slots.begin(), slots.end(),
                   [](const Slot& a, const Slot& b) { return a.when < b.when; });
  std::vector<int> order;
  order.reserve(slots.size());
  for (const Slot& slot : slots) order.push_back(slot.index);
  return order;
}

// Images in the order in which they are dealt: any part of it holds each class in its share.
std::vector<int> order_by_class(const Images& all, std::uint64_t seed) {
  std::vector<std::vector<int>> by_class(static_cast<std::size_t>(all.classes));
  for (int i = 0; i < all.size(); ++i)
    by_class[all.labels[static_cast<std::size_t>(i)]].push_back(i);
  for (std::size_t c = 0; c < by_class.size(); ++c) {
    Rng rng(seed, c);
    rng.shuffle(by_class[c]);
  }
  return deal(std::move(by_class));
}

std::vector<int> numbers(int first, int end) {
  std::vector<int> all(static_cast<std::size_t>(end - first));
  std::iota(all.begin(), all.end(), first);
  return all;
}

// `count` of the numbers below `size`, evenly spread.
std::vector<int> spread(int count, int size) {
  std::vector<int> chosen;
  for (int i = 0; i < count; ++i)
    chosen.push_back(static_cast<int>(std::int64_t{i} * size / count));
  return chosen;
}

}  // namespace

Split split(const Images& all, double validation_share, std::uint64_t seed,
            std::optional<int> train_images) {
  const char* what = all.is_text() ? " sequences" : " images";
  const int validation = static_cast<int>(std::lround(validation_share * all.size()));
  const bool none = validation_share == 0;  // all images train
  if ((validation < 1 && !none) || validation >= all.size()) {
    throw InputError("", 0, "validation-share", std::to_string(validation_share),
                     "leaves " + std::to_string(validation) + " of " + std::to_string(all.size()) +
                         what + " to validate; both parts need at least one");
  }
  const int available = all.size() - validation;
  const int train = train_images.value_or(available);
  if (train < 1 || train > available) {
    throw InputError("", 0, "train-images", std::to_string(train),
                     "expected 1 to " + std::to_string(available));
  }
  if (all.is_text())
    return {select(all, spread(train, available)), select(all, numbers(available, all.size()))};
  const std::vector<int> order = order_by_class(all, seed);
  const auto middle = order.begin() + validation;
  return {select(all, {middle, middle + train}), select(all, {order.begin(), middle})};
}

}  // namespace hwnas
