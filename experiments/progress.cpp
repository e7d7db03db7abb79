#include "experiments/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "experiments/front_report.h"

namespace hwnas {
namespace {

// At most `most` characters of UTF-8 text, whole ones.
std::string first_characters(const std::string& text, std::size_t most) {
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    const bool starts = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
    if (starts && most-- == 0) break;
  }
  return text.substr(0, end);
}

}  // namespace

std::string clock_text(double seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  char text[32];
  if (s >= 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld", s / 60, s % 60);
  }
  return text;
}

ProgressPrinter::ProgressPrinter(const RunConfig& config, bool terminal)
    : objectives_(config.objectives),
      budget_(config.budget),
      terminal_(terminal),
      start_(std::chrono::steady_clock::now()) {}

ProgressPrinter::~ProgressPrinter() {
  erase();
}

void ProgressPrinter::erase() {
  if (!drawn_) return;
  std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

std::string ProgressPrinter::status() const {
  const double elapsed =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const std::int64_t ended =
      progress_.complete + progress_.infeasible + progress_.failed + progress_.stopped;
  const auto fresh = static_cast<double>(ended - progress_.replayed);
  const double rate = elapsed > 0 ? fresh / elapsed : 0;
  // Of the trials to come, as many will be complete as of those that ended.
  const double share =
      ended > 0 ? static_cast<double>(progress_.complete) / static_cast<double>(ended) : 0;
  double left = static_cast<double>(budget_.trials - progress_.complete) / (rate * share);
  if (budget_.cost > 0 && ended > 0) {
    const double each = progress_.cost / static_cast<double>(ended);
    left = std::fmin(left, (budget_.cost - progress_.cost) / each / rate);
  }
  if (budget_.seconds > 0) left = std::fmin(left, std::fmax(0, budget_.seconds - elapsed));
  char spent[80] = "";
  if (budget_.cost > 0)
    std::snprintf(spent, sizeof spent, ", cost %.9g/%.9g", progress_.cost, budget_.cost);
  const std::string most =
      budget_.trials < kEndless ? "/" + std::to_string(budget_.trials) : std::string();
  const std::string stopped =
      progress_.stopped > 0 ? std::to_string(progress_.stopped) + " stopped, " : std::string();
  char text[320];
  std::snprintf(text, sizeof text,
                "%lld%s trials, %s%lld infeasible, %lld failed%s | front %zu, hypervolume %.3f | "
                "%.2f/s, %s%s",
                static_cast<long long>(progress_.complete), most.c_str(), stopped.c_str(),
                static_cast<long long>(progress_.infeasible),
                static_cast<long long>(progress_.failed), spent, progress_.front,
                progress_.hypervolume, rate, clock_text(elapsed).c_str(),
                std::isfinite(left) ? (" (" + clock_text(left) + " left)").c_str() : "");
  return text;
}

// The status in one line of the terminal: a longer one would wrap and could not be redrawn.
void ProgressPrinter::draw() {
  if (!terminal_) return;
  erase();
  std::string line = status();
  if (!best_.empty()) line += " | best " + best_;
  for (const auto& [id, report] : training_) {
    line += " | #" + std::to_string(id) + " " + std::to_string(report.epoch) + "/" +
            std::to_string(report.epochs);
  }
  winsize window{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1;
  line = first_characters(line, known ? window.ws_col - 1u : 79u);
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressPrinter::message(const std::string& line) {
  erase();
  std::fprintf(stderr, "%s\n", line.c_str());
  draw();
}

void ProgressPrinter::epoch(const EpochReport& report) {
  training_[report.trial] = report;
  draw();
}

void ProgressPrinter::note_best(const Trial& trial) {
  const Measurement* first = find(trial, objectives_[0].key);
  if (!first) return;
  const double value = objectives_[0].minimised(first->value);
  if (!best_.empty() && value >= best_value_) return;
  best_value_ = value;
  best_ = value_text(*first) + " (#" + std::to_string(trial.id) + ")";
}

void ProgressPrinter::trial_ended(const Trial& trial, const Progress& progress) {
  progress_ = progress;
  training_.erase(trial.id);
  if (trial.state == TrialState::complete) note_best(trial);
  // A search without training ends thousands of trials a second: show what can be read.
  constexpr int kMostLines = 50;  // in a second
  const auto now = std::chrono::steady_clock::now();
  if (now - second_ > std::chrono::seconds(1)) {
    second_ = now;
    lines_ = 0;
  }
  if (++lines_ > kMostLines) return;
  std::string line = "trial " + std::to_string(trial.id) + " ";
  if (trial.state == TrialState::complete) {
    line += "complete:";
    for (const Objective& o : objectives_) {
      const Measurement* m = find(trial, o.key);
      if (m && o.optimised) line += " " + to_text(o.key) + " " + value_text(*m) + ",";
    }
    line.pop_back();
  } else {
    line += std::string(to_string(trial.state)) + ": " + trial.reason;
  }
  erase();
  std::fprintf(stderr, "%s\n", line.c_str());
  if (!terminal_ && trial.id % 10 == 9) std::fprintf(stderr, "  %s\n", status().c_str());
  draw();
}

}  // namespace hwnas
