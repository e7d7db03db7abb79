#include "experiments/adapters/worker_board.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>

#include "space/input_error.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kPhases[] = {"absent", "starting", "idle", "busy"};
constexpr std::uintmax_t kLargestNotice = std::uintmax_t{16} << 20;  // bytes

// Whole or not at all; that a notice cannot be written is no reason to stop a run.
bool write_whole(const fs::path& path, const std::string& text) {
  const fs::path fresh = path.string() + ".new";
  std::ofstream file(fresh, std::ios::binary);
  file << text;
  file.close();
  std::error_code error;
  if (file) fs::rename(fresh, path, error);
  return file && !error;
}

std::string in_short(const std::string& greeting) {
  const json words = json::parse(greeting, nullptr, false);
  if (!words.is_object()) return "";
  try {
    std::string text = words.value("host", "");
    const std::string torch = words.value("torch", ""), device = words.value("device", "");
    if (!torch.empty()) text += (text.empty() ? "LibTorch " : ", LibTorch ") + torch;
    if (!device.empty()) text += ", " + device;
    return text;
  } catch (const json::exception&) {
    return "";
  }
}

PostedWorker parse(const json& row, const std::string& stage, double age) {
  PostedWorker worker;
  worker.stage = stage;
  worker.age_s = age;
  WorkerStatus& status = worker.status;
  status.worker = row.at("worker").get<int>();
  const auto phase = row.at("phase").get<std::string>();
  const auto* const found = std::find(std::begin(kPhases), std::end(kPhases), phase);
  if (found != std::end(kPhases))
    status.phase = static_cast<WorkerStatus::Phase>(found - std::begin(kPhases));
  status.process = row.at("process").get<int>();
  status.seconds = row.at("seconds").get<double>() + age;
  status.silent_s = row.at("silent_s").get<double>() + age;
  status.done = row.at("done").get<std::size_t>();
  status.lost = row.at("lost").get<std::size_t>();
  status.greeting = row.at("host").get<std::string>();
  status.trouble = row.at("trouble").get<std::string>();
  if (row.contains("trial")) worker.trial = row.at("trial").get<TrialId>();
  return worker;
}

}  // namespace

WorkerBoard::WorkerBoard(fs::path files, int place, std::string stage) : stage_(std::move(stage)) {
  if (files.empty()) return;
  notice_ = files / ("workers" + std::to_string(place) + ".json");
  wish_ = files / "workers.wished";
  std::error_code error;  // a wish is for the run that it was made for
  if (const auto time = fs::last_write_time(wish_, error); !error) read_ = time;
}

WorkerBoard::~WorkerBoard() {
  std::error_code ignored;
  if (!notice_.empty()) fs::remove(notice_, ignored);
}

void WorkerBoard::post(const std::vector<WorkerStatus>& workers,
                       const std::function<TrialId(std::size_t)>& trial_of) {
  if (notice_.empty()) return;
  json rows = json::array();
  for (const WorkerStatus& w : workers) {
    json row{{"worker", w.worker},     {"phase", kPhases[static_cast<std::size_t>(w.phase)]},
             {"process", w.process},   {"seconds", w.seconds},
             {"silent_s", w.silent_s}, {"done", w.done},
             {"lost", w.lost},         {"host", in_short(w.greeting)},
             {"trouble", w.trouble}};
    if (w.task) row["trial"] = trial_of(*w.task);
    rows.push_back(std::move(row));
  }
  const json notice{{"stage", stage_}, {"workers", std::move(rows)}};
  write_whole(notice_, notice.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::optional<int> WorkerBoard::wished() {
  std::error_code error;
  if (wish_.empty()) return std::nullopt;
  const auto time = fs::last_write_time(wish_, error);
  if (error || read_ == time) return std::nullopt;
  read_ = time;
  int count = 0;
  std::ifstream(wish_) >> count;
  if (count < 1 || count > 4096) return std::nullopt;
  return count;
}

std::vector<PostedWorker> posted_workers(const fs::path& files) {
  std::vector<PostedWorker> all;
  for (int place = 0;; ++place) {
    const fs::path path = files / ("workers" + std::to_string(place) + ".json");
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (error) {
      if (place < 8) continue;  // the stages need not all be at work
      return all;
    }
    if (size > kLargestNotice) throw InputError(path.string(), 0, "", "", "is no notice of hwnas");
    const auto written = fs::last_write_time(path, error);
    const std::chrono::duration<double> age = fs::file_time_type::clock::now() - written;
    std::ifstream file(path);
    const json notice = json::parse(file, nullptr, false);
    try {
      for (const json& row : notice.at("workers"))
        all.push_back(
            parse(row, notice.at("stage").get<std::string>(), std::max(0.0, age.count())));
    } catch (const json::exception&) {
      throw InputError(path.string(), 0, "", "", "is no notice of hwnas; it may be deleted");
    }
  }
}

void wish_workers(const fs::path& files, int count) {
  if (!write_whole(files / "workers.wished", std::to_string(count) + "\n"))
    throw InputError((files / "workers.wished").string(), 0, "", "", "cannot be written");
}

}  // namespace hwnas
