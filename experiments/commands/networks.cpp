#include <iostream>

#include <nlohmann/json.hpp>

#include "experiments/commands.h"
#include "experiments/commands/list_or_show.h"
#include "experiments/library.h"
#include "experiments/table.h"
#include "space/network_file.h"
#include "space/toml_table.h"

namespace hwnas {
namespace {

std::string description(LibraryShelf shelf, const std::string& name) {
  return TomlTable::parse_file(find_file(shelf, name)).string("description", "");
}

int list_networks(bool as_json) {
  nlohmann::json all = nlohmann::json::array();
  Table table;
  table.column("network", Table::Align::left);
  table.column("input");
  table.column("layers");
  table.column("parameters");
  table.column("MACs");
  table.column("what", Table::Align::left);
  for (const std::string& name : list_names(LibraryShelf::networks)) {
    const Network n = find_network(name);
    const std::string what = description(LibraryShelf::networks, name);
    all.push_back({{"name", name},
                   {"input", {n.input().channels, n.input().height, n.input().width}},
                   {"layers", n.size()},
                   {"parameters", parameters(n)},
                   {"macs", macs(n)},
                   {"description", what}});
    table.row({name, to_text(n.input()), std::to_string(n.size()),
               format_quantity(static_cast<double>(parameters(n)), Unit::count),
               format_quantity(static_cast<double>(macs(n)), Unit::count), what});
  }
  if (as_json) {
    std::cout << all.dump(2) << '\n';
  } else {
    std::cout << table;
  }
  return 0;
}

int show_network(const std::string& name, bool as_json) {
  const Network n = find_network(name);
  if (as_json) {
    nlohmann::json layers = nlohmann::json::array();
    for (const Layer& l : n.layers()) {
      layers.push_back({{"name", l.name},
                        {"op", to_string(l.op)},
                        {"output", {l.out.channels, l.out.height, l.out.width}},
                        {"parameters", parameters(l)},
                        {"macs", macs(n, l)},
                        {"weight_bits", l.weight_bits},
                        {"activation_bits", l.activation_bits}});
    }
    std::cout << nlohmann::json{{"name", n.name},
                                {"parameters", parameters(n)},
                                {"macs", macs(n)},
                                {"layers", layers}}
                     .dump(2)
              << '\n';
    return 0;
  }
  Table table;
  table.column("layer", Table::Align::left);
  table.column("op", Table::Align::left);
  table.column("kernel");
  table.column("output");
  table.column("parameters");
  table.column("MACs");
  table.column("bits w/a");
  for (const Layer& l : n.layers()) {
    const bool slides = l.op == Op::conv || l.op == Op::max_pool || l.op == Op::avg_pool;
    const std::string kernel = !slides
                                   ? ""
                                   : std::to_string(l.kernel_h) + "x" + std::to_string(l.kernel_w) +
                                         (l.stride_h > 1 ? " /" + std::to_string(l.stride_h) : "");
    table.row({l.name, is_depthwise(l) ? "depthwise" : std::string(to_string(l.op)), kernel,
               to_text(l.out), std::to_string(parameters(l)), std::to_string(macs(l)),
               std::to_string(l.weight_bits) + "/" + std::to_string(l.activation_bits)});
  }
  std::cout << n.name << ": " << description(LibraryShelf::networks, name) << '\n'
            << table << parameters(n) << " parameters, " << macs(n) << " MACs\n";
  return 0;
}

}  // namespace

int networks_command(const Arguments& arguments) {
  return list_or_show(
      arguments, "networks",
      "The networks that ship with hwnas, and any network file, with their layers.\n"
      "Example: hwnas networks show mobilenet_v2",
      list_networks, show_network);
}

}  // namespace hwnas
