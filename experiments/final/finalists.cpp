#include "experiments/final/finalists.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>

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

TrialId best_within(const std::vector<Trial>& trials, const Objective& bound, bool text,
                    const fs::path& path) {
  const Trial* best = nullptr;
  for (const Trial& trial : trials) {
    const auto error = error_of(trial, text);
    if (!error || !within(trial, bound)) continue;
    if (best == nullptr || *error < *error_of(*best, text)) best = &trial;
  }
  if (best == nullptr)
    throw InputError(path.string(), 0, "final", to_text(bound.key) + " " + bound.bound_text(),
                     "no trained trial is within this bound; search on, or loosen it");
  return best->id;
}

double work(const FinalOrder& order) {
  return static_cast<double>(macs(order.plan.network)) * order.plan.config.training->epochs;
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

std::vector<FinalOrder> finalists(const Study& study, const fs::path& path,
                                  const RunConfig& config) {
  std::vector<FinalOrder> orders;
  const std::vector<Trial> trials = study.trials();
  for (const FinalConfig& final : config.finals) {
    RunConfig changed = config;
    changed.training = final.training;
    resolve_trained(changed);
    const TrialId best = best_within(trials, final.bound, config.data->is_text(), path);
    FinalOrder& order = orders.emplace_back(order_of_trial(study, path, std::move(changed), best));
    order.plan.folder = usual_folder(order);
  }
  return orders;
}

std::optional<std::string> train_finalists(const std::vector<FinalOrder>& orders,
                                           const RunConfig& config, std::stop_token stop) {
  std::vector<std::size_t> queue(orders.size());
  std::iota(queue.begin(), queue.end(), 0);
  std::stable_sort(queue.begin(), queue.end(),
                   [&](std::size_t a, std::size_t b) { return work(orders[a]) > work(orders[b]); });
  // Two bounds may choose one trial to be trained alike.
  const auto twin = [&](std::size_t i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (orders[j].plan.folder == orders[i].plan.folder) return j;
    }
    return i;
  };
  std::vector<std::optional<FinalTraining>> results(orders.size());
  std::vector<std::exception_ptr> errors(orders.size());
  std::atomic<std::size_t> next = 0;
  std::mutex writing;
  const auto work_off = [&] {
    for (std::size_t at = next++; at < queue.size(); at = next++) {
      const std::size_t i = queue[at];
      if (twin(i) != i) continue;
      try {
        results[i] = carry_out(orders[i], listener(orders[i], writing), stop);
      } catch (...) {
        errors[i] = std::current_exception();
      }
    }
  };
  {
    const auto workers = static_cast<std::size_t>(
        config.workers.count > 0 ? config.workers.count
                                 : static_cast<int>(std::thread::hardware_concurrency()));
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < std::min(std::max<std::size_t>(1, workers), orders.size()); ++i)
      threads.emplace_back(work_off);
  }
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
  std::string text;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const auto& result = results[twin(i)];
    if (!result) return std::nullopt;
    const Objective& bound = config.finals[i].bound;
    text += "\nbest within " + to_text(bound.key) + " " + bound.bound_text() + ": " +
            to_text(orders[i], *result);
  }
  return text;
}

}  // namespace hwnas
