// The time of one keyed HMAC-SHA1 on this machine. bench_table scales absolute values by it before it compares them
// with targets.
#include <benchmark/benchmark.h>

#include "bench/crypto_floor.h"

namespace pinhole::bench {
namespace {

void BM_KeyedHmacSha1Of100Bytes(benchmark::State& state) {
  double ns = 0;
  for (auto _ : state) ns = HmacOf100BytesNs();
  state.counters["hmac_ns"] = ns;
}
BENCHMARK(BM_KeyedHmacSha1Of100Bytes)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace pinhole::bench
