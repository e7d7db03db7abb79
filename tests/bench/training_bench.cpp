// How fast hwnas trains, beside a training loop written by hand with LibTorch's own modules, and
// whether it gets as good; then two trainers of one thread beside one of two.
//   training_bench [repeats (5)] [images (6000)] [batch (64)]
// Fashion-MNIST, one epoch, the same schedule for all. Images per second of CPU time of the
// training alone. Rounds of the peers alternate, so that a busy machine slows both; the medians are
// compared. Accuracies are means over the rounds, each of a seed of its own, +- one standard error.
#include <malloc.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <numeric>
#include <string>

#include "space/network_builder.h"
#include "trainer/schedule.h"
#include "trainer/trainer.h"

namespace {

using namespace hwnas;
using torch::nn::BatchNorm2d, torch::nn::Conv2d, torch::nn::Conv2dOptions, torch::nn::ReLU;

int batch_size = 64;

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

// Wide enough that convolutions take most of the time.
const std::vector<Block> kWide{
    {1, 24, 3, 1, 1}, {24, 48, 3, 2, 1}, {48, 48, 3, 1, 1}, {48, 96, 3, 2, 1}, {96, 96, 3, 1, 1}};

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Round {
  double images_per_s = 0, accuracy = 0;
};

TrainSettings settings_of(std::uint64_t seed) {
  TrainSettings settings;
  settings.batch = batch_size;
  settings.learning_rate = 0.2 * batch_size / 64;
  settings.seed = seed;
  return settings;
}

Round ours(const Trainer& trainer, const Network& network, std::uint64_t seed,
           Precision precision = Precision::fp32) {
  TrainSettings settings = settings_of(seed);
  settings.precision = precision;
  // The epoch is reported once the validation part has been looked at too: that is timed apart.
  const double start = cpu_seconds();
  const TrainOutcome outcome = trainer.train(network, settings);
  const double cpu_s = cpu_seconds() - start;
  if (!outcome.failure.empty()) {
    std::fprintf(stderr, "training failed: %s\n", outcome.failure.c_str());
    std::exit(1);
  }
  const EpochReport& epoch = outcome.result.curve[0];
  const double images = static_cast<double>(outcome.result.images);
  const double training_share = images / epoch.images_per_s / epoch.seconds;  // of wall clock
  return {images / (cpu_s * training_share), outcome.result.accuracy};
}

struct Tensors {
  at::Tensor images, labels;
};
Tensors all_of(const Images& images, const Normalisation& normalisation) {
  const auto count = static_cast<std::int64_t>(images.size());
  Tensors all{torch::empty({count, 1, 28, 28}), torch::empty({count}, at::kLong)};
  std::vector<int> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  Rng rng(1);
  Batcher(images, normalisation)
      .fill(order, {}, rng, false, all.images.data_ptr<float>(),
            all.labels.data_ptr<std::int64_t>());
  return all;
}

// The loop of LibTorch's tutorials: data as float tensors in memory. He's initial weights, as ours.
Round by_hand(const std::vector<Block>& blocks, bool channels_last, const Split& data,
              std::uint64_t seed) {
  torch::manual_seed(seed);
  torch::nn::Sequential net;
  for (const Block& b : blocks) {
    Conv2d conv(Conv2dOptions(b.in, b.out, b.kernel)
                    .stride(b.stride)
                    .padding(b.kernel / 2)
                    .groups(b.groups)
                    .bias(false));
    torch::nn::init::kaiming_normal_(conv->weight);
    net->push_back(conv);
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
  const Normalisation normalisation = measure(data.train);
  const Tensors train = all_of(data.train, normalisation);
  const Tensors validation = all_of(data.validation, normalisation);
  const TrainSettings settings = settings_of(seed);
  torch::optim::SGD sgd(net->parameters(), torch::optim::SGDOptions(settings.learning_rate)
                                               .momentum(0.9)
                                               .nesterov(true)
                                               .weight_decay(5e-4));
  const double start = cpu_seconds();
  const auto order = torch::randperm(train.labels.size(0));
  const std::int64_t steps = train.labels.size(0) / batch_size;
  double loss_sum = 0;
  for (std::int64_t i = 0; i < steps; ++i) {
    for (auto& group : sgd.param_groups())
      static_cast<torch::optim::SGDOptions&>(group.options())
          .lr(one_cycle(i, steps, settings.learning_rate, settings.warmup));
    const auto indices = order.slice(0, i * batch_size, (i + 1) * batch_size);
    sgd.zero_grad();
    const auto loss = torch::nn::functional::cross_entropy(
        net->forward(train.images.index_select(0, indices).contiguous(format)),
        train.labels.index_select(0, indices));
    loss.backward();
    sgd.step();
    loss_sum += loss.item<double>();
  }
  const double rate = static_cast<double>(steps * batch_size) / (cpu_seconds() - start);
  const torch::NoGradGuard no_grad;
  net->eval();
  std::int64_t right = 0;
  for (std::int64_t at = 0; at < validation.labels.size(0); at += 250) {
    const auto logits = net->forward(validation.images.slice(0, at, at + 250).contiguous(format));
    right +=
        logits.argmax(1).eq(validation.labels.slice(0, at, at + 250)).sum().item<std::int64_t>();
  }
  return {rate, static_cast<double>(right) / static_cast<double>(validation.labels.size(0))};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Peer {
  std::string name;
  std::vector<double> rates, accuracies;

  void add(const Round& round) {
    rates.push_back(round.images_per_s);
    accuracies.push_back(round.accuracy);
  }
};

void compare(const char* name, const Trainer& trainer, const std::vector<Block>& blocks,
             int repeats) {
  const Network network = network_of(blocks);
  std::vector<Peer> peers{
      {"hwnas", {}, {}}, {"plain", {}, {}}, {"channels_last", {}, {}}, {"hwnas bf16", {}, {}}};
  for (int i = 0; i < repeats; ++i) {
    const auto seed = static_cast<std::uint64_t>(i + 1);
    peers[0].add(ours(trainer, network, seed));
    peers[1].add(by_hand(blocks, false, trainer.data(), seed));
    peers[2].add(by_hand(blocks, true, trainer.data(), seed));
    peers[3].add(ours(trainer, network, seed, Precision::bf16));
  }
  std::printf("%s, %lld parameters, %lld MACs\n", name, static_cast<long long>(parameters(network)),
              static_cast<long long>(macs(network)));
  const double plain = median(peers[1].rates);
  for (const Peer& peer : peers) {
    double mean = 0, squares = 0;
    for (const double a : peer.accuracies) mean += a / repeats;
    for (const double a : peer.accuracies) squares += (a - mean) * (a - mean);
    const double error = repeats > 1 ? std::sqrt(squares / (repeats - 1) / repeats) : 0;
    std::printf("  %-14s %7.0f images/s  %.2f of plain  accuracy %.4f +- %.4f\n", peer.name.c_str(),
                median(peer.rates), median(peer.rates) / plain, mean, error);
  }
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
  const int images = argc > 2 && !worker ? std::atoi(argv[2]) : 6000;
  if (argc > 3) batch_size = std::atoi(argv[3]);
  const Trainer trainer(split(load_images(DataSet::fashion_mnist, Part::training,
                                          "/usr/share/datasets/fashion-mnist"),
                              0.1, 1, images),
                        Device::cpu);
  if (worker) {
    std::vector<double> rates;
    for (std::uint64_t i = 0; i < 5; ++i)
      rates.push_back(
          trainer.train(network_of(kDense), settings_of(i)).result.curve[0].images_per_s);
    std::printf("%f\n", median(rates));
    return 0;
  }
  const int repeats = argc > 1 ? std::max(1, std::atoi(argv[1])) : 5;
  std::printf("LibTorch %s, 1 thread, batch %d, %d images, median of %d\n", torch_version().c_str(),
              batch_size, images, repeats);
  compare("dense", trainer, kDense, repeats);
  compare("separable", trainer, kSeparable, repeats);
  compare("wide", trainer, kWide, repeats);
  if (argc > 4) return 0;
  const double two = processes(argv[0], 2, 1), one = processes(argv[0], 1, 2);
  std::printf("two trainers of one thread %.0f, one trainer of two threads %.0f, ratio %.2f\n", two,
              one, two / one);
  return 0;
}
