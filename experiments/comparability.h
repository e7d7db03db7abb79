// Whether the numbers of two studies can be compared.
#pragma once

#include <string>
#include <vector>

#include "search/store/study.h"

namespace hwnas {

// What differs of all that decides a trial's numbers, a line each: space, devices, data, training.
// Not how trials were searched for, from which seed, or what was wished of them.
std::vector<std::string> incomparable(const Study& a, const Study& b);

// "latency@x, accuracy": what a study optimises.
std::string axes_text(const Study& study);

}  // namespace hwnas
