#include "search/engine/run.h"

#include <algorithm>
#include <cassert>

#include "search/engine/admission.h"
#include "search/engine/asynchronous.h"
#include "search/engine/ledger.h"
#include "search/engine/stages.h"

namespace hwnas {
namespace {

constexpr int kBarrenRounds = 100;  // in a row without a new trial: nothing is left to find

}  // namespace

Stopped run(const SearchSpace& space, Searcher& searcher, const Plan& plan, Study& study,
            const RunSettings& settings, RunListener& listener, std::stop_token stop) {
  assert(!plan.empty() && settings.batch > 0);
  const bool shares = std::any_of(plan.begin(), plan.end(), [](const Stage& stage) {
    return stage.evaluator->shared_source().has_value();
  });
  Admission admission(space, plan, study, settings, shares);
  Stages stages(plan, study, settings);
  Ledger ledger(plan, settings, listener, stop);
  if (settings.asynchronous)
    return run_asynchronously(searcher, plan, study, admission, stages, ledger);
  const auto ended = [&](const Trial& trial) {
    admission.ended(trial);
    ledger.count(trial, false);
  };
  for (int barren = 0; barren < kBarrenRounds;) {
    std::vector<Proposal> proposals = searcher.ask(settings.batch);
    if (proposals.empty()) break;
    const std::int64_t before = admission.admitted();
    admission.open_round(std::move(proposals));
    while (!admission.round_is_over()) {
      ledger.look_at_the_clock();
      const std::int64_t room = ledger.room(admission.admitted(), admission.left());
      if (room <= 0 || ledger.halt().stop_requested()) return ledger.why(admission.admitted());
      std::vector<Entry> entries = admission.admit(room);
      for (const Entry& entry : entries) {
        if (shares) stages.replayed(entry);
        if (entry.trial.state == TrialState::running) continue;
        admission.ended(entry.trial);
        ledger.count(entry.trial, entry.replayed);
      }
      const bool all = stages.run(
          entries, ended, [&] { ledger.look_at_the_clock(); }, ledger.halt());
      if (!all) return ledger.why(admission.admitted());
    }
    const std::vector<Outcome> outcomes = admission.outcomes();
    searcher.tell(outcomes);
    if (ledger.fails(outcomes)) return Stopped::failing;
    barren = admission.admitted() > before ? 0 : barren + 1;
  }
  return ledger.why(admission.admitted());
}

}  // namespace hwnas
