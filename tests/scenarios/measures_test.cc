// The measures of a run: times, the path, packets, drops, knowledge. Each is compared with the value that follows from
// the topology.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "scenarios/sweep/matrix.h"
#include "tests/scenarios/run_cells.h"

namespace pinhole::scenarios {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

const proto::Knowledge* Find(const proto::RunResult& result, const std::string& who, const std::string& about) {
  for (const proto::Knowledge& knowledge : result.knowledge()) {
    if (knowledge.who() == who && knowledge.about() == about) return &knowledge;
  }
  return nullptr;
}

TEST(Measures, ADirectPathHasTheLinksAndTheDelayOfTheTopology) {
  const Scenario scenario = Homes("full-cone", "full-cone");
  const WatchedRun watched(scenario, "homes");
  const proto::SessionResult& session = watched.result.session(0);
  ASSERT_EQ(session.outcome(), proto::DIRECT);
  EXPECT_EQ(session.path_hops(), 4u);          // alice, home_a, core, home_b, bob
  EXPECT_EQ(session.path_delay_us(), 20000u);  // twice 10 ms
  EXPECT_EQ(session.relay_hops(), 0u);
  EXPECT_TRUE(session.agree());
}

// Bob's passive and his simultaneous-open host candidate have a private address; their mapped ones do not.
TEST(Measures, CandidatesThatAreNotConnectedToAreCounted) {
  const auto tcp_of = [](const std::string& limit) {
    const Scenario scenario =
        Homes("eim-eif", "eim-eif",
              "session { name: \"call\" agent { withhold_udp: true tcp { active: true passive: true "
              "simultaneous_open: true " +
                  limit + " } } }",
              "server { name: \"relay\" tcp_port: 443 }");
    return WatchedRun(scenario, "homes").result.session(0).side(0).tcp();
  };
  EXPECT_EQ(tcp_of("").refused_targets(), 0u);
  EXPECT_EQ(tcp_of("private_address_limit: 0").refused_targets(), 2u);
  EXPECT_GT(tcp_of("private_address_limit: 0").opened(), 0u);
}

TEST(Measures, ARelayedPathCountsTheWayToTheRelayAndOn) {
  const Scenario scenario = Homes("symmetric", "symmetric");
  const WatchedRun watched(scenario, "homes");
  const proto::SessionResult& session = watched.result.session(0);
  ASSERT_EQ(session.outcome(), proto::RELAYED);
  EXPECT_EQ(session.relay_hops(), 1u);
  EXPECT_EQ(session.path_hops(), 6u);          // three links to the relay, three on
  EXPECT_EQ(session.path_delay_us(), 40000u);  // 20 ms each
}

TEST(Measures, TimesComeInTheirOrderOnEachSide) {
  for (const char* nat : {"full-cone", "port-restricted-cone", "symmetric", "linux-masquerade"}) {
    const Scenario scenario = Homes(nat, nat);
    const WatchedRun watched(scenario, "homes");
    for (const proto::Side& side : watched.result.session(0).side()) {
      EXPECT_LE(side.started_us(), side.gathered_us());
      EXPECT_LE(side.gathered_us(), side.exchanged_us());
      EXPECT_LT(side.exchanged_us(), side.first_valid_us());
      EXPECT_LE(side.first_valid_us(), side.nominated_us());
      EXPECT_LE(side.nominated_us(), side.connected_us());
      EXPECT_LE(side.first_data_us(), side.connected_us());
      EXPECT_TRUE(side.has_selected());
    }
  }
}

TEST(Measures, WhatNeverHappenedIsAbsent) {
  const Scenario scenario = Homes("symmetric", "symmetric", "session { name: \"call\" turn: NONE }");
  const WatchedRun watched(scenario, "homes");
  const proto::SessionResult& session = watched.result.session(0);
  EXPECT_EQ(session.outcome(), proto::FAILED);
  EXPECT_FALSE(session.has_agree());
  EXPECT_FALSE(session.has_relay_hops());
  EXPECT_FALSE(session.has_path_delay_us());
  for (const proto::Side& side : session.side()) {
    EXPECT_FALSE(side.has_first_valid_us());
    EXPECT_FALSE(side.has_nominated_us());
    EXPECT_FALSE(side.has_first_data_us());
    EXPECT_FALSE(side.has_selected());
    EXPECT_TRUE(side.has_gathered_us());
  }
}

// RFC 8445 §6.1.2.2: two homes on one private subnet try each other's private addresses, which end in the core.
TEST(Measures, APairToAPrivateAddressSaysThatTheCoreDroppedIt) {
  const Scenario scenario = Homes("full-cone", "full-cone");
  const WatchedRun watched(scenario, "homes");
  bool found = false;
  for (const proto::Pair& pair : watched.result.session(0).side(0).pair()) {
    if (pair.remote_type() != "host" || pair.sends() == 0) continue;
    found = true;
    EXPECT_THAT(pair.ended_by(), HasSubstr("dropped at internet: private_in_core"));
    EXPECT_EQ(pair.end(), "concluded");
  }
  EXPECT_TRUE(found);
  EXPECT_GT(watched.result.hopeless_probes(), 0u);
}

// A check to a private address of another home cannot arrive, whatever the NATs do. A check that a NAT refused because
// no mapping let it in might have arrived.
TEST(Measures, HopelessProbesAreTheChecksToPrivateAddresses) {
  for (const char* nat : {"symmetric", "linux-input-accept", "pf"}) {
    const Scenario scenario = Homes("symmetric", nat, "session { name: \"call\" turn: NONE }");
    const WatchedRun watched(scenario, "homes");
    ASSERT_EQ(watched.result.session(0).outcome(), proto::FAILED) << nat;
    std::uint32_t to_private = 0;
    for (const proto::Side& side : watched.result.session(0).side()) {
      for (const proto::Pair& pair : side.pair()) {
        if (pair.remote_type() == "host") to_private += pair.sends();
      }
    }
    EXPECT_EQ(to_private, 2 * 7u) << nat << ": Rc of RFC 8489 §6.2.1 for each side";
    EXPECT_EQ(watched.result.hopeless_probes(), to_private) << nat;
  }
}

TEST(Measures, DropsAreCountedThoughTheirRecordsAreNotKeptAndHopelessProbesOnlyFromRecords) {
  const Scenario scenario = Homes("symmetric", "pf", "session { name: \"call\" turn: NONE }");
  const WatchedRun whole(scenario, "homes");
  const WatchedRun cut(scenario, "homes", 1, {.drop_log_limit = 3});
  ASSERT_GT(whole.run->world().drops().total(), 3u);
  ASSERT_EQ(cut.run->world().drops().size(), 3u);
  ASSERT_GT(whole.result.drops_size(), 1);
  ASSERT_EQ(cut.result.drops_size(), whole.result.drops_size());
  for (int i = 0; i < whole.result.drops_size(); ++i) {
    EXPECT_EQ(cut.result.drops(i).SerializeAsString(), whole.result.drops(i).SerializeAsString());
  }
  EXPECT_TRUE(whole.result.has_hopeless_probes());
  EXPECT_FALSE(cut.result.has_hopeless_probes());
}

// RFC 7675 §5.1: if three of ten packets are lost in each direction, a consent check is answered half of the time, and
// six in a row are unanswered in 0.51^6 = 1.8 % of all cases. The results report this, and it is no verdict.
TEST(Measures, ConsentThatIsLostAfterConnectingIsCountedApart) {
  const Scenario scenario = Library("heavy_loss", {"session[call].hold_us=60000000", "sweep.repetitions=200"});
  const std::vector<JudgedRun> runs = SweepAll(scenario);
  ASSERT_EQ(runs.size(), 200u);
  std::uint64_t lost = 0;
  for (const JudgedRun& run : runs) {
    if (!run.consent_lost) continue;
    ++lost;
    EXPECT_EQ(run.outcome, Outcome::kDirect);
    EXPECT_FALSE(run.verdict.missed_share) << run.verdict.reason;
  }
  EXPECT_GT(lost, 0u);
  const SweepCounts counts = CountRuns(runs);
  EXPECT_EQ(counts.consent_lost, lost);
  std::ostringstream summary;
  PrintSummary(counts, summary);
  EXPECT_THAT(summary.str(), HasSubstr(absl::StrCat("; ", lost, " lost consent later\n")));
  for (const JudgedRun& run : SweepAll(Library("heavy_loss", {"sweep.repetitions=50"}))) {
    EXPECT_FALSE(run.consent_lost) << "nobody held the session";
  }
}

TEST(Measures, EveryPacketThatLeavesOneEndOfALinkReachesTheOtherOrIsADrop) {
  const Scenario scenario = Homes("port-restricted-cone", "symmetric", "session { name: \"call\" turn: NONE }");
  const WatchedRun watched(scenario, "homes");
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  for (const proto::NodeTraffic& traffic : watched.result.node_traffic()) {
    for (const proto::ClassTraffic& one : traffic.sent()) sent += one.packets();
    for (const proto::ClassTraffic& one : traffic.received()) received += one.packets();
  }
  EXPECT_GT(sent, 0u);
  EXPECT_EQ(sent, received) << "no link of this topology loses anything";
}

TEST(Measures, NatBindingsAreOneForEachSocketAndNatThatMapsByEndpoint) {
  // Each side sends from two sockets, one for the agent and one for the referral channel.
  const Scenario scenario = Homes("full-cone", "full-cone", "session { name: \"call\" turn: NONE }");
  const WatchedRun watched(scenario, "homes");
  EXPECT_EQ(watched.result.nat_bindings(), 4u);
}

TEST(Metadata, TheReferralServerSeesEveryAddressAndThatTheTwoTalk) {
  const Scenario scenario = Homes("full-cone", "full-cone", "session { name: \"call\" turn: NONE }");
  const WatchedRun watched(scenario, "homes");
  const proto::Knowledge* alice = Find(watched.result, "rendezvous", "alice");
  ASSERT_NE(alice, nullptr);
  EXPECT_THAT(alice->address(), ElementsAre("192.168.1.10", "198.51.100.1"));
  EXPECT_TRUE(alice->knows_both());
}

TEST(Metadata, AStunServerSeesTheOutsideAddressOnlyAndNotWhoTalksToWhom) {
  const Scenario scenario = Homes("full-cone", "full-cone", "session { name: \"call\" turn: NONE }");
  const WatchedRun watched(scenario, "homes");
  const proto::Knowledge* alice = Find(watched.result, "relay", "alice");
  ASSERT_NE(alice, nullptr);
  EXPECT_THAT(alice->address(), ElementsAre("198.51.100.1"));
  EXPECT_FALSE(alice->knows_both());
}

TEST(Metadata, APeerLearnsAddressesItDoesNotNeed) {
  const Scenario scenario = Homes("full-cone", "full-cone", "session { name: \"call\" turn: NONE }");
  const WatchedRun watched(scenario, "homes");
  const proto::Knowledge* alice = Find(watched.result, "bob", "alice");
  ASSERT_NE(alice, nullptr);
  EXPECT_THAT(alice->address(), ElementsAre("192.168.1.10", "198.51.100.1"));
  EXPECT_EQ(alice->unneeded(), 1u);
}

// Alice's NAT sees both of her addresses in packet headers; the core sees only the outside one.
TEST(Metadata, NodesOnTheWaySeeHeadersAndByADirectCheckThatTheTwoTalk) {
  const Scenario scenario = Homes("full-cone", "full-cone", "session { name: \"call\" turn: NONE }");
  const WatchedRun watched(scenario, "homes");
  const proto::Knowledge* at_home = Find(watched.result, "home_a", "alice");
  ASSERT_NE(at_home, nullptr);
  EXPECT_THAT(at_home->address(), ElementsAre("192.168.1.10", "198.51.100.1"));
  EXPECT_TRUE(at_home->knows_both());
  const proto::Knowledge* of_bob = Find(watched.result, "home_a", "bob");
  ASSERT_NE(of_bob, nullptr);
  EXPECT_THAT(of_bob->address(), Contains("198.51.100.2"));
  const proto::Knowledge* core = Find(watched.result, "internet", "alice");
  ASSERT_NE(core, nullptr);
  EXPECT_THAT(core->address(), Contains("198.51.100.1"));
  EXPECT_TRUE(core->knows_both());
  EXPECT_EQ(Find(watched.result, "relay", "bob")->knows_both(), false);
}

// With only relayed candidates, no packet of one peer has an address of the other. This is a reason to use relays.
TEST(Metadata, WithRelayedCandidatesOnlyNoNodeOnTheWaySeesThatTheTwoTalk) {
  const Scenario scenario =
      Homes("symmetric", "symmetric", "session { name: \"call\" agent { withhold_host: true withhold_srflx: true } }");
  const WatchedRun watched(scenario, "homes");
  ASSERT_EQ(watched.result.session(0).outcome(), proto::RELAYED);
  for (const char* node : {"home_a", "internet", "home_b"}) {
    for (const char* peer : {"alice", "bob"}) {
      const proto::Knowledge* knowledge = Find(watched.result, node, peer);
      if (knowledge != nullptr) {
        EXPECT_FALSE(knowledge->knows_both()) << node << " of " << peer;
      }
    }
  }
  EXPECT_EQ(Find(watched.result, "home_a", "bob"), nullptr);
  EXPECT_TRUE(Find(watched.result, "relay", "bob")->knows_both());
}

// home_a is symmetric, so each server sees another mapping and neither candidate is redundant (RFC 8445 §5.1.3), and
// the peer, reached at its relay, a third.
TEST(Candidates, SayWhichInterfaceOrServerGaveThem) {
  const Scenario scenario = Homes("symmetric", "symmetric", R"(session { name: "call" stun_server: "stun" })", R"(
      host { name: "stun" interface { name: "eth0" network: "internet" address: "203.0.113.30" } }
      server { name: "stun" port: 3479 turn: false })");
  const WatchedRun watched(scenario, "homes");
  std::vector<std::string> learned;
  for (const proto::Candidate& candidate : watched.result.session(0).side(0).candidate()) {
    learned.push_back(absl::StrCat(candidate.type(), " by ", candidate.learned()));
  }
  EXPECT_THAT(learned, UnorderedElementsAre("host by interface eth0", "srflx by STUN 203.0.113.10:3478",
                                            "srflx by STUN 203.0.113.30:3479", "relay by TURN 203.0.113.10:3478",
                                            "prflx by a peer's answer"));
}

TEST(Peaks, OfARunWithinOneSecondAreAllThatEachNodeAndInterfaceSent) {
  const Scenario scenario = Homes("full-cone", "full-cone");
  const WatchedRun watched(scenario, "homes");
  ASSERT_LT(watched.result.virtual_time_us(), 1000000u);
  std::map<std::string, std::uint64_t> packets;
  std::map<std::string, std::uint64_t> bytes;
  for (const proto::NodeTraffic& traffic : watched.result.node_traffic()) {
    std::uint64_t sent = 0;
    std::uint64_t sent_bytes = 0;
    for (const proto::ClassTraffic& one : traffic.sent()) {
      sent += one.packets();
      sent_bytes += one.wire_bytes();
    }
    EXPECT_EQ(traffic.sent_peak().packets(), sent) << traffic.node();
    EXPECT_EQ(traffic.sent_peak().wire_bytes(), sent_bytes) << traffic.node();
    packets[traffic.node()] += sent;
    bytes[traffic.node()] += sent_bytes;
  }
  EXPECT_EQ(watched.result.node_peak_size(), 7);  // two peers, two NATs, two servers, the core
  for (const proto::NodePeak& peak : watched.result.node_peak()) {
    EXPECT_EQ(peak.sent().packets(), packets[peak.node()]) << peak.node();
    EXPECT_EQ(peak.sent().wire_bytes(), bytes[peak.node()]) << peak.node();
  }
  EXPECT_EQ(watched.result.peak_packets_per_second(), std::max(packets["alice"], packets["bob"]));
}

constexpr char kOutage3s[] =
    R"(host { name: "alice" interface { name: "eth0" link { outage { start_us: 5000000 length_us: 3000000 } } } })";
constexpr char kOutageForGood[] =
    R"(host { name: "alice" interface { name: "eth0" link { outage { start_us: 5000000 length_us: 100000000 } } } })";

TEST(Hold, ASessionGoesOnForItsHoldTimeAndMeasuresTheSilenceOfAnOutage) {
  const Scenario scenario = Homes("full-cone", "full-cone", "session { name: \"call\" hold_us: 20000000 }", kOutage3s);
  const WatchedRun watched(scenario, "homes");
  const proto::Side& side = watched.result.session(0).side(0);
  ASSERT_EQ(watched.result.session(0).outcome(), proto::DIRECT);
  EXPECT_GE(watched.result.virtual_time_us(), 20000000u);
  EXPECT_GE(side.largest_gap_us(), 3000000u);
  EXPECT_LE(side.largest_gap_us(), 3100000u);
  EXPECT_FALSE(side.consent_lost());
}

TEST(Hold, ConsentIsLostThirtySecondsAfterAPathDies) {
  const Scenario scenario =
      Homes("full-cone", "full-cone", "session { name: \"call\" hold_us: 60000000 }", kOutageForGood);
  const WatchedRun watched(scenario, "homes");
  for (const proto::Side& side : watched.result.session(0).side()) EXPECT_TRUE(side.consent_lost());
  EXPECT_EQ(watched.result.session(0).outcome(), proto::DIRECT) << "judged when reached";
}

TEST(Undecided, ARunThatIsNotOverInTimeIsAFail) {
  const Scenario scenario =
      Homes("symmetric", "symmetric", "session { name: \"call\" turn: NONE } limits { virtual_time_max_us: 1000000 }");
  const std::vector<JudgedRun> runs = SweepAll(scenario);
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].outcome, Outcome::kUndecided);
  EXPECT_EQ(runs[0].verdict.kind, VerdictKind::kFail);
}

