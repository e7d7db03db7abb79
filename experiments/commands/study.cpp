#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "experiments/care/json_lines.h"
#include "experiments/care/study_files.h"
#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/comparability.h"
#include "experiments/front_report.h"
#include "experiments/table.h"
#include "search/store/care.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

// Every study of a folder, the latest first; what is none of ours is passed over.
std::vector<fs::path> studies_in(const fs::path& folder) {
  std::error_code error;
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".db" || !entry.is_regular_file()) continue;
    const fs::path wal = entry.path().string() + "-wal";
    auto time = entry.last_write_time();
    if (fs::exists(wal)) time = std::max(time, fs::last_write_time(wal));
    found.emplace_back(time, entry.path());
  }
  if (error) throw InputError(folder.string(), 0, "", "", error.message());
  std::sort(found.rbegin(), found.rend());
  std::vector<fs::path> paths;
  for (const auto& [time, path] : found) {
    try {
      Study::open_readonly(path);
      paths.push_back(path);
    } catch (const InputError&) {
    }
  }
  return paths;
}

int list(const Arguments& arguments) {
  CommandLine line("hwnas study list [FOLDER]",
                   "The studies of a folder, those written last first. Example: hwnas study list");
  line.positional("FOLDER", "where to look (the current one)", false);
  if (!line.parse(arguments)) return 0;
  const fs::path folder = line.has("FOLDER") ? line.get("FOLDER") : ".";
  Table table;
  for (const char* name : {"study", "name"}) table.column(name, Table::Align::left);
  for (const char* name : {"trials", "complete", "front", "seed"}) table.column(name);
  for (const char* name : {"algorithm", "optimises"}) table.column(name, Table::Align::left);
  const std::vector<fs::path> paths = studies_in(folder);
  for (const fs::path& path : paths) {
    const Study study = Study::open_readonly(path);
    const std::vector<Trial> trials = study.trials();
    const FrontReport front = report_front(study.info(), trials);
    std::string axes;
    table.row({path.lexically_normal().string(), study.info().name, std::to_string(trials.size()),
               std::to_string(count_states(trials).complete), std::to_string(front.front.size()),
               std::to_string(study.info().seed), study.info().algorithm, axes_text(study)});
  }
  if (paths.empty()) {
    std::cout << "no study in " << folder.string() << "; 'hwnas search CONFIG' makes one\n";
  } else {
    std::cout << table;
  }
  return 0;
}

int check(const Arguments& arguments) {
  CommandLine line("hwnas study check STUDY...",
                   "Whether studies are whole: the file, its rows, the front it shows against the "
                   "one derived from its\nvalues, every genotype, the files of its trials. Exit "
                   "code 1 where one is not.\nExample: hwnas study check fashion_mnist.db");
  line.positionals("STUDY", "a study file");
  if (!line.parse(arguments)) return 0;
  bool whole = true;
  for (const std::string& path : line.list("STUDY")) {
    const std::vector<std::string> problems = check_study(path);
    whole &= problems.empty();
    if (problems.empty()) std::cout << path << ": whole\n";
    for (const std::string& problem : problems) std::cout << path << ": " << problem << '\n';
  }
  return whole ? 0 : 1;
}

int vacuum_command(const Arguments& arguments) {
  CommandLine line("hwnas study vacuum STUDY...",
                   "Makes study files small, one file each, of this hwnas' version. Not while they "
                   "are written.\nExample: hwnas study vacuum fashion_mnist.db");
  line.positionals("STUDY", "a study file");
  if (!line.parse(arguments)) return 0;
  for (const std::string& path : line.list("STUDY")) {
    const Sizes sizes = vacuum(path);
    std::cout << path << ": " << format_quantity(static_cast<double>(sizes.before), Unit::byte)
              << " before, " << format_quantity(static_cast<double>(sizes.after), Unit::byte)
              << " now\n";
  }
  return 0;
}

int rename(const Arguments& arguments) {
  CommandLine line("hwnas study rename STUDY NEW",
                   "Gives a study another file name, and the folder of its files with it.\n"
                   "Example: hwnas study rename fashion_mnist.db monday.db");
  line.positional("STUDY", "a study file").positional("NEW", "its new name, ending in .db");
  if (!line.parse(arguments)) return 0;
  rename_study(line.get("STUDY"), line.get("NEW"));
  std::cout << line.get("NEW") << '\n';
  return 0;
}

