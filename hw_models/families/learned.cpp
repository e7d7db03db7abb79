#include "hw_models/families/learned.h"

#include <cmath>
#include <optional>
#include <sstream>

#include "hw_models/device.h"
#include "hw_models/families/learned_process.h"
#include "hw_models/figures.h"

namespace hwnas {
namespace {

class Learned final : public CostModel {
 public:
  struct Settings {
    std::string device;
    Confidence confidence = Confidence::D;
    Price price;
    Deployment measured_at;
    SearchSpace space;
    std::optional<LearnedProcess> latency, energy;
    std::shared_ptr<const CostModel> prior;
  };
  explicit Learned(Settings settings) : settings_(std::move(settings)) {}
  using CostModel::estimate;
  Estimate estimate(const Workload& workload) const override;
  Capacity capacity() const override {
    return settings_.prior ? settings_.prior->capacity() : Capacity{};
  }

 private:
  std::string deployment_refusal(const Candidate& candidate) const;
  // The architecture of the candidate, or why it is none of the space.
  std::optional<LearnedInput> read(const Candidate& candidate, std::string& why) const;

  Settings settings_;
};

std::string Learned::deployment_refusal(const Candidate& candidate) const {
  if (std::string why = refusal(candidate); !why.empty()) return why;
  const auto& [batch, clock_share] = candidate.deployment;
  std::ostringstream text;
  if (batch != settings_.measured_at.batch) {
    text << settings_.device << " was measured at batch " << settings_.measured_at.batch
         << ", not at " << batch;
  } else if (clock_share != settings_.measured_at.clock_share) {
    text << settings_.device << " was measured at clock_share " << settings_.measured_at.clock_share
         << ", not at " << clock_share;
  }
  return text.str();
}

std::optional<LearnedInput> Learned::read(const Candidate& candidate, std::string& why) const {
  const SearchSpace& space = settings_.space;
  const std::vector<std::uint8_t>& genes = candidate.genotype.genes;
  const std::vector<int>& options = space.cardinalities();
  bool fits = genes.size() == options.size();
  for (std::size_t i = 0; fits && i < genes.size(); ++i) fits = genes[i] < options[i];
  const std::string who = "network '" + candidate.network.name + "'";
  const std::string learned_on =
      settings_.device + " was learned on the space '" + space.name() + "'";
  if (!fits) {
    why = learned_on + ", of which " + who + " is no architecture";
    return std::nullopt;
  }
  try {
    const Candidate decoded = space.decode(candidate.genotype);
    if (fingerprint(decoded.network) == fingerprint(candidate.network))
      return learned_input(space, decoded);
    why = learned_on + ", where " + to_text(candidate.genotype) + " is another network than " +
          who + " (its bits count too)";
  } catch (const std::invalid_argument& error) {
    why = learned_on + ", where " + to_text(candidate.genotype) +
          " decodes to nothing: " + error.what();
  }
  return std::nullopt;
}

Estimate Learned::estimate(const Workload& workload) const {
  const Candidate& candidate = workload.candidate();
  std::string why = deployment_refusal(candidate);
  if (!why.empty()) return not_covered(std::move(why));
  const std::optional<LearnedInput> input = read(candidate, why);
  if (!input) return not_covered(std::move(why));
  Estimate prior;
  if (settings_.prior) {
    prior = settings_.prior->estimate(workload);
    if (!prior.covered)
      return not_covered("the prior of " + settings_.device + ": " + prior.reason);
  }
  Figures figures;
  if (settings_.latency) {
    const double unit = settings_.prior ? prior.cost.latency_s : 1;
    const auto [mean, stddev] = settings_.latency->predict(*input);
    figures.latency_s = unit * mean;
    figures.latency_stddev_s = unit * stddev;
  }
  if (settings_.energy) {
    const double unit = settings_.prior ? prior.cost.energy_j : 1;
    const auto [mean, stddev] = settings_.energy->predict(*input);
    figures.energy_j = unit * mean;
    figures.energy_stddev_j = unit * stddev;
  }
  if (settings_.prior) {
    figures.peak_memory_bytes = static_cast<double>(prior.cost.peak_memory_bytes);
    figures.storage_bytes = static_cast<double>(prior.cost.storage_bytes);
  }
  if (std::string problem = refusal(figures); !problem.empty())
    return not_covered(std::move(problem));
  Estimate estimate = to_estimate(figures, {}, workload, settings_.price, settings_.confidence);
  estimate.fits = prior.fits;
  estimate.reason = prior.reason;
  return estimate;
}

}  // namespace

std::shared_ptr<const CostModel> make_learned(const TomlTable& file, const std::string& device,
                                              Confidence confidence, NamedFiles& files) {
  const TomlTable section = cited_section(file, "learned");
  Learned::Settings settings{device,
                             confidence,
                             Price::read(file),
                             {},
                             SearchSpace::load(files.find_space(section, "space")),
                             {},
                             {},
                             {}};
  settings.measured_at.batch = static_cast<int>(section.integer("batch", 1, 1 << 20, 1));
  settings.measured_at.clock_share = section.number("clock_share", 1e-6, 1, 1);
  section.done();
  if (const auto prior = maybe_cited_section(file, "prior")) {
    const std::string name = prior->string("device");
    settings.prior = Device::parse(prior->string("text"), name + ".toml").model;
    prior->done();
  }
  for (const auto& [key, process] :
       {std::pair{"latency", &settings.latency}, std::pair{"energy", &settings.energy}}) {
    const auto table = maybe_cited_section(file, key);
    if (!table) continue;
    process->emplace(*table, settings.space);
    table->done();
  }
  if (!settings.latency && !settings.energy)
    throw section.error("space", "needs a section [latency] or [energy] with what was learned");
  return std::make_shared<Learned>(std::move(settings));
}

}  // namespace hwnas
