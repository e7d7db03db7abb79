#include "search/store/front_table.h"

#include "search/store/trial_rows.h"

namespace hwnas {

void FrontTable::rebuild(Database& database, const std::vector<Objective>& objectives) {
  FrontTable table(objectives);
  table.recorded(database, {});
}

void FrontTable::admitted(std::span<const Trial> trials) {
  for (const Trial& trial : trials) running_.emplace(trial.id, trial);
}

void FrontTable::recorded(Database& database, std::span<const Study::Landed> landed) {
  if (!front_) {  // the first: whatever was there before, and these
    database.execute("DELETE FROM front");
    front_.emplace(objectives_);
    front_->restart(read_trials(database));
    for (const Study::Landed& one : landed) running_.erase(one.trial);
  } else {
    for (const Study::Landed& one : landed) take(database, one);
  }
  write(database);
}

void FrontTable::take(Database& database, const Study::Landed& one) {
  const auto known = running_.find(one.trial);
  if (known != running_.end() && one.evaluation) {
    auto& values = known->second.measurements;
    values.insert(values.end(), one.evaluation->measurements.begin(),
                  one.evaluation->measurements.end());
  }
  if (one.state == TrialState::running) return;
  if (one.state == TrialState::complete) {
    const std::optional<Trial> trial =
        known != running_.end() ? std::move(known->second) : read_trial(database, one.trial);
    if (trial && !front_->add(*trial)) front_->restart(read_trials(database));
  }
  if (known != running_.end()) running_.erase(known);
}

void FrontTable::write(Database& database) {
  const std::set<TrialId>& ids = front_->ids();
  if (ids == written_) return;
  Statement& remove = database.cached("DELETE FROM front WHERE trial = ?");
  for (const TrialId id : written_) {
    if (ids.count(id) == 0) remove.bind(1, id).run();
  }
  Statement& insert = database.cached("INSERT INTO front VALUES (?)");
  for (const TrialId id : ids) {
    if (written_.count(id) == 0) insert.bind(1, id).run();
  }
  written_ = ids;
}

}  // namespace hwnas
