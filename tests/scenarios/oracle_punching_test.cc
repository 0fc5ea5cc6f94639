#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "scenarios/oracle/predict.h"
#include "scenarios/oracle/reachability.h"
#include "scenarios/oracle/udp_punching.h"
#include "tests/scenarios/oracle_models.h"

namespace pinhole::scenarios::oracle {
namespace {

// The rules as the field publishes them, one for each reading.

// RFC 4787's words: the filter remembers per endpoint, and an inbound packet makes no session.
bool EndpointReading(Dependence map_a, Dependence filter_a, Dependence map_b, Dependence filter_b) {
  if (filter_a == APD && map_b != EI) return false;
  if (filter_b == APD && map_a != EI) return false;
  return !(map_a == APD && map_b == APD);
}

// The rule of connection tracking, as eduP2P measured it on a kernel.
bool SessionReading(Dependence map_a, Dependence filter_a, Dependence map_b, Dependence filter_b) {
  return filter_a == EI || filter_b == EI || (map_a == EI && filter_a == AD) || (map_b == EI && filter_b == AD) ||
         (map_a == EI && map_b == EI);
}

template <typename Rule>
void ExpectRule(FilterMemory memory, bool sessions, Rule rule, int direct_cells) {
  int direct = 0;
  for (Dependence map_a : {EI, AD, APD}) {
    for (Dependence filter_a : {EI, AD, APD}) {
      for (Dependence map_b : {EI, AD, APD}) {
        for (Dependence filter_b : {EI, AD, APD}) {
          const NatBehavior a = Generic(map_a, filter_a, memory, sessions);
          const NatBehavior b = Generic(map_b, filter_b, memory, sessions);
          const bool expected = rule(map_a, filter_a, map_b, filter_b);
          EXPECT_EQ(UdpPunchingWorks(a, b), expected) << Describe(a) << " against " << Describe(b);
          const Prediction prediction = Predict(TwoHomes(a, b));
          EXPECT_EQ(prediction.direct, expected ? Existence::kAlways : Existence::kNever) << prediction.reason;
          direct += expected;
        }
      }
    }
  }
  EXPECT_EQ(direct, direct_cells);
}

TEST(OraclePunching, MemoryPerEndpointWithoutSessionsConnects45Of81) {
  ExpectRule(FilterMemory::kPerEndpoint, false, EndpointReading, 45);
}

TEST(OraclePunching, MemoryPerMappingWithSessionsConnects57Of81) {
  ExpectRule(FilterMemory::kPerMapping, true, SessionReading, 57);
}

// A second implementation, packet by packet, which uses neither the closed form nor the oracle's code: two NATs face to
// face, with external ports counted up, the addresses 'A' and 'B', and the server 'S'.
using Endpoint = std::pair<char, int>;

class SmallNat {
 public:
  SmallNat(char name, const NatBehavior& nat) : name_(name), nat_(nat) {}

  Endpoint Out(Endpoint to) {
    int port = 0;
    if (const auto session = sessions_.find(to); nat_.inbound_sessions && session != sessions_.end()) {
      port = session->second;
    } else {
      const Endpoint key = nat_.mapping == EI ? Endpoint{} : nat_.mapping == AD ? Endpoint{to.first, 0} : to;
      port = ports_.try_emplace(key, static_cast<int>(ports_.size()) + 1).first->second;
    }
    sent_.insert({port, to});
    return {name_, port};
  }

  bool In(int port, Endpoint from) {
    bool mapped = false, passes = nat_.filtering == EI;
    for (const auto& [key, external] : ports_) mapped |= external == port;
    for (const auto& [by, to] : sent_) {
      if (nat_.memory == FilterMemory::kPerMapping && by != port) continue;
      if (nat_.filtering == AD ? to.first == from.first : to == from) passes = true;
    }
    if (!mapped || !passes) return false;
    sessions_[from] = port;
    return true;
  }

 private:
  const char name_;
  const NatBehavior nat_;
  std::map<Endpoint, int> ports_;
  std::set<std::pair<int, Endpoint>> sent_;
  std::map<Endpoint, int> sessions_;
};

class SmallWorld {
 public:
  SmallWorld(const NatBehavior& a, const NatBehavior& b) : nats_{SmallNat('A', a), SmallNat('B', b)} {
    const Endpoint server{'S', 1};
    const Endpoint seen_a = nats_[0].Out(server);
    const Endpoint seen_b = nats_[1].Out(server);
    known_ = {std::vector<Endpoint>{seen_b}, std::vector<Endpoint>{seen_a}};
  }

  // One side sends to all endpoints that it knows. The packets are on their way until Deliver().
  void Turn(int side) {
    for (const Endpoint& to : known_[side]) wire_.push_back({side, nats_[side].Out(to), to, false, {}});
  }

  void Deliver() {
    while (!wire_.empty()) {
      const Packet packet = wire_.front();
      wire_.pop_front();
      const int to = 1 - packet.side;
      if (!nats_[to].In(packet.destination.second, packet.source)) continue;
      if (packet.answer) {
        if (packet.source == packet.asked) works_.insert({to, packet.destination, packet.source});
        continue;
      }
      std::vector<Endpoint>& known = known_[to];
      bool is_known = known.size() > 8;
      for (const Endpoint& endpoint : known) is_known |= endpoint == packet.source;
      if (!is_known) known.push_back(packet.source);
      wire_.push_back({to, nats_[to].Out(packet.source), packet.source, true, packet.destination});
    }
  }

