// The ops that ONNX and hwnas have in common under one name each; the importer and the exporter
// both go by it. What takes more than a name is in their code.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "space/network.h"

namespace hwnas {

inline constexpr std::array<std::pair<std::string_view, Activation>, 6> kOnnxActivations{
    {{"Relu", Activation::relu},
     {"Sigmoid", Activation::sigmoid},
     {"Tanh", Activation::tanh},
     {"HardSwish", Activation::hard_swish},
     {"HardSigmoid", Activation::hard_sigmoid},
     {"Gelu", Activation::gelu}}};

// Where two names stand for one op, the exporter writes the first.
inline constexpr std::array<std::pair<std::string_view, Op>, 8> kOnnxOps{
    {{"BatchNormalization", Op::batch_norm},
     {"LayerNormalization", Op::layer_norm},
     {"GlobalAveragePool", Op::global_avg_pool},
     {"Softmax", Op::softmax},
     {"LogSoftmax", Op::softmax},
     {"MaxPool", Op::max_pool},
     {"AveragePool", Op::avg_pool},
     {"Concat", Op::concat}}};

template <typename Table, typename Value>
std::string_view onnx_name(const Table& table, Value value) {
  for (const auto& [name, of] : table) {
    if (of == value) return name;
  }
  return {};
}

template <typename Table>
auto onnx_value(const Table& table, std::string_view name) {
  std::optional<decltype(table[0].second)> found;
  for (const auto& [of, value] : table) {
    if (of == name) found = value;
  }
  return found;
}

}  // namespace hwnas
