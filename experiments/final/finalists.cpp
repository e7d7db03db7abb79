#include "experiments/final/finalists.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <future>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>
#include <utility>

#include "space/input_error.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

bool within(const Trial& trial, const Objective& bound) {
  const Measurement* value = find(trial, bound.key);
  return trial.state == TrialState::complete && value != nullptr && bound.violation(*value) == 0;
}

// Less is better. Nothing where it was not trained.
std::optional<double> error_of(const Trial& trial, bool text) {
  const Measurement* value =
      find(trial, {text ? Metric::perplexity : Metric::accuracy, ""}, Source::trained);
  if (value == nullptr) return std::nullopt;
  return text ? value->value : -value->value;
}

// The best first.
std::vector<const Trial*> best_within(const std::vector<Trial>& trials, const Objective& bound,
                                      bool text, const fs::path& path) {
  std::vector<const Trial*> all;
  for (const Trial& trial : trials) {
    if (error_of(trial, text) && within(trial, bound)) all.push_back(&trial);
  }
  if (all.empty())
    throw InputError(path.string(), 0, "final", to_text(bound.key) + " " + bound.bound_text(),
                     "no trained trial is within this bound; search on, or loosen it");
  std::stable_sort(all.begin(), all.end(), [text](const Trial* a, const Trial* b) {
    return *error_of(*a, text) < *error_of(*b, text);
  });
  return all;
}

// The same training, shorter, seen by the validation images, and by the test images not at all.
FinalOrder heat_of(FinalOrder order, int epochs) {
  order.subject += ", heat";
  order.plan.config.training->epochs = epochs;
  order.plan.keep_validation = true;
  order.plan.test = false;
  order.plan.folder = usual_folder(order);
  return order;
}

double work(const Finalists& all) {
  const auto of = [](const FinalOrder& order) {
    return static_cast<double>(macs(order.plan.network)) * order.plan.config.training->epochs;
  };
  double sum = of(all.orders[0]);
  for (const FinalOrder& heat : all.heats) sum += of(heat);
  return sum;
}

// About ten lines for each training, whole lines only: several write at a time.
FinalListener listener(const FinalOrder& order, std::mutex& writing) {
  FinalListener all;
  const auto say = [&writing, &order](const std::string& text) {
    const std::lock_guard lock(writing);
    std::fprintf(stderr, "%s: %s\n", order.subject.c_str(), text.c_str());
  };
  all.starts = [say, &order](const TrainerGreeting& greeting) {
    say(std::to_string(parameters(order.plan.network)) + " parameters, " +
        std::to_string(order.plan.config.training->epochs) + " epochs of " +
        std::to_string(greeting.train_images) + " images, files in " + order.plan.folder.string());
  };
  all.epoch = [say](const FinalEpoch& e) {
    if (e.epoch % std::max(1, e.epochs / 10) != 0 && e.epoch != e.epochs) return;
    char text[120];
    std::snprintf(text, sizeof text, "epoch %d/%d: loss %.4f, %.0f images/s, %.0f s left", e.epoch,
                  e.epochs, e.loss, e.images_per_s, e.seconds * (e.epochs - e.epoch));
    say(text);
  };
  all.note = say;
  return all;
}

}  // namespace

std::vector<Finalists> finalists(const Study& study, const fs::path& path,
                                 const RunConfig& config) {
  std::vector<Finalists> all;
  const std::vector<Trial> trials = study.trials();
  for (const FinalConfig& final : config.finals) {
    RunConfig changed = config;
    changed.training = final.training;
    Finalists& one = all.emplace_back();
    one.bound = final.bound;
    one.teacher = final.teacher;
    if (one.teacher)
      one.distillation = *std::exchange(changed.training->distillation, std::nullopt);
    resolve_trained(changed);
    std::set<std::uint64_t> networks;
    for (const Trial* trial : best_within(trials, final.bound, config.data->is_text(), path)) {
      if (static_cast<int>(one.orders.size()) == final.candidates) break;
      FinalOrder order = order_of_trial(study, path, changed, trial->id);
      if (!networks.insert(fingerprint(order.plan.network)).second) continue;
      order.plan.folder = usual_folder(order);
      one.orders.push_back(std::move(order));
    }
    for (const FinalOrder& order : one.orders) {
      if (one.orders.size() > 1) one.heats.push_back(heat_of(order, final.candidate_epochs));
    }
  }
  return all;
}

namespace {

// Of one folder there is one training at a time: two bounds may choose one trial.
class Folders {
 public:
  std::mutex& operator[](const fs::path& folder) {
    const std::lock_guard lock(looking_);
    return one_[folder];
  }

 private:
  std::mutex looking_;
  std::map<fs::path, std::mutex> one_;
};

struct Ending {
  FinalOrder order;  // the one carried out
  FinalTraining result;
  std::string heats;  // told of them
};

class FinalRun {
 public:
  FinalRun(const std::vector<Finalists>& all, std::stop_token stop, bool text)
      : all_(all), stop_(std::move(stop)), text_(text), endings_(all.size()) {
    for (auto& ending : endings_) known_.push_back(ending.get_future().share());
  }

