// FPGA designs for tests: device texts with a folding by hand, and published designs as networks.
#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>

#include "hw_models/device.h"
#include "tests/hw_models/support.h"
#include "tests/scratch_folder.h"

namespace hwnas::testing {

// A shipped device laid under `text`.
inline Device fpga_variant(const std::string& base, const std::string& text) {
  const ScratchFolder folder;
  const auto path = folder / "design.toml";
  std::ofstream(path) << "description = \"test\"\ninherits = \"" << base << "\"\n" << text;
  return Device::load(path, {std::string(HWNAS_SOURCE_DIR) + "/hw_models/devices"});
}

// A design of fpgaConvNet: its network, and its folding as [folding.layers].
struct PublishedDesign {
  Network network;
  std::string folding;
};

inline PublishedDesign read_fpgaconvnet(const std::string& path) {
  const nlohmann::json file = nlohmann::json::parse(std::ifstream(path));
  const auto& layers = file.at("partition").at(0).at("layers");
  const auto& image = layers.at(0).at("parameters");
  NetworkBuilder builder("design",
                         {image.at("channels_in"), image.at("rows_in"), image.at("cols_in")});
  std::map<std::string, int> index;
  PublishedDesign design;
  design.folding = "[folding.layers]\n";
  for (const auto& row : layers) {
    const auto& p = row.at("parameters");
    const std::string type = row.at("type"), name = row.at("name");
    std::vector<int> from;
    for (const auto& stream : row.at("streams_in"))
      if (stream.at("node") != name) from.push_back(index.at(stream.at("node")));
    if (from.empty()) from.push_back(0);
    if (type == "SPLIT" || type == "SQUEEZE") {  // wires
      index[name] = from[0];
      continue;
    }
    Layer layer;
    layer.name = name;
    layer.weight_bits = layer.activation_bits = 8;
    int channels = 0;
    std::string folding;
    const auto add = [&](const char* key) {
      folding += (folding.empty() ? "" : ", ") + std::string(key) + " = " +
                 std::to_string(p.at(key).get<int>());
    };
    if (type == "CONVOLUTION") {
      layer.op = Op::conv;
      layer.kernel_h = p.at("kernel_size").at(0);
      layer.kernel_w = p.at("kernel_size").at(1);
      layer.stride_h = p.at("stride").at(0);
      layer.stride_w = p.at("stride").at(1);
      layer.pad = {p.at("pad_top"), p.at("pad_left"), p.at("pad_bottom"), p.at("pad_right")};
      layer.groups = p.at("groups");
      channels = p.at("filters");
      for (const char* key : {"coarse_in", "coarse_out", "coarse_group", "fine"}) add(key);
    } else if (type == "INNER_PRODUCT") {
      layer.op = Op::linear;
      channels = p.at("filters");
      for (const char* key : {"coarse_in", "coarse_out"}) add(key);
    } else {
      layer.op = type == "BATCH_NORM"        ? Op::batch_norm
                 : type == "ACTIVATION"      ? Op::activation
                 : type == "ELTWISE"         ? Op::add
                 : type == "AVERAGE_POOLING" ? Op::global_avg_pool
                                             : throw std::logic_error("type " + type);
      if (layer.op == Op::activation) layer.activation = Activation::relu;
      const auto& coarse = p.at("coarse");
      folding = "lanes = " + std::to_string((coarse.is_array() ? coarse.at(0) : coarse).get<int>());
    }
    index[name] = builder.append(layer, from, channels);
    design.folding += '"' + name + "\" = { " + folding + " }\n";
  }
  builder.set_input_precision(8);
  design.network = std::move(builder).build();
  return design;
}

}  // namespace hwnas::testing
