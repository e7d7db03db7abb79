#include "hw_models/families/spatial_loops.h"

namespace hwnas {

double SpatialLoops::macs() const {
  double product = 1;
  for (const std::int64_t n : size) product *= static_cast<double>(n);
  return product;
}

SpatialLoops spatial_loops(const Network& network, const Layer& layer, const Gemm& gemm,
                           int batch) {
  SpatialLoops loops;
  loops.bits = {network.layer(network.inputs(layer)[0]).activation_bits, layer.weight_bits,
                layer.activation_bits};
  loops[Dim::g] = gemm.repeats;
  loops[Dim::m] = gemm.n;
  if (layer.op == Op::conv) {
    loops[Dim::n] = batch;
    loops[Dim::c] = layer.in.channels / layer.groups;
    loops[Dim::p] = layer.out.height;
    loops[Dim::q] = layer.out.width;
    loops[Dim::r] = layer.kernel_h;
    loops[Dim::s] = layer.kernel_w;
    loops.stride_h = layer.stride_h;
    loops.stride_w = layer.stride_w;
    return loops;
  }
  loops[Dim::c] = gemm.k;
  loops[Dim::q] = gemm.m;
  loops[gemm.stored_weights ? Dim::n : Dim::g] *= batch;
  if (!gemm.stored_weights) loops.bits[at(Operand::weights)] = loops.bits[at(Operand::inputs)];
  return loops;
}

}  // namespace hwnas
