// What tells the study of one run from that of another. Internal to search/store.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "search/store/study.h"

namespace hwnas {

// 64 bits as 16 hex digits; stable.
std::string text_hash(std::string_view text);

// Empty where the identities are equal; else what differs, field by field, the stored value first:
// "seed 1, not 2; space differs at line 4: 'channels = [4, 8]', not 'channels = [4]'".
std::string differences(const StudyInfo& stored, std::span<const StudyDevice> stored_devices,
                        const StudyInfo& asked, std::span<const StudyDevice> asked_devices);

}  // namespace hwnas
