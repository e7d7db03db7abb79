// The lines that hwnas-trainer reads and writes: one JSON object each. README.md of this folder is
// the reference. Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "trainer/trainer.h"

namespace hwnas {

constexpr int kProtocolVersion = 1;

struct Request {
  std::int64_t task = 0;
  Network network;
  TrainSettings settings;
  bool test = false;  // the saved weights are tried on the test images at the end
};

struct Refusal {
  std::optional<std::int64_t> task;  // where the line at least has one
  std::string reason;                // one line: key, value, what would be right
};

// "crop" among the augmentations shifts by 4 pixels on images of 32 and more, else by 2.
std::variant<Request, Refusal> parse_request(std::string_view line, const Shape& image);

// What a started trainer says of itself.
struct Ready {
  std::string data_set;
  Shape input;
  int classes = 0, train_images = 0, validation_images = 0;
  std::string torch, device;
  int threads = 1;
};

std::string ready_line(const Ready& ready);
std::string epoch_line(std::int64_t task, const EpochReport& report);
std::string note_line(std::int64_t task, const std::string& text);
std::string outcome_line(std::int64_t task, const TrainOutcome& outcome);
std::string refusal_line(const Refusal& refusal);

}  // namespace hwnas
