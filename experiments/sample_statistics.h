// Statistics of small samples, such as the seeds of a benchmark. Free functions, thread-safe.
#pragma once

#include <cstdint>
#include <span>

namespace hwnas {

struct SampleSummary {
  double mean = 0;
  double sd = 0;    // of the sample, n - 1; 0 for one value
  double ci95 = 0;  // half the width of the 95 % confidence interval of the mean, by Student's t;
                    // infinite for one value
};
SampleSummary summarize(std::span<const double> values);  // at least one value

// Middle value, or the mean of the two middle ones; values may be infinite.
double median(std::span<const double> values);

// The t that a Student variable of `freedom` >= 1 degrees stays below with probability `p` > 0.5.
// By bisection on the closed form of the distribution (Abramowitz and Stegun, 26.7.3 and 26.7.4).
double student_quantile(double p, int freedom);

// Bounds of a share seen in `count` trials, 95 % (Wilson 1927, doi:10.1080/01621459.1927.10502953).
struct Interval {
  double low = 0, high = 0;
};
Interval wilson_interval(double share, std::int64_t count);

}  // namespace hwnas
