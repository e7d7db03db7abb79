#include "search/engine/ledger.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "search/engine/rungs.h"
#include "search/store/front.h"

namespace hwnas {
namespace {

constexpr int kMostFailures = 50;  // in a row
constexpr std::int64_t kProposalsPerTrial = 1000;

}  // namespace

Ledger::Ledger(const Plan& plan, const RunSettings& settings, RunListener& listener,
               std::stop_token stop)
    : plan_(plan),
      settings_(settings),
      listener_(listener),
      charged_(plan.size(), 0),
      front_(settings.ideal, settings.reference),
      asked_to_stop_(stop, [this] { halt_.request_stop(); }) {}

std::int64_t Ledger::room(std::int64_t admitted, std::size_t asked, std::int64_t running) {
  const std::int64_t lacks =
      std::min(settings_.budget.trials - progress_.complete - running, most_proposals() - admitted);
  if (lacks <= 0) return 0;
  if (!has_rungs(plan_)) {
    const double each = highest_cost(plan_, 1);
    const std::int64_t paid_for = affordable(each) - (each > 0 ? running : 0);
    out_of_money_ = paid_for <= 0;
    return std::min(lacks, std::max<std::int64_t>(0, paid_for));
  }
  out_of_money_ = affordable(highest_cost(plan_, asked)) == 0;
  return out_of_money_ ? 0 : static_cast<std::int64_t>(asked);
}

void Ledger::look_at_the_clock() {
  const double limit = settings_.budget.seconds;
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start_;
  if (limit > 0 && spent.count() >= limit && !halt_.stop_requested()) {
    out_of_time_ = true;
    halt_.request_stop();
  }
}

void Ledger::count(const Trial& trial, bool replayed) {
  progress_.replayed += replayed;
  progress_.complete += trial.state == TrialState::complete;
  progress_.infeasible += trial.state == TrialState::infeasible;
  progress_.failed += trial.state == TrialState::failed;
  progress_.stopped += trial.state == TrialState::stopped;
  charge(trial);
  if (trial.state == TrialState::complete) {
    std::vector<double> point;
    for (const Objective& objective : settings_.objectives) {
      const Measurement* m = objective.optimised ? find(trial, objective.key) : nullptr;
      if (m) point.push_back(objective.minimised(m->value));
    }
    front_.add(point);
  }
  if (replayed) return;
  progress_.front = front_.size();
  progress_.hypervolume = front_.hypervolume();
  listener_.trial_ended(trial, progress_);
}

bool Ledger::fails(std::span<const Outcome> outcomes) {
  for (const Outcome& outcome : outcomes) {
    if (outcome.state == TrialState::failed) ++failures_;
    if (outcome.state == TrialState::complete) failures_ = 0;
  }
  return failures_ >= kMostFailures;
}

Stopped Ledger::why(std::int64_t admitted) const {
  if (progress_.complete >= settings_.budget.trials || out_of_money_) return Stopped::budget;
  if (admitted >= most_proposals()) {
    return settings_.budget.proposals > 0 ? Stopped::budget : Stopped::exhausted;
  }
  if (halt_.stop_requested()) return out_of_time_ ? Stopped::time : Stopped::request;
  return Stopped::exhausted;
}

// How often something of this cost can be had for what is left of the budget's.
std::int64_t Ledger::affordable(double cost) const {
  if (settings_.budget.cost <= 0 || cost <= 0) return std::numeric_limits<std::int64_t>::max();
  const double times = (settings_.budget.cost - progress_.cost) / cost;
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(times + 1e-9)));
}

// Every stage up to the trial's last one has charged for it. Counted, not summed, so that the order
// in which trials end does not show.
void Ledger::charge(const Trial& trial) {
  const auto last = std::find_if(plan_.begin(), plan_.end(), [&](const Stage& stage) {
    return stage.evaluator->name() == trial.stage;
  });
  if (last == plan_.end()) return;
  for (auto stage = plan_.begin(); stage <= last; ++stage)
    ++charged_[static_cast<std::size_t>(stage - plan_.begin())];
  progress_.cost = 0;
  for (std::size_t i = 0; i < plan_.size(); ++i)
    progress_.cost += static_cast<double>(charged_[i]) * plan_[i].evaluator->cost();
}

std::int64_t Ledger::most_proposals() const {
  const Budget& budget = settings_.budget;
  return budget.proposals > 0 ? budget.proposals : kProposalsPerTrial * budget.trials;
}

}  // namespace hwnas
