// The [rungs] of a run config: cheap looks at all candidates of a round, after each of which only
// the best go on. The format is in experiments/README.md.
#pragma once

#include <optional>
#include <vector>

#include "space/toml_table.h"

namespace hwnas {

struct RunConfig;

// One look: of a table at one of its fidelities, or a training for fewer epochs or on fewer images.
struct RungConfig {
  double fidelity = 0;    // of its measurements: the table's, or epochs times data_share
  double cost = 0;        // against that of the other rungs and of the full evaluation
  double keep = 0;        // share of a round's trials that go on
  int epochs = 0;         // of a training; 0: a look-up in tables
  double data_share = 1;  // of the training images
};

// In rising order; none where there is no [rungs]. `config` has its tables, training and objectives
// already.
// Where no `keep` is given as much is spent on a rung as on what follows it, as successive halving
// does; with the surrogate at least a third is kept, whose proposals need less sorting out. Throws
// InputError.
std::vector<RungConfig> read_rungs(const TomlTable& file, const RunConfig& config);

// Whether [rungs] asks that trainings go on from one rung to the next, which sets the training's
// cooldown where it has none. Throws InputError.
bool read_continue(const TomlTable& file, RunConfig& config);

// Proposals a round that let two of them through all rungs on average.
int usual_batch(const std::vector<RungConfig>& rungs);

std::string deciding_settings(const std::vector<RungConfig>& rungs);

}  // namespace hwnas
