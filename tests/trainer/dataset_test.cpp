#include "trainer/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "data_files.h"
#include "space/input_error.h"

namespace hwnas::testing {
namespace {

// what() of the InputError that loading throws; empty when it loads.
std::string problem(DataSet set, const std::filesystem::path& directory,
                    Part part = Part::training) {
  try {
    load_images(set, part, directory);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

using ::testing::EndsWith;
using ::testing::HasSubstr;

TEST(Idx, ReadsPlainAndGzipAlike) {
  TempDir plain, packed;
  const Bars bars = make_bars(30);
  write_bars(plain.path(), 30);
  write_gzip(packed / "train-images-idx3-ubyte.gz", bars.images);
  write_gzip(packed / "train-labels.idx1-ubyte.gz", bars.labels);  // the other customary name
  const Images a = load_images(DataSet::mnist, Part::training, plain.path());
  const Images b = load_images(DataSet::fashion_mnist, Part::training, packed.path());
  EXPECT_EQ(a.shape, (Shape{1, 28, 28}));
  EXPECT_EQ(a.classes, 10);
  EXPECT_EQ(a.size(), 30);
  EXPECT_EQ(a.pixels, Bytes(bars.images.begin() + 16, bars.images.end()));
  EXPECT_EQ(a.labels, Bytes(bars.labels.begin() + 8, bars.labels.end()));
  EXPECT_EQ(a.pixels, b.pixels);
  EXPECT_EQ(a.labels, b.labels);
}

TEST(Idx, TrainingAndTestAreDifferentFiles) {
  TempDir dir;
  write_bars(dir.path(), 30);
  EXPECT_THAT(problem(DataSet::mnist, dir.path(), Part::test),
              EndsWith("has no file t10k-images-idx3-ubyte (or t10k-images-idx3-ubyte.gz)"));
  write_bars(dir.path(), 20, "t10k");
  EXPECT_EQ(load_images(DataSet::mnist, Part::test, dir.path()).size(), 20);
}

TEST(Idx, MissingDirectorySaysWhatToDo) {
  EXPECT_EQ(
      problem(DataSet::fashion_mnist, "no/such"),
      "no/such: no such directory; apt-get install dataset-fashion-mnist or set data.directory");
  EXPECT_EQ(problem(DataSet::cifar10, "no/such"),
            "no/such: no such directory; set data.directory to where cifar10 was unpacked");
}

TEST(Idx, SaysWhatIsWrongWithAFile) {
  TempDir dir;
  const auto images = dir / "train-images-idx3-ubyte", labels = dir / "train-labels-idx1-ubyte";
  const Bars bars = make_bars(30);
  const auto with = [&](Bytes new_images, Bytes new_labels) {
    write_file(images, new_images);
    write_file(labels, new_labels);
    return problem(DataSet::mnist, dir.path());
  };
  Bytes changed = bars.images;
  changed.pop_back();
  EXPECT_EQ(with(changed, bars.labels),
            images.string() + ": holds 23535 bytes, expected 23536 for 30 items");  // 16 + 30 * 784
  EXPECT_EQ(with({0, 0, 8}, bars.labels), images.string() + ": is cut short: no IDX header");
  EXPECT_EQ(with(bars.labels, bars.labels),
            images.string() + ": has magic number 2049, expected 2051; is it the right IDX file?");
  changed = bars.images;
  changed[11] = 14;  // 14 x 28, though the length fits 28 x 28
  EXPECT_EQ(with(changed, bars.labels),
            images.string() + ": holds images of 14x28, expected 28x28");
  changed = bars.labels;
  changed[8 + 17] = 10;
  EXPECT_EQ(with(bars.images, changed),
            labels.string() + ": label 10 of image 17 is out of range; expected 0 to 9");
  EXPECT_EQ(with(bars.images, make_bars(29).labels),
            labels.string() + ": holds 29 labels for 30 images");
}

TEST(Idx, SaysWhatIsWrongWithGzip) {
  TempDir dir;
  const auto path = dir / "train-images-idx3-ubyte.gz";
  write_gzip(path, make_bars(30).images);
  const Bytes good = read_bytes(path);
  write_file(path,
             Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(good.size() / 2)));
  EXPECT_EQ(problem(DataSet::mnist, dir.path()), path.string() + ": gzip data is cut short");
  Bytes bad = good;
  for (std::size_t i = 100; i < 200; ++i) bad[i] ^= 0x5A;
  write_file(path, bad);
  EXPECT_THAT(problem(DataSet::mnist, dir.path()),
              HasSubstr(path.string() + ": gzip data is corrupt: "));
  write_file(path, make_bars(30).images);
  EXPECT_EQ(problem(DataSet::mnist, dir.path()), path.string() + ": is not gzip data");
}

// Record i: label(s), then pixels that all hold i.
Bytes cifar_records(int count, int label_bytes, int classes) {
  Bytes bytes;
  for (int i = 0; i < count; ++i) {
    if (label_bytes == 2) bytes.push_back(19);  // coarse label, not used
    bytes.push_back(static_cast<std::uint8_t>(i % classes));
    bytes.insert(bytes.end(), 3072, static_cast<std::uint8_t>(i));
  }
  return bytes;
}

TEST(Cifar, ReadsBothSets) {
  TempDir dir;
  std::filesystem::create_directory(dir / "cifar-10-batches-bin");
  for (int b = 1; b <= 5; ++b) {
    write_file(dir / ("cifar-10-batches-bin/data_batch_" + std::to_string(b) + ".bin"),
               cifar_records(4, 1, 10));
  }
  write_file(dir / "train.bin", cifar_records(7, 2, 100));
  write_gzip(dir / "test.bin.gz", cifar_records(3, 2, 100));
  const Images ten = load_images(DataSet::cifar10, Part::training, dir.path());
  EXPECT_EQ(ten.size(), 20);
  EXPECT_EQ(ten.shape, (Shape{3, 32, 32}));
  EXPECT_EQ(ten.image(6)[0], 2);
  EXPECT_EQ(ten.labels[6], 2);
  const Images hundred = load_images(DataSet::cifar100, Part::training, dir.path());
  EXPECT_EQ(hundred.classes, 100);
  EXPECT_EQ(hundred.labels, (Bytes{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(hundred.image(6)[3071], 6);
  EXPECT_EQ(load_images(DataSet::cifar100, Part::test, dir.path()).size(), 3);
}

TEST(Cifar, SaysWhatIsWrong) {
  TempDir dir;
  Bytes records = cifar_records(4, 2, 100);
  records.pop_back();
  write_file(dir / "train.bin", records);
  EXPECT_EQ(
      problem(DataSet::cifar100, dir.path()),
      (dir / "train.bin").string() + ": holds 12295 bytes, not a whole number of records of 3074");
  records = cifar_records(4, 2, 100);
  records[3074 * 3 + 1] = 100;
  write_file(dir / "train.bin", records);
  EXPECT_EQ(
      problem(DataSet::cifar100, dir.path()),
      (dir / "train.bin").string() + ": label 100 of image 3 is out of range; expected 0 to 99");
  EXPECT_THAT(problem(DataSet::cifar10, dir.path()),
              EndsWith("has no file data_batch_1.bin (or data_batch_1.bin.gz)"));
}

Images bars(int count) {
  TempDir dir;
  write_bars(dir.path(), count);
  return load_images(DataSet::mnist, Part::training, dir.path());
}

std::vector<int> per_class(const Images& images) {
  std::vector<int> counts(10, 0);
  for (const std::uint8_t label : images.labels) ++counts[label];
  return counts;
}

TEST(Split, IsStratifiedDisjointAndComplete) {
  const Images all = bars(500);
  const Split parts = split(all, 0.1, 3);
  EXPECT_EQ(per_class(parts.validation), std::vector<int>(10, 5));
  EXPECT_EQ(per_class(parts.train), std::vector<int>(10, 45));
  std::vector<Bytes> images;  // noise makes every image unique
  for (const Images* part : {&parts.train, &parts.validation}) {
    for (int i = 0; i < part->size(); ++i)
      images.emplace_back(part->image(i), part->image(i) + 784);
  }
  std::sort(images.begin(), images.end());
  EXPECT_EQ(std::unique(images.begin(), images.end()), images.end());
  EXPECT_EQ(images.size(), 500u);
}

TEST(Split, DependsOnTheSeedAlone) {
  const Images all = bars(200);
  EXPECT_EQ(split(all, 0.1, 3).validation.pixels, split(all, 0.1, 3).validation.pixels);
  EXPECT_NE(split(all, 0.1, 3).validation.pixels, split(all, 0.1, 4).validation.pixels);
}

TEST(Split, CapKeepsValidationAndClasses) {
  const Images all = bars(500);
  const Split whole = split(all, 0.2, 1), capped = split(all, 0.2, 1, 100);
  EXPECT_EQ(capped.train.size(), 100);
  EXPECT_EQ(per_class(capped.train), std::vector<int>(10, 10));
  EXPECT_EQ(capped.validation.pixels, whole.validation.pixels);
}

TEST(Split, RefusesEmptyParts) {
  const Images all = bars(20);
  const auto problem_of = [&](double share, std::optional<int> cap) -> std::string {
    try {
      split(all, share, 1, cap);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(problem_of(0.01, {}),
              EndsWith("leaves 0 of 20 images to validate; both parts need at least one"));
  EXPECT_EQ(problem_of(0.1, 19), "train-images = 19: expected 1 to 18");
  EXPECT_EQ(problem_of(0.1, 0), "train-images = 0: expected 1 to 18");
}

TEST(FashionMnist, HasThePublishedSize) {
  const std::filesystem::path dir = "/usr/share/datasets/fashion-mnist";
  if (!std::filesystem::exists(dir)) {
    std::cout << "not tested: " << dir << " (apt-get install dataset-fashion-mnist)\n";
    return;
  }
  const Images images = load_images(DataSet::fashion_mnist, Part::training, dir);
  EXPECT_EQ(images.size(), 60000);
  EXPECT_EQ(per_class(images), std::vector<int>(10, 6000));
}

TEST(DataSet, NamesRoundTrip) {
  for (const DataSet set :
       {DataSet::fashion_mnist, DataSet::mnist, DataSet::cifar10, DataSet::cifar100}) {
    EXPECT_EQ(parse_data_set(to_string(set)), set);
  }
  EXPECT_EQ(parse_data_set("imagenet"), std::nullopt);
}

}  // namespace
}  // namespace hwnas::testing
