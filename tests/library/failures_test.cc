// Every cell of the NAT matrix that fails has a reason that its two NATs can cause. The rules here are those of
// RFC 4787 §4 and §5 and of RFC 5382. They use only the fields of the profiles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "scenarios/run/killer.h"
#include "scenarios/run/pair_drops.h"
#include "scenarios/run/session_trial.h"
#include "tests/library/swept.h"

namespace pinhole::scenarios {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The fields of one NAT of a cell, for UDP.
class Fields {
 public:
  explicit Fields(const proto::Nat& nat) : name_(nat.name()), udp_(nat.udp()) {}

  const std::string& name() const { return name_; }
  bool filters_port() const { return udp_.filtering() == proto::Filtering::ADDRESS_AND_PORT_DEPENDENT; }
  bool filters_address() const { return udp_.filtering() == proto::Filtering::ADDRESS_DEPENDENT; }
  // True: an inside socket sends to the peer from the port that the STUN server saw.
  bool keeps_port() const {
    return udp_.mapping() == proto::Mapping::ENDPOINT_INDEPENDENT ||
           (udp_.mapping() == proto::Mapping::PER_TUPLE && udp_.ports().policy() == proto::PortAllocation::PRESERVE);
  }
  bool takes_itself() const { return udp_.unsolicited() == proto::Unsolicited::INPUT; }
  bool answers_by_the_same_port() const { return keeps_port() || udp_.inbound_sessions(); }
  net::Duration unreplied_timeout() const {
    return std::chrono::microseconds(udp_.has_unreplied_timeout_us() ? udp_.unreplied_timeout_us()
                                                                     : udp_.idle_timeout_us());
  }

  // True: a check to the port that the STUN server saw is let in, sooner or later. The filter's memory contains the
  // sender's address, because checks go there, but through this port only if the port is kept. It contains the sender's
  // port only if that port was signalled.
  bool LetsIn(const Fields& sender) const {
    if (!filters_address() && !filters_port()) return true;
    if (udp_.filter_memory() == proto::FilterMemory::PER_MAPPING && !keeps_port()) return false;
    return filters_address() || sender.keeps_port();
  }
  // The rule by which the NAT drops packets that its filter refuses.
  sim::Rule FilterRule() const {
    if (takes_itself()) return sim::Rule::kNoSocket;
    return filters_address() ? sim::Rule::kFilteredAddress : sim::Rule::kFilteredPort;
  }
  // Whether this NAT can drop by this rule, this long after the checks began.
  bool CanDropBy(sim::Rule rule, net::Duration after) const {
    switch (rule) {
      case sim::Rule::kFilteredAddress:
      case sim::Rule::kFilteredPort:
      case sim::Rule::kNoSocket:
        return (filters_address() || filters_port()) && rule == FilterRule();
      case sim::Rule::kNoMapping:  // what was learned from a check that got no answer has timed out
        return !keeps_port() && after >= unreplied_timeout();
      default:
        return false;
    }
  }

 private:
  std::string name_;
  const proto::UdpNat& udp_;
};

struct Failed {
  const CellRun& run;
  const PacketBook& book;
  std::array<Fields, 2> nats;  // alice's, bob's
  std::string why;

