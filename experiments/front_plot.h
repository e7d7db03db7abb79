// FrontPlot: a front in two of its objectives, drawn with characters or as SVG. Pure functions;
// thread-safe.
#pragma once

#include <string>
#include <vector>

#include "experiments/front_report.h"

namespace hwnas {

// The first two optimised objectives: the first upwards, the second to the right, each so that
// better is up and left. Trials of `all` that are complete are dots, those on the front circles,
// the knee a diamond. An axis is logarithmic where its values span more than a factor of 20. Empty
// where fewer than two objectives are optimised or nothing is complete. `columns`, `rows`: of the
// field.
std::string front_plot(const FrontReport& report, const std::vector<Trial>& all, int columns = 64,
                       int rows = 18);

// The same as an SVG document, with the trials' numbers beside the front's.
std::string front_svg(const FrontReport& report, const std::vector<Trial>& all);

}  // namespace hwnas
