#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "experiments/experiment.h"
#include "experiments/report/study_json.h"
#include "experiments/stored_programs.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

using nlohmann::json;

json finite(double value) {
  return std::isfinite(value) ? json(value) : json();
}

// "conv 3x3 / 2, 4 groups": what a layer does, in a word or two.
std::string op_text(const Layer& layer) {
  std::string text(layer.op == Op::activation ? to_string(layer.activation) : to_string(layer.op));
  if (is_depthwise(layer)) text = "depthwise conv";
  const bool windowed =
      layer.op == Op::conv || layer.op == Op::max_pool || layer.op == Op::avg_pool;
  if (windowed) {
    text += " " + std::to_string(layer.kernel_h) + "\u00d7" + std::to_string(layer.kernel_w);
    if (layer.stride_h > 1 || layer.stride_w > 1) text += " / " + std::to_string(layer.stride_h);
  }
  if (layer.op == Op::attention) text += ", " + std::to_string(layer.groups) + " heads";
  if (layer.op == Op::conv && layer.groups > 1 && !is_depthwise(layer))
    text += ", " + std::to_string(layer.groups) + " groups";
  return text;
}

json layers_json(const Network& network) {
  json all = json::array();
  for (const Layer& layer : network.layers()) {
    json entry{{"name", layer.name},
               {"op", to_string(layer.op)},
               {"what", op_text(layer)},
               {"out", {layer.out.channels, layer.out.height, layer.out.width}},
               {"inputs", network.inputs(layer)},
               {"parameters", parameters(layer)},
               {"macs", macs(network, layer)}};
    if (weight_count(layer) > 0) entry["weight_bits"] = layer.weight_bits;
    if (layer.weight_density < 1) entry["density"] = layer.weight_density;
    all.push_back(std::move(entry));
  }
  return all;
}

// A study may be older than the format of its devices: that is said, and the rest is told.
json device_json(const StudyDevice& stored, const Candidate& candidate) {
  json j{{"name", stored.name}};
  try {
    const Device device = stored_device(stored);
    j["description"] = device.description;
    j["family"] = to_string(device.family);
    const Estimate estimate = device.model->estimate(candidate);
    j["reason"] = estimate.reason;
    if (!estimate.covered) return j;
    const Cost& cost = estimate.cost;
    j["confidence"] = std::string(1, static_cast<char>(cost.confidence));
    j["latency_s"] = finite(cost.latency_s);
    j["energy_j"] = finite(cost.energy_j);
    j["peak_memory_bytes"] = cost.peak_memory_bytes;
    j["storage_bytes"] = cost.storage_bytes;
    j["batch"] = candidate.deployment.batch;
    j["extrapolated"] = cost.extrapolated;
    j["layers"] = json::array();
    for (const LayerCost& layer : cost.layers) {
      j["layers"].push_back({{"layer", layer.layer},
                             {"latency_s", finite(layer.latency_s)},
                             {"energy_j", finite(layer.energy_j)},
                             {"live_bytes", layer.live_bytes},
                             {"traffic_bytes", finite(layer.traffic_bytes)},
                             {"bound", to_string(layer.bound)}});
    }
  } catch (const InputError& error) {
    j["reason"] = std::string("its description in the study cannot be used: ") + error.what();
  }
  return j;
}

json curves_json(const Study& study, const Trial& trial) {
  json all = json::array();
  for (const std::string& stage : study.curve_stages(trial.id)) {
    json points = json::array();
    for (const CurvePoint& point : study.curve(trial.id, stage)) {
      points.push_back(
          {point.epoch, finite(point.loss), point.accuracy ? json(*point.accuracy) : json()});
    }
    all.push_back({{"stage", stage},
                   {"environment", study.environment(trial.id, stage)},
                   {"points", std::move(points)}});
  }
  return all;
}

json finals_json(const Study& study, const Trial& trial) {
  json all = json::array();
  for (const FinalTraining& f : study.finals(trial.id)) {
    json entry{
        {"epochs", f.epochs},           {"images", f.images}, {"test_accuracy", f.test_accuracy},
        {"test_images", f.test_images}, {"folder", f.folder}, {"environment", f.environment}};
    if (f.validation) entry["validation_accuracy"] = *f.validation;
    if (f.test_perplexity) {
      entry["test_perplexity"] = *f.test_perplexity;
      entry["test_perplexity_stddev"] = f.test_perplexity_stddev;
    }
    all.push_back(std::move(entry));
  }
  return all;
}

}  // namespace

json trial_json(const Study& study, const std::filesystem::path& path, TrialId id) {
  const auto trial = study.trial(id);
  if (!trial) throw InputError(path.string(), 0, "", "", "has no trial " + std::to_string(id));
  Candidate candidate = stored_space(study).decode(trial->genotype);
  json j{{"trial", id},
         {"genotype", to_text(trial->genotype)},
         {"seed", std::to_string(trial->seed)},
         {"curves", curves_json(study, *trial)},
         {"finals", finals_json(study, *trial)},
         {"files", json::array()},
         {"layers", json::array()},
         {"devices", json::array()}};
  for (const Artifact& a : study.artifacts(id))
    j["files"].push_back({{"kind", a.kind}, {"path", a.path}});
  const auto alive = live(std::move(candidate.network));
  if (!alive) return j;
  candidate.network = *alive;
  j["layers"] = layers_json(candidate.network);
  for (const StudyDevice& device : study.devices())
    j["devices"].push_back(device_json(device, candidate));
  return j;
}

}  // namespace hwnas
