#include "ice/priority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "ice/foundation.h"
#include "ice/rto.h"
#include "tests/ice/test_network.h"

namespace pinhole::ice {
namespace {

using testing::ElementsAre;

// The values that every implementation has for a single address. RFC 8839 §5.1 and appendix A print the first three.
TEST(Priority, OfASingleAddressByRfc8445Section5_1_2_1) {
  EXPECT_EQ(CandidatePriority(CandidateType::kHost, 65535, 1), 2130706431u);
  EXPECT_EQ(CandidatePriority(CandidateType::kHost, 65535, 2), 2130706430u);
  EXPECT_EQ(CandidatePriority(CandidateType::kServerReflexive, 65535, 1), 1694498815u);
  EXPECT_EQ(CandidatePriority(CandidateType::kPeerReflexive, 65535, 1), 1862270975u);
  EXPECT_EQ(CandidatePriority(CandidateType::kRelayed, 65535, 1), 16777215u);
  EXPECT_EQ(CandidatePriority(CandidateType::kRelayed, 0, 256), 0u);
}

TEST(Priority, OfACheckIsThatOfAPeerReflexiveCandidate) {
  EXPECT_EQ(PeerReflexivePriority(CandidatePriority(CandidateType::kHost, 1234, 2)),
            CandidatePriority(CandidateType::kPeerReflexive, 1234, 2));
}

// RFC 8445 §6.1.2.3, by hand: 2^32 * 10 + 2 * 20, and one more if G is the larger.
TEST(Priority, OfAPairByRfc8445Section6_1_2_3) {
  EXPECT_EQ(PairPriority(20, 10), 42949672960u + 41);
  EXPECT_EQ(PairPriority(10, 20), 42949672960u + 40);
  EXPECT_EQ(PairPriority(10, 10), 42949672960u + 20);
}

std::string Ranked(std::vector<LocalAddress> addresses) {
  std::string text;
  for (const LocalAddress& local : RankAddresses(addresses, false)) text += local.address.ToString() + " ";
  return text;
}

// RFC 8421 §4's own example: of two IPv4 and six IPv6 addresses an IPv4 one follows four IPv6 ones.
TEST(Priority, Rfc8421InsertsAnIpv4AddressAfterFourOfSixIpv6Addresses) {
  EXPECT_EQ(Ranked({Local("192.0.2.1"), Local("192.0.2.2"), Local("2001:db8::1"), Local("2001:db8::2"),
                    Local("2001:db8::3"), Local("2001:db8::4"), Local("2001:db8::5"), Local("2001:db8::6")}),
            "2001:db8::1 2001:db8::2 2001:db8::3 2001:db8::4 192.0.2.1 2001:db8::5 2001:db8::6 192.0.2.2 ");
}

TEST(Priority, Ipv6GoesFirstOnADualStackHost) {
  EXPECT_EQ(Ranked({Local("192.0.2.1"), Local("2001:db8::1")}), "2001:db8::1 192.0.2.1 ");
}

TEST(Priority, UnreliableInterfacesComeLastAndNotIntermingled) {
  EXPECT_EQ(Ranked({Local("2001:db8:1::1", net::InterfaceKind::kVpn), Local("192.0.2.1"), Local("2001:db8::1"),
                    Local("10.0.0.1", net::InterfaceKind::kVpn)}),
            "2001:db8::1 192.0.2.1 2001:db8:1::1 10.0.0.1 ");
}

TEST(Priority, WiredComesBeforeWifiBeforeCellularAndTheCallersOrderStaysOtherwise) {
  EXPECT_EQ(Ranked({Local("192.0.2.3", net::InterfaceKind::kCellular), Local("192.0.2.2", net::InterfaceKind::kWifi),
                    Local("192.0.2.1"), Local("192.0.2.9"), Local("192.0.2.5")}),
            "192.0.2.1 192.0.2.9 192.0.2.5 192.0.2.2 192.0.2.3 ");
}

TEST(Priority, LocalPreferencesAreUniqueWithinATypeAnd65535First) {
  std::map<std::uint32_t, int> seen;
  for (int rank = 0; rank < 10; ++rank) {
    for (int server = 0; server < 3; ++server) ++seen[LocalPreference(rank, server, 3)];
  }
  EXPECT_EQ(seen.size(), 30u);
  EXPECT_EQ(seen.rbegin()->first, 65535u);
}

// RFC 8445 §14.3 as printed is quadratic: 50 ms * 64 * 64.
TEST(Rto, AllChecksPolicyIs204_8SecondsAt64Pairs) {
  using namespace std::chrono_literals;
  const CheckLoad load{.running_checklists = 1, .pairs = 64, .waiting = 63, .in_progress = 1};
  EXPECT_EQ(CheckRto(RtoPolicy::kAllChecks, 500ms, 50ms, load), 204800ms);
  EXPECT_EQ(CheckRto(RtoPolicy::kActiveChecklists, 500ms, 50ms, load), 3200ms);
  EXPECT_EQ(CheckRto(RtoPolicy::kFixed, 700ms, 50ms, load), 700ms);
}

TEST(Rto, ActiveChecklistsPolicyCountsRunningListsAsRfc5245Section5_8Does) {
  using namespace std::chrono_literals;
  const CheckLoad load{.running_checklists = 3, .pairs = 30, .waiting = 5, .in_progress = 5};
  EXPECT_EQ(CheckRto(RtoPolicy::kActiveChecklists, 500ms, 50ms, load), 1500ms);
}

}  // namespace
}  // namespace pinhole::ice
