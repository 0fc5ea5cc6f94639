// Whole transfers over networks that lose, reorder and duplicate segments.
#include "tests/sim/tcp_transfer.h"

namespace pinhole::sim {
namespace {

TEST(TcpTransfer, AMegabyteSurvivesLossDisorderAndDuplication) {
  for (std::uint64_t seed = 0; seed < 100 && !testing::Test::HasFailure(); ++seed) {
    Transfer(seed, 1 << 20, DrawBadNetwork);
  }
}

TEST(TcpTransfer, TinyBuffersAndAHostileNetworkOnlyTakeTime) {
  for (std::uint64_t seed = 0; seed < 100 && !testing::Test::HasFailure(); ++seed) {
    Transfer(seed, 3000, DrawHostileNetwork);
  }
}

}  // namespace
}  // namespace pinhole::sim
