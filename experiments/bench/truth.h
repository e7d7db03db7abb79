// Truth: what there is to be found in a space whose every architecture is known.
#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include "experiments/experiment.h"

namespace hwnas {

struct Truth {
  std::int64_t architectures = 0;    // told apart as the run does
  std::int64_t feasible = 0;         // that run and meet every bound
  std::vector<Genotype> impossible;  // without a path from input to output
  std::int64_t failed = 0;           // that a device cannot run
  std::size_t front = 0;             // architectures on the true front
  // Minimised, one for each optimised objective: the best value of each among the feasible, and the
  // objectives' own references, or the worst values among the feasible.
  std::vector<double> ideal, reference;
  double hypervolume = 0;  // of the true front
};

// Scans the whole space with the cost models and tables of the experiment. The result does not
// depend on the number of threads. Throws InputError: something is trained, the space is too large,
// a table lacks some of its architectures (how many), nothing is feasible.
Truth scan(const Experiment& experiment, int threads, std::stop_token stop);

}  // namespace hwnas