  const Fields* NatAt(const sim::DropRecord& drop) const {
    for (const Fields& nat : nats) {
      if (run.world().node(drop.node).name() == nat.name()) return &nat;
    }
    return nullptr;
  }
};

// Checks how the pair of server-reflexive candidates ended, which would have been the direct path.
void ExpectSignalledPairDiedByTheRules(const Failed& failed, int side, const ice::PairView& pair,
                                       const PairDeath* death) {
  const Fields& own = failed.nats[static_cast<std::size_t>(side)];
  const Fields& peers = failed.nats[static_cast<std::size_t>(1 - side)];
  const Fields* killer = &peers;
  if (peers.LetsIn(own)) {
    EXPECT_FALSE(peers.answers_by_the_same_port()) << "it should have connected";
    if (!own.filters_port()) {
      // RFC 8445 §7.2.5.2.1.
      EXPECT_EQ(pair.end, ice::PairEnd::kNotSymmetric) << ice::ToString(pair.end);
      return;
    }
    killer = &own;  // the answer's port is a stranger's
  }
  EXPECT_EQ(pair.end, ice::PairEnd::kTimeout) << ice::ToString(pair.end);
  ASSERT_NE(death, nullptr);
  ASSERT_NE(failed.NatAt(death->drop), nullptr);
  EXPECT_EQ(failed.NatAt(death->drop)->name(), killer->name());
  EXPECT_EQ(death->drop.rule, killer->FilterRule()) << sim::ToString(death->drop.rule);
}

void ExpectPairsDiedByTheRules(const Failed& failed, int side) {
  const ice::Agent& agent = EndpointOf(failed.run, 0, side).agent();
  const std::vector<ice::PairView> pairs = agent.CheckListSnapshot();
  const std::vector<PairDeath> deaths = DeathsOf(failed.run, failed.book, agent);
  int signalled = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const ice::PairView& pair = pairs[i];
    SCOPED_TRACE(absl::StrCat("side ", side, ", pair to ", pair.remote.address.ToString()));
    const PairDeath* death = nullptr;
    for (const PairDeath& one : deaths) {
      if (one.pair == i) death = &one;
    }
    EXPECT_EQ(pair.state, ice::PairState::kFailed);
    if (pair.end != ice::PairEnd::kNotSymmetric) {
      EXPECT_EQ(pair.end, ice::PairEnd::kTimeout) << ice::ToString(pair.end);
      ASSERT_NE(death, nullptr) << "no packet lost, and no answer";
    }
    switch (pair.remote.type) {
      case ice::CandidateType::kHost:
        ASSERT_NE(death, nullptr);
        EXPECT_EQ(death->drop.rule, sim::Rule::kPrivateInCore) << sim::ToString(death->drop.rule);
        EXPECT_EQ(failed.run.world().node(death->drop.node).name(), "internet");
        break;
      case ice::CandidateType::kServerReflexive:
        ++signalled;
        ExpectSignalledPairDiedByTheRules(failed, side, pair, death);
        break;
      case ice::CandidateType::kPeerReflexive:
        if (pair.end == ice::PairEnd::kNotSymmetric) break;
        ASSERT_NE(failed.NatAt(death->drop), nullptr);
        EXPECT_TRUE(
            failed.NatAt(death->drop)->CanDropBy(death->drop.rule, death->drop.at - *agent.times().checks_started))
            << Describe(failed.run, death->drop);
        break;
      case ice::CandidateType::kRelayed:
        ADD_FAILURE() << "there is no relay";
    }
  }
  EXPECT_EQ(signalled, 1);
}

// Checks the text for the user: it names the phase of each side, one node and one rule.
void ExpectReasonIsTold(const Failed& failed) {
  EXPECT_THAT(failed.why,
              StartsWith("alice: checking: all_pairs_failed; bob: checking: all_pairs_failed; last hope: "));
  const Fields &a = failed.nats[0], &b = failed.nats[1];
  if (a.LetsIn(b) && b.LetsIn(a) && !a.filters_port() && !b.filters_port()) {
    // No filter stands in the way; both ports move on for ever.
    EXPECT_THAT(failed.why, HasSubstr(": not_symmetric"));
    return;
  }
  int told = 0;
  for (const Fields& nat : failed.nats) {
    for (int i = 1; i < sim::kRuleCount; ++i) {
      const auto rule = static_cast<sim::Rule>(i);
      if (!testing::Value(failed.why, HasSubstr(absl::StrCat("dropped at ", nat.name(), ": ", sim::ToString(rule)))))
        continue;
      ++told;
      EXPECT_TRUE(nat.CanDropBy(rule, net::Duration::max()));
    }
  }
  EXPECT_EQ(told, 1) << "one of the two NATs, and one rule";
}

