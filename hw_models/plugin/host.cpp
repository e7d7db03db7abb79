// hwnas-plugin-host LIBRARY: calls a plug-in (hwnas_plugin.h) for requests on its input, JSON lines
// as in families/program.md. hwnas starts it, so that a plug-in is in a process of its own.
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hw_models/plugin/hwnas_plugin.h"

namespace {

using Json = nlohmann::json;

// A request with all that its pointers point to. Strings stay in the JSON.
struct Request {
  explicit Request(const Json& json) {
    const Json& network = json.at("network");
    const Json& all = network.at("layers");
    std::size_t edges = 0;
    for (const Json& layer : all) edges += layer.at("inputs").size();
    inputs.reserve(edges);  // so that pointers into it stay
    layers.reserve(all.size());
    for (const Json& layer : all) add(layer);
    const Json& deployment = json.at("deployment");
    c.struct_size = sizeof c;
    c.layer_size = sizeof(hwnas_layer);
    c.device = text(json.at("device"));
    c.network = text(network.at("name"));
    c.layers = layers.data();
    c.layer_count = static_cast<std::int32_t>(layers.size());
    c.batch = deployment.at("batch").get<std::int32_t>();
    c.clock_share = deployment.at("clock_share").get<double>();
  }

  hwnas_request c{};

 private:
  static const char* text(const Json& json) { return json.get_ref<const std::string&>().c_str(); }
  static hwnas_shape shape(const Json& json) {
    return {json.at(0).get<std::int32_t>(), json.at(1).get<std::int32_t>(),
            json.at(2).get<std::int32_t>()};
  }

  void add(const Json& json) {
    hwnas_layer layer{};
    const auto whole = [](const Json& value) { return value.get<std::int32_t>(); };
    layer.name = text(json.at("name"));
    layer.op = text(json.at("op"));
    const auto kind = json.find("kind");
    layer.kind = kind == json.end() ? "" : text(*kind);
    layer.input_count = static_cast<std::int32_t>(json.at("inputs").size());
    layer.inputs = inputs.data() + inputs.size();
    for (const Json& input : json.at("inputs")) inputs.push_back(whole(input));
    layer.bias = json.at("bias").get<bool>() ? 1 : 0;
    layer.in = shape(json.at("in"));
    layer.out = shape(json.at("out"));
    const Json &kernel = json.at("kernel"), &stride = json.at("stride"), &pad = json.at("pad");
    layer.kernel_height = whole(kernel.at(0));
    layer.kernel_width = whole(kernel.at(1));
    layer.stride_height = whole(stride.at(0));
    layer.stride_width = whole(stride.at(1));
    layer.pad_top = whole(pad.at(0));
    layer.pad_left = whole(pad.at(1));
    layer.pad_bottom = whole(pad.at(2));
    layer.pad_right = whole(pad.at(3));
    layer.groups = whole(json.at("groups"));
    layer.entries = whole(json.at("entries"));
    layer.weight_bits = whole(json.at("weight_bits"));
    layer.activation_bits = whole(json.at("activation_bits"));
    layer.weight_density = json.at("weight_density").get<double>();
    layer.macs = json.at("macs").get<double>();
    layer.weights = json.at("weights").get<double>();
    layer.parameters = json.at("parameters").get<double>();
    layer.density_block = whole(json.at("density_block"));
    layers.push_back(layer);
  }

