#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/adapters/worker_board.h"
#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/experiment.h"
#include "experiments/progress.h"
#include "experiments/table.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

constexpr double kFresh_s = 10;  // a run at work posts every second
constexpr const char* kPhases[] = {"absent", "starting", "idle", "busy"};

const char* phase_of(const PostedWorker& worker) {
  return kPhases[static_cast<std::size_t>(worker.status.phase)];
}

nlohmann::json to_json(const PostedWorker& worker) {
  nlohmann::json row{{"stage", worker.stage},
                     {"worker", worker.status.worker},
                     {"phase", phase_of(worker)},
                     {"process", worker.status.process},
                     {"seconds", worker.status.seconds},
                     {"silent_s", worker.status.silent_s},
                     {"done", worker.status.done},
                     {"lost", worker.status.lost},
                     {"where", worker.status.greeting},
                     {"trouble", worker.status.trouble},
                     {"posted_s", worker.age_s}};
  if (worker.trial) row["trial"] = *worker.trial;
  return row;
}

Table table_of(const std::vector<PostedWorker>& workers) {
  Table table;
  table.column("worker");
  table.column("stage", Table::Align::left);
  table.column("is", Table::Align::left);
  table.column("trial");
  table.column("for");
  table.column("heard");
  table.column("done");
  table.column("lost");
  table.column("where", Table::Align::left);
  table.column("last trouble", Table::Align::left);
  for (const PostedWorker& worker : workers) {
    const WorkerStatus& status = worker.status;
    const bool there = status.phase != WorkerStatus::Phase::absent;
    table.row({std::to_string(status.worker), worker.stage, phase_of(worker),
               worker.trial ? std::to_string(*worker.trial) : "", clock_text(status.seconds),
               there ? clock_text(status.silent_s) + " ago" : "", std::to_string(status.done),
               std::to_string(status.lost), status.greeting, status.trouble});
  }
  return table;
}

}  // namespace

int workers_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas workers STUDY [--count N] [--json]",
      "Which trainers a running search has, what they are at, and which were lost; with --count\n"
      "how many it has from now on: those too many finish what they are at.\n"
      "Example: hwnas workers fashion_mnist.db --count 4");
  line.positional("STUDY", "the study of a search that runs")
      .value("count", "N", "trainers that each training stage is to have from now on")
      .flag("json", "print JSON");
  if (!line.parse(arguments)) return 0;
  const std::filesystem::path study = line.get("STUDY");
  (void)Study::open_readonly(study);  // or says what it is instead
  const std::filesystem::path files = files_folder(study);
  const std::vector<PostedWorker> workers = posted_workers(files);
  const bool runs = !workers.empty() && workers.front().age_s < kFresh_s;
  if (const auto count = line.integer("count", 1, 4096)) {
    if (!runs) {
      throw InputError(study.string(), 0, "--count", std::to_string(*count),
                       "no search trains for this study now; hwnas search STUDY --workers N starts "
                       "with so many");
    }
    wish_workers(files, static_cast<int>(*count));
  }
  if (line.has("json")) {
    nlohmann::json rows = nlohmann::json::array();
    for (const PostedWorker& worker : workers) rows.push_back(to_json(worker));
    std::cout << rows.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    return 0;
  }
  if (workers.empty()) {
    std::cout << "no search trains for this study now\n";
    return 0;
  }
  std::cout << table_of(workers);
  if (!runs) {
    std::cout << "last posted " << clock_text(workers.front().age_s)
              << " ago: the run was killed, or it is between trainings\n";
  }
  return 0;
}

}  // namespace hwnas
