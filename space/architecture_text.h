// Architectures as text, in the ways that papers and tables write them, for any space:
//   3-0-2   3_0_2   [3, 0, 2]     the index of the option of each choice, in the space's order
//   k3_e1|skip|k5_e6              the names of the options, separated by '|' or ','
//   |nor_conv_3x3~0|+|none~0|skip_connect~1|    NAS-Bench-201: names, each with the node it reads
// Whole numbers are always indices, also where options are named by numbers. Thread-safe.
#pragma once

#include <string_view>

#include "space/search_space.h"

namespace hwnas {

// Throws std::invalid_argument: the wrong number of parts, an index or name that the choice lacks.
Genotype parse_architecture(const SearchSpace& space, std::string_view text);

}  // namespace hwnas
