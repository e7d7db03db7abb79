#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/commands.h"
#include "experiments/commands/list_or_show.h"
#include "experiments/library.h"
#include "experiments/table.h"

namespace hwnas {
namespace {

int list_spaces(bool as_json) {
  nlohmann::json all = nlohmann::json::array();
  Table table;
  table.column("space", Table::Align::left);
  table.column("genes");
  table.column("size");
  table.column("what", Table::Align::left);
  for (const std::string& name : list_names(LibraryShelf::spaces)) {
    const SearchSpace space = SearchSpace::load(find_file(LibraryShelf::spaces, name));
    char size[32];
    std::snprintf(size, sizeof size, "10^%.1f", space.log10_size());
    all.push_back({{"name", name},
                   {"genes", space.choices().size()},
                   {"log10_size", space.log10_size()},
                   {"description", space.description()}});
    table.row({name, std::to_string(space.choices().size()), size, space.description()});
  }
  if (as_json) {
    std::cout << all.dump(2) << '\n';
  } else {
    std::cout << table;
  }
  return 0;
}

int show_space(const std::string& name, bool as_json) {
  const SearchSpace space = SearchSpace::load(find_file(LibraryShelf::spaces, name));
  nlohmann::json genes = nlohmann::json::array();
  Table table;
  table.column("gene", Table::Align::left);
  table.column("options", Table::Align::left);
  for (const Choice& choice : space.choices()) {
    std::string options;
    for (const std::string& option : choice.options)
      options += (options.empty() ? "" : " | ") + option;
    genes.push_back({{"name", choice.name}, {"options", choice.options}});
    table.row({choice.name, options});
  }
  if (as_json) {
    std::cout << nlohmann::json{{"name", space.name()},
                                {"description", space.description()},
                                {"genes", genes}}
                     .dump(2)
              << '\n';
    return 0;
  }
  std::cout << space.name() << ": " << space.description() << '\n' << table;
  return 0;
}

}  // namespace

int spaces_command(const Arguments& arguments) {
  return list_or_show(
      arguments, "spaces",
      "The search spaces that ship with hwnas, and any space file, with their genes.\n"
      "Example: hwnas spaces show tiny_image",
      list_spaces, show_space);
}

}  // namespace hwnas
