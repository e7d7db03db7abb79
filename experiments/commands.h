// The commands of hwnas, one file each in experiments/commands/. Each takes the arguments after its
// name, prints its result on standard output, and returns the exit code. Throws InputError.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace hwnas {

using Arguments = std::vector<std::string>;

struct Command {
  const char* name;
  int (*run)(const Arguments&);
  const char* help;
};
std::span<const Command> all_commands();  // in the order in which one needs them

int search_command(const Arguments& arguments);
int status_command(const Arguments& arguments);
int pareto_command(const Arguments& arguments);
int pick_command(const Arguments& arguments);
int lineage_command(const Arguments& arguments);
int diff_command(const Arguments& arguments);
int serve_command(const Arguments& arguments);
int show_command(const Arguments& arguments);
int rescore_command(const Arguments& arguments);
int export_command(const Arguments& arguments);
int study_command(const Arguments& arguments);
int train_command(const Arguments& arguments);
int report_command(const Arguments& arguments);
int reproduce_command(const Arguments& arguments);
int sbatch_command(const Arguments& arguments);
int space_command(const Arguments& arguments);
int spaces_command(const Arguments& arguments);
int devices_command(const Arguments& arguments);
int networks_command(const Arguments& arguments);
int proxies_command(const Arguments& arguments);
int estimate_command(const Arguments& arguments);
int bench_command(const Arguments& arguments);
int workers_command(const Arguments& arguments);
int help_command(const Arguments& arguments);

}  // namespace hwnas