  std::vector<hwnas_layer> layers;
  std::vector<std::int32_t> inputs;
};

// JSON has no NaN: unknown is null, impossible is text, which no reader takes for a number.
Json figure(double value, bool& set) {
  if (std::isnan(value)) return nullptr;
  set = true;
  if (std::isinf(value)) return value > 0 ? "infinite" : "-infinite";
  return value;
}

Json reply_of(const hwnas_cost& cost, const std::vector<double>& latency,
              const std::vector<double>& energy) {
  Json reply = Json::object();
  bool any = false;
  reply["latency_s"] = figure(cost.latency_s, any);
  reply["energy_j"] = figure(cost.energy_j, any);
  reply["peak_memory_bytes"] = figure(cost.peak_memory_bytes, any);
  reply["storage_bytes"] = figure(cost.storage_bytes, any);
  for (std::size_t i = 0; i < latency.size(); ++i) {
    bool set = false;
    Json row{{"layer", i}};
    row["latency_s"] = figure(latency[i], set);
    row["energy_j"] = figure(energy[i], set);
    if (set) reply["layers"].push_back(std::move(row));
  }
  return reply;
}

Json ask(const hwnas_plugin_table& plugin, const Json& json) {
  const Request request(json);
  char reason[1024] = "";
  const auto layers = static_cast<std::size_t>(request.c.layer_count);
  std::vector<double> latency(layers, NAN), energy(layers, NAN);
  hwnas_cost cost{sizeof(hwnas_cost), sizeof reason, NAN,   NAN, NAN, NAN,
                  latency.data(),     energy.data(), reason};
  std::int32_t code = 0;
  try {
    code = plugin.estimate(&request.c, &cost);
  } catch (const std::exception& error) {
    return {{"error", std::string("the plug-in let an exception out: ") + error.what()}};
  } catch (...) {
    return {{"error", "the plug-in let an exception out"}};
  }
  reason[sizeof reason - 1] = '\0';
  if (code == 0) return reply_of(cost, latency, energy);
  return {
      {"error", *reason ? std::string(reason) : "the plug-in returned " + std::to_string(code)}};
}

// The table of the library; null, and `trouble` says why.
const hwnas_plugin_table* load(const char* library, std::string& trouble) {
  void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!handle) {
    trouble = std::string("cannot be loaded: ") + dlerror();
    return nullptr;
  }
  using GetTable = const hwnas_plugin_table* (*)();
  const auto get = reinterpret_cast<GetTable>(dlsym(handle, "hwnas_plugin"));
  if (!get) {
    trouble = "exports no function hwnas_plugin()";
    return nullptr;
  }
  const hwnas_plugin_table* table = get();
  if (!table) {
    trouble = "hwnas_plugin() returned no table";
  } else if (table->version != HWNAS_PLUGIN_VERSION) {
    trouble = "is built for version " + std::to_string(table->version) +
              " of hwnas_plugin.h, this is version " + std::to_string(HWNAS_PLUGIN_VERSION);
  } else if (table->struct_size < sizeof(hwnas_plugin_table) || !table->estimate) {
    trouble = "has a table that is not whole (struct_size, estimate)";
  } else {
    return table;
  }
  return nullptr;
}

// Moves a descriptor out of the plug-in's reach and puts `instead` in its place.
int take_channel(int channel, int instead) {
  const int taken = fcntl(channel, F_DUPFD_CLOEXEC, 100);
  dup2(instead, channel);
  return taken;
}

bool write_all(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) done += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: hwnas-plugin-host LIBRARY (hwnas starts it)\n");
    return 2;
  }
  const int out = take_channel(STDOUT_FILENO, STDERR_FILENO);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  std::FILE* in = fdopen(take_channel(STDIN_FILENO, nothing), "r");
  if (out < 0 || !in) return 2;
  std::string trouble;
  const hwnas_plugin_table* plugin = load(argv[1], trouble);
  char* line = nullptr;
  std::size_t room = 0;
  for (ssize_t length; (length = getline(&line, &room, in)) > 0;) {
    const Json request = Json::parse(line, line + length, nullptr, false);
    if (request.is_discarded() || !request.contains("id")) {
      std::fprintf(stderr, "not a request\n");
      return 2;
    }
    Json reply = Json::object();
    try {
      if (!plugin) {
        reply["error"] = trouble;
      } else if (request.contains("network")) {
        reply = ask(*plugin, request);
      }
    } catch (const Json::exception& error) {
      reply["error"] =
          std::string("hwnas-plugin-host does not understand the request: ") + error.what();
    }
    reply["id"] = request["id"];
    const auto replace = Json::error_handler_t::replace;  // text that is not UTF-8
    if (!write_all(out, reply.dump(-1, ' ', false, replace) + '\n')) return 2;
  }
}
