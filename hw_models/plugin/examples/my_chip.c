/* A cost model in C: 64 MAC units at 200 MHz that share a bus of 1 GB/s with the memory. */
#include <hwnas_plugin.h>
#include <stdio.h>
#include <string.h>

static const double kMacsPerSecond = 64 * 200e6, kBytesPerSecond = 1e9;
static const double kJoulesPerMac = 2e-12, kJoulesPerByte = 50e-12, kWatts = 0.05;

static double bytes_of(hwnas_shape shape, int32_t bits) {
  return (double)shape.channels * shape.height * shape.width * bits / 8;
}

static int32_t estimate(const hwnas_request* request, hwnas_cost* cost) {
  for (int32_t i = 1; i < request->layer_count; ++i) {
    const hwnas_layer* layer = hwnas_layer_at(request, i);
    if (strcmp(layer->op, "attention") == 0) {
      snprintf(cost->reason, cost->reason_size, "my_chip has no attention (layer '%s')",
               layer->name);
      return 1;
    }
    const double macs = layer->macs * request->batch;
    double bytes = bytes_of(layer->out, layer->activation_bits) * request->batch;
    bytes += layer->weights * layer->weight_bits / 8;
    for (int32_t k = 0; k < layer->input_count; ++k) {
      const hwnas_layer* from = hwnas_layer_at(request, layer->inputs[k]);
      bytes += bytes_of(from->out, from->activation_bits) * request->batch;
    }
    const double compute_s = macs / (kMacsPerSecond * request->clock_share);
    const double memory_s = bytes / kBytesPerSecond;
    const double latency_s = compute_s > memory_s ? compute_s : memory_s;
    cost->layer_latency_s[i] = latency_s;
    cost->layer_energy_j[i] =
        (macs * kJoulesPerMac + bytes * kJoulesPerByte + latency_s * kWatts) / request->batch;
  }
  return 0;
}

HWNAS_PLUGIN_EXPORT const hwnas_plugin_table* hwnas_plugin(void) {
  static const hwnas_plugin_table table = {HWNAS_PLUGIN_VERSION, sizeof(hwnas_plugin_table),
                                           "my_chip", estimate};
  return &table;
}
