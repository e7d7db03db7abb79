#include "experiments/export/data_facts.h"

#include <sstream>

namespace hwnas {
namespace {

// Of the archive's fine_label_names.txt.
constexpr const char* kCifar100 =
    "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus "
    "butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch "
    "crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo "
    "keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse "
    "mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy "
    "porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper "
    "snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television "
    "tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm";

constexpr const char* kCifarSource =
    "Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009, "
    "https://www.cs.toronto.edu/~kriz/cifar.html";
constexpr const char* kNoLicence = "none stated by its authors, who ask to be cited";

std::vector<std::string> words(const char* text) {
  std::istringstream in(text);
  std::vector<std::string> all;
  for (std::string word; in >> word;) all.push_back(word);
  return all;
}

}  // namespace

DataFacts data_facts(const std::string& set) {
  if (set == "fashion_mnist") {
    return {"Fashion-MNIST",
            "Xiao, Rasul and Vollgraf, arXiv:1708.07747, "
            "https://github.com/zalandoresearch/fashion-mnist",
            "MIT",
            {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker",
             "Bag", "Ankle boot"}};
  }
  if (set == "mnist") {
    return {"MNIST", "LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist", "CC BY-SA 3.0",
            words("0 1 2 3 4 5 6 7 8 9")};
  }
  if (set == "cifar10") {
    return {"CIFAR-10", kCifarSource, kNoLicence,
            words("airplane automobile bird cat deer dog frog horse ship truck")};
  }
  if (set == "cifar100") return {"CIFAR-100", kCifarSource, kNoLicence, words(kCifar100)};
  return {set, "", "unknown", {}};
}

}  // namespace hwnas
