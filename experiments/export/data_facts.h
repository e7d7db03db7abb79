// What is known of the data sets that hwnas trains on: for model cards.
#pragma once

#include <string>
#include <vector>

namespace hwnas {

struct DataFacts {
  std::string title;                 // "Fashion-MNIST"
  std::string source;                // paper and address
  std::string licence;               // as its authors state it
  std::vector<std::string> classes;  // in the order of the network's outputs
};

// `set`: fashion_mnist, mnist, cifar10 or cifar100; nothing known of any other.
DataFacts data_facts(const std::string& set);

}  // namespace hwnas
