// The table `front`: the trials that nothing dominates, kept while a run writes, so that whoever
// looks at the front need not look at all trials. Internal to search/store.
#pragma once

#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "search/store/database.h"
#include "search/store/front.h"
#include "search/store/study.h"

namespace hwnas {

class FrontTable {
 public:
  // The front of all trials, derived and written.
  static void rebuild(Database& database, const std::vector<Objective>& objectives);

  explicit FrontTable(const std::vector<Objective>& objectives) : objectives_(objectives) {}

  // The writer's, in its transactions, after the rows themselves.
  void admitted(std::span<const Trial> trials);
  void recorded(Database& database, std::span<const Study::Landed> landed);

 private:
  void take(Database& database, const Study::Landed& one);
  void write(Database& database);

  const std::vector<Objective> objectives_;
  std::optional<KeptFront> front_;              // once something was recorded
  std::unordered_map<TrialId, Trial> running_;  // admitted by this writer and not over
  std::set<TrialId> written_;
};

}  // namespace hwnas
