// How sure it is that a point belongs on the front where its values have standard errors.
//
// Free function, pure, deterministic, thread-safe.
#pragma once

#include <span>

namespace hwnas {

// Probability that no other point dominates point `member`, the errors being independent and
// normal. Minimised values and their standard errors (0: exact), row-major as in pareto.h. Given
// the member's own values, what the others do is integrated exactly:
//   E over x of prod over others b of (1 - prod over objectives k of P(b_k <= x_k)),
// the expectation over 256 fixed draws of the member's errors, evenly spread: to about 0.01.
double front_probability(std::span<const double> points, std::span<const double> stddevs, int m,
                         int member);

}  // namespace hwnas
