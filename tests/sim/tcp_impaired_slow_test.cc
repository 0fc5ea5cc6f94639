#include <gtest/gtest.h>

#include "tests/sim/tcp_impaired.h"

namespace pinhole::sim {
namespace {

TEST(TcpImpairedSlow, AThousandMegabytesEachWayThroughNatsOfAllRungsArriveWhole) {
  for (std::uint64_t seed = 1001; seed <= 2000; ++seed) {
    EXPECT_EQ(
        TransferFault(DrawImpairments(seed, "there"), DrawImpairments(seed, "back"), 1 << 20, seed, DrawNats(seed)), "")
        << "seed " << seed;
  }
}

}  // namespace
}  // namespace pinhole::sim
