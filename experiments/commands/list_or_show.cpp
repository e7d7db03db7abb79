#include "experiments/commands/list_or_show.h"

#include "experiments/command_line.h"
#include "space/input_error.h"

namespace hwnas {

int list_or_show(const Arguments& arguments, const std::string& noun, const std::string& about,
                 int (*list)(bool), int (*show)(const std::string&, bool)) {
  CommandLine line("hwnas " + noun + " list | show NAME [--json]", about);
  line.positional("ACTION", "list or show")
      .positional("NAME", "with show: a name or a file", false)
      .flag("json", "print JSON instead of a table");
  if (!line.parse(arguments)) return 0;
  const std::string action = line.get("ACTION");
  if (action == "list" && !line.has("NAME")) return list(line.has("json"));
  if (action == "show" && line.has("NAME")) return show(line.get("NAME"), line.has("json"));
  throw InputError("expected 'hwnas " + noun + " list' or 'hwnas " + noun + " show NAME'");
}

}  // namespace hwnas
