// The lines that hwnas-trainer reads and writes: one JSON object each. README.md of this folder is
// the reference. Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "trainer/export.h"
#include "trainer/trainer.h"

namespace hwnas {

constexpr int kProtocolVersion = 1;

struct Request {
  std::int64_t task = 0;
  Network network;
  TrainSettings settings;
  bool test = false;  // the saved weights are tried on the test images at the end
};

// {"kind": "proxies", "task": 1, "seed": "7", "network": "...", "scores": [...]}
struct ScoreRequest {
  std::int64_t task = 0;
  Network network;
  std::uint64_t seed = 0;
  std::vector<std::string> scores;  // names
};

// {"task": 1, "network": "...", "export": {"weights": FILE, "folder": DIR}}
struct ExportRequest {
  std::int64_t task = 0;
  Network network;
  ExportSettings settings;
};

struct Refusal {
  std::optional<std::int64_t> task;  // where the line at least has one
  std::string reason;                // one line: key, value, what would be right
};

using AnyRequest = std::variant<Request, ScoreRequest, ExportRequest, Refusal>;

// "crop" among the augmentations shifts by 4 pixels on images of 32 and more, else by 2.
AnyRequest parse_request(std::string_view line, const Shape& image);

// What a started trainer says of itself.
struct Ready {
  std::string data_set;
  Shape input;
  int classes = 0, train_images = 0, validation_images = 0;
  std::string torch, device;
  int threads = 1;
  std::string host, processor;
};

std::string ready_line(const Ready& ready);
std::string alive_line(std::int64_t task);  // no news, but it works
std::string epoch_line(std::int64_t task, const EpochReport& report);
std::string note_line(std::int64_t task, const std::string& text);
std::string outcome_line(std::int64_t task, const TrainOutcome& outcome);
std::string scores_line(std::int64_t task, const ScoreOutcome& outcome);
std::string export_line(std::int64_t task, const ExportOutcome& outcome);
std::string refusal_line(const Refusal& refusal);

}  // namespace hwnas
