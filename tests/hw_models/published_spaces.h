// Architectures of published search spaces from the texts that their tables use.
#pragma once

#include <algorithm>
#include <sstream>
#include <string>

#include "space/blocks.h"
#include "space/search_space.h"

namespace hwnas::testing {

// "k3_e1|skip|k5_e1_g2|..." of FBNet in HW-NAS-Bench's form for 32x32 inputs and 100 classes:
// strides, stem and head recalled from its configuration.
inline Network fbnet_cifar100(const std::string& ops) {
  constexpr int kDepths[] = {1, 4, 4, 4, 4, 4, 1};
  constexpr int kChannels[] = {16, 24, 32, 64, 112, 184, 352};
  constexpr int kStrides[] = {1, 1, 2, 2, 1, 2, 1};
  NetworkBuilder b("fbnet", {3, 32, 32});
  std::istringstream names(ops);
  int x = append_block(b, "stem", 0, {.block = Block::conv, .channels = 16, .kernel = 3});
  for (int stage = 0; stage < 7; ++stage) {
    for (int i = 0; i < kDepths[stage]; ++i) {
      std::string op;
      std::getline(names, op, '|');
      BlockSpec spec{.block = Block::skip,
                     .channels = kChannels[stage],
                     .stride = i == 0 ? kStrides[stage] : 1};
      if (op != "skip") {
        spec.block = Block::mbconv;
        spec.kernel = op[1] - '0';
        spec.expansion = op[4] - '0';
        spec.groups = op.ends_with("_g2") ? 2 : 1;
        spec.expand_always = true;
      }
      x = append_block(b, "b" + std::to_string(stage) + std::to_string(i), x, spec);
    }
  }
  x = append_block(b, "last", x, {.block = Block::conv, .channels = 1504, .kernel = 1});
  append_block(b, "head", x, {.block = Block::classifier, .classes = 100});
  return *live(std::move(b).build());
}

}  // namespace hwnas::testing
