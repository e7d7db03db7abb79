// How fast hwnas trains, beside a training loop written by hand with LibTorch's own modules; and
// two trainers of one thread beside one of two. Prints images per second and ratios.
//   training_bench [repeats]
// Synthetic 28x28 images: speed does not depend on what they show. Rounds of the peers alternate,
// so that a busy machine slows both; the medians are compared.
#include <malloc.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "space/network_builder.h"
#include "trainer/trainer.h"

namespace {

using namespace hwnas;
using torch::nn::BatchNorm2d, torch::nn::Conv2d, torch::nn::Conv2dOptions, torch::nn::ReLU;

constexpr int kImages = 6400, kBatch = 64;

struct Block {
  int in, out, kernel, stride, groups;
};
// A dense net and one of depthwise-separable blocks, both of the size that a search for
// microcontrollers looks at.
const std::vector<Block> kDense{{1, 16, 3, 2, 1}, {16, 32, 3, 2, 1}, {32, 32, 3, 1, 1}};
const std::vector<Block> kSeparable{{1, 16, 3, 2, 1},   {16, 16, 3, 1, 16}, {16, 24, 1, 1, 1},
                                    {24, 24, 3, 2, 24}, {24, 48, 1, 1, 1},  {48, 48, 5, 1, 48},
                                    {48, 64, 1, 1, 1}};

Network network_of(const std::vector<Block>& blocks) {
  NetworkBuilder b("bench", {1, 28, 28});
  int x = 0;
  for (const Block& block : blocks) {
    x = b.conv(x, {.channels = block.out,
                   .kernel = block.kernel,
                   .stride = block.stride,
                   .groups = block.groups});
    x = b.activation(b.batch_norm(x), Activation::relu);
  }
  b.linear(b.global_avg_pool(x), 10);
  return std::move(b).build();
}

Images noise() {
  Images images{{1, 28, 28}, 10, {}, {}};
  Rng rng(1);
  for (int i = 0; i < kImages + 100; ++i) {
    images.labels.push_back(static_cast<std::uint8_t>(i % 10));
    for (int p = 0; p < 784; ++p)
      images.pixels.push_back(static_cast<std::uint8_t>(rng.below(256)));
  }
  return images;
}

double ours(const Trainer& trainer, const Network& network) {
  TrainSettings settings;
  settings.batch = kBatch;
  settings.learning_rate = 0.01;
  const TrainOutcome outcome = trainer.train(network, settings);
  if (!outcome.failure.empty()) {
    std::fprintf(stderr, "training failed: %s\n", outcome.failure.c_str());
    std::exit(1);
  }
  return outcome.result.curve[0].images_per_s;
}

// The loop of LibTorch's tutorials at its best: data as float tensors in memory, channels_last.
double by_hand(const std::vector<Block>& blocks, bool channels_last) {
  torch::nn::Sequential net;
  for (const Block& b : blocks) {
    net->push_back(Conv2d(Conv2dOptions(b.in, b.out, b.kernel)
                              .stride(b.stride)
                              .padding(b.kernel / 2)
                              .groups(b.groups)
                              .bias(false)));
    net->push_back(BatchNorm2d(b.out));
    net->push_back(ReLU(torch::nn::ReLUOptions(true)));
  }
  net->push_back(torch::nn::AdaptiveAvgPool2d(1));
  net->push_back(torch::nn::Flatten());
  net->push_back(torch::nn::Linear(blocks.back().out, 10));
  const auto format = channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  for (auto& p : net->parameters()) {
    if (p.dim() == 4) p.set_data(p.contiguous(format));
  }
  const auto images = torch::rand({kImages, 1, 28, 28});
  const auto labels = torch::arange(kImages, at::kLong).remainder(10);
  torch::optim::SGD sgd(
      net->parameters(),
      torch::optim::SGDOptions(0.01).momentum(0.9).nesterov(true).weight_decay(5e-4));
  const auto start = std::chrono::steady_clock::now();
  const auto order = torch::randperm(kImages);
  double loss_sum = 0;
  for (int i = 0; i < kImages; i += kBatch) {
    const auto indices = order.slice(0, i, i + kBatch);
    sgd.zero_grad();
    const auto loss = torch::nn::functional::cross_entropy(
        net->forward(images.index_select(0, indices).contiguous(format)),
        labels.index_select(0, indices));
    loss.backward();
    sgd.step();
    loss_sum += loss.item<double>();
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return loss_sum > 0 ? kImages / seconds : 0;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void compare(const char* name, const Trainer& trainer, const std::vector<Block>& blocks,
             int repeats) {
  const Network network = network_of(blocks);
  std::vector<double> mine, last, plain;
  for (int i = 0; i < repeats; ++i) {
    mine.push_back(ours(trainer, network));
    last.push_back(by_hand(blocks, true));
    plain.push_back(by_hand(blocks, false));
  }
  const double best = std::max(median(last), median(plain));
  std::printf(
      "%-10s %6lld parameters  hwnas %6.0f  by hand: channels_last %6.0f  plain %6.0f  ratio to "
      "the better %.2f\n",
      name, static_cast<long long>(parameters(network)), median(mine), median(last), median(plain),
      median(mine) / best);
}

// Rate of `count` processes of `threads` threads each, started together.
double processes(const std::string& self, int count, int threads) {
  std::vector<FILE*> pipes;
  for (int i = 0; i < count; ++i)
    pipes.push_back(popen((self + " worker " + std::to_string(threads)).c_str(), "r"));
  double sum = 0;
  for (FILE* pipe : pipes) {
    double rate = 0;
    if (std::fscanf(pipe, "%lf", &rate) == 1) sum += rate;
    pclose(pipe);
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);  // as hwnas-trainer does, for both peers
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  const bool worker = argc == 3 && std::string(argv[1]) == "worker";
  set_threads(worker ? std::atoi(argv[2]) : 1);
  const Images images = noise();
  const Trainer trainer(split(images, 100.0 / images.size(), 1), Device::cpu);
  if (worker) {
    std::vector<double> rates;
    for (int i = 0; i < 5; ++i) rates.push_back(ours(trainer, network_of(kDense)));
    std::printf("%f\n", median(rates));
    return 0;
  }
  const int repeats = argc > 1 ? std::max(1, std::atoi(argv[1])) : 7;
  std::printf("LibTorch %s, 1 thread, batch %d, images/s, median of %d\n", torch_version().c_str(),
              kBatch, repeats);
  compare("dense", trainer, kDense, repeats);
  compare("separable", trainer, kSeparable, repeats);
  const double two = processes(argv[0], 2, 1), one = processes(argv[0], 1, 2);
  std::printf("two trainers of one thread %.0f, one trainer of two threads %.0f, ratio %.2f\n", two,
              one, two / one);
  return 0;
}
