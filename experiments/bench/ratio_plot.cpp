#include "experiments/bench/ratio_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include "experiments/sample_statistics.h"
#include "experiments/xml_text.h"

namespace hwnas {
namespace {

constexpr double kWidth = 760, kHeight = 460;
constexpr double kLeft = 74, kRight = 24, kTop = 52, kBottom = 58;

// Okabe and Ito's colours, told apart with any colour vision.
constexpr std::array kColours{"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                              "#E69F00", "#56B4E9", "#000000"};
constexpr std::array kDashes{"", "7 3", "2 3", "9 3 2 3", "4 2", "1 2", "12 4"};

std::string number(double value, int digits = 1) {
  char text[40];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

struct Line {
  std::vector<double> mean, low, high;  // after 1, 2, ... evaluations
};

Line line_of(const Contender& contender, std::int64_t evaluations) {
  Line line;
  for (std::int64_t n = 1; n <= evaluations; ++n) {
    std::vector<double> values;
    for (const Trace& trace : contender.traces) values.push_back(after(trace.ratio, n));
    const SampleSummary s = summarize(values);
    const double half = std::isfinite(s.ci95) ? s.ci95 : 0;
    line.mean.push_back(s.mean);
    line.low.push_back(s.mean - half);
    line.high.push_back(std::min(1.0, s.mean + half));
  }
  return line;
}

// A round step (1, 2, 5 times a power of ten) that gives at most `most` of them over the span.
double round_step(double span, int most) {
  const double least = span / most;
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

// From values to places.
struct Axes {
  double x_most, y_least;
  double x(double evaluations) const {
    return kLeft + (kWidth - kLeft - kRight) * evaluations / x_most;
  }
  double y(double ratio) const {
    const double share = (std::min(ratio, 1.0) - y_least) / (1 - y_least);
    return kHeight - kBottom - (kHeight - kTop - kBottom) * share;
  }
};

void draw_axes(std::ostream& out, const Axes& axes, const std::string& title) {
  out << "<text x=\"" << kLeft << "\" y=\"24\" font-size=\"15\" font-weight=\"bold\">"
      << xml_text(title) << "</text>\n";
  const double right = kWidth - kRight, bottom = kHeight - kBottom;
  const double y_step = round_step(1 - axes.y_least, 6);
  for (int i = 0; i <= static_cast<int>((1 - axes.y_least) / y_step + 1e-9); ++i) {
    const double ratio = 1 - i * y_step;
    out << "<line x1=\"" << kLeft << "\" y1=\"" << number(axes.y(ratio)) << "\" x2=\"" << right
        << "\" y2=\"" << number(axes.y(ratio)) << "\" stroke=\"#ddd\"/>\n<text x=\"" << kLeft - 8
        << "\" y=\"" << number(axes.y(ratio) + 4) << "\" text-anchor=\"end\">"
        << number(ratio, y_step < 0.01 ? 3 : 2) << "</text>\n";
  }
  const double x_step = round_step(axes.x_most, 8);
  for (double n = 0; n <= axes.x_most * (1 + 1e-9); n += x_step) {
    out << "<line x1=\"" << number(axes.x(n)) << "\" y1=\"" << bottom << "\" x2=\""
        << number(axes.x(n)) << "\" y2=\"" << bottom + 5 << "\" stroke=\"#333\"/>\n<text x=\""
        << number(axes.x(n)) << "\" y=\"" << bottom + 19 << "\" text-anchor=\"middle\">"
        << number(n, 0) << "</text>\n";
  }
  out << "<path d=\"M" << kLeft << ' ' << kTop << "V" << bottom << "H" << right
      << "\" fill=\"none\" stroke=\"#333\"/>\n<text x=\"" << (kLeft + right) / 2 << "\" y=\""
      << kHeight - 16
      << "\" text-anchor=\"middle\">evaluations</text>\n<text transform=\"translate(20 "
      << (kTop + bottom) / 2
      << ") rotate(-90)\" text-anchor=\"middle\">hypervolume / that of the true front</text>\n";
}

void draw_line(std::ostream& out, const Axes& axes, const Line& line, std::size_t at) {
  const char* colour = kColours[at % kColours.size()];
  const auto point = [&](std::size_t i, double value) {
    return number(axes.x(static_cast<double>(i) + 1)) + "," + number(axes.y(value));
  };
  out << "<polygon fill=\"" << colour << "\" fill-opacity=\"0.15\" points=\"";
  for (std::size_t i = 0; i < line.high.size(); ++i) out << point(i, line.high[i]) << ' ';
  for (std::size_t i = line.low.size(); i-- > 0;) out << point(i, line.low[i]) << ' ';
  out << "\"/>\n<polyline fill=\"none\" stroke=\"" << colour << "\" stroke-width=\"2\"";
  if (*kDashes[at % kDashes.size()])
    out << " stroke-dasharray=\"" << kDashes[at % kDashes.size()] << '"';
  out << " points=\"";
  for (std::size_t i = 0; i < line.mean.size(); ++i) out << point(i, line.mean[i]) << ' ';
  out << "\"/>\n";
}

void draw_legend(std::ostream& out, const ComparisonReport& report) {
  constexpr double kStep = 18;
  const double right = kWidth - kRight - 10;
  const double top = kHeight - kBottom - 12 - kStep * static_cast<double>(report.contenders.size());
  out << "<rect x=\"" << right - 206 << "\" y=\"" << number(top - 4) << "\" width=\"206\" height=\""
      << number(kStep * static_cast<double>(report.contenders.size()) + 8)
      << "\" fill=\"#fff\" fill-opacity=\"0.85\" stroke=\"#ccc\"/>\n";
  for (std::size_t i = 0; i < report.contenders.size(); ++i) {
    const double y = top + kStep * (static_cast<double>(i) + 0.5);
    out << "<line x1=\"" << right - 196 << "\" y1=\"" << number(y) << "\" x2=\"" << right - 160
        << "\" y2=\"" << number(y) << "\" stroke=\"" << kColours[i % kColours.size()]
        << "\" stroke-width=\"2\" stroke-dasharray=\"" << kDashes[i % kDashes.size()]
        << "\"/>\n<text x=\"" << right - 152 << "\" y=\"" << number(y + 4) << "\">"
        << xml_text(std::string(to_string(report.contenders[i].algorithm))) << "</text>\n";
  }
}

}  // namespace

std::string ratio_plot(const ComparisonReport& report) {
  std::vector<Line> lines;
  for (const Contender& contender : report.contenders)
    lines.push_back(line_of(contender, report.budgets.back()));
  // What is below the worst mean after a tenth of the evaluations teaches nothing.
  double least = 1;
  const auto early = static_cast<std::size_t>(report.budgets.back() / 10);
  for (const Line& line : lines) least = std::min(least, line.low[early]);
  const Axes axes{static_cast<double>(report.budgets.back()),
                  std::clamp(std::floor(least * 20) / 20, 0.0, 0.95)};
  std::ostringstream out;
  out << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << kWidth << "\" height=\"" << kHeight
      << "\" viewBox=\"0 0 " << kWidth << ' ' << kHeight
      << "\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n"
      << "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<clipPath id=\"inside\"><rect x=\""
      << kLeft << "\" y=\"" << kTop - 2 << "\" width=\"" << kWidth - kLeft - kRight
      << "\" height=\"" << kHeight - kTop - kBottom + 2 << "\"/></clipPath>\n";
  std::string title = report.plan.config.name;
  const char* separator = ": ";
  for (const Objective& o : report.objectives) {
    if (!o.optimised) continue;
    title += separator + to_text(o.key);
    separator = ", ";
  }
  draw_axes(out, axes, title);
  out << "<text x=\"" << kLeft << "\" y=\"42\" fill=\"#666\">mean of " << report.plan.seeds
      << (report.plan.seeds == 1 ? " seed" : " seeds, band: its 95 % confidence interval")
      << "</text>\n<g clip-path=\"url(#inside)\">\n";
  for (std::size_t i = 0; i < lines.size(); ++i) draw_line(out, axes, lines[i], i);
  out << "</g>\n";
  draw_legend(out, report);
  out << "</svg>\n";
  return out.str();
}

}  // namespace hwnas
