// The lines that hwnas and a program that costs candidates exchange: JSON, one request and one
// reply a line. The format is in families/program.md. Free functions, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hw_models/figures.h"

namespace hwnas {

constexpr int kExchangeVersion = 1;

// `network_file`: also the network as TOML (space/network_file.h).
std::string request_line(std::int64_t id, std::string_view device, const Candidate& candidate,
                         bool network_file);

// What a reply says of the request with this id.
struct Reply {
  std::string out_of_step;  // no reply to it at all: not JSON, another id; else empty
  std::string refusal;      // why the candidate has no cost; else empty
  Figures figures;
  std::vector<LayerCost> rows;
};
Reply read_reply(std::string_view line, std::int64_t id, const Candidate& candidate);

// A request without a network: our own host of plug-ins says whether it is ready, or why not.
std::string greeting_line();
std::string read_greeting(std::string_view line);  // what is wrong; empty: nothing

}  // namespace hwnas
