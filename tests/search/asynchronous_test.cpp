// The asynchronous search: nobody waits, and what was proposed can be proposed again.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "space/input_error.h"
#include "tests/search/study_support.h"

namespace hwnas {
namespace {

using testing::HasSubstr;
using toy::Flowing;

std::vector<Trial> trials_of(const std::filesystem::path& path) {
  return Study::open_readonly(path).trials();
}

std::vector<Study::Told> schedule_of(const std::filesystem::path& path) {
  return Study::open_readonly(path).schedule();
}

TEST(Asynchronous, EndsWithExactlyTheBudget) {
  toy::Folder folder;
  for (const int workers : {1, 4}) {
    const auto path = folder / (std::to_string(workers) + ".db");
    EXPECT_EQ((Flowing{.workers = workers}.run(path, 40)), Stopped::budget);
    std::int64_t complete = 0, trained = 0;
    for (const Trial& trial : trials_of(path)) {
      EXPECT_NE(trial.state, TrialState::running);
      complete += trial.state == TrialState::complete;
      trained += trial.stage == "training";
    }
    EXPECT_EQ(complete, 40);
    EXPECT_EQ(static_cast<std::int64_t>(schedule_of(path).size()), trained);
  }
}

TEST(Asynchronous, NoTrialIsProposedTwice) {
  toy::Folder folder;
  Flowing{.workers = 4}.run(folder / "s.db", 60);
  std::set<std::string> seen;
  for (const Trial& trial : trials_of(folder / "s.db"))
    EXPECT_TRUE(seen.insert(to_text(trial.genotype)).second);
}

TEST(Asynchronous, OneWorkerIsASearchOfItsOwnThatRepeatsItself) {
  toy::Folder folder;
  Flowing{.workers = 1}.run(folder / "a.db", 40);
  Flowing{.workers = 1}.run(folder / "b.db", 40);
  EXPECT_EQ(toy::dump(folder / "a.db"), toy::dump(folder / "b.db"));
}

TEST(Asynchronous, ASlowTrialHoldsUpNobody) {
  toy::Folder folder;
  Flowing flowing{.workers = 3};
  flowing.slow_ms = 400;  // trial 0; all others take none
  flowing.run(folder / "s.db", 30);
  const std::vector<Study::Told> schedule = schedule_of(folder / "s.db");
  const auto slow = std::find_if(schedule.begin(), schedule.end(),
                                 [](const Study::Told& told) { return told.trial == 0; });
  ASSERT_NE(slow, schedule.end());
  EXPECT_GT(slow - schedule.begin(), 20) << "others waited for it";
}

// The study says in which order trials ended, so the same outcomes are told between the same
// proposals: a searcher that is led through it asks for what it asked for then. Were it otherwise,
// the engine would say that the study diverges.
TEST(Asynchronous, RunAgainChangesNothing) {
  toy::Folder folder;
  Flowing{.workers = 4, .most_ms = 3}.run(folder / "s.db", 40);
  const std::string before = toy::dump(folder / "s.db");
  Flowing again{.workers = 2};
  EXPECT_EQ(again.run(folder / "s.db", 40), Stopped::budget);
  EXPECT_EQ(again.trained, 0);
  EXPECT_EQ(toy::dump(folder / "s.db"), before);
}

// With many workers several proposals are asked for at once; the replay asks for as many.
TEST(Asynchronous, ManyWorkersShareTheThinking) {
  toy::Folder folder;
  const auto path = folder / "s.db";
  std::stop_source stop;
  toy::StopAfter listener(stop, 40);
  Flowing first{.workers = 80, .most_ms = 5, .stop = stop.get_token(), .listener = &listener};
  EXPECT_EQ(first.run(path, 120), Stopped::request);
  EXPECT_EQ((Flowing{.workers = 60, .most_ms = 5}.run(path, 120)), Stopped::budget);
  const std::string before = toy::dump(path);
  Flowing{.workers = 1}.run(path, 120);
  EXPECT_EQ(toy::dump(path), before);
}

TEST(Asynchronous, StoppedAnywhereItGoesOn) {
  toy::Folder folder;
  const auto path = folder / "s.db";
  for (int stops = 0;; ++stops) {
    ASSERT_LT(stops, 100);
    std::stop_source stop;
    toy::StopAfter listener(stop, 7);
    Flowing flowing{.workers = 3, .most_ms = 2, .stop = stop.get_token(), .listener = &listener};
    if (flowing.run(path, 60) == Stopped::budget) break;
  }
  std::int64_t complete = 0;
  for (const Trial& trial : trials_of(path)) complete += trial.state == TrialState::complete;
  EXPECT_EQ(complete, 60);
  const std::string before = toy::dump(path);
  Flowing{.workers = 1}.run(path, 60);
  EXPECT_EQ(toy::dump(path), before);
}

TEST(Asynchronous, ALargerBudgetGoesOn) {
  toy::Folder folder;
  const auto path = folder / "s.db";
  Flowing{.workers = 2}.run(path, 20);
  const std::vector<Trial> first = trials_of(path);
  EXPECT_EQ((Flowing{.workers = 2}.run(path, 40)), Stopped::budget);
  const std::vector<Trial> all = trials_of(path);
  ASSERT_GT(all.size(), first.size());
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_EQ(all[i].genotype, first[i].genotype);
}

TEST(Asynchronous, ANetworkIsTrainedOnceHoweverItIsDeployed) {
  toy::Folder folder;
  Flowing flowing{.workers = 4, .most_ms = 3, .deployment = toy::kDeployment};
  flowing.run(folder / "s.db", 60);
  const SearchSpace space = toy::space(toy::kDeployment);
  std::set<std::uint64_t> networks;
  int trained = 0;
  for (const Trial& trial : trials_of(folder / "s.db")) {
    if (trial.stage != "training") continue;
    ++trained;
    networks.insert(fingerprint(space.decode(trial.genotype).network));
  }
  EXPECT_EQ(flowing.trained, static_cast<int>(networks.size()));
  EXPECT_GT(trained, flowing.trained) << "this space gives no network twice: the test is void";
  Flowing again{.workers = 1, .deployment = toy::kDeployment};
  again.run(folder / "s.db", 60);
  EXPECT_EQ(again.trained, 0);
}

TEST(Asynchronous, AnEditedScheduleIsReported) {
  toy::Folder folder;
  const auto path = folder / "s.db";
  Flowing{.workers = 2}.run(path, 20);
  toy::execute(path, "UPDATE schedule SET proposals = 0 WHERE position = 1");
  try {
    Flowing{.workers = 2}.run(path, 30);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("has this trial end before it began"));
  }
}

}  // namespace
}  // namespace hwnas
