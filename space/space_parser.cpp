// Reads a space file into its plan: SearchSpace::load and parse.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <sstream>

#include "space/operators.h"
#include "space/space_plan.h"
#include "space/stage_keys.h"
#include "space/toml_table.h"

namespace hwnas {
namespace {

constexpr std::array kOfEveryBlock{StageKey::weight_bits, StageKey::activation_bits,
                                   StageKey::density, StageKey::density_block};

class SpaceParser {
 public:
  SpaceParser(TomlTable file, SearchSpace::Plan& plan) : file_(std::move(file)), plan_(plan) {}

  void parse(const std::optional<Task>& task);

 private:
  using K = StageKey;

  double value(const TomlTable& table, std::string_view key, const KeyRule& rule,
               const std::string& text);
  std::vector<double> values(const TomlTable& table, std::string_view key, const KeyRule& rule,
                             const std::vector<std::string>& texts);
  int add_gene(std::string name, const std::vector<std::string>& options, const TomlTable& table,
               std::string_view key);
  Setting options_setting(const TomlTable& table, std::string_view key, const KeyRule& rule,
                          const std::string& gene_name, const std::vector<std::string>& texts,
                          int blocks);
  Setting setting(const TomlTable& table, std::string_view key, const KeyRule& rule,
                  const std::string& gene_name, int blocks);

  void parse_choices();
  void parse_input(const std::optional<Task>& task);
  void parse_cell();
  void parse_precision();
  static void check_density(const TomlTable& table, const Setting& densities,
                            const Setting& blocks);
  void parse_sparsity();
  void parse_presets();
  void parse_stage(const TomlTable& table, std::size_t index);
  BlockOption block_option(const TomlTable& stage, const std::string& name,
                           const StageSettings& own, const std::array<bool, kStageKeys>& given);
  void parse_deployment();

