#include "experiments/front_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace hwnas {
namespace {

constexpr double kLogarithmicFrom = 20;

// One objective's values along a side of the field, in places from 0 to cells - 1.
class Axis {
 public:
  Axis(const Objective& objective, const std::vector<const Trial*>& trials, int cells)
      : objective_(objective), cells_(cells) {
    for (const Trial* trial : trials) {
      const auto v = value(*trial);
      if (!v) continue;
      low_ = std::min(low_, *v);
      high_ = std::max(high_, *v);
    }
    logarithmic_ = low_ > 0 && high_ > kLogarithmicFrom * low_;
  }

  std::optional<double> value(const Trial& trial) const {
    const Measurement* m = find(trial, objective_.key);
    if (m == nullptr || !std::isfinite(m->value)) return std::nullopt;
    return m->value;
  }
  // 0 is the worst where it is drawn upwards, so that the caller says which end is better.
  std::optional<int> place(const Trial& trial) const {
    const auto v = value(trial);
    if (!v) return std::nullopt;
    const double span = scaled(high_) - scaled(low_);
    const double share = span > 0 ? (scaled(*v) - scaled(low_)) / span : 0.5;
    return static_cast<int>(std::lround(share * (cells_ - 1)));
  }
  double at(double share) const {
    const double s = scaled(low_) + share * (scaled(high_) - scaled(low_));
    return logarithmic_ ? std::exp(s) : s;
  }
  std::string text(double share) const {
    return format_quantity(at(share), unit(objective_.key.metric));
  }
  std::string name() const {
    return to_text(objective_.key) + (logarithmic_ ? ", logarithmic" : "");
  }
  bool empty() const { return low_ > high_; }

 private:
  double scaled(double v) const { return logarithmic_ ? std::log(v) : v; }

  const Objective& objective_;
  const int cells_;
  double low_ = INFINITY, high_ = -INFINITY;
  bool logarithmic_ = false;
};

// "\u00b5" and "\u2192" are two or three bytes, one column.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string padded(const std::string& text, std::size_t columns) {
  const std::size_t has = width(text);
  return std::string(columns > has ? columns - has : 0, ' ') + text;
}

// What is drawn over what.
enum Mark : std::size_t { kNothing, kDot, kFront, kKnee };
constexpr std::array kMarks{" ", "\u00b7", "\u25cf", "\u25c6"};

}  // namespace

std::string front_plot(const FrontReport& report, const std::vector<Trial>& all, int columns,
                       int rows) {
  std::vector<const Objective*> axes;
  for (const Objective& o : report.objectives) {
    if (o.optimised) axes.push_back(&o);
  }
  if (axes.size() < 2) return "";
  std::vector<const Trial*> trials;
  for (const Trial& trial : all) {
    if (trial.state == TrialState::complete) trials.push_back(&trial);
  }
  const Axis y(*axes[0], trials, rows), x(*axes[1], trials, columns);
  if (x.empty() || y.empty()) return "";
  const auto at = [](int i) { return static_cast<std::size_t>(i); };
  std::vector<std::vector<Mark>> field(at(rows), std::vector<Mark>(at(columns), kNothing));
  // Up is more of what is maximised, and less of what is not.
  const bool up = maximised(axes[0]->key.metric), left = maximised(axes[1]->key.metric);
  const auto draw = [&](const Trial& trial, Mark mark) {
    const auto row = y.place(trial), column = x.place(trial);
    if (!row || !column) return;
    Mark& cell = field[at(up ? rows - 1 - *row : *row)][at(left ? columns - 1 - *column : *column)];
    cell = std::max(cell, mark);
  };
  for (const Trial* trial : trials) draw(*trial, kDot);
  for (std::size_t i = 0; i < report.front.size(); ++i)
    draw(report.front[i], static_cast<int>(i) == report.knee ? kKnee : kFront);
  const auto label = [&](int row) {
    const double share = rows > 1 ? static_cast<double>(row) / (rows - 1) : 0;
    return y.text(up ? 1 - share : share);
  };
  std::size_t margin = 0;
  for (const int row : {0, rows / 2, rows - 1}) margin = std::max(margin, width(label(row)));
  std::string text = y.name() + '\n';
  for (int row = 0; row < rows; ++row) {
    const bool labelled = row == 0 || row == rows / 2 || row == rows - 1;
    text += padded(labelled ? label(row) : "", margin) + (labelled ? " \u2524" : " \u2502");
    std::string line;
    for (const Mark mark : field[at(row)]) line += kMarks[mark];
    const std::size_t last = line.find_last_not_of(' ');
    text += line.substr(0, last == std::string::npos ? 0 : last + 1) + '\n';
  }
  text += std::string(margin, ' ') + " \u2514";
  for (int i = 0; i < columns; ++i) text += "\u2500";
  const std::string low = x.text(left ? 1 : 0), high = x.text(left ? 0 : 1);
  text += '\n' + std::string(margin + 2, ' ') + low +
          padded(high, at(columns) > width(low) ? at(columns) - width(low) : 0) + '\n' +
          padded(x.name(), margin + 2 + at(columns)) + '\n' + std::string(margin + 2, ' ') +
          "\u25cf front   \u25c6 knee   \u00b7 other trials, better is up and left\n";
  return text;
}

}  // namespace hwnas
