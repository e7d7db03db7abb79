// Network files: a network as TOML, written by hand or by the program.
//
// A network file is either a space file (space/README.md) in which nothing is left to choose, or an
// explicit list of [[layers]]:
//   [[layers]]
//   name = "conv1"
//   op = "conv"
//   from = ["input"]        # default: the layer before
//   channels = 16
//   kernel = 3              # or [10, 4], height first; so too stride; pad: or [top, left, bottom,
//   right]
// The program writes the second form, which holds any Network.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "space/network.h"

namespace hwnas {

// Throws InputError (file, line, key, value) on anything that is not a network.
Network load_network(const std::filesystem::path& path);
Network parse_network(std::string_view text, std::string_view file_name);

// The explicit form. parse_network(to_toml(n)) equals n in every field.
std::string to_toml(const Network& network);

}  // namespace hwnas
