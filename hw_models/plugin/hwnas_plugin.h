/* hwnas_plugin.h: a cost model of your own as a shared library. C11 (and C++), needs nothing else.
 *
 * A library exports one function, hwnas_plugin(), which returns a table that lives as long as the
 * library. hwnas loads the library in a process of its own (hwnas-plugin-host): whatever it does
 * there, the search goes on, and the candidate has failed with a reason. The library is never
 * unloaded. estimate() is called from one thread, for one candidate after the other. What it writes
 * to stdout and stderr is not seen, but for the last line when it ends badly.
 *
 * All quantities are SI, in double: seconds, joules, bytes. Strings are UTF-8 and, like all that a
 * request points to, live until estimate() returns. No exception may leave the library.
 *
 *   static int32_t estimate(const hwnas_request* request, hwnas_cost* cost) {
 *     double macs = 0;
 *     for (int32_t i = 0; i < request->layer_count; ++i) macs += hwnas_layer_at(request, i)->macs;
 *     cost->latency_s = request->batch * macs / 1e9;
 *     return 0;
 *   }
 *   static const hwnas_plugin_table table = {
 *       HWNAS_PLUGIN_VERSION, sizeof(hwnas_plugin_table), "my_chip", estimate};
 *   HWNAS_PLUGIN_EXPORT const hwnas_plugin_table* hwnas_plugin(void) { return &table; }
 */
#ifndef HWNAS_PLUGIN_H
#define HWNAS_PLUGIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when a plug-in built against an older header could no longer be right. Structs only grow
 * at their end, and say their size. */
#define HWNAS_PLUGIN_VERSION 1

#if defined(__GNUC__)
#define HWNAS_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define HWNAS_PLUGIN_EXPORT
#endif

typedef struct hwnas_shape {
  int32_t channels, height, width; /* of one input of the batch; a vector is channels x 1 x 1 */
} hwnas_shape;

/* Layer 0 is the input; a layer reads only layers before it; the last one is the output. */
typedef struct hwnas_layer {
  const char* name;
  const char* op;        /* "conv", "linear", "add", ...: as in network files, space/README.md */
  const char* kind;      /* of op "activation": "relu", ...; else "" */
  const int32_t* inputs; /* indices of the layers that it reads */
  int32_t input_count;
  int32_t bias; /* 0 or 1 */
  hwnas_shape in, out;
  int32_t kernel_height, kernel_width, stride_height, stride_width;
  int32_t pad_top, pad_left, pad_bottom, pad_right;
  int32_t groups;                       /* conv; attention: heads */
  int32_t entries;                      /* embedding: rows; attention: cached tokens */
  int32_t weight_bits, activation_bits; /* of the weights; of the output */
  double weight_density;                /* share of the weights that are not zero */
  double macs, weights, parameters;     /* whole numbers; macs of one input of the batch */
  int32_t density_block; /* N:M: so many weights along the input channels keep weight_density of
                            them; 0: anywhere */
} hwnas_layer;

typedef struct hwnas_request {
  uint32_t struct_size;
  uint32_t layer_size; /* bytes from one layer to the next: use hwnas_layer_at() */
  const char* device;  /* name of the device file */
  const char* network; /* name of the network */
  const hwnas_layer* layers;
  int32_t layer_count;
  int32_t batch;      /* inputs processed together */
  double clock_share; /* clock over the highest, (0, 1] */
} hwnas_request;

/* All NaN at first: leave what you do not know. At least one of latency and energy is needed. */
typedef struct hwnas_cost {
  uint32_t struct_size;
  uint32_t reason_size;     /* bytes of `reason` */
  double latency_s;         /* from first input to last output of one batch */
  double energy_j;          /* of one inference */
  double peak_memory_bytes; /* activations */
  double storage_bytes;     /* weights and code */
  /* Optional, one for each layer of the request, NaN at first. Where any is set, the layers that
   * are set must add up to the latency, and to the energy. */
  double* layer_latency_s;
  double* layer_energy_j;
  char* reason; /* why it cannot run: write a string here and return a number that is not 0 */
} hwnas_cost;

typedef struct hwnas_plugin_table {
  uint32_t version;     /* HWNAS_PLUGIN_VERSION */
  uint32_t struct_size; /* sizeof(hwnas_plugin_table) */
  const char* name;
  int32_t (*estimate)(const hwnas_request* request, hwnas_cost* cost); /* 0: cost is filled */
} hwnas_plugin_table;

/* To be defined by the library. */
HWNAS_PLUGIN_EXPORT const hwnas_plugin_table* hwnas_plugin(void);

static inline const hwnas_layer* hwnas_layer_at(const hwnas_request* request, int32_t index) {
  return (const hwnas_layer*)(const void*)((const char*)request->layers +
                                           (uint64_t)index * request->layer_size);
}

#ifdef __cplusplus
}
#endif

#endif
