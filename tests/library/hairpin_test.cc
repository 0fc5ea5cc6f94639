// Two peers behind one NAT that does not route between their networks, for each kind of hairpinning (RFC 4787 §6). The
// tests follow the check to the peer's server-reflexive candidate, and the response to it.
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <vector>

#include "scenarios/run/session_trial.h"
#include "tests/library/swept.h"

namespace pinhole::scenarios {
namespace {

// Rc of RFC 8489 §6.2.1.
constexpr int kSendsOfOneCheck = 7;

struct Place {
  const char* file;
  const char* box;                     // the node that hairpins
  std::array<const char*, 2> seen_as;  // source address of each peer's packets when they reach the box
  const char* host_pair_dies_at;       // the node where a check to the peer's host candidate is dropped
  sim::Rule host_pair_dies_by;
};
void PrintTo(const Place& place, std::ostream* out) { *out << place.file; }

const Place kPlaces[] = {
    {"two_inner_networks", "office", {"10.0.1.10", "10.0.2.10"}, "office", sim::Rule::kInterfaceNotRouted},
    {"one_cgn", "carrier", {"100.64.1.2", "100.64.2.2"}, "internet", sim::Rule::kPrivateInCore},
};

struct Ran {
  Ran(const Place& place, const std::string& hairpin, const std::string& turn)
      : scenario(LoadLibrary(place.file)),
        prepared(Prepare(scenario, std::string(place.file) + "/hairpin=" + hairpin + ",turn=" + turn)),
        run(prepared.plan, 1, {}) {
    EXPECT_TRUE(run.Run().ok());
    outcome = run.OutcomeOf(0);
  }

  static PreparedCell Prepare(const Scenario& scenario, const std::string& id) {
    const Cell* cell = scenario.Find(id);
    EXPECT_NE(cell, nullptr) << id;
    return *PrepareCell(scenario, *cell);
  }

  // The check list's pair from the host candidate to the peer's signalled candidate of this type.
  std::optional<ice::PairView> PairTo(int side, ice::CandidateType remote) const {
    for (const ice::PairView& pair : EndpointOf(run, 0, side).agent().CheckListSnapshot()) {
      if (pair.remote.type == remote && pair.local.type == ice::CandidateType::kHost) return pair;
    }
    return std::nullopt;
  }

  // The drops of packets that `source` sent, only those to `destination` if it is given.
  std::vector<sim::DropRecord> Drops(bool responses, const net::SocketAddress& source,
                                     std::optional<net::SocketAddress> destination = std::nullopt) const {
    std::vector<sim::DropRecord> found;
    const sim::DropLog& drops = run.world().drops();
    for (std::size_t i = 0; i < drops.size(); ++i) {
      const sim::DropRecord& drop = drops.at(i);
      const bool check =
          drop.packet_class == net::PacketClass::kCheck || drop.packet_class == net::PacketClass::kRetransmittedCheck;
      if (responses ? drop.packet_class != net::PacketClass::kResponse : !check) continue;
      if (drop.emitted_source == source && (!destination || drop.emitted_destination == *destination)) {
        found.push_back(drop);
      }
    }
    return found;
  }

  std::string NodeOf(const sim::DropRecord& drop) const { return std::string(run.world().node(drop.node).name()); }

