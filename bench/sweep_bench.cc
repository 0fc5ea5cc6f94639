// Sweeps as users run them: 20,412 sessions by the program `pinhole sweep`, from start to exit, and the gain by a
// second core.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "bench/stopwatch.h"
#include "scenarios/language/load.h"
#include "scenarios/sweep/sweep.h"

extern char** environ;

namespace pinhole::scenarios {
namespace {

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "sweep_bench: %s\n", what.c_str());
  std::abort();
}

template <typename Work>
double Seconds(Work&& work) {
  const std::int64_t start = bench::ReadClock(CLOCK_MONOTONIC);
  work();
  return static_cast<double>(bench::ReadClock(CLOCK_MONOTONIC) - start) * 1e-9;
}

int RunProgram(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  if (posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ) != 0) Die("cannot start " + arguments[0]);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Wall time of the whole program on all cores: loading, expanding, predicting, running, judging, the matrix.
void BM_Sweep20000(benchmark::State& state) {
  double best = 1e18;
  for (auto _ : state) {
    best = std::min(best, Seconds([] {
                      const int exit_code = RunProgram({PINHOLE_PROGRAM, "sweep", SWEEP_FILE});
                      if (exit_code != 0 && exit_code != 1)
                        Die("the sweep did not run, exit code " + std::to_string(exit_code));
                      if (exit_code == 1) std::fprintf(stderr, "sweep_bench: some runs were not as the oracle says\n");
                    }));
  }
  state.counters["seconds"] = best;
}
BENCHMARK(BM_Sweep20000)->Unit(benchmark::kSecond)->Iterations(3);

// Arithmetic that uses no memory. Run on one and on two cores, it gives the best possible gain by the second core.
void Spin(std::uint64_t steps) {
  std::uint64_t x = 88172645463325252u;
  for (std::uint64_t i = 0; i < steps; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    benchmark::DoNotOptimize(x);
  }
}

void SpinOnCores(int cores, std::uint64_t steps_in_all) {
  std::vector<std::thread> threads;
  for (int i = 1; i < cores; ++i) {
    threads.emplace_back([=] { Spin(steps_in_all / static_cast<std::uint64_t>(cores)); });
  }
  Spin(steps_in_all / static_cast<std::uint64_t>(cores));
  for (std::thread& thread : threads) thread.join();
}

// The speedup of a sweep by a second thread, divided by the speedup of a spin loop by a second thread. The four
// measurements run in turn, and the shortest of each counts.
void BM_BothCoresOverOne(benchmark::State& state) {
  SystemFiles files;
  const absl::StatusOr<Scenario> scenario = LoadScenario("library/nat_matrix.textproto", files);
  if (!scenario.ok()) Die(std::string(scenario.status().message()));
  SweepPlan plan;
  plan.scenario = &*scenario;
  const absl::StatusOr<std::vector<const Cell*>> cells = scenario->Filter("transport=UDP");
  if (!cells.ok()) Die(std::string(cells.status().message()));
  plan.cells = *cells;
  plan.repetitions = 4;
  const auto sweep = [&](int jobs) {
    plan.jobs = jobs;
    return Seconds([&] {
      const absl::Status status = RunSweep(
          plan, [](JudgedRun run) { benchmark::DoNotOptimize(run.wire_digest); }, [](std::uint64_t) {});
      if (!status.ok()) Die(std::string(status.message()));
    });
  };
  // So many steps take about as long as a sweep.
  constexpr std::uint64_t kSteps = 300'000'000;
  double sweep_one = 1e18, sweep_two = 1e18, spin_one = 1e18, spin_two = 1e18;
  for (auto _ : state) {
    spin_one = std::min(spin_one, Seconds([] { SpinOnCores(1, kSteps); }));
    sweep_one = std::min(sweep_one, sweep(1));
    spin_two = std::min(spin_two, Seconds([] { SpinOnCores(2, kSteps); }));
    sweep_two = std::min(sweep_two, sweep(2));
  }
  state.counters["sweep"] = sweep_one / sweep_two;
  state.counters["spin"] = spin_one / spin_two;
  state.counters["over_spin"] = (sweep_one / sweep_two) / (spin_one / spin_two);
}
BENCHMARK(BM_BothCoresOverOne)->Unit(benchmark::kSecond)->Iterations(5);

}  // namespace
}  // namespace pinhole::scenarios
