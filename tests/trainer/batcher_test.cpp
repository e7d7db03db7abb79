#include "trainer/batcher.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace hwnas::testing {
namespace {

// Two images of 2 channels, 3 x 4; byte = 100 * image + 50 * channel + 10 * row + column.
Images ramp() {
  Images images{{2, 3, 4}, 5, {}, {3, 4}};
  for (int i = 0; i < 2; ++i) {
    for (int c = 0; c < 2; ++c) {
      for (int y = 0; y < 3; ++y) {
        for (int x = 0; x < 4; ++x)
          images.pixels.push_back(static_cast<std::uint8_t>(100 * i + 50 * c + 10 * y + x));
      }
    }
  }
  return images;
}

// Normalisation that gives the byte back.
const Normalisation kPlain{{0, 0}, {1 / 255.0, 1 / 255.0}};

TEST(Normalisation, IsMeanAndDeviationOfEachChannel) {
  const Images images{{2, 1, 2}, 2, {0, 100, 7, 7, 0, 100, 7, 7}, {0, 1}};
  const Normalisation n = measure(images);
  EXPECT_DOUBLE_EQ(n.mean[0], 50.0 / 255);
  EXPECT_DOUBLE_EQ(n.stddev[0], 50.0 / 255);
  EXPECT_DOUBLE_EQ(n.mean[1], 7.0 / 255);
  EXPECT_DOUBLE_EQ(n.stddev[1], 1.0 / 255);  // constant: one grey level
}

TEST(Batcher, CopiesInBothLayouts) {
  const Images images = ramp();
  const Batcher batcher(images, kPlain);
  std::vector<float> planes(24), last(24);
  std::int64_t label = 0;
  Rng rng(1);
  const std::vector<int> second{1};
  batcher.fill(second, {}, rng, false, planes.data(), &label);
  batcher.fill(second, {}, rng, true, last.data(), &label);
  EXPECT_EQ(label, 4);
  for (int c = 0; c < 2; ++c) {
    for (int p = 0; p < 12; ++p) {
      const auto expected = static_cast<float>(images.image(1)[c * 12 + p]);
      EXPECT_NEAR(planes[static_cast<std::size_t>(c * 12 + p)], expected, 1e-4);
      EXPECT_NEAR(last[static_cast<std::size_t>(p * 2 + c)], expected, 1e-4);
    }
  }
}

// Every result must be the image shifted by at most one pixel over black, maybe mirrored; and over
// many draws all 18 of these occur.
TEST(Batcher, AugmentsByShiftAndMirror) {
  Images images = ramp();
  images.pixels[0] = 9;  // not black
  const Batcher batcher(images, kPlain);
  const auto expected = [&](int dy, int dx, bool flip) {
    std::vector<int> out;
    for (int c = 0; c < 2; ++c) {
      for (int y = 0; y < 3; ++y) {
        for (int x = 0; x < 4; ++x) {
          const int fy = y + dy, fx = (flip ? 3 - x : x) + dx;
          out.push_back(fy < 0 || fy > 2 || fx < 0 || fx > 3
                            ? 0
                            : images.pixels[static_cast<std::size_t>(c * 12 + fy * 4 + fx)]);
        }
      }
    }
    return out;
  };
  std::set<std::vector<int>> allowed, seen;
  for (int dy = -1; dy <= 1; ++dy) {
    for (int dx = -1; dx <= 1; ++dx) {
      allowed.insert(expected(dy, dx, false));
      allowed.insert(expected(dy, dx, true));
    }
  }
  ASSERT_EQ(allowed.size(), 18u);
  Rng rng(7);
  const std::vector<int> first{0};
  for (int draw = 0; draw < 300; ++draw) {
    std::vector<float> out(24);
    std::int64_t label = 0;
    batcher.fill(first, {.flip = true, .crop_pad = 1}, rng, false, out.data(), &label);
    std::vector<int> bytes;
    for (const float value : out) bytes.push_back(static_cast<int>(std::lround(value)));
    ASSERT_TRUE(allowed.contains(bytes));
    seen.insert(bytes);
  }
  EXPECT_EQ(seen.size(), 18u);
}

TEST(Batcher, FlagsDoNotShiftTheRandomStream) {
  const Images images = ramp();
  const Batcher batcher(images, kPlain);
  Rng plain(3), flipped(3);
  std::vector<float> out(24);
  std::int64_t label = 0;
  const std::vector<int> first{0};
  batcher.fill(first, {}, plain, true, out.data(), &label);
  batcher.fill(first, {.flip = true, .crop_pad = 2}, flipped, true, out.data(), &label);
  EXPECT_EQ(plain.next(), flipped.next());
}

}  // namespace
}  // namespace hwnas::testing