  Scenario scenario;
  PreparedCell prepared;
  CellRun run;
  TrialOutcome outcome;
};

class Hairpin : public testing::TestWithParam<Place> {
 protected:
  // Checks that the pairs of host candidates fail with every hairpin, because there is no route between the host
  // candidates.
  void ExpectHostPairsDie(const Ran& ran) {
    for (int side = 0; side < 2; ++side) {
      const std::optional<ice::PairView> pair = ran.PairTo(side, ice::CandidateType::kHost);
      ASSERT_TRUE(pair);
      EXPECT_FALSE(pair->valid);
      const std::vector<sim::DropRecord> drops = ran.Drops(false, pair->base, pair->remote.address);
      // The last one may be on its way when the run is over because both sides have connected.
      EXPECT_LE(static_cast<int>(drops.size()), pair->sends);
      EXPECT_GE(static_cast<int>(drops.size()), pair->sends - (ran.outcome.a.connected ? 1 : 0));
      for (const sim::DropRecord& drop : drops) {
        EXPECT_EQ(ran.NodeOf(drop), GetParam().host_pair_dies_at);
        EXPECT_EQ(drop.rule, GetParam().host_pair_dies_by) << sim::ToString(drop.rule);
      }
    }
  }
};

// The check arrives with the inside source of its sender. The response goes to that source and is dropped inside,
// because the NAT does not route there. This happens to all seven transmissions.
TEST_P(Hairpin, WithTheInsideSourceTheAnswerIsDroppedInsideAndThePairTimesOut) {
  const Ran ran(GetParam(), "INTERNAL_SOURCE", "NONE");
  EXPECT_EQ(ran.outcome.outcome, Outcome::kFailed);
  ExpectHostPairsDie(ran);
  for (int side = 0; side < 2; ++side) {
    const std::optional<ice::PairView> pair = ran.PairTo(side, ice::CandidateType::kServerReflexive);
    const std::optional<ice::PairView> of_peer = ran.PairTo(1 - side, ice::CandidateType::kServerReflexive);
    ASSERT_TRUE(pair && of_peer);
    EXPECT_EQ(pair->end, ice::PairEnd::kTimeout) << ice::ToString(pair->end);
    EXPECT_FALSE(pair->valid);
    EXPECT_EQ(pair->sends, kSendsOfOneCheck);
    EXPECT_TRUE(ran.Drops(false, pair->base, pair->remote.address).empty()) << "requests pass the hairpin";
    const std::vector<sim::DropRecord> answers = ran.Drops(true, of_peer->base);
    EXPECT_EQ(static_cast<int>(answers.size()), kSendsOfOneCheck);
    for (const sim::DropRecord& drop : answers) {
      EXPECT_EQ(ran.NodeOf(drop), GetParam().box);
      EXPECT_EQ(drop.rule, sim::Rule::kInterfaceNotRouted) << sim::ToString(drop.rule);
      EXPECT_EQ(drop.destination.address().ToString(), GetParam().seen_as[static_cast<std::size_t>(side)]);
    }
    EXPECT_EQ(EndpointOf(ran.run, 0, side).Failure(), "checking: all_pairs_failed");
  }
}

TEST_P(Hairpin, WithTheInsideSourceTheRelayIsTaken) {
  const Ran ran(GetParam(), "INTERNAL_SOURCE", "BOTH");
  EXPECT_EQ(ran.outcome.outcome, Outcome::kRelayed);
  EXPECT_TRUE(ran.outcome.agree);
  EXPECT_GE(ran.outcome.relay_hops, 1);
  for (int side = 0; side < 2; ++side) {
    const std::optional<ice::PairView> pair = ran.PairTo(side, ice::CandidateType::kServerReflexive);
    ASSERT_TRUE(pair);
    EXPECT_GT(pair->sends, 0);
    EXPECT_FALSE(pair->valid);
    const std::vector<sim::DropRecord> answers = ran.Drops(true, pair->base);
    EXPECT_FALSE(answers.empty());
    for (const sim::DropRecord& drop : answers) {
      EXPECT_EQ(ran.NodeOf(drop), GetParam().box);
      EXPECT_EQ(drop.rule, sim::Rule::kInterfaceNotRouted) << sim::ToString(drop.rule);
    }
  }
}

// With the outside source, both ends see the addresses that the STUN server saw.
TEST_P(Hairpin, WithTheOutsideSourceTheServerReflexivePairIsSelectedAndNoAnswerDies) {
  for (const char* turn : {"NONE", "BOTH"}) {
    const Ran ran(GetParam(), "EXTERNAL_SOURCE", turn);
    EXPECT_EQ(ran.outcome.outcome, Outcome::kDirect);
    EXPECT_TRUE(ran.outcome.agree);
    ExpectHostPairsDie(ran);
    for (const SideOutcome* side : {&ran.outcome.a, &ran.outcome.b}) {
      EXPECT_EQ(side->local_type, CandidateType::kServerReflexive);
      EXPECT_EQ(side->remote_type, CandidateType::kServerReflexive);
    }
    for (int side = 0; side < 2; ++side) {
      const std::optional<ice::PairView> pair = ran.PairTo(side, ice::CandidateType::kServerReflexive);
      ASSERT_TRUE(pair);
      EXPECT_TRUE(pair->valid);
      EXPECT_TRUE(ran.Drops(true, pair->base).empty());
    }
  }
}

// The NAT refuses every request, so there is no response.
TEST_P(Hairpin, WithoutHairpinningTheBoxRefusesEveryCheckToTheOutsideAddress) {
  const Ran ran(GetParam(), "NONE", "NONE");
  EXPECT_EQ(ran.outcome.outcome, Outcome::kFailed);
  ExpectHostPairsDie(ran);
  for (int side = 0; side < 2; ++side) {
    const std::optional<ice::PairView> pair = ran.PairTo(side, ice::CandidateType::kServerReflexive);
    ASSERT_TRUE(pair);
    EXPECT_EQ(pair->end, ice::PairEnd::kTimeout) << ice::ToString(pair->end);
    EXPECT_EQ(pair->sends, kSendsOfOneCheck);
    const std::vector<sim::DropRecord> refused = ran.Drops(false, pair->base, pair->remote.address);
    EXPECT_EQ(static_cast<int>(refused.size()), kSendsOfOneCheck);
    for (const sim::DropRecord& drop : refused) {
      EXPECT_EQ(ran.NodeOf(drop), GetParam().box);
      EXPECT_EQ(drop.rule, sim::Rule::kHairpinRefused) << sim::ToString(drop.rule);
    }
    EXPECT_TRUE(ran.Drops(true, pair->base).empty());
    EXPECT_EQ(EndpointOf(ran.run, 0, side).agent().CheckListSnapshot().size(), 2u) << "nobody was learned";
  }
  EXPECT_EQ(Ran(GetParam(), "NONE", "BOTH").outcome.outcome, Outcome::kRelayed);
}

// Both peers are on one LAN and have only server-reflexive candidates. The check comes from the inside source of its
// sender. The response goes straight to that source, so it does not come from the address to which the check was sent
// (RFC 8445 §7.2.5.2.1). But the peer has learned the sender's inside address, and the pair with that address connects.
TEST(HairpinOnOneLan, WithTheInsideSourceTheServerReflexivePairEndsAsNotSymmetricAndAPeerReflexiveOneConnects) {
  for (const char* turn : {"NONE", "BOTH"}) {
    SCOPED_TRACE(turn);
    const Ran ran({"withheld_hosts_on_one_lan", "home", {}, "", sim::Rule::kNone}, "INTERNAL_SOURCE", turn);
    EXPECT_EQ(ran.outcome.outcome, Outcome::kDirect);
    EXPECT_TRUE(ran.outcome.agree);
    for (int side = 0; side < 2; ++side) {
      const ice::Agent& agent = EndpointOf(ran.run, 0, side).agent();
      int signalled = 0;
      for (const ice::PairView& pair : agent.CheckListSnapshot()) {
        if (pair.remote.type != ice::CandidateType::kServerReflexive) continue;
        if (pair.local.type == ice::CandidateType::kRelayed) continue;
        ++signalled;
        EXPECT_EQ(pair.state, ice::PairState::kFailed);
        EXPECT_EQ(pair.end, ice::PairEnd::kNotSymmetric) << ice::ToString(pair.end);
        EXPECT_FALSE(pair.valid);
        EXPECT_EQ(pair.sends, 1) << "the answer came";
      }
      EXPECT_EQ(signalled, 1);
      const SideOutcome& outcome = side == 0 ? ran.outcome.a : ran.outcome.b;
      EXPECT_EQ(outcome.remote_type, CandidateType::kPeerReflexive);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, Hairpin, testing::ValuesIn(kPlaces),
                         [](const testing::TestParamInfo<Place>& place) { return std::string(place.param.file); });

}  // namespace
}  // namespace pinhole::scenarios
