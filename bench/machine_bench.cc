// The speed of this machine, by which the absolute rows of the table are scaled.
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