int remove(const Arguments& arguments) {
  CommandLine line("hwnas study delete STUDY [--yes]",
                   "Deletes a study with all files of its trials; without --yes says what that "
                   "would be.\nExample: hwnas study delete old.db --yes");
  line.positional("STUDY", "a study file").flag("yes", "do it");
  if (!line.parse(arguments)) return 0;
  const fs::path path = line.get("STUDY");
  const std::int64_t trials = Study::open_readonly(path).trial_count();
  for (const fs::path& part : parts_of(path)) {
    std::cout << (line.has("yes") ? "deleted " : "would delete ") << part.string()
              << (part == path ? ", " + std::to_string(trials) + " trials" : "") << '\n';
  }
  if (line.has("yes")) {
    delete_study(path);
  } else {
    std::cout << "nothing is deleted yet: --yes does it\n";
  }
  return 0;
}

int merge_command(const Arguments& arguments) {
  CommandLine line("hwnas study merge STUDY STUDY... -o NEW",
                   "One study of several that differ in their seeds only, as two machines make "
                   "them: to look at, and to take\nmodels from; it cannot be continued, and "
                   "'reproduce' knows the seed of the first only.\n"
                   "Example: hwnas study merge monday.db tuesday.db -o both.db");
  line.positionals("STUDY", "a study file").value("output,o", "NEW", "the study to make");
  if (!line.parse(arguments)) return 0;
  if (!line.has("output")) throw InputError("-o is missing: the study to make");
  const std::vector<std::string> names = line.list("STUDY");
  if (names.size() < 2) throw InputError("STUDY: one study is no more than itself; name two");
  const fs::path output = line.get("output");
  merge_studies({names.begin(), names.end()}, output);
  std::cout << output.string() << ": " << Study::open_readonly(output).trial_count() << " trials\n";
  return 0;
}

int export_lines(const Arguments& arguments) {
  CommandLine line("hwnas study export STUDY [-o FILE]",
                   "All rows of a study as JSON lines, for other programs and for 'study import'.\n"
                   "Example: hwnas study export fashion_mnist.db -o fashion_mnist.jsonl");
  line.positional("STUDY", "a study file").value("output,o", "FILE", "unsaid: standard output");
  if (!line.parse(arguments)) return 0;
  if (!line.has("output")) {
    write_json_lines(line.get("STUDY"), std::cout);
    return 0;
  }
  Study::open_readonly(line.get("STUDY"));  // before a file is made
  std::ofstream file(line.get("output"), std::ios::binary);
  write_json_lines(line.get("STUDY"), file);
  file.close();
  if (!file) throw InputError(line.get("output"), 0, "", "", "cannot be written");
  return 0;
}

int import_lines(const Arguments& arguments) {
  CommandLine line("hwnas study import FILE -o STUDY",
                   "Makes a study of what 'study export' wrote. The files of its trials are not in "
                   "it.\nExample: hwnas study import fashion_mnist.jsonl -o copy.db");
  line.positional("FILE", "JSON lines").value("output,o", "STUDY", "the study to make");
  if (!line.parse(arguments)) return 0;
  if (!line.has("output")) throw InputError("-o is missing: the study to make");
  const std::string name = line.get("FILE");
  std::ifstream file(name, std::ios::binary);
  if (!file) throw InputError(name, 0, "", "", "cannot be read");
  read_json_lines(file, name, line.get("output"));
  std::cout << line.get("output") << ": " << Study::open_readonly(line.get("output")).trial_count()
            << " trials\n";
  return 0;
}

constexpr std::array kTasks{Command{"list", list, "the studies of a folder"},
                            Command{"check", check, "whether studies are whole"},
                            Command{"rename", rename, "another file name, files and all"},
                            Command{"delete", remove, "a study and all files of its trials"},
                            Command{"merge", merge_command, "one study of several of one config"},
                            Command{"vacuum", vacuum_command, "make the file small"},
                            Command{"export", export_lines, "all rows as JSON lines"},
                            Command{"import", import_lines, "a study of such lines"}};

}  // namespace

int study_command(const Arguments& arguments) {
  const std::string name = arguments.empty() ? "" : arguments[0];
  for (const Command& task : kTasks) {
    if (name == task.name) return task.run({arguments.begin() + 1, arguments.end()});
  }
  std::vector<std::string> names;
  for (const Command& task : kTasks) names.emplace_back(task.name);
  if (!name.empty() && name != "--help" && name != "-h")
    throw InputError("study " + name + ": no such task" + suggestion(name, names));
  std::cout << "usage: hwnas study TASK ... (--help after any)\n\n";
  for (const Command& task : kTasks) std::printf("  %-8s %s\n", task.name, task.help);
  return name.empty() ? 2 : 0;
}

}  // namespace hwnas
