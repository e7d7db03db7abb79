#include "hw_models/exchange.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "space/input_error.h"
#include "space/network_file.h"

namespace hwnas {
namespace {

using Json = nlohmann::json;

constexpr double kSumTolerance = 0.01;  // between the layers and the whole

// Appends JSON to a string: several times quicker than building a tree first.
class Writer {
 public:
  Writer& open(char bracket) {
    separate();
    text_ += bracket;
    return *this;
  }
  Writer& close(char bracket) {
    text_ += bracket;
    return *this;
  }
  Writer& key(const char* name) {
    separate();
    text_.append("\"").append(name).append("\":");
    return *this;
  }
  template <typename Number>
  Writer& number(Number value) {
    separate();
    char digits[32];
    text_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
    return *this;
  }
  Writer& boolean(bool value) {
    separate();
    text_ += value ? "true" : "false";
    return *this;
  }
  Writer& string(std::string_view value) {
    separate();
    text_ += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') {
        text_.append(1, '\\').append(1, c);
      } else if (c == '\n') {
        text_ += "\\n";
      } else if (static_cast<unsigned char>(c) < 0x20) {
        text_ += ' ';
      } else {
        text_ += c;
      }
    }
    text_ += '"';
    return *this;
  }
  template <typename... Numbers>
  Writer& list(Numbers... values) {
    open('[');
    (number(values), ...);
    return close(']');
  }
  Writer& shape(const Shape& s) { return list(s.channels, s.height, s.width); }

  std::string take() { return std::move(text_); }

 private:
  void separate() {
    if (!text_.empty() && text_.back() != '{' && text_.back() != '[' && text_.back() != ':')
      text_ += ',';
  }

  std::string text_;
};

void write_layer(Writer& out, const Network& network, int index) {
  const Layer& layer = network.layer(index);
  out.open('{').key("name").string(layer.name).key("op").string(to_string(layer.op));
  if (layer.op == Op::activation) out.key("kind").string(to_string(layer.activation));
  out.key("inputs").open('[');
  for (const int input : network.inputs(layer)) out.number(input);
  out.close(']').key("in").shape(layer.in).key("out").shape(layer.out);
  out.key("kernel").list(layer.kernel_h, layer.kernel_w);
  out.key("stride").list(layer.stride_h, layer.stride_w);
  out.key("pad").list(layer.pad.top, layer.pad.left, layer.pad.bottom, layer.pad.right);
  out.key("groups").number(layer.groups).key("entries").number(layer.entries);
  out.key("bias").boolean(layer.bias);
  out.key("weight_bits").number(int{layer.weight_bits});
  out.key("activation_bits").number(int{layer.activation_bits});
  out.key("weight_density").number(layer.weight_density);
  out.key("density_block").number(layer.density_block);
  out.key("macs").number(macs(network, layer)).key("weights").number(weight_count(layer));
  out.key("parameters").number(parameters(layer)).close('}');
}

// The start of a line, for a message.
std::string excerpt(std::string_view line) {
  constexpr std::size_t kMost = 80;
  std::string text;
  for (const char c : line.substr(0, kMost))
    text += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  if (line.size() > kMost) text += "...";
  return "'" + text + "'";
}

// A number, or NaN where the key is absent or null. What is neither goes to `refusal`.
double number_of(const Json& object, const char* key, std::string& refusal) {
  const auto at = object.find(key);
  if (at == object.end() || at->is_null()) return std::nan("");
  if (at->is_number()) return at->get<double>();
  if (refusal.empty()) refusal = std::string(key) + " is " + excerpt(at->dump()) + ", not a number";
  return std::nan("");
}

template <std::size_t N>
void check_keys(const Json& object, const std::array<const char*, N>& known, std::string& refusal) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end() || !refusal.empty()) continue;
    refusal = "has a key '" + key + "' that is none of a reply" +
              suggestion(key, std::vector<std::string>(known.begin(), known.end()));
  }
}

void read_layer(const Json& object, const Candidate& candidate, Reply& reply) {
  constexpr std::array kKeys{"layer", "latency_s", "energy_j", "traffic_bytes"};
  if (!object.is_object()) {
    reply.refusal = "layers has " + excerpt(object.dump()) + ", not an object";
    return;
  }
  check_keys(object, kKeys, reply.refusal);
  const double layer = number_of(object, "layer", reply.refusal);
  if (!(layer >= 1 && layer < candidate.network.size() && layer == std::floor(layer))) {
    reply.refusal = "layers has a row whose layer is not from 1 to " +
                    std::to_string(candidate.network.size() - 1);
    return;
  }
  LayerCost row;
  row.layer = static_cast<int>(layer);
  row.latency_s = number_of(object, "latency_s", reply.refusal);
  row.energy_j = number_of(object, "energy_j", reply.refusal) * candidate.deployment.batch;
  row.traffic_bytes = number_of(object, "traffic_bytes", reply.refusal);
  if (row.latency_s < 0 || row.energy_j < 0 || row.traffic_bytes < 0)
    reply.refusal = "layer " + std::to_string(row.layer) + " has a negative figure";
  row.macs =
      macs(candidate.network, candidate.network.layer(row.layer)) * candidate.deployment.batch;
  row.bound = Bound::unknown;
  if (std::isnan(row.traffic_bytes)) row.traffic_bytes = 0;
  reply.rows.push_back(row);
}

