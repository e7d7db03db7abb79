// The page of `hwnas report` and `hwnas serve`: HTML, style, script, the charting library (Apache
// ECharts) and the data in one text, which needs no network.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace hwnas {

// `studies`: of study_json(), each with "depth" where trials are told in depth. `live`: the page
// asks its server for what is new. Throws InputError where a part of the page is not installed.
std::string report_page(const nlohmann::json& studies, bool live);

}  // namespace hwnas
