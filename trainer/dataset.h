// Data sets of small images and of text, as bytes in memory, read from the files that their authors
// publish (images) or from any file (text).
//
// fashion_mnist, mnist: the four IDX files, plain or .gz (http://yann.lecun.com/exdb/mnist,
// https://github.com/zalandoresearch/fashion-mnist). cifar10, cifar100: the "binary version"
// (https://www.cs.toronto.edu/~kriz/cifar.html), in the directory or in the archive's own
// sub-directory. text: a file, plain or .gz, or a folder of .txt and .txt.gz files, one after the
// other in the order of their names; its last tenth is the test part. A search reads the training
// part only; the test part is for the final report. All functions are thread-safe; values are
// regular.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "space/network.h"

namespace hwnas {

enum class DataSet { fashion_mnist, mnist, cifar10, cifar100, text };

std::string_view to_string(DataSet set);
std::optional<DataSet> parse_data_set(std::string_view name);

// Of a text: sequences, each an "image" of 1 x tokens x 1 bytes, whose labels are the bytes that
// follow each of its bytes. A byte is its number among those that occur anywhere in the text.
struct Images {
  Shape shape;  // of one image
  int classes = 0;
  std::vector<std::uint8_t> pixels;  // image by image, each channels x height x width
  std::vector<std::uint8_t> labels;  // `labels_each` per image, below `classes`
  int labels_each = 1;

  int size() const { return static_cast<int>(labels.size()) / labels_each; }
  bool is_text() const { return labels_each > 1; }
  const std::uint8_t* image(int i) const {
    return pixels.data() + static_cast<std::int64_t>(i) * shape.elements();
  }
  const std::uint8_t* labels_of(int i) const {
    return labels.data() + static_cast<std::int64_t>(i) * labels_each;
  }
};

enum class Part { training, test };

// Throws InputError (one line: file and what is wrong with it): a missing directory or file,
// corrupt or truncated data, a wrong magic number or size, a label out of range, unequal counts.
Images load_images(DataSet set, Part part, const std::filesystem::path& directory);

// The sequences of `context` bytes (2 to 65536) of one part of a text, one after the other; what is
// left over at the end is not used. Throws InputError: unreadable, no .txt file in the folder, too
// short for one sequence in each part, fewer than two different bytes.
Images load_text(const std::filesystem::path& path, Part part, int context);

struct Split {
  Images train, validation;
};

// Divides `all` in two, the same way for the same seed on every machine, so that both parts hold
// each class in the same share (to one image). `train_images` caps the training part, also by
// class. A text is divided by place: its last sequences validate, a cap is spread evenly over the
// others. Throws InputError when a part would be empty or the cap exceeds what there is; a share of
// 0 leaves the validation part empty on purpose.
Split split(const Images& all, double validation_share, std::uint64_t seed,
            std::optional<int> train_images = {});

}  // namespace hwnas
