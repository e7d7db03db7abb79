// What hwnas --version prints: release, commit, compiler, and the trainer beside it with
// its LibTorch. What somebody who gets a report of a defect wants to know.
#pragma once

#include <string>

namespace hwnas {

std::string version_text();

}  // namespace hwnas
