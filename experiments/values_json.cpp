#include "experiments/values_json.h"

#include <nlohmann/json.hpp>

namespace hwnas {

nlohmann::json values_json(const Trial& trial) {
  nlohmann::json values;
  for (const Measurement& m : trial.measurements) {
    if (find(trial, m.key) != &m) continue;
    nlohmann::json value{
        {"value", m.value}, {"source", to_string(m.source)}, {"fidelity", m.fidelity}};
    value["stddev"] = m.stddev ? nlohmann::json(*m.stddev) : nlohmann::json();
    values[to_text(m.key)] = std::move(value);
  }
  return values;
}

}  // namespace hwnas