  TomlTable file_;
  SearchSpace::Plan& plan_;
  std::map<std::string, std::pair<int, std::vector<std::string>>>
      shared_;  // [choices]: gene, options
  std::map<std::string, bool> shared_used_;
  std::map<std::string, TomlTable> presets_;
  std::optional<TomlTable> defaults_;
};

double SpaceParser::value(const TomlTable& table, std::string_view key, const KeyRule& rule,
                          const std::string& text) {
  if (!rule.names.empty()) {
    for (std::size_t i = 0; i < rule.names.size(); ++i) {
      if (rule.names[i] == text) return static_cast<double>(i);
    }
    throw table.error(key, "'" + text + "' is not known here" + suggestion(text, rule.names));
  }
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const bool fits = !text.empty() && *end == '\0' && number >= rule.low && number <= rule.high &&
                    (!rule.whole || number == std::floor(number));
  if (fits) return number;
  const auto plain = [](double v) {
    std::ostringstream out;
    out << v;
    return out.str();
  };
  throw table.error(key, "'" + text + "' is not a " + (rule.whole ? "whole " : "") +
                             "number from " + plain(rule.low) + " to " + plain(rule.high));
}

std::vector<double> SpaceParser::values(const TomlTable& table, std::string_view key,
                                        const KeyRule& rule,
                                        const std::vector<std::string>& texts) {
  std::vector<double> parsed;
  for (const std::string& text : texts) parsed.push_back(value(table, key, rule, text));
  return parsed;
}

int SpaceParser::add_gene(std::string name, const std::vector<std::string>& options,
                          const TomlTable& table, std::string_view key) {
  if (options.size() > 256) throw table.error(key, "has more than 256 options");
  for (std::size_t i = 0; i < options.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (options[i] == options[j]) throw table.error(key, "offers '" + options[i] + "' twice");
    }
  }
  plan_.cardinalities.push_back(static_cast<int>(options.size()));
  plan_.choices.push_back({std::move(name), options});
  return static_cast<int>(plan_.choices.size()) - 1;
}

Setting SpaceParser::options_setting(const TomlTable& table, std::string_view key,
                                     const KeyRule& rule, const std::string& gene_name,
                                     const std::vector<std::string>& texts, int blocks) {
  if (texts.empty())
    throw table.error(key, "an empty list leaves nothing to choose; give at least one option");
  Setting made{values(table, key, rule, texts), -1, blocks > 0};
  if (texts.size() == 1) return made;
  if (blocks == 0) {
    made.gene = add_gene(gene_name + "." + std::string(key), texts, table, key);
    return made;
  }
  for (int i = 0; i < blocks; ++i) {
    const int gene = add_gene(gene_name + ".block" + std::to_string(i + 1) + "." + std::string(key),
                              texts, table, key);
    if (i == 0) made.gene = gene;
  }
  return made;
}

// A value, "$choice", [options] or {each = [options]}. `blocks`: the most blocks the stage may
// have.
Setting SpaceParser::setting(const TomlTable& table, std::string_view key, const KeyRule& rule,
                             const std::string& gene_name, int blocks) {
  if (table.kind(key) == TomlTable::Kind::table) {
    const TomlTable inner = table.table(key);
    const std::vector<std::string> texts = inner.texts("each");
    if (!inner.has("each") || blocks == 0) {
      throw table.error(key, blocks == 0 ? "'each' works only for the blocks of a stage"
                                         : "expected {each = [...]}");
    }
    inner.done();
    return options_setting(table, key, rule, gene_name, texts, blocks);
  }
  const std::vector<std::string> texts = table.texts(key);
  if (table.kind(key) == TomlTable::Kind::string && texts[0].starts_with("$")) {
    const auto found = shared_.find(texts[0].substr(1));
    if (found == shared_.end()) {
      std::vector<std::string> known;
      for (const auto& [name, unused] : shared_) known.push_back(name);
      throw table.error(key, "no such entry in [choices]" + suggestion(texts[0].substr(1), known));
    }
    shared_used_[found->first] = true;
    const auto& [gene, options] = found->second;
    return {values(table, key, rule, options), gene, false};
  }
  return options_setting(table, key, rule, gene_name, texts, 0);
}

void SpaceParser::parse_choices() {
  const auto table = file_.maybe_table("choices");
  if (!table) return;
  for (const std::string& key : table->keys()) {
    const std::vector<std::string> texts = table->texts(key);
    if (texts.empty())
      throw table->error(key, "an empty list leaves nothing to choose; give at least one option");
    const int gene = texts.size() > 1 ? add_gene(key, texts, *table, key) : -1;
    shared_[key] = {gene, texts};
  }
}

void SpaceParser::parse_input(const std::optional<Task>& task) {
  const KeyRule side{"resolution", 1, 8192, 0, true, {}};
  plan_.resolution = {{0}, -1, false};
  const TomlTable input = file_.table("input");
  plan_.task.input.channels = static_cast<int>(input.integer("channels", 1, 65536));
  if (input.has("resolution")) {
    plan_.resolution = setting(input, "resolution", side, "input", 0);
    const int any = static_cast<int>(plan_.resolution.options[0]);
    plan_.task.input.height = plan_.task.input.width = any;
  } else {
    plan_.task.input.height = static_cast<int>(input.integer("height", 1, 65536));
    plan_.task.input.width = static_cast<int>(input.integer("width", 1, 65536));
  }
  plan_.task.classes = static_cast<int>(input.integer("classes", 1, 1'000'000));
  input.done();
  if (!task) return;
  plan_.task.input = task->input;
  if (task->classes > 0) plan_.task.classes = task->classes;
}

void SpaceParser::parse_cell() {
  const auto table = file_.maybe_table("cell");
  if (!table) return;
  const auto nodes = table->integer("nodes", 2, 8);
  const KeyRule ops{"ops", 0, 0, 0, true, cell_op_names()};
  const std::vector<std::string> texts = table->texts("ops");
  if (texts.empty())
    throw table->error("ops", "an empty list leaves nothing to choose; give at least one option");
  for (int node = 1; node < nodes; ++node) {
    for (int source = 0; source < node; ++source) {
      Setting edge{values(*table, "ops", ops, texts), -1, false};
      if (texts.size() > 1) {
        edge.gene = add_gene("cell.edge_" + std::to_string(node) + "_" + std::to_string(source),
                             texts, *table, "ops");
      }
      plan_.cell_edges.push_back(std::move(edge));
    }
  }
  table->done();
}

void SpaceParser::parse_precision() {
  plan_.weight_bits = plan_.activation_bits = {{32}, -1, false};
  if (const auto table = file_.maybe_table("precision")) {
    if (table->has("weight_bits"))
      plan_.weight_bits = setting(*table, "weight_bits", rule(K::weight_bits), "precision", 0);
    if (table->has("activation_bits")) {
      plan_.activation_bits =
          setting(*table, "activation_bits", rule(K::activation_bits), "precision", 0);
    }
    table->done();
  }
}

void SpaceParser::check_density(const TomlTable& table, const Setting& densities,
                                const Setting& blocks) {
  const bool said = densities.options[0] > 0;
  if (!said && blocks.options[0] > 0)
    throw table.error("density_block", "goes with 'density', the share of each block that is kept");
  if (!said) return;
  for (const double block : blocks.options) {
    for (const double density : densities.options) {
      if (block > 0 && kept_of_block(density, static_cast<int>(block)) == 0)
        throw table.error("density", block_error(density, static_cast<int>(block)));
    }
  }
}

void SpaceParser::parse_sparsity() {
  plan_.density = {{0}, -1, false};
  plan_.density_block = {{0}, -1, false};
  const auto table = file_.maybe_table("sparsity");
  if (!table) return;
  if (table->has("density"))
    plan_.density = setting(*table, "density", rule(K::density), "sparsity", 0);
  if (table->has("density_block")) {
    plan_.density_block = setting(*table, "density_block", rule(K::density_block), "sparsity", 0);
  }
  table->done();
  check_density(*table, plan_.density, plan_.density_block);
}

void SpaceParser::parse_presets() {
  defaults_ = file_.maybe_table("defaults");
  const auto table = file_.maybe_table("presets");
  if (!table) return;
  for (const std::string& key : table->keys()) presets_.emplace(key, table->table(key));
}

// One option of a stage's block: a preset or a block of the vocabulary, its settings taken from the
// preset, else the stage, else [defaults], else what is customary.
BlockOption SpaceParser::block_option(const TomlTable& stage, const std::string& name,
                                      const StageSettings& own,
                                      const std::array<bool, kStageKeys>& given) {
  const auto preset = presets_.find(name);
  const TomlTable* table = preset == presets_.end() ? nullptr : &preset->second;
  const std::string block_name = table ? table->string("block") : name;
  BlockOption option;
  option.name = name;
  const auto blocks = block_names();
  const auto at = std::find(blocks.begin(), blocks.end(), block_name);
  if (at == blocks.end()) {
    std::vector<std::string> known(blocks.begin(), blocks.end());
    for (const auto& [key, unused] : presets_) known.push_back(key);
    if (table) throw table->error("block", "no such block" + suggestion(block_name, blocks));
    throw stage.error("block", "no such block or preset: '" + name + "'" + suggestion(name, known));
  }
  option.block = static_cast<Block>(at - blocks.begin());
  if (option.block == Block::cell && plan_.cell_edges.empty()) {
    throw stage.error("block", "a cell needs a table [cell] with 'nodes' and 'ops'");
  }
  for (std::size_t k = 0; k < kStageKeys; ++k) {
    const double usual = fallback_of(static_cast<K>(k), option.block);
    option.settings[k] = own[k];
    if (!given[k]) option.settings[k] = {{std::isnan(usual) ? 1 : usual}, -1, false};
  }
  std::vector<K> keys = keys_of(option.block);
  keys.insert(keys.end(), kOfEveryBlock.begin(), kOfEveryBlock.end());
  for (const K key : keys) {
    const auto k = static_cast<std::size_t>(key);
    const KeyRule& r = rule(key);
    if (table && table->has(r.key)) {
      if (table->kind(r.key) == TomlTable::Kind::array)
        throw table->error(r.key, "a preset holds fixed values or \"$choice\"");
      option.settings[k] = setting(*table, r.key, r, "preset", 0);
    } else if (!given[k] && std::isnan(fallback_of(key, option.block))) {
      const std::string owner = table ? "preset '" + name + "'" : "block '" + name + "'";
      throw stage.error(r.key, "is missing; " + owner + " needs it");
    }
  }
  check_density(stage, option.settings[static_cast<std::size_t>(K::density)],
                option.settings[static_cast<std::size_t>(K::density_block)]);
  if (table) table->done();
  return option;
}

void SpaceParser::parse_stage(const TomlTable& table, std::size_t index) {
  Stage stage;
  stage.name = table.string("name", "s" + std::to_string(index + 1));
  const bool has_depth = table.has("depth");
  stage.depth =
      has_depth ? setting(table, "depth", rule(K::depth), stage.name, 0) : Setting{{1}, -1, false};
  const int blocks =
      static_cast<int>(*std::max_element(stage.depth.options.begin(), stage.depth.options.end()));

  // The names of the block's options first: they decide which keys make sense.
  std::vector<std::string> names;
  bool each_block = false;
  if (table.kind("block") == TomlTable::Kind::table) {
    const TomlTable inner = table.table("block");
    names = inner.texts("each");
    each_block = true;
    inner.done();
  } else if (!table.has("block")) {
    throw table.error("block", "is missing; a stage names a block" + suggestion("", block_names()));
  } else {
    names = table.texts("block");
  }
  const KeyRule block_rule{"block", 0, 0, 0, true, names};
  stage.block =
      options_setting(table, "block", block_rule, stage.name, names, each_block ? blocks : 0);

  // Every key that some option of the block reads, from the stage or from [defaults].
  std::array<bool, kStageKeys> wanted{}, given{};
  for (const std::string& name : names) {
    const auto preset = presets_.find(name);
    const std::string block_name = preset == presets_.end() ? name : preset->second.string("block");
    const auto all = block_names();
    const auto at = std::find(all.begin(), all.end(), block_name);
    if (at == all.end()) continue;  // block_option complains
    for (const K key : keys_of(static_cast<Block>(at - all.begin())))
      wanted[static_cast<std::size_t>(key)] = true;
  }
  for (const K key : kOfEveryBlock) wanted[static_cast<std::size_t>(key)] = true;
  StageSettings own;
  for (std::size_t k = 0; k < kStageKeys; ++k) {
    if (!wanted[k]) continue;
    const KeyRule& r = rule(static_cast<K>(k));
    const bool here = table.has(r.key);
    if (!here && !(defaults_ && defaults_->has(r.key))) continue;
    given[k] = true;
    const TomlTable::Kind kind = here ? TomlTable::Kind::integer : defaults_->kind(r.key);
    if (kind == TomlTable::Kind::array || kind == TomlTable::Kind::table) {
      throw defaults_->error(r.key,
                             "[defaults] holds fixed values or \"$choice\"; give the options in "
                             "[choices] or in a stage");
    }
    own[k] = setting(here ? table : *defaults_, r.key, r, here ? stage.name : "defaults",
                     here ? blocks : 0);
  }
  for (const std::string& name : names)
    stage.options.push_back(block_option(table, name, own, given));
  table.done();
  plan_.stages.push_back(std::move(stage));
}

void SpaceParser::parse_deployment() {
  plan_.batch = plan_.clock_share = {{1}, -1, false};
  const auto table = file_.maybe_table("deployment");
  if (!table) return;
  const KeyRule batch{"batch", 1, 65536, 1, true, {}};
  const KeyRule clock{"clock_share", 0.01, 1, 1, false, {}};
  if (table->has("batch")) plan_.batch = setting(*table, "batch", batch, "deployment", 0);
  if (table->has("clock_share"))
    plan_.clock_share = setting(*table, "clock_share", clock, "deployment", 0);
  table->done();
}

void SpaceParser::parse(const std::optional<Task>& task) {
  plan_.text = file_.text();
  plan_.name = file_.string("name");
  plan_.description = file_.string("description", "");
  file_.string("source", "");
  parse_choices();
  parse_input(task);
  parse_cell();
  parse_precision();
  parse_sparsity();
  parse_presets();
  const std::vector<TomlTable> stages = file_.tables("stages");
  if (stages.empty())
    throw file_.error("stages", "is missing; a space has at least one [[stages]]");
  for (std::size_t i = 0; i < stages.size(); ++i) parse_stage(stages[i], i);
  parse_deployment();
  if (defaults_) defaults_->done();
  for (const auto& [name, unused] : shared_) {
    if (!shared_used_[name])
      throw file_.table("choices").error(name,
                                         "is never used; a stage uses it as \"$" + name + "\"");
  }
  file_.done();
}

// A file whose corners do not decode is at fault; better said when it is read than in the middle of
// a search.
void check_corners(const SearchSpace& space, const std::string& file) {
  Genotype low, high;
  for (const int options : space.cardinalities()) {
    low.genes.push_back(0);
    high.genes.push_back(static_cast<std::uint8_t>(options - 1));
  }
  Rng rng(0);
  for (int i = 0; i < 16; ++i) {
    const Genotype genotype = i == 0 ? low : i == 1 ? high : sample(space.cardinalities(), rng);
    try {
      (void)space.decode(genotype);
    } catch (const std::invalid_argument& error) {
      throw InputError(
          file, 0, "", "",
          "the choice " + to_text(genotype) + " decodes to no network: " + error.what());
    }
  }
}

}  // namespace

SearchSpace SearchSpace::load(const std::filesystem::path& path, std::optional<Task> task) {
  return SearchSpace(TomlTable::parse_file(path), task);
}

SearchSpace SearchSpace::parse(std::string_view text, std::string_view file_name,
                               std::optional<Task> task) {
  return SearchSpace(TomlTable::parse(text, file_name), task);
}

SearchSpace::SearchSpace(const TomlTable& file, const std::optional<Task>& task) {
  auto plan = std::make_shared<Plan>();
  SpaceParser(file, *plan).parse(task);
  plan_ = std::move(plan);
  check_corners(*this, file.file());
}

}  // namespace hwnas
