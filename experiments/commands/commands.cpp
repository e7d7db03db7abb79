#include "experiments/commands.h"

#include <array>

namespace hwnas {
namespace {

constexpr std::array kCommands{
    Command{"search", search_command, "run a search, or continue one"},
    Command{"status", status_command, "how far a study is"},
    Command{"workers", workers_command, "which trainers a running search has; more, or fewer"},
    Command{"sbatch", sbatch_command, "a search as a job of Slurm that goes on when requeued"},
    Command{"pareto", pareto_command, "the Pareto front of a study"},
    Command{"report", report_command, "studies as one HTML page: plots, networks, costs"},
    Command{"serve", serve_command, "the same page, live over a running search"},
    Command{"pick", pick_command, "choose one: the best that keeps your conditions"},
    Command{"show", show_command, "one trial of a study: genes, numbers, layers"},
    Command{"lineage", lineage_command, "where a trial comes from, gene by gene"},
    Command{"diff", diff_command, "what one study found that another did not"},
    Command{"rescore", rescore_command, "the front of a study on other hardware"},
    Command{"train", train_command, "train a trial in full, test it once"},
    Command{"reproduce", reproduce_command, "train a trial again and compare"},
    Command{"export", export_command, "a trained trial as ONNX, TorchScript and a model card"},
    Command{"study", study_command, "list, check, rename, delete, merge, export studies"},
    Command{"estimate", estimate_command, "what a network costs on devices"},
    Command{"proxies", proxies_command, "zero-cost scores of an untrained network"},
    Command{"devices", devices_command, "list, show, check, fit hardware descriptions"},
    Command{"networks", networks_command, "list or show the networks that ship with hwnas"},
    Command{"space", space_command, "check: whether a run can meet its bounds"},
    Command{"spaces", spaces_command, "list or show search spaces"},
    Command{"bench", bench_command, "compare search algorithms where the truth is known"},
    Command{"help", help_command, "this, a command's page, or a topic"},
};

}  // namespace

std::span<const Command> all_commands() {
  return kCommands;
}

}  // namespace hwnas
