// What `hwnas devices fit` tells of a fit.
#pragma once

#include <iosfwd>
#include <string>

#include "experiments/fit/device_fit.h"

namespace hwnas {

struct FitReport {
  std::string space, csv, target, method;
  std::vector<std::string> sources;
  std::string prior;        // empty: none
  std::size_t samples = 0;  // 0: all, cross-validated
  std::size_t seeds = 1;
  std::string file;  // written; empty: none
};

void print_fit(std::ostream& out, const FitReport& report, const DeviceFit& fit,
               const FitResult& result);
void print_fit_json(std::ostream& out, const FitReport& report, const DeviceFit& fit,
                    const FitResult& result);

// "Spearman 0.95, 64 % within 10 %": for the device file.
std::string quality_text(const std::vector<FitQuality>& qualities);

}  // namespace hwnas