// The whole is what its layers are; where both are given they must agree.
void reconcile(const char* name, double sum, double& whole, std::string& refusal) {
  if (std::isnan(sum)) return;
  if (!std::isnan(whole) && std::fabs(sum - whole) > kSumTolerance * std::fabs(whole) &&
      refusal.empty()) {
    std::ostringstream text;
    text << name << " is " << whole << ", but its layers add up to " << sum;
    refusal = text.str();
  }
  whole = sum;
}

}  // namespace

std::string request_line(std::int64_t id, std::string_view device, const Candidate& candidate,
                         bool network_file) {
  const Network& network = candidate.network;
  Writer out;
  out.open('{').key("protocol").number(kExchangeVersion).key("id").number(id);
  out.key("device").string(device).key("deployment").open('{');
  out.key("batch").number(candidate.deployment.batch);
  out.key("clock_share").number(candidate.deployment.clock_share).close('}');
  out.key("network").open('{').key("name").string(network.name);
  out.key("macs").number(macs(network)).key("parameters").number(parameters(network));
  out.key("layers").open('[');
  for (int i = 0; i < network.size(); ++i) write_layer(out, network, i);
  out.close(']').close('}');
  if (network_file) out.key("network_file").string(to_toml(network));
  return out.close('}').take();
}

Reply read_reply(std::string_view line, std::int64_t id, const Candidate& candidate) {
  constexpr std::array kKeys{"id",    "latency_s", "energy_j",     "peak_memory_bytes",
                             "error", "layers",    "storage_bytes"};
  Reply reply;
  const Json json = Json::parse(line, nullptr, false);
  if (json.is_discarded() || !json.is_object()) {
    reply.out_of_step = "answered " + excerpt(line) + ", which is no JSON object";
    if (line.find("NaN") != std::string_view::npos || line.find("Inf") != std::string_view::npos)
      reply.out_of_step += " (JSON has no NaN and no Infinity)";
    return reply;
  }
  const auto got = json.find("id");
  if (got == json.end() || !got->is_number_integer() || got->get<std::int64_t>() != id) {
    reply.out_of_step = "answered with id " +
                        (got == json.end() ? "missing" : excerpt(got->dump())) + " to request " +
                        std::to_string(id);
    return reply;
  }
  if (const auto error = json.find("error"); error != json.end() && !error->is_null()) {
    reply.refusal = error->is_string() ? error->get<std::string>() : error->dump();
    if (reply.refusal.empty()) reply.refusal = "it cannot run this, and does not say why";
    return reply;
  }
  check_keys(json, kKeys, reply.refusal);
  reply.figures.latency_s = number_of(json, "latency_s", reply.refusal);
  reply.figures.energy_j = number_of(json, "energy_j", reply.refusal);
  reply.figures.peak_memory_bytes = number_of(json, "peak_memory_bytes", reply.refusal);
  reply.figures.storage_bytes = number_of(json, "storage_bytes", reply.refusal);
  if (const auto layers = json.find("layers"); layers != json.end() && layers->is_array()) {
    for (const Json& row : *layers) {
      if (reply.refusal.empty()) read_layer(row, candidate, reply);
    }
    double latency_s = 0, energy_j = 0;
    for (const LayerCost& row : reply.rows) {
      latency_s += row.latency_s;
      energy_j += row.energy_j / candidate.deployment.batch;
    }
    if (!reply.rows.empty()) {
      reconcile("latency_s", latency_s, reply.figures.latency_s, reply.refusal);
      reconcile("energy_j", energy_j, reply.figures.energy_j, reply.refusal);
    }
  } else if (layers != json.end() && !layers->is_null() && reply.refusal.empty()) {
    reply.refusal = "layers is not a list";
  }
  if (reply.refusal.empty()) reply.refusal = refusal(reply.figures);
  return reply;
}

std::string greeting_line() {
  return "{\"protocol\":" + std::to_string(kExchangeVersion) + ",\"id\":0}";
}

std::string read_greeting(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (json.is_discarded() || !json.is_object() || json.value("id", Json()) != 0)
    return "greeted with " + excerpt(line);
  const auto error = json.find("error");
  if (error == json.end()) return "";
  return error->is_string() ? error->get<std::string>() : error->dump();
}

}  // namespace hwnas
