// The tests of tcp_transfer_test.cc with more seeds and bytes.
#include "tests/sim/tcp_transfer.h"

namespace pinhole::sim {
namespace {

TEST(TcpTransferSlow, AMegabyteAThousandTimes) {
  for (std::uint64_t seed = 1000; seed < 2000 && !testing::Test::HasFailure(); ++seed) {
    Transfer(seed, 1 << 20, DrawBadNetwork);
  }
}

TEST(TcpTransferSlow, AHostileNetworkTwoThousandTimes) {
  for (std::uint64_t seed = 1000; seed < 3000 && !testing::Test::HasFailure(); ++seed) {
    Transfer(seed, 3000, DrawHostileNetwork);
  }
}

}  // namespace
}  // namespace pinhole::sim
