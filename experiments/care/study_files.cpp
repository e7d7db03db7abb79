#include "experiments/care/study_files.h"

#include <stdexcept>

#include "experiments/comparability.h"
#include "experiments/experiment.h"
#include "search/store/care.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

InputError error_at(const fs::path& path, const std::string& problem) {
  return InputError(path.string(), 0, "", "", problem);
}

std::string objectives_text(const StudyInfo& info) {
  std::string text;
  for (const Objective& o : info.objectives) {
    text += (text.empty() ? "" : ", ") + to_text(o.key) + (o.bound ? " " + o.bound_text() : "") +
            (o.optimised ? "" : " (bound only)");
  }
  return text;
}

void require_comparable(const std::vector<fs::path>& studies) {
  const Study first = Study::open_readonly(studies.at(0));
  for (const fs::path& path : studies) {
    const Study study = Study::open_readonly(path);
    const std::string wished = objectives_text(first.info()),
                      wishes = objectives_text(study.info());
    if (wished != wishes)
      throw error_at(path, "wishes for " + wishes + ", but " + studies[0].string() + " for " +
                               wished + "; only studies of the same objectives merge");
    const std::vector<std::string> differ = incomparable(first, study);
    if (!differ.empty())
      throw error_at(path, "its numbers do not compare with those of " + studies[0].string() +
                               "; what differs: " + differ[0] +
                               (differ.size() > 1 ? " and " + std::to_string(differ.size() - 1) +
                                                        " more ('hwnas diff')"
                                                  : ""));
  }
}

void check_files(const Study& study, const fs::path& path, std::vector<std::string>& problems) {
  const fs::path files = files_folder(path);
  std::error_code none;
  for (const Trial& trial : study.trials()) {
    for (const Artifact& a : study.artifacts(trial.id)) {
      if (!fs::exists(files / a.path, none))
        problems.push_back("trial " + std::to_string(trial.id) + ": its " + a.kind +
                           " are not there: " + (files / a.path).string());
    }
    for (const FinalTraining& f : study.finals(trial.id)) {
      if (!fs::exists(files / f.folder / "weights.pt", none))
        problems.push_back("trial " + std::to_string(trial.id) +
                           ": the weights of its full "
                           "training are not there: " +
                           (files / f.folder / "weights.pt").string());
    }
  }
}

void check_genotypes(const Study& study, std::vector<std::string>& problems) {
  const SearchSpace space = stored_space(study);
  for (const Trial& trial : study.trials()) {
    try {
      space.decode(trial.genotype);
    } catch (const std::invalid_argument& error) {
      problems.push_back("trial " + std::to_string(trial.id) + ": " + error.what());
    }
  }
}

}  // namespace

std::vector<fs::path> parts_of(const fs::path& study) {
  std::vector<fs::path> parts;
  for (const char* ending : {"", "-wal", "-shm"}) {
    const fs::path part = study.string() + ending;
    if (fs::exists(part)) parts.push_back(part);
  }
  if (fs::exists(files_folder(study))) parts.push_back(files_folder(study));
  return parts;
}

void rename_study(const fs::path& study, const fs::path& to) {
  Study::open_readonly(study);  // nothing else is renamed
  if (to.extension() != ".db") throw error_at(to, "the name of a study ends in .db");
  for (const fs::path& taken : {to, files_folder(to)}) {
    if (fs::exists(taken)) throw error_at(taken, "is there already; choose another name");
  }
  vacuum(study);  // one file, its -wal empty
  const StudyHold hold(study);
  std::error_code error;
  if (fs::exists(files_folder(study))) fs::rename(files_folder(study), files_folder(to), error);
  if (!error) fs::rename(study, to, error);
  if (error) throw error_at(to, "cannot be made: " + error.message());
  for (const char* ending : {"-wal", "-shm"}) fs::remove(study.string() + ending, error);
}

void delete_study(const fs::path& study) {
  Study::open_readonly(study);
  const StudyHold hold(study);
  for (const fs::path& part : parts_of(study)) {
    std::error_code error;
    fs::remove_all(part, error);
    if (error) throw error_at(part, "cannot be deleted: " + error.message());
  }
}

void merge_studies(const std::vector<fs::path>& studies, const fs::path& into) {
  require_comparable(studies);
  if (fs::exists(files_folder(into)))
    throw error_at(files_folder(into), "is there already; choose another name");
  merge(studies, into);
  for (std::size_t n = 0; n < studies.size(); ++n) {
    if (!fs::exists(files_folder(studies[n]))) continue;
    std::error_code error;
    const fs::path folder = files_folder(into) / std::to_string(n + 1);
    fs::create_directories(folder, error);
    fs::copy(files_folder(studies[n]), folder, fs::copy_options::recursive, error);
    if (error) throw error_at(folder, "cannot be written: " + error.message());
  }
}

std::vector<std::string> check_study(const fs::path& path) {
  std::vector<std::string> problems = problems_of(path);
  if (!problems.empty()) return problems;
  const Study study = Study::open_readonly(path);
  check_genotypes(study, problems);
  check_files(study, path, problems);
  return problems;
}

}  // namespace hwnas