TEST(NatMatrix, EveryFailedCellNamesANatAndARuleThatItsProfileHas) {
  const Scenario scenario = LoadLibrary("nat_matrix");
  int failures = 0;
  for (const Cell& cell : scenario.cells()) {
    if (!absl::EndsWith(cell.id, "transport=UDP,turn=NONE")) continue;  // with a relay none fails
    const PreparedCell prepared = *PrepareCell(scenario, cell);
    PacketBook book;
    CellRun run(prepared.plan, 1, {.tracer = &book});
    ASSERT_TRUE(run.Run().ok());
    if (run.OutcomeOf(0).outcome != Outcome::kFailed) continue;
    ++failures;
    const std::string why = run.trial(0).Explain(run, &book);
    SCOPED_TRACE(absl::StrCat(cell.id, ": ", why));
    const proto::Topology& topology = prepared.resolved->file().topology();
    ASSERT_EQ(topology.nat(0).name(), "home_a");
    const Failed failed{run, book, {Fields(topology.nat(0)), Fields(topology.nat(1))}, why};
    for (int side = 0; side < 2; ++side) ExpectPairsDiedByTheRules(failed, side);
    ExpectReasonIsTold(failed);
    if (HasFailure()) break;
  }
  // At least the 36 and the 24 of the two matrices of nine behaviors.
  EXPECT_GT(failures, 60);
}

// The fields of one NAT of a cell, for TCP.
class TcpFields {
 public:
  explicit TcpFields(const proto::Nat& nat) : name_(nat.name()), tcp_(nat.tcp()) {}

  const std::string& name() const { return name_; }
  bool filters() const { return tcp_.filtering() != proto::Filtering::ENDPOINT_INDEPENDENT; }
  bool keeps_port() const {
    return tcp_.mapping() == proto::Mapping::ENDPOINT_INDEPENDENT ||
           (tcp_.mapping() == proto::Mapping::PER_TUPLE && tcp_.ports().policy() == proto::PortAllocation::PRESERVE);
  }
  // True: the NAT lets the other side's SYN in that comes to the signalled port.
  bool LetsIn(const TcpFields& sender) const {
    if (!filters()) return true;
    if (tcp_.filter_memory() == proto::FilterMemory::PER_MAPPING && !keeps_port()) return false;
    return tcp_.filtering() == proto::Filtering::ADDRESS_DEPENDENT || sender.keeps_port();
  }
  bool AnswersFromAnotherPort() const { return !keeps_port() && !tcp_.inbound_sessions(); }
  bool refuses_simultaneous_open() const { return !tcp_.simultaneous_open(); }

  // The name of the rule by which the NAT refuses a SYN.
  std::string FilterRule() const {
    if (tcp_.unsolicited() == proto::Unsolicited::INPUT) return "no_socket";
    return tcp_.filtering() == proto::Filtering::ADDRESS_DEPENDENT ? "filtered_address" : "filtered_port";
  }
  std::string FilterKind() const {
    switch (tcp_.unsolicited()) {
      case proto::Unsolicited::INPUT:
      case proto::Unsolicited::TCP_RST:
        return "rst";
      case proto::Unsolicited::ICMP_ADMIN_PROHIBITED:
        return "icmp";
      default:
        return "filtering";
    }
  }

 private:
  std::string name_;
  const proto::TcpNat& tcp_;
};

struct FailedOverTcp {
  std::string id;
  std::string why;
  std::array<TcpFields, 2> nats;  // alice's, bob's
  std::optional<Killer> killer;
  std::string late;  // tcp_answers only: the NAT of the side that starts late
};

// Runs the cells and calls `check` for each cell that fails, with the cell's name in SCOPED_TRACE. Returns their
// number.
template <typename Check>
int ForEachFailedOverTcp(const std::string& file, const std::string& ending, const Check& check) {
  const Scenario scenario = LoadLibrary(file);
  int failures = 0;
  for (const Cell& cell : scenario.cells()) {
    if (!absl::EndsWith(cell.id, ending)) continue;
    const PreparedCell prepared = *PrepareCell(scenario, cell);
    PacketBook book;
    CellRun run(prepared.plan, 1, {.tracer = &book});
    EXPECT_TRUE(run.Run().ok());
    if (run.OutcomeOf(0).outcome != Outcome::kFailed) continue;
    ++failures;
    const proto::Topology& topology = prepared.resolved->file().topology();
    const FailedOverTcp failed{cell.id,
                               run.trial(0).Explain(run, &book),
                               {TcpFields(topology.nat(0)), TcpFields(topology.nat(1))},
                               FindKiller(run, &book, run.trial(0)),
                               absl::StrContains(cell.id, "late=alice") ? "home_a" : "home_b"};
    SCOPED_TRACE(absl::StrCat(cell.id, ": ", failed.why));
    check(failed);
    if (testing::Test::HasFailure()) break;
  }
  return failures;
}