TEST(Referral, DescriptionsArriveThroughSymmetricNatsAndThreeTenthsOfThePacketsLost) {
  const Scenario scenario =
      Homes("symmetric", "symmetric", "sweep { repetitions: 100 }",
            R"(host { name: "rendezvous" interface { name: "eth0" link { loss_ppm: 300000 } } })");
  for (const JudgedRun& run : SweepAll(scenario)) EXPECT_EQ(run.outcome, Outcome::kRelayed) << Told(scenario, run);
}

TEST(Referral, AServerThatIsNotThereFailsBothSidesInTheExchange) {
  const Scenario scenario =
      Homes("full-cone", "full-cone", "",
            R"(host { name: "rendezvous" interface { name: "eth0" link { loss_ppm: 1000000 } } })");
  const WatchedRun watched(scenario, "homes");
  EXPECT_EQ(watched.result.session(0).outcome(), proto::FAILED);
  for (const proto::Side& side : watched.result.session(0).side()) EXPECT_THAT(side.failure(), HasSubstr("exchange"));
  EXPECT_EQ(watched.result.introduction_size(), 0);
  EXPECT_EQ(Find(watched.result, "rendezvous", "alice"), nullptr) << "nothing ever came there";
}

// 20 ms to the server: SYN and SYN,ACK until 40 ms, registration at 60 ms; gathering ends at 90 ms.
TEST(Referral, TheResultsHaveWhatTheServerRecorded) {
  const Scenario scenario = Homes("full-cone", "full-cone", "session { name: \"call\" turn: NONE }");
  const WatchedRun watched(scenario, "homes");
  ASSERT_EQ(watched.result.introduction_size(), 1);
  const proto::Introduction& introduction = watched.result.introduction(0);
  EXPECT_EQ(introduction.session(), "call");
  ASSERT_EQ(introduction.party_size(), 2);
  for (int side : {0, 1}) {
    const proto::Introduction::Party& party = introduction.party(side);
    EXPECT_EQ(party.side(), side == 0 ? "alice" : "bob");
    ASSERT_EQ(party.seen_at_size(), 1);
    EXPECT_THAT(party.seen_at(0), testing::StartsWith(side == 0 ? "198.51.100.1:" : "198.51.100.2:"));
    EXPECT_EQ(party.registered_us(), 60000u);
    EXPECT_EQ(party.published_us(), watched.result.session(0).side(side).gathered_us() + 20000);
    EXPECT_EQ(party.handed_on_us(), party.published_us());
    EXPECT_EQ(party.address_size(), 2) << "host and server-reflexive";
    EXPECT_EQ(watched.result.session(0).side(1 - side).exchanged_us(), party.handed_on_us() + 20000);
  }
}

