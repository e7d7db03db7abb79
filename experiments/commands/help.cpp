#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/library.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

// A topic is a section of a README: there is one text of everything.
struct Topic {
  const char* name;
  const char* document;
  const char* heading;  // the section; empty: the whole document
  const char* help;
};
constexpr std::array kTopics{
    Topic{"tutorial", "experiments/tutorial.md", "", "from a search to a model file, step by step"},
    Topic{"configs", "experiments/README.md", "## Run configs", "what a run config may say"},
    Topic{"rungs", "experiments/README.md", "## Rungs: a cheap look first", "a cheap look first"},
    Topic{"bounds", "experiments/README.md", "### Bounds with a probability",
          "how sure a bound is kept"},
    Topic{"finals", "experiments/README.md", "## The final model: `train` and `reproduce`",
          "training in full"},
    Topic{"models", "experiments/README.md", "## The model: `export`",
          "the files of an exported model"},
    Topic{"cluster", "experiments/cluster.md", "", "searching with many machines"},
    Topic{"tables", "experiments/tables.md", "", "searching a published benchmark"},
    Topic{"space-files", "space/README.md", "## Space files", "how a search space is written"},
    Topic{"network-files", "space/README.md", "## Network files", "how a network is written"},
    Topic{"device-files", "hw_models/README.md", "## Device files", "how hardware is described"},
    Topic{"searchers", "search/README.md", "## How the searchers work", "the search algorithms"},
    Topic{"studies", "search/store/README.md", "", "the study file: tables, views, queries"},
    Topic{"training", "trainer/README.md", "", "how networks are trained, and what was measured"},
};

void print_commands() {
  std::cout << "hwnas " HWNAS_VERSION
               ": hardware-aware neural architecture search\n\n"
               "usage: hwnas COMMAND ... (--help after any command)\n\n";
  for (const Command& command : all_commands())
    std::printf("  %-10s %s\n", command.name, command.help);
  std::printf("\ntopics: hwnas help");
  for (const Topic& topic : kTopics) std::printf(" %s", topic.name);
  std::printf("\nStart with: hwnas search fashion_mnist\n");
  std::fflush(stdout);
}

std::size_t level(const std::string& line) {
  const std::size_t marks = line.find_first_not_of('#');
  return marks > 0 && marks != std::string::npos && line[marks] == ' ' ? marks : 0;
}

// From the heading to the next one of its level or above; code may hold lines that look like one.
void print_topic(const Topic& topic) {
  std::ifstream file(find_document(topic.document));
  const std::string heading = topic.heading;
  bool inside = heading.empty(), code = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("```")) code = !code;
    if (!code && !heading.empty() && level(line) > 0)
      inside = line == heading || (inside && level(line) > level(heading));
    if (inside) std::cout << line << '\n';
  }
}

// What a command prints for --help.
std::string page_of(const Command& command) {
  std::ostringstream text;
  std::streambuf* const usual = std::cout.rdbuf(text.rdbuf());
  try {
    command.run({"--help"});
  } catch (...) {
    std::cout.rdbuf(usual);
    throw;
  }
  std::cout.rdbuf(usual);
  return text.str();
}

// For troff: what begins with a dot or a quote, and backslashes, are text.
std::string escaped(const std::string& text) {
  std::string out;
  bool begins = true;
  for (const char c : text) {
    if (begins && (c == '.' || c == '\'')) out += "\\&";
    out += c == '\\' ? "\\e" : c == '-' ? "\\-" : std::string(1, c);
    begins = c == '\n';
  }
  return out;
}

void print_man_page() {
  std::cout << ".TH HWNAS 1 \"\" \"hwnas " HWNAS_VERSION
               "\"\n.SH NAME\nhwnas \\- hardware-aware "
               "neural architecture search\n.SH SYNOPSIS\n.B hwnas\nCOMMAND ...\n.SH COMMANDS\n";
  for (const Command& command : all_commands()) {
    if (command.run == help_command) continue;
    std::cout << ".SS " << command.name << "\n.nf\n" << escaped(page_of(command)) << ".fi\n";
  }
  std::cout
      << ".SH EXIT STATUS\n0 done; 1 a defect of hwnas, or what was checked does not hold; 2 bad "
         "input, in one line; 130 interrupted, the study continues.\n.SH TOPICS\n";
  for (const Topic& topic : kTopics)
    std::cout << ".TP\n.B hwnas help " << topic.name << '\n' << escaped(topic.help) << '\n';
}

// The options of a command are those of its page: one source.
void print_completion(const std::string& shell) {
  std::string words;
  for (const Command& command : all_commands())
    words += (words.empty() ? "" : " ") + std::string(command.name);
  if (shell == "zsh") std::cout << "autoload -U +X bashcompinit && bashcompinit\n";
  std::cout
      << "_hwnas() {\n"
         "  local word=\"${COMP_WORDS[COMP_CWORD]}\"\n"
         "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
         "    COMPREPLY=($(compgen -W \""
      << words
      << "\" -- \"$word\"))\n"
         "  elif [[ \"$word\" == -* ]]; then\n"
         "    local page; page=$(\"${COMP_WORDS[0]}\" \"${COMP_WORDS[1]}\" --help 2>/dev/null)\n"
         "    COMPREPLY=($(compgen -W \"$(grep -oE -- '--[a-z][a-z-]*' <<<\"$page\" | sort -u)\" "
         "-- \"$word\"))\n"
         "  else\n"
         "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _hwnas hwnas\n";
}

}  // namespace

int help_command(const Arguments& arguments) {
  if (arguments.empty()) {
    print_commands();
    return 0;
  }
  const std::string& name = arguments[0];
  if (name == "--help" || name == "-h" || name.starts_with("--")) {
    CommandLine line("hwnas help [COMMAND | TOPIC] [--man | --completion SHELL]",
                     "The commands; the page of one; or a topic, which is a section of a README.\n"
                     "Example: hwnas help configs");
    line.flag("man", "all pages as a man page: hwnas help --man > hwnas.1")
        .value("completion", "SHELL", "bash or zsh: eval \"$(hwnas help --completion bash)\"");
    if (!line.parse(arguments)) return 0;
    if (line.has("man")) print_man_page();
    if (line.has("completion")) {
      const std::string shell = line.get("completion");
      if (shell != "bash" && shell != "zsh")
        throw InputError("", 0, "--completion", shell, "expected bash or zsh");
      print_completion(shell);
    }
    return 0;
  }
  for (const Command& command : all_commands()) {
    if (name == command.name && command.run != help_command) return command.run({"--help"});
  }
  for (const Topic& topic : kTopics) {
    if (name != topic.name) continue;
    print_topic(topic);
    return 0;
  }
  std::vector<std::string> names;
  for (const Command& command : all_commands()) names.emplace_back(command.name);
  for (const Topic& topic : kTopics) names.emplace_back(topic.name);
  throw InputError("help " + name + ": neither a command nor a topic" + suggestion(name, names));
}

}  // namespace hwnas
