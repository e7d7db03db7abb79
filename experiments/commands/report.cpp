#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/report/page.h"
#include "experiments/report/study_json.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

// Beside its place, then renamed: a report is whole or it is the old one.
void write(const fs::path& path, const std::string& text) {
  const fs::path temporary = path.string() + ".tmp";
  std::ofstream file(temporary, std::ios::binary);
  file << text;
  file.close();
  std::error_code error;
  if (file) fs::rename(temporary, path, error);
  if (!file || error) {
    fs::remove(temporary, error);
    throw InputError(path.string(), 0, "", "", "cannot be written");
  }
}

}  // namespace

int report_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas report STUDY [STUDY...] [-o FILE]",
      "Writes one HTML file that shows a study, or several in one plot: fronts, every trial, its "
      "network, where\nits costs lie. It opens from disk and needs no network. Studies may be "
      "running.\nExample: hwnas report fashion_mnist.db -o report.html");
  line.positionals("STUDY", "a study file")
      .value("output,o", "FILE", "the file to write (report.html)")
      .value("depth", "N",
             "so many trials with their layers and curves, the front first (300; of each study)");
  if (!line.parse(arguments)) return 0;
  const auto most = static_cast<std::size_t>(line.integer("depth", 0, 1'000'000).value_or(300));
  const fs::path output = line.has("output") ? line.get("output") : "report.html";
  nlohmann::json studies = nlohmann::json::array();
  for (const std::string& path : line.list("STUDY")) {
    const Study study = Study::open_readonly(path);
    nlohmann::json& one = studies.emplace_back(study_json(study, path));
    one["depth"] = nlohmann::json::object();
    for (const TrialId id : trials_in_depth(study, most))
      one["depth"][std::to_string(id)] = trial_json(study, path, id);
  }
  write(output, report_page(studies, false));
  std::cout << output.string() << '\n';
  return 0;
}

}  // namespace hwnas
