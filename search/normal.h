// The standard normal distribution. Free functions, pure, thread-safe.
#pragma once

namespace hwnas {

// P(Z <= z).
double normal_share(double z);

// The z with P(Z <= z) = `share`; 0 < share < 1. To about 1e-14 of z.
double normal_quantile(double share);

}  // namespace hwnas
