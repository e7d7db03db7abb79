// The tables and views of a study, as SQL. Documented for users in search/store/README.md.
// Internal to search/store.
#pragma once

#include <string>
#include <vector>

#include "search/store/study.h"

namespace hwnas {

inline constexpr int kApplicationId = 0x686E6173;  // "hnas"; PRAGMA application_id
inline constexpr int kSchemaVersion = 8;           // PRAGMA user_version
inline constexpr int kFrontSince = 7;              // the table `front` is there
inline constexpr int kScheduleSince = 8;           // the table `schedule` is there

// migrations()[v] takes a study from version v to v + 1. Never edit one that was released: append.
const std::vector<std::string>& migrations();

// CREATE VIEW of pareto_front and trial_wide, whose columns depend on objectives and devices.
std::string study_views(const StudyInfo& info, std::span<const StudyDevice> devices);

}  // namespace hwnas