TEST(Referral, ARestartInMidExchangeCostsTimeAndIsInTheRecord) {
  const Scenario scenario = Homes("port-restricted-cone", "port-restricted-cone", "",
                                  "referral { restart { at_us: 65000 down_us: 2000000 } }");
  const WatchedRun watched(scenario, "homes");
  EXPECT_EQ(watched.result.session(0).outcome(), proto::DIRECT);
  ASSERT_EQ(watched.result.introduction_size(), 1);
  for (const proto::Introduction::Party& party : watched.result.introduction(0).party()) {
    EXPECT_EQ(party.seen_at_size(), 2) << "each connection has a port of its own";
    EXPECT_EQ(party.registered_us(), 60000u) << "before the restart";
    EXPECT_GT(party.handed_on_us(), 2065000u);
  }
}

// Punching peers are participants too, and their rendezvous knows both. It takes 20 ms each for the SYN, the SYN,ACK
// and the first message.
TEST(Knowledge, APunchingsRendezvousRecordsWhoMetWhomWhenAndFromWhere) {
  const Scenario scenario = Library("tcp_strictness");
  const WatchedRun watched(scenario,
                           "tcp_strictness/host=soft,icmp=kept,late=0,nat=silent,technique=SIMULTANEOUS_OPEN,"
                           "tracking=ADDRESSES,tries=1");
  ASSERT_EQ(watched.result.introduction_size(), 1);
  const proto::Introduction& introduction = watched.result.introduction(0);
  EXPECT_EQ(introduction.session(), "punch");
  ASSERT_EQ(introduction.party_size(), 2);
  const proto::PunchingResult& punching = watched.result.punching(0);
  for (int side = 0; side < 2; ++side) {
    const proto::Introduction::Party& party = introduction.party(side);
    EXPECT_EQ(party.side(), side == 0 ? "alice" : "bob");
    ASSERT_EQ(party.seen_at_size(), 1);
    EXPECT_EQ(party.seen_at(0), punching.side(side).own_endpoint());
    EXPECT_EQ(party.registered_us(), 60000u);
    EXPECT_EQ(party.handed_on_us(), 60000u);
  }
  for (const char* who : {"alice", "rendezvous", "home_a", "internet", "home_b"}) {
    const proto::Knowledge* of_bob = Find(watched.result, who, "bob");
    ASSERT_NE(of_bob, nullptr) << who;
    EXPECT_TRUE(of_bob->knows_both()) << who;
    EXPECT_THAT(of_bob->address(), ::testing::Contains("198.51.100.2")) << who;
  }
  EXPECT_THAT(Find(watched.result, "alice", "bob")->address(), ::testing::ElementsAre("198.51.100.2"));
  EXPECT_EQ(Find(watched.result, "alice", "bob")->unneeded(), 0u);
}

}  // namespace
}  // namespace pinhole::scenarios