  // Whether a pair works both ways now.
  bool Connects() {
    works_.clear();
    for (int repeat = 0; repeat < 2; ++repeat) {
      for (int side : {0, 1}) {
        Turn(side);
        Deliver();
      }
    }
    for (const auto& [side, own, remote] : works_) {
      if (side == 0 && works_.count({1, remote, own}) > 0) return true;
    }
    return false;
  }

 private:
  struct Packet {
    int side;
    Endpoint source, destination;
    bool answer;
    Endpoint asked;  // for a response: the destination of the request
  };
  std::array<SmallNat, 2> nats_;
  std::array<std::vector<Endpoint>, 2> known_;
  std::deque<Packet> wire_;
  std::set<std::tuple<int, Endpoint, Endpoint>> works_;
};

// All orders of the first four sends, each followed or not followed by the delivery of the packets on their way, and
// then alternating sends.
TEST(OraclePunching, ClosedFormHoldsForAll1296PairsInEverySendOrder) {
  const std::vector<NatBehavior> all = AllGeneric();
  constexpr unsigned kTurns = 4;
  for (std::size_t i = 0; i < all.size(); ++i) {
    // Exchanging the two behaviors gives the same world with the turns exchanged, so one order is enough.
    for (std::size_t j = i; j < all.size(); ++j) {
      const NatBehavior& a = all[i];
      const NatBehavior& b = all[j];
      const bool expected = UdpPunchingWorks(a, b);
      ASSERT_EQ(UdpPunchingWorks(b, a), expected);
      for (unsigned who = 0; who < 1u << kTurns; ++who) {
        for (unsigned delivered = 0; delivered < 1u << kTurns; ++delivered) {
          SmallWorld world(a, b);
          for (unsigned turn = 0; turn < kTurns; ++turn) {
            world.Turn((who >> turn) & 1);
            if ((delivered >> turn) & 1) world.Deliver();
          }
          for (int settle = 0; settle < 6; ++settle) {
            world.Turn(settle % 2);
            world.Deliver();
          }
          ASSERT_EQ(world.Connects(), expected)
              << Describe(a) << " against " << Describe(b) << ", turns " << who << ", delivered " << delivered;
        }
      }
    }
  }
}

TEST(OraclePunching, WalkAgreesWithClosedFormForAll1296PairsInEveryOrder) {
  for (const NatBehavior& a : AllGeneric()) {
    for (const NatBehavior& b : AllGeneric()) {
      const Model model = TwoHomes(a, b);
      const std::vector<PathKind> paths = Explore(model, Order::kCrossing, Pooling::kAlwaysFirst).direct;
      for (Order order : {Order::kCrossing, Order::kAFirst, Order::kBFirst}) {
        const Reached reached = Explore(model, order, Pooling::kAlwaysFirst);
        // If the path of an answer may depend on which side was first, the types of the ends may differ, but not
        // whether the sides connect.
        if (!OrderMayMatter(model)) {
          EXPECT_EQ(reached.direct, paths) << Describe(a) << " against " << Describe(b);
        }
        EXPECT_EQ(!reached.direct.empty(), UdpPunchingWorks(a, b)) << Describe(a) << " against " << Describe(b);
      }
    }
  }
}

// The two NATs follow different readings: each of 9 behaviors of one reading against each of 9 of the other, in both
// orders.
TEST(OraclePunching, MixedReadingsConnect55Of81WhicheverSideHasWhich) {
  int direct = 0;
  for (Dependence map_a : {EI, AD, APD}) {
    for (Dependence filter_a : {EI, AD, APD}) {
      for (Dependence map_b : {EI, AD, APD}) {
        for (Dependence filter_b : {EI, AD, APD}) {
          const NatBehavior a = Generic(map_a, filter_a);
          const NatBehavior b = Generic(map_b, filter_b, FilterMemory::kPerMapping, true);
          EXPECT_EQ(UdpPunchingWorks(a, b), UdpPunchingWorks(b, a));
          direct += UdpPunchingWorks(a, b);
        }
      }
    }
  }
  EXPECT_EQ(direct, 55);
}

TEST(OraclePunching, SaysWhichFilterAndWhichMappingStandAgainstEachOther) {
  EXPECT_EQ(WhyUdpPunchingFails(Generic(APD, APD), "home_a", Generic(EI, APD), "home_b"),
            "home_a maps by port, so answers from another port, and home_b filters by port; "
            "home_b filters by port and home_a maps by port");
  EXPECT_EQ(WhyUdpPunchingFails(Generic(APD, EI), "home_a", Generic(APD, EI), "home_b"),
            "home_a maps by port, so answers from another port, and home_b maps by port, so they never meet; "
            "home_b maps by port, so answers from another port, and home_a maps by port, so they never meet");
}

}  // namespace
}  // namespace pinhole::scenarios::oracle
