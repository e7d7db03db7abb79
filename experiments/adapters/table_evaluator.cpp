#include "experiments/adapters/table_evaluator.h"

#include <cstdio>
#include <string>
#include <utility>

namespace hwnas {
namespace {

std::string name_of(double fidelity) {
  if (fidelity == 0) return "table";
  char text[48];
  std::snprintf(text, sizeof text, "table@%.9g", fidelity);
  return text;
}

class TableEvaluator final : public Evaluator {
 public:
  TableEvaluator(const std::shared_ptr<const ArchitectureTables>& tables,
                 ArchitectureTables::Stage stage, int threads)
      : cost_(stage.cost),
        look_ups_(parallel_evaluator(name_of(stage.fidelity), threads,
                                     [tables, columns = std::move(stage.columns)](const Job& job) {
                                       Evaluation evaluation;
                                       tables->look_up(columns, job.candidate->genotype,
                                                       evaluation);
                                       return evaluation;
                                     })) {}

  std::string_view name() const override { return look_ups_->name(); }
  int concurrency() const override { return look_ups_->concurrency(); }
  double cost() const override { return cost_; }
  void evaluate(std::span<const Job> jobs, const Done& done, std::stop_token stop) override {
    look_ups_->evaluate(jobs, done, std::move(stop));
  }

 private:
  double cost_;
  std::unique_ptr<Evaluator> look_ups_;
};

}  // namespace

std::vector<TableStage> table_stages(const std::shared_ptr<const ArchitectureTables>& tables,
                                     std::span<const Objective> needed, int threads,
                                     std::span<const double> rungs) {
  std::vector<TableStage> stages;
  for (ArchitectureTables::Stage& stage : tables->stages(needed, rungs)) {
    const double fidelity = stage.fidelity;
    stages.push_back(
        {fidelity, std::make_unique<TableEvaluator>(tables, std::move(stage), threads)});
  }
  return stages;
}

}  // namespace hwnas
