#include "scenarios/sweep/sweep.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace pinhole::scenarios {
namespace {

// The number of repetitions of one cell that a thread runs as one unit. It is large enough that preparing the cell
// costs little, and small enough that all threads finish at about the same time.
constexpr std::uint32_t kUnitRuns = 64;

struct Unit {
  const Cell* cell = nullptr;
  std::uint32_t begin = 0;  // first repetition
  std::uint32_t end = 0;    // the repetition after the last one
  bool done = false;
  std::vector<JudgedRun> runs;
};

absl::Status RunUnit(const SweepPlan& plan, Unit& unit, std::atomic<std::uint64_t>& finished) {
  absl::StatusOr<PreparedCell> prepared = PrepareCell(*plan.scenario, *unit.cell);
  if (!prepared.ok()) return prepared.status();
  unit.runs.reserve(unit.end - unit.begin);
  for (std::uint32_t repetition = unit.begin; repetition < unit.end; ++repetition) {
    const std::uint64_t seed = SeedOf(*unit.cell, plan.scenario->file().seed().by(), plan.base_seed, repetition);
    absl::StatusOr<JudgedRun> run =
        RunAndJudge(*prepared, repetition, seed, {.json = plan.json, .killer = plan.killers && repetition == 0});
    if (!run.ok()) return run.status();
    unit.runs.push_back(*std::move(run));
    finished.fetch_add(1, std::memory_order_relaxed);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunSweep(const SweepPlan& plan, const std::function<void(JudgedRun)>& on_run,
                      const std::function<void(std::uint64_t finished)>& on_idle) {
  std::vector<Unit> units;
  for (const Cell* cell : plan.cells) {
    for (std::uint32_t begin = 0; begin < plan.repetitions; begin += kUnitRuns) {
      units.push_back({.cell = cell, .begin = begin, .end = std::min(plan.repetitions, begin + kUnitRuns), .runs = {}});
    }
  }
  std::atomic<std::size_t> next = 0;
  std::atomic<std::uint64_t> finished = 0;
  std::atomic<bool> stop = false;
  std::mutex mutex;
  std::condition_variable unit_done;
  absl::Status status;  // the first error in time; the first one in the plan's order would need all runs to finish

  const auto work = [&] {
    while (!stop) {
      const std::size_t index = next.fetch_add(1);
      if (index >= units.size()) return;
      const absl::Status result = RunUnit(plan, units[index], finished);
      {
        const std::lock_guard<std::mutex> lock(mutex);
        units[index].done = true;
        if (!result.ok()) {
          status.Update(result);
          stop = true;
        }
      }
      unit_done.notify_one();
    }
  };
  std::vector<std::thread> threads;
  const std::size_t jobs = std::min(static_cast<std::size_t>(std::max(plan.jobs, 1)), units.size());
  threads.reserve(jobs);
  try {
    while (threads.size() < jobs) threads.emplace_back(work);
  } catch (const std::system_error&) {
    // The system refused another thread. The threads that exist do all units; if there are none, this thread does.
    if (threads.empty()) work();
  }

  std::size_t taken = 0;
  std::unique_lock<std::mutex> lock(mutex);
  while (taken < units.size() && !stop) {
    if (!units[taken].done) {
      unit_done.wait_for(lock, std::chrono::milliseconds(100));
      lock.unlock();
      on_idle(finished.load(std::memory_order_relaxed));
      lock.lock();
      continue;
    }
    lock.unlock();
    for (JudgedRun& run : units[taken].runs) on_run(std::move(run));
    units[taken].runs = {};
    ++taken;
    lock.lock();
  }
  lock.unlock();
  for (std::thread& thread : threads) thread.join();
  // After an error, the units that other threads had finished are given out too.
  for (; taken < units.size(); ++taken) {
    for (JudgedRun& run : units[taken].runs) on_run(std::move(run));
  }
  return status;
}

void JudgeShares(const Scenario& scenario, std::vector<JudgedRun>& runs) {
  for (std::size_t begin = 0; begin < runs.size();) {
    std::size_t end = begin;
    std::int64_t missed = 0;
    while (end < runs.size() && runs[end].cell == runs[begin].cell) missed += runs[end++].verdict.missed_share ? 1 : 0;
    if (missed > 0) {
      const std::int64_t all = static_cast<std::int64_t>(end - begin);
      for (const int index : scenario.cells()[runs[begin].cell].expectations) {
        const proto::Expect& expectation = scenario.file().expect(index);
        if (!expectation.has_share_min_ppm()) continue;
        const Verdict verdict = JudgeShare(expectation, all - missed, all);
        for (std::size_t i = begin; i < end; ++i) {
          if (!runs[i].verdict.missed_share || verdict.kind == VerdictKind::kPass) continue;
          runs[i].verdict.kind = verdict.kind;
          runs[i].verdict.reason = verdict.reason;
        }
      }
    }
    begin = end;
  }
}

}  // namespace pinhole::scenarios
