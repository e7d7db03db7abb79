// Rungs: which trials of a round go on after a cheap look at all of them.
//
// Successive halving (Jamieson and Talwalkar 2016, arXiv:1502.07943) over non-dominated ranks. The
// trials of a round are one bracket; nobody waits for other rounds and no clock is asked, so that
// any number of workers and any interruption give the same cuts. Pure functions, thread-safe.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "search/engine/run.h"

namespace hwnas {

bool has_rungs(const Plan& plan);

// Of `trials` that came through a rung, how many go on: the nearest whole number, at least one.
std::size_t kept(const Stage& rung, std::size_t trials);

// What a cohort of `trials` costs at most, if nothing fails or breaks a bound.
double highest_cost(const Plan& plan, std::size_t trials);

// One for each objective, minimised, as known at a rung of this fidelity; NaN where unknown.
std::vector<double> values_at_rung(const Trial& trial, std::span<const Objective> objectives,
                                   double fidelity);

// Indices into `cohort`, those that are to go on first: whoever keeps the bounds, as known at the
// rung, before whoever breaks them; of those that break them the smaller violation; of the others
// the lower non-dominated rank, then the larger crowding distance; the earlier trial. Ranks and
// distances are taken among the cohort and its `elders`, who went on from this rung in earlier
// rounds: what they have found need not be found again. They are taken over the optimised
// objectives that are known of all of them. Where all have a training loss
// of the rung, it stands for the error: summed over an epoch of training it foretells the accuracy
// of a longer training better than the accuracy of a short one does (SoTL-E; Ru et al. 2021,
// arXiv:2006.04492).
std::vector<std::size_t> rank_at_rung(std::span<const Trial* const> cohort,
                                      std::span<const Trial* const> elders,
                                      std::span<const Objective> objectives, double fidelity);

}  // namespace hwnas
