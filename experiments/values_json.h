// The measurements of a trial as JSON, the same in every command that prints them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "search/trial.h"

namespace hwnas {

// Of each metric the value that find() picks:
// {"latency@x": {"value": SI, "source": "analytic", "fidelity": 0, "stddev": null}, ...}; null for
// none.
nlohmann::json values_json(const Trial& trial);

}  // namespace hwnas
