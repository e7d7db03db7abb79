#include "trainer/identity.h"

#include <zlib.h>

#include <bit>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "space/network_file.h"
#include "space/rng.h"

namespace hwnas {
namespace {

// Two checksums of different kind, so that 64 bits are not one CRC stretched.
std::uint64_t hash_bytes(const void* bytes, std::size_t size) {
  const auto* at = static_cast<const Bytef*>(bytes);
  const uLong crc = crc32_z(0, at, size);
  const uLong adler = adler32_z(1, at, size);
  return hash_combine(hash_combine(size, crc), adler);
}

std::uint64_t of(const std::string& text) {
  return hash_bytes(text.data(), text.size());
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path.string() + ": cannot be opened");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t mix(std::uint64_t hash, std::initializer_list<double> numbers) {
  for (const double number : numbers)
    hash = hash_combine(hash, std::bit_cast<std::uint64_t>(number));
  return hash;
}

std::uint64_t mix(std::uint64_t hash, const std::vector<double>& numbers) {
  for (const double number : numbers) hash = mix(hash, {number});
  return hash_combine(hash, numbers.size());
}

std::uint64_t mix_cells(std::uint64_t hash, const TrainSettings& s) {
  const CellNoise& c = *s.cells;
  hash = mix(hash, {static_cast<double>(s.noise_aware), static_cast<double>(s.noise_draws), c.clip,
                    static_cast<double>(c.recalibrated), static_cast<double>(c.devices_per_weight),
                    c.stuck_off_share, c.stuck_on_share, static_cast<double>(c.input_bits),
                    static_cast<double>(c.adc_bits), c.adc_range_deviations});
  for (const CellNoise::Time& t : c.times)
    hash = mix(mix(mix(mix(hash, {t.seconds}), t.mean), t.deviation), t.read);
  return hash;
}

}  // namespace

std::uint64_t data_identity(const Images& images) {
  return hash_combine(hash_bytes(images.pixels.data(), images.pixels.size()),
                      hash_bytes(images.labels.data(), images.labels.size()));
}

std::uint64_t step_identity(const Network& network, const TrainSettings& s) {
  std::uint64_t hash = hash_combine(of(to_toml(network)), s.seed);
  hash = mix(hash, {static_cast<double>(s.batch), s.learning_rate, s.warmup, s.momentum,
                    s.weight_decay, s.label_smoothing, static_cast<double>(s.augment.flip),
                    static_cast<double>(s.augment.crop_pad),
                    static_cast<double>(s.precision == Precision::bf16),
                    static_cast<double>(s.channels_last),
                    static_cast<double>(s.optimiser == OptimiserKind::adamw),
                    static_cast<double>(s.compression_aware)});
  if (s.cells) hash = mix_cells(hash, s);
  if (!s.start_from.empty()) hash = hash_combine(hash, of(contents(s.start_from)));
  if (!s.distillation) return hash;
  hash = hash_combine(hash, teacher_identity(*s.distillation, 0));
  return mix(hash, {s.distillation->temperature, s.distillation->weight});
}

std::uint64_t training_identity(const Network& network, const TrainSettings& s,
                                std::uint64_t data) {
  const std::uint64_t hash = hash_combine(step_identity(network, s), data);
  return mix(hash, {static_cast<double>(s.epochs), s.cooldown});
}

std::uint64_t teacher_identity(const Distillation& distillation, std::uint64_t data) {
  const std::uint64_t network = of(to_toml(distillation.teacher));
  return hash_combine(hash_combine(network, of(contents(distillation.weights))), data);
}

}  // namespace hwnas
