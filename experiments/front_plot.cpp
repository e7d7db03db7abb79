#include "experiments/front_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <sstream>

#include "experiments/xml_text.h"

namespace hwnas {
namespace {

constexpr double kLogarithmicFrom = 20;

// One objective's values along a side of the field.
class Axis {
 public:
  Axis(const Objective& objective, const std::vector<const Trial*>& trials)
      : objective_(objective) {
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
  // From 0 at the lowest value to 1 at the highest.
  std::optional<double> share(const Trial& trial) const {
    const auto v = value(trial);
    if (!v) return std::nullopt;
    const double span = scaled(high_) - scaled(low_);
    return span > 0 ? (scaled(*v) - scaled(low_)) / span : 0.5;
  }
  // Likewise in whole places from 0 to cells - 1.
  std::optional<int> place(const Trial& trial, int cells) const {
    const auto s = share(trial);
    if (!s) return std::nullopt;
    return static_cast<int>(std::lround(*s * (cells - 1)));
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
  double low_ = INFINITY, high_ = -INFINITY;
  bool logarithmic_ = false;
};

std::vector<const Objective*> axes_of(const FrontReport& report) {
  std::vector<const Objective*> axes;
  for (const Objective& o : report.objectives) {
    if (o.optimised) axes.push_back(&o);
  }
  return axes;
}

std::vector<const Trial*> complete(const std::vector<Trial>& all) {
  std::vector<const Trial*> trials;
  for (const Trial& trial : all) {
    if (trial.state == TrialState::complete) trials.push_back(&trial);
  }
  return trials;
}

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
  const std::vector<const Objective*> axes = axes_of(report);
  if (axes.size() < 2) return "";
  const std::vector<const Trial*> trials = complete(all);
  const Axis y(*axes[0], trials), x(*axes[1], trials);
  if (x.empty() || y.empty()) return "";
  const auto at = [](int i) { return static_cast<std::size_t>(i); };
  std::vector<std::vector<Mark>> field(at(rows), std::vector<Mark>(at(columns), kNothing));
  // Up is more of what is maximised, and less of what is not.
  const bool up = maximised(axes[0]->key.metric), left = maximised(axes[1]->key.metric);
  const auto draw = [&](const Trial& trial, Mark mark) {
    const auto row = y.place(trial, rows), column = x.place(trial, columns);
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

std::string front_svg(const FrontReport& report, const std::vector<Trial>& all) {
  constexpr double kWidth = 760, kHeight = 460, kLeft = 90, kRight = 30, kTop = 44, kBottom = 62;
  const std::vector<const Objective*> axes = axes_of(report);
  if (axes.size() < 2) return "";
  const std::vector<const Trial*> trials = complete(all);
  const Axis y(*axes[0], trials), x(*axes[1], trials);
  if (x.empty() || y.empty()) return "";
  const bool up = maximised(axes[0]->key.metric), left = maximised(axes[1]->key.metric);
  const double right = kWidth - kRight, bottom = kHeight - kBottom;
  const auto across = [&](double s) { return kLeft + (right - kLeft) * (left ? 1 - s : s); };
  const auto down = [&](double s) { return bottom - (bottom - kTop) * (up ? s : 1 - s); };
  std::ostringstream out;
  out.precision(5);
  out << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << kWidth << "\" height=\"" << kHeight
      << "\" viewBox=\"0 0 " << kWidth << ' ' << kHeight
      << "\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n<rect width=\"100%\" "
         "height=\"100%\" fill=\"#fff\"/>\n<text x=\""
      << kLeft << "\" y=\"24\" font-size=\"15\" font-weight=\"bold\">" << xml_text(report.study)
      << "</text>\n";
  for (const double s : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    out << "<path d=\"M" << kLeft << ' ' << down(s) << 'H' << right << 'M' << across(s) << ' '
        << kTop << 'V' << bottom << "\" stroke=\"#ddd\"/>\n<text x=\"" << kLeft - 8 << "\" y=\""
        << down(s) + 4 << "\" text-anchor=\"end\">" << y.text(s) << "</text>\n<text x=\""
        << across(s) << "\" y=\"" << bottom + 19 << "\" text-anchor=\"middle\">" << x.text(s)
        << "</text>\n";
  }
  out << "<text x=\"" << (kLeft + right) / 2 << "\" y=\"" << kHeight - 16
      << "\" text-anchor=\"middle\">" << xml_text(x.name())
      << "</text>\n<text transform=\"translate(18 " << (kTop + bottom) / 2
      << ") rotate(-90)\" text-anchor=\"middle\">" << xml_text(y.name()) << "</text>\n";
  const auto point = [&](const Trial& trial, const char* style) {
    const auto a = x.share(trial), b = y.share(trial);
    if (!a || !b) return;
    out << "<circle cx=\"" << across(*a) << "\" cy=\"" << down(*b) << "\" " << style
        << "><title>trial " << trial.id << "</title></circle>\n";
  };
  for (const Trial* trial : trials) point(*trial, "r=\"2.5\" fill=\"#999\" fill-opacity=\"0.6\"");
  for (std::size_t i = 0; i < report.front.size(); ++i) {
    const Trial& trial = report.front[i];
    const bool knee = static_cast<int>(i) == report.knee;
    point(trial, knee ? "r=\"6.5\" fill=\"#D55E00\"" : "r=\"5\" fill=\"#0072B2\"");
    const auto a = x.share(trial), b = y.share(trial);
    if (!a || !b) continue;
    out << "<text x=\"" << across(*a) + 7 << "\" y=\"" << down(*b) + 12
        << "\" font-size=\"10\" fill=\"#555\">" << trial.id << (knee ? " knee" : "") << "</text>\n";
  }
  out << "</svg>\n";
  return out.str();
}

}  // namespace hwnas
