#include <sys/wait.h>

#include <cctype>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <sstream>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/library.h"
#include "experiments/run_config.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) c == '\'' ? result += "'\\''" : result += c;
  return result + "'";
}

std::string whole_path(const fs::path& path) {
  return fs::absolute(path).lexically_normal().string();
}

// What a stranger's file or name may put into a line of options.
void require_one_line(const std::string& option, const std::string& value) {
  if (value.empty() || value.find_first_of("\n\r") != std::string::npos)
    throw InputError("", 0, option, value, "expected one line");
}

// The batch script. hwnas runs beside the shell, so that the shell hears of the time limit.
std::string script_of(const std::string& name, const std::string& log, const std::string& command,
                      const std::vector<std::string>& options) {
  std::ostringstream script;
  script << "#!/bin/sh\n"
         << "#SBATCH --job-name=" << name << '\n'
         << "#SBATCH --output=" << log << '\n'
         << "#SBATCH --open-mode=append\n"
         << "#SBATCH --requeue              # after preemption and after a node that failed\n"
         << "#SBATCH --no-kill              # a lost node costs its trainers, not the job\n"
         << "#SBATCH --signal=B:USR1@120    # two minutes before the time limit\n";
  for (const std::string& option : options) script << "#SBATCH " << option << '\n';
  script << R"(
# The time limit is near: hwnas finishes what is running, after a minute it finishes nothing, and the
# job is queued again. Whatever happens, the same command goes on where the study ends.
again=
leave() {
  again=$1
  kill -TERM "$hwnas"
  (sleep 60; kill -TERM "$hwnas") 2>/dev/null &
}
trap 'leave yes' USR1
trap 'leave ""' TERM              # preempted (Slurm queues it again) or cancelled

)" << command
         << R"( &
hwnas=$!
wait "$hwnas"; code=$?
while kill -0 "$hwnas" 2>/dev/null; do wait "$hwnas"; code=$?; done

if [ -n "$again" ] && [ "$code" = 130 ]; then scontrol requeue "$SLURM_JOB_ID"; fi
exit "$code"
)";
  return script.str();
}

// sbatch with the script on its input. Its own messages go where ours go.
int submit(const std::string& script) {
  std::signal(SIGPIPE, SIG_IGN);  // it may end without having read
  FILE* const sbatch = popen("command -v sbatch >/dev/null 2>&1 || exit 127; exec sbatch", "w");
  if (!sbatch) throw InputError("sbatch cannot be started");
  std::fwrite(script.data(), 1, script.size(), sbatch);
  const int status = pclose(sbatch);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    throw InputError("there is no sbatch here; --print shows the script");
  if (status != 0) throw InputError("sbatch refused the job, see above; --print shows the script");
  return 0;
}

}  // namespace

int sbatch_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas sbatch CONFIG [--option=OPTION]... [--print]",
      "Submits a search to Slurm as a job that goes on: preempted, cut off by the time limit or "
      "by\n"
      "a node that failed it is queued again and continues the study. Where the trainers run is\n"
      "for [workers] launcher to say (hwnas help cluster).\n"
      "Example: hwnas sbatch fashion_mnist --option=--ntasks=16 --option=--time=4:00:00");
  line.positional("CONFIG", "a run config: a name that ships with hwnas or a .toml file")
      .values("option", "OPTION", "of sbatch, such as --option=--partition=long")
      .value("study", "FILE", "where to store the study (NAME.db here)")
      .value("trials", "N", "complete trials to stop at, instead of the config's")
      .value("workers", "N", "trainer processes, instead of the config's")
      .value("seed", "N", "seed of a new study, instead of the config's")
      .flag("print", "print the script instead of submitting it");
  if (!line.parse(arguments)) return 0;
  const fs::path path = find_file(LibraryShelf::configs, line.get("CONFIG"));
  const RunConfig config = RunConfig::load(path);  // before it waits in a queue to be found wrong
  const fs::path study = line.has("study") ? line.get("study") : config.name + ".db";
  std::string command = quoted(companion_program("hwnas")) + " search " + quoted(whole_path(path)) +
                        " --study " + quoted(whole_path(study));
  (void)line.integer("trials", 1, 1'000'000'000);
  (void)line.integer("workers", 1, 4096);
  (void)line.integer("seed", 0, std::int64_t{1} << 53);
  for (const char* option : {"trials", "workers", "seed"})
    if (line.has(option)) command += std::string(" --") + option + " " + line.get(option);
  const std::vector<std::string> options = line.list("option");
  for (const std::string& option : options) {
    require_one_line("--option", option);
    if (option.rfind('-', 0) != 0)
      throw InputError("", 0, "--option", option,
                       "expected an option of sbatch: --option=--ntasks=4");
  }
  std::string log = whole_path(study);
  require_one_line("--study", log);
  if (log.find_first_of("%\" ") != std::string::npos)
    throw InputError("", 0, "--study", log, "a path of a job has no blank, quote or '%'");
  log = fs::path(log).replace_extension(".log").string();
  std::string name = "hwnas-";
  for (const char c : config.name) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  const std::string script = script_of(name, log, command, options);
  if (line.has("print")) {
    std::cout << script;
    return 0;
  }
  return submit(script);
}

}  // namespace hwnas
