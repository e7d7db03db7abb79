#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/comparability.h"
#include "experiments/front_report.h"
#include "search/pareto.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

struct Side {
  std::string path;
  Study study;
  FrontReport report;
  std::vector<double> points;    // minimised, of the front, row-major
  double hypervolume = 0;        // share of the common box
  std::vector<std::size_t> own;  // of the front: what the other neither beats nor equals
};

std::vector<Objective> axes_of(const StudyInfo& info) {
  std::vector<Objective> axes;
  for (const Objective& o : info.objectives) {
    if (o.optimised) axes.push_back(o);
  }
  return axes;
}

Side load(const std::string& path) {
  Study study = Study::open_readonly(path);
  FrontReport report = report_front(study);
  std::vector<double> points;
  for (const Trial& trial : report.front) {
    for (const Objective& o : axes_of(study.info()))
      points.push_back(o.minimised(find(trial, o.key)->value));
  }
  return {path, std::move(study), std::move(report), std::move(points), 0, {}};
}

std::span<const double> row(const Side& side, std::size_t i, std::size_t m) {
  return {side.points.data() + i * m, m};
}

void find_own(Side& side, const Side& other, std::size_t m) {
  for (std::size_t i = 0; i < side.report.front.size(); ++i) {
    const auto mine = row(side, i, m);
    bool reached = false;
    for (std::size_t j = 0; j < other.report.front.size() && !reached; ++j) {
      const auto theirs = row(other, j, m);
      reached = dominates(theirs, mine) || std::equal(mine.begin(), mine.end(), theirs.begin());
    }
    if (!reached) side.own.push_back(i);
  }
}

// From the best of both to a reference that both configs name, else to the worst of both fronts.
struct Box {
  std::vector<double> ideal, reference;
};
Box common_box(const Side& a, const Side& b, const std::vector<Objective>& axes) {
  const std::vector<Objective> others = axes_of(b.study.info());
  Box box;
  for (std::size_t k = 0; k < axes.size(); ++k) {
    double low = INFINITY, high = -INFINITY;
    for (const Side* side : {&a, &b}) {
      for (std::size_t i = k; i < side->points.size(); i += axes.size()) {
        low = std::min(low, side->points[i]);
        high = std::max(high, side->points[i]);
      }
    }
    const auto& mine = axes[k].reference;
    if (mine && mine == others[k].reference) high = axes[k].minimised(*mine);
    box.ideal.push_back(low);
    box.reference.push_back(high);
  }
  return box;
}

FrontReport part(const Side& side) {
  FrontReport some = side.report;
  some.front.clear();
  some.sure.clear();
  some.knee = -1;
  for (const std::size_t i : side.own) some.front.push_back(side.report.front[i]);
  return some;
}

void print_own(const Side& side) {
  std::cout << "\nonly " << side.path << " reaches";
  if (side.own.empty()) {
    std::cout << ": nothing\n";
    return;
  }
  std::cout << " (" << side.own.size() << " of its " << side.report.front.size() << ")\n"
            << front_table(part(side));
}

nlohmann::json as_json(const Side& side) {
  nlohmann::json j{
      {"study", side.path}, {"front", side.report.front.size()}, {"hypervolume", side.hypervolume}};
  j["only_here"] = nlohmann::json::array();
  for (const std::size_t i : side.own) j["only_here"].push_back(side.report.front[i].id);
  return j;
}

}  // namespace

int diff_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas diff STUDY OTHER [--json]",
      "Compares the fronts of two studies of the same objectives: hypervolumes in one box, the "
      "points that only one\nof them reaches, and whether their numbers can be compared at all.\n"
      "Example: hwnas diff monday.db tuesday.db");
  line.positional("STUDY", "a study file")
      .positional("OTHER", "another")
      .flag("json", "print JSON");
  if (!line.parse(arguments)) return 0;
  Side a = load(line.get("STUDY")), b = load(line.get("OTHER"));
  const std::vector<Objective> axes = axes_of(a.study.info());
  if (axes_text(a.study) != axes_text(b.study))
    throw InputError(b.path, 0, "", "",
                     "optimises " + axes_text(b.study) + ", but " + a.path + " " +
                         axes_text(a.study) + "; only fronts of the same objectives compare");
  const Box box = common_box(a, b, axes);
  a.hypervolume = hypervolume_share(a.points, box.ideal, box.reference);
  b.hypervolume = hypervolume_share(b.points, box.ideal, box.reference);
  find_own(a, b, axes.size());
  find_own(b, a, axes.size());
  const std::vector<std::string> differ = incomparable(a.study, b.study);
  if (line.has("json")) {
    std::cout << nlohmann::json{{"studies", {as_json(a), as_json(b)}},
                                {"ideal", box.ideal},
                                {"reference", box.reference},
                                {"differences", differ}}
                     .dump(2)
              << '\n';
    return 0;
  }
  for (const Side* side : {&a, &b}) {
    std::cout << side->path << ": " << side->report.front.size() << " on the front of "
              << side->study.trial_count() << " trials, hypervolume "
              << format_quantity(side->hypervolume, Unit::none) << '\n';
  }
  std::cout << "of the box" << box_text(axes, box.ideal, box.reference) << '\n';
  std::cout << (differ.empty() ? "their numbers compare: space, devices, data and training are the "
                                 "same\n"
                               : "their numbers may not compare, these differ:\n");
  for (const std::string& one : differ) std::cout << "  " << one << '\n';
  print_own(a);
  print_own(b);
  return 0;
}

}  // namespace hwnas