  // Calls for different ones may run at the same time; that of its teacher has begun before.
  void go(std::size_t i) {
    try {
      endings_[i].set_value(train(all_[i]));
    } catch (...) {
      endings_[i].set_exception(std::current_exception());
    }
  }

  // Waits for it. Nothing where it was stopped; throws what went wrong.
  const std::optional<Ending>& ending(std::size_t i) const { return known_[i].get(); }

 private:
  std::optional<Ending> train(const Finalists& one) {
    Ending ending;
    const auto chosen = choose(one, ending.heats);
    if (!chosen) return std::nullopt;
    ending.order = one.orders[*chosen];
    if (one.teacher) {
      const std::optional<Ending>& teacher = this->ending(*one.teacher);
      if (!teacher) return std::nullopt;
      teach(ending.order, one.distillation, *teacher);
    }
    const std::lock_guard lock(folders_[ending.order.plan.folder]);
    auto result = carry_out(ending.order, listener(ending.order, writing_), stop_);
    if (!result) return std::nullopt;
    ending.result = std::move(*result);
    return ending;
  }

  static void teach(FinalOrder& order, DistillationConfig distillation, const Ending& teacher) {
    distillation.name = fs::absolute(teacher.order.plan.folder).string();
    order.plan.config.training->distillation = std::move(distillation);
    resolve_trained(order.plan.config);
    order.plan.folder = usual_folder(order);
    order.subject += ", taught by " + teacher.order.subject;
  }

  // Index of the best; nothing where it was stopped. One that cannot be trained has lost.
  std::optional<std::size_t> choose(const Finalists& all, std::string& told) {
    std::size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < all.heats.size(); ++i) {
      double error = std::numeric_limits<double>::infinity();
      std::string text = ": failed";
      try {
        const auto result = run_heat(all.heats[i]);
        if (!result) return std::nullopt;
        error = text_ ? result->validation_perplexity.value() : -result->validation.value();
        text = text_ ? ": perplexity " + format_quantity(error, Unit::none)
                     : ": " + format_quantity(-error, Unit::fraction);
      } catch (const InputError& problem) {
        const std::lock_guard lock(writing_);
        std::fprintf(stderr, "%s: %s\n", all.heats[i].subject.c_str(), problem.what());
      }
      told += (i == 0 ? "chosen on validation among " : ", ") + all.orders[i].subject + text;
      if (error >= least) continue;
      best = i;
      least = error;
    }
    return best;
  }

  std::optional<FinalTraining> run_heat(const FinalOrder& heat) {
    const std::lock_guard lock(folders_[heat.plan.folder]);
    return train_finally(heat.plan, listener(heat, writing_), stop_);
  }

  const std::vector<Finalists>& all_;
  const std::stop_token stop_;
  const bool text_;
  std::vector<std::promise<std::optional<Ending>>> endings_;
  std::vector<std::shared_future<std::optional<Ending>>> known_;
  std::mutex writing_;
  Folders folders_;
};

// Teachers before who learns from them, then the dearest first.
std::vector<std::size_t> queue_of(const std::vector<Finalists>& all) {
  const auto teachers = [&all](std::size_t i) {
    int count = 0;
    for (auto at = all[i].teacher; at; at = all[*at].teacher) ++count;
    return count;
  };
  std::vector<std::size_t> queue(all.size());
  std::iota(queue.begin(), queue.end(), 0);
  std::stable_sort(queue.begin(), queue.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(teachers(a), -work(all[a])) < std::pair(teachers(b), -work(all[b]));
  });
  return queue;
}

}  // namespace

std::optional<std::string> train_finalists(const std::vector<Finalists>& all,
                                           const RunConfig& config, std::stop_token stop) {
  const std::vector<std::size_t> queue = queue_of(all);
  std::atomic<std::size_t> next = 0;
  FinalRun run(all, std::move(stop), config.data->is_text());
  {
    const auto workers = static_cast<std::size_t>(
        config.workers.count > 0 ? config.workers.count
                                 : static_cast<int>(std::thread::hardware_concurrency()));
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < std::min(std::max<std::size_t>(1, workers), all.size()); ++i) {
      threads.emplace_back([&] {
        for (std::size_t at = next++; at < queue.size(); at = next++) run.go(queue[at]);
      });
    }
  }
  std::string text;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::optional<Ending>& ending = run.ending(i);
    if (!ending) return std::nullopt;
    text += "\nbest within " + to_text(all[i].bound.key) + " " + all[i].bound.bound_text() + ": " +
            to_text(ending->order, ending->result);
    if (!ending->heats.empty()) text += ending->heats + '\n';
  }
  return text;
}

}  // namespace hwnas
