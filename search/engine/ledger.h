// Ledger: how far a run is, what it has spent, and when it is over.
// Internal to search/engine. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "search/engine/progress.h"
#include "search/engine/run.h"

namespace hwnas {

class Ledger {
 public:
  Ledger(const Plan& plan, const RunSettings& settings, RunListener& listener,
         std::stop_token stop);

  // Requested by whoever runs the search, or where time is up.
  std::stop_token halt() const { return halt_.get_token(); }

  // Of the `asked` proposals that a round still has, how many may be admitted: never more than the
  // budget lacks, so that a run with a small budget is the beginning of the same run with a larger
  // one. With rungs all or none, since who goes on depends on all of them. `running`: trials
  // admitted that are not over yet.
  std::int64_t room(std::int64_t admitted, std::size_t asked, std::int64_t running = 0);

  // Requests the halt where time is up.
  void look_at_the_clock();

  void count(const Trial& trial, bool replayed);

  // Whether so many trials in a row have failed, in the order told, that more will not help.
  bool fails(std::span<const Outcome> outcomes);

  Stopped why(std::int64_t admitted) const;

 private:
  std::int64_t affordable(double cost) const;
  void charge(const Trial& trial);
  std::int64_t most_proposals() const;

  const Plan& plan_;
  const RunSettings& settings_;
  RunListener& listener_;
  Progress progress_;
  std::vector<std::int64_t> charged_;  // trials that each stage charged for
  FrontTracker front_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  bool out_of_time_ = false, out_of_money_ = false;
  int failures_ = 0;  // in a row
  std::stop_source halt_;
  std::stop_callback<std::function<void()>> asked_to_stop_;
};

}  // namespace hwnas
