// bench_table: runs every benchmark and prints the targets beside the measured values. Exit code 1 if a "must" is
// missed.
//
// Arguments are Google Benchmark's (--benchmark_filter=...). A row whose benchmark did not run is printed as NOT
// MEASURED and counts as missed, unless a filter was given.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "bench/crypto_floor.h"
#include "net/contract.h"

namespace pinhole::bench {
namespace {

// kNeither: the row is for information and has no aim and no must.
enum class Better { kLower, kHigher, kNeither };
// kScaledTime, kScaledRate: an absolute value of this machine, which is scaled by the time of its keyed HMAC
// (crypto_floor.h) before it is compared with the target.
enum class Kind { kRatio, kScaledTime, kScaledRate };

struct Row {
  const char* what;
  const char* benchmark;  // the name of the benchmark without iterations and other suffixes
  const char* counter;
  Better better;
  Kind kind;
  double aim;
  double must;
  const char* unit;
};

constexpr Row kRows[] = {
    {"session CPU over its crypto floor", "BM_SessionOverCrypto", "over_crypto", Better::kLower, Kind::kRatio, 5, 8,
     "x"},
    {"TCP session CPU over a UDP session's, same NATs", "BM_TcpSessionOverUdp", "over_udp", Better::kNeither,
     Kind::kRatio, 0, 0, "x"},
    {"packet-hops per second per core", "BM_PacketHops", "hops_per_second", Better::kHigher, Kind::kScaledRate, 8e6,
     4e6, "/s"},
    {"event queue over std::priority_queue, 10 pending", "BM_EventQueueHold/10", "over_priority_queue", Better::kLower,
     Kind::kRatio, 1, 1.3, "x"},
    {"event queue over std::priority_queue, 1 k pending", "BM_EventQueueHold/1000", "over_priority_queue",
     Better::kLower, Kind::kRatio, 1, 1.3, "x"},
    {"event queue over std::priority_queue, 1 M pending", "BM_EventQueueHold/1000000", "over_priority_queue",
     Better::kLower, Kind::kRatio, 0.4, 0.6, "x"},
    {"sweep of 20,000 sessions by `pinhole sweep`", "BM_Sweep20000", "seconds", Better::kLower, Kind::kScaledTime, 2, 5,
     "s"},
    {"both cores over one, against a spin loop's ratio", "BM_BothCoresOverOne", "over_spin", Better::kHigher,
     Kind::kRatio, 0.95, 0.9, "x"},
};

// Prints the lines of Google Benchmark, and keeps every counter by the name of its benchmark.
class CounterKeeper : public benchmark::ConsoleReporter {
 public:
  CounterKeeper() : ConsoleReporter(OO_Tabular) {}

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      // With repetitions there are also aggregates such as the mean. They are skipped; the last run counts.
      if (run.run_type == Run::RT_Aggregate) continue;
      const std::string name =
          run.run_name.args.empty() ? run.run_name.function_name : run.run_name.function_name + "/" + run.run_name.args;
      for (const auto& [counter, value] : run.counters) kept_[name + " " + counter] = value.value;
    }
    ConsoleReporter::ReportRuns(runs);
  }

  const double* Find(const char* benchmark, const char* counter) const {
    const auto found = kept_.find(std::string(benchmark) + " " + counter);
    return found == kept_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::string, double> kept_;
};

double Scaled(const Row& row, double raw, double machine) {
  switch (row.kind) {
    case Kind::kRatio:
      return raw;
    case Kind::kScaledTime:
      return raw / machine;
    case Kind::kScaledRate:
      return raw * machine;
  }
  net::CannotHappen();
}

bool Meets(Better better, double got, double bar) { return better == Better::kLower ? got <= bar : got >= bar; }

int PrintTable(const CounterKeeper& kept, bool filtered) {
  const double* measured = kept.Find("BM_KeyedHmacSha1Of100Bytes", "hmac_ns");
  const double hmac_ns = measured != nullptr ? *measured : HmacOf100BytesNs();
  const double machine = hmac_ns / kReferenceHmacNs;
  std::printf("\nKeyed HMAC-SHA1 of 100 bytes: %.0f ns here; absolute rows are scaled by %.0f ns, factor %.2f.\n\n",
              hmac_ns, kReferenceHmacNs, machine);
  std::printf("%-52s %10s %10s %10s %10s  %s\n", "what", "aim", "must", "raw", "got", "");
  int missed = 0;
  for (const Row& row : kRows) {
    const double* raw = kept.Find(row.benchmark, row.counter);
    if (raw == nullptr) {
      if (filtered) continue;
      std::printf("%-52s %10.3g %10.3g %10s %10s  NOT MEASURED\n", row.what, row.aim, row.must, "-", "-");
      ++missed;
      continue;
    }
    const double got = Scaled(row, *raw, machine);
    if (row.better == Better::kNeither) {
      std::printf("%-52s %10s %10s %10.3g %10.3g  %s\n", row.what, "-", "-", *raw, got, row.unit);
      continue;
    }
    const char* verdict = Meets(row.better, got, row.aim)    ? "aim met"
                          : Meets(row.better, got, row.must) ? "must met"
                                                             : "MISSED";
    if (!Meets(row.better, got, row.must)) ++missed;
    std::printf("%-52s %10.3g %10.3g %10.3g %10.3g  %s%s%s\n", row.what, row.aim, row.must, *raw, got, row.unit, "  ",
                verdict);
  }
  return missed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace pinhole::bench

int main(int argc, char** argv) {
  bool filtered = false;
  for (int i = 1; i < argc; ++i) filtered |= std::strncmp(argv[i], "--benchmark_filter", 18) == 0;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  pinhole::bench::CounterKeeper reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  return pinhole::bench::PrintTable(reporter, filtered);
}