// The two sides come nearest to a connection when a filter lets a SYN in and its NAT answers from another port.
// Otherwise the reason is a filter that never lets a SYN in, and the NAT's answer to that SYN.
TEST(NatMatrix, EveryFailedCellOverTcpNamesTheNatTheRuleAndItsKind) {
  int moved = 0, filtered = 0;
  ForEachFailedOverTcp("nat_matrix", "transport=TCP,turn=NONE", [&](const FailedOverTcp& failed) {
    const auto& [a, b] = failed.nats;
    ASSERT_TRUE(failed.killer.has_value());
    const KilledBy& by = failed.killer->by;
    EXPECT_TRUE(by.tcp);
    const bool moves_a = a.LetsIn(b) && a.AnswersFromAnotherPort(), moves_b = b.LetsIn(a) && b.AnswersFromAnotherPort();
    if (moves_a || moves_b) {
      ++moved;
      EXPECT_EQ(by.kind, "mapping");
      EXPECT_EQ(by.rule, "answers_from_another_port");
      EXPECT_TRUE((moves_a && by.node == a.name()) || (moves_b && by.node == b.name())) << by.node;
      EXPECT_THAT(failed.why, HasSubstr(absl::StrCat("for ", by.node, " sends from another port than was asked")));
      return;
    }
    ++filtered;
    ASSERT_TRUE(by.node == a.name() || by.node == b.name()) << by.node;
    const TcpFields& nat = by.node == a.name() ? a : b;
    EXPECT_TRUE(nat.filters());
    EXPECT_EQ(by.rule, nat.FilterRule());
    EXPECT_EQ(by.kind, nat.FilterKind());
    EXPECT_THAT(failed.why, HasSubstr(absl::StrCat("dropped at ", by.node, ": ", by.rule)));
    // A NAT that answers with a refusal ends the attempt, so it is named before a NAT that drops silently.
    const bool refused = a.FilterKind() != "filtering" || b.FilterKind() != "filtering";
    EXPECT_EQ(by.kind == "rst", refused);
  });
  EXPECT_GT(moved, 100);
  EXPECT_GT(filtered, 100);
}

// The NAT of the side that starts late ends the pair by its answer to the early side's SYN. Two NATs that refuse
// simultaneous open end it without any delay.
TEST(TcpAnswers, EveryFailedCellNamesWhoRefusedAndHow) {
  int refused = 0, crossing = 0;
  ForEachFailedOverTcp("tcp_answers", "", [&](const FailedOverTcp& failed) {
    const auto& [a, b] = failed.nats;
    ASSERT_TRUE(failed.killer.has_value());
    const KilledBy& by = failed.killer->by;
    const TcpFields &nat = by.node == a.name() ? a : b, &other = by.node == a.name() ? b : a;
    ASSERT_EQ(by.node, nat.name());
    if (a.refuses_simultaneous_open() || b.refuses_simultaneous_open()) {
      ++crossing;
      EXPECT_EQ(by.kind, "simultaneous_open");
      EXPECT_EQ(by.rule, "simultaneous_open");
      EXPECT_TRUE(nat.refuses_simultaneous_open());
      // The other side's SYN failed too: it was refused as a simultaneous open, or because it came too early.
      EXPECT_TRUE(other.refuses_simultaneous_open() || other.FilterKind() != "filtering");
      return;
    }
    ++refused;
    EXPECT_EQ(by.node, failed.late);
    EXPECT_EQ(by.rule, nat.FilterRule());
    EXPECT_EQ(by.kind, nat.FilterKind());
    EXPECT_NE(by.kind, "filtering");
    EXPECT_THAT(failed.why, HasSubstr(by.kind == "rst" ? ", and answered with RST" : ", and answered with ICMP"));
  });
  EXPECT_GE(refused, 20);
  EXPECT_GE(crossing, 8);
}

}  // namespace
}  // namespace pinhole::scenarios
