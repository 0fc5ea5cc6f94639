// Every option of the schema that an engine reads. If it is set, the engine has its value; if it is left out, the
// engine's own default. Each row has a value that is no default.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "google/protobuf/text_format.h"
#include "scenarios/conversion/agent_conversion.h"
#include "scenarios/conversion/link_conversion.h"
#include "scenarios/conversion/technique_conversion.h"
#include "scenarios/plan/plan.h"
#include "scenarios/run/session_plan.h"
#include "tests/scenarios/run_cells.h"

namespace pinhole::scenarios {
namespace {

template <typename Options>
struct Knob {
  const char* set;   // the setting as text, which starts with the field's name
  std::int64_t got;  // the value of the engine's option after the setting
  std::int64_t (*option)(const Options&);
};

template <typename Proto>
Proto Parse(const std::string& text) {
  Proto proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto)) << text;
  return proto;
}

std::int64_t Us(net::Duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

// The name of the field that `set` sets: "tcp" for "tcp { active: true }".
std::string FieldOf(const std::string& set) { return set.substr(0, set.find_first_of(":{ ")); }

// Checks that every field of the schema has a row, except those that only PlanCell reads.
template <typename Options, std::size_t kRows>
void ExpectARowForEveryField(const google::protobuf::Descriptor& message, const Knob<Options> (&rows)[kRows],
                             const std::set<std::string>& others) {
  std::set<std::string> have = others;
  for (const Knob<Options>& row : rows) have.insert(FieldOf(row.set));
  for (int i = 0; i < message.field_count(); ++i) {
    EXPECT_TRUE(have.contains(message.field(i)->name())) << message.name() << "." << message.field(i)->name();
  }
}

using ice::AgentOptions;
using Agent = Knob<AgentOptions>;

const Agent kAgent[] = {
    {"role: CONTROLLED", static_cast<int>(ice::Role::kControlled),
     [](const AgentOptions& o) { return static_cast<std::int64_t>(o.role); }},
    {"tie_breaker: 77", 77, [](const AgentOptions& o) { return static_cast<std::int64_t>(o.tie_breaker.value_or(0)); }},
    {"ta_us: 20001", 20001, [](const AgentOptions& o) { return Us(o.ta); }},
    {"rto: AS_PRINTED", static_cast<int>(ice::RtoPolicy::kAllChecks),
     [](const AgentOptions& o) { return static_cast<std::int64_t>(o.rto_policy); }},
    {"rto: FIXED", static_cast<int>(ice::RtoPolicy::kFixed),
     [](const AgentOptions& o) { return static_cast<std::int64_t>(o.rto_policy); }},
    {"rto_us: 700001", 700001, [](const AgentOptions& o) { return Us(o.fixed_rto); }},
    {"sends_max: 3", 3, [](const AgentOptions& o) { return std::int64_t{o.sends_max}; }},
    {"nomination: FIRST_VALID", static_cast<int>(ice::NominationPolicy::kFirstValid),
     [](const AgentOptions& o) { return static_cast<std::int64_t>(o.nomination); }},
    {"nomination: EXHAUSTIVE", static_cast<int>(ice::NominationPolicy::kExhaustive),
     [](const AgentOptions& o) { return static_cast<std::int64_t>(o.nomination); }},
    {"direct_mark_us: 600001", 600001, [](const AgentOptions& o) { return Us(o.direct_after); }},
    {"relayed_mark_us: 3000001", 3000001, [](const AgentOptions& o) { return Us(o.relayed_after); }},
    {"gathering_deadline_us: 900001", 900001, [](const AgentOptions& o) { return Us(o.gathering_deadline); }},
    {"pair_limit: 12", 12, [](const AgentOptions& o) { return std::int64_t{o.pair_limit}; }},
    {"prflx_port_limit: 5", 5, [](const AgentOptions& o) { return std::int64_t{o.prflx_port_limit}; }},
    {"icmp_fails_pairs: true", 1, [](const AgentOptions& o) { return std::int64_t{o.icmp_fails_pairs}; }},
    {"loopback_candidates: true", 1, [](const AgentOptions& o) { return std::int64_t{o.include_loopback}; }},
    {"withhold_host: true", 0, [](const AgentOptions& o) { return std::int64_t{o.host_candidates}; }},
    {"withhold_srflx: true", 0, [](const AgentOptions& o) { return std::int64_t{o.server_reflexive_candidates}; }},
    {"withhold_relay: true", 0, [](const AgentOptions& o) { return std::int64_t{o.relayed_candidates}; }},
    {"withhold_udp: true", 0, [](const AgentOptions& o) { return std::int64_t{o.udp_candidates}; }},
    {"consent: false", 0, [](const AgentOptions& o) { return std::int64_t{o.consent.enabled}; }},
    {"consent_interval_us: 6000001", 6000001, [](const AgentOptions& o) { return Us(o.consent.interval); }},
    {"consent_timeout_us: 31000001", 31000001, [](const AgentOptions& o) { return Us(o.consent.expiry); }},
    {"keepalive_us: 16000001", 16000001, [](const AgentOptions& o) { return Us(o.keepalive_interval); }},
    {"patience_us: 40000001", 40000001, [](const AgentOptions& o) { return Us(o.pac_timer); }},
    {"streams: 3", 3, [](const AgentOptions& o) { return static_cast<std::int64_t>(o.components.size()); }},
    {"components: 2", 2, [](const AgentOptions& o) { return std::int64_t{o.components.at(0)}; }},
};

const Agent kTcp[] = {
    {"active: true", 1, [](const AgentOptions& o) { return std::int64_t{o.tcp.active}; }},
    {"passive: true", 1, [](const AgentOptions& o) { return std::int64_t{o.tcp.passive}; }},
    {"simultaneous_open: true", 1, [](const AgentOptions& o) { return std::int64_t{o.tcp.simultaneous_open}; }},
    {"head_start_us: 10001", 10001, [](const AgentOptions& o) { return Us(o.tcp.head_start); }},
    {"on_reset: RETRY", static_cast<int>(ice::ConnectFailurePolicy::kRetry),
     [](const AgentOptions& o) { return static_cast<std::int64_t>(o.tcp.on_connect_failure); }},
    {"retry_pause_us: 300001", 300001, [](const AgentOptions& o) { return Us(o.tcp.retry_pause); }},
    {"transaction_timeout_us: 38000001", 38000001, [](const AgentOptions& o) { return Us(o.tcp.transaction_timeout); }},
    {"gathering_deadline_us: 5000001", 5000001, [](const AgentOptions& o) { return Us(o.tcp.gathering_deadline); }},
    {"private_address_limit: 4", 4, [](const AgentOptions& o) { return std::int64_t{o.tcp.private_address_limit}; }},
};

TEST(Knobs, EveryKnobOfAnAgentIsAnOptionOfTheEngine) {
  ExpectARowForEveryField(*proto::Agent::descriptor(), kAgent, {"tcp", "turn_over"});
  for (const Agent& row : kAgent) {
    EXPECT_EQ(row.option(ToAgentOptions(Parse<proto::Agent>(row.set))), row.got) << row.set;
  }
  ExpectARowForEveryField(*proto::Tcp::descriptor(), kTcp, {"server_reflexive"});
  for (const Agent& row : kTcp) {
    const std::string set = absl::StrCat("tcp { ", row.set, " }");
    EXPECT_EQ(row.option(ToAgentOptions(Parse<proto::Agent>(set))), row.got) << set;
  }
}

TEST(Knobs, AnAgentWithoutKnobsHasTheEnginesDefaults) {
  const AgentOptions of_nothing = ToAgentOptions(proto::Agent());
  for (const Agent& row : kAgent) {
    EXPECT_EQ(row.option(of_nothing), row.option(AgentOptions())) << FieldOf(row.set);
    EXPECT_NE(row.option(of_nothing), row.got) << row.set;
  }
  for (const Agent& row : kTcp) {
    EXPECT_EQ(row.option(of_nothing), row.option(AgentOptions())) << FieldOf(row.set);
    EXPECT_NE(row.option(of_nothing), row.got) << row.set;
  }
}

// ToTechnique() finds the program's technique by name.
TEST(Knobs, TheSchemaHasTheTechniquesOfTheProgram) {
  const google::protobuf::EnumDescriptor& techniques = *proto::Punching::Technique_descriptor();
  EXPECT_EQ(techniques.value_count(), apps::kPunchingTechniqueCount);
  std::set<apps::PunchingTechnique> seen;
  for (int i = 0; i < techniques.value_count(); ++i) {
    const auto technique = static_cast<proto::Punching::Technique>(techniques.value(i)->number());
    EXPECT_TRUE(apps::PunchingTechniqueOf(absl::AsciiStrToLower(techniques.value(i)->name())))
        << techniques.value(i)->name();
    seen.insert(ToTechnique(technique));
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(apps::kPunchingTechniqueCount));
  EXPECT_EQ(apps::PunchingTechniqueOf("dial"), std::nullopt);
}

using sim::LinkProfile;
using Link = Knob<LinkProfile>;

const Link kLink[] = {
    {"delay_us: 1001", 1001, [](const LinkProfile& l) { return Us(l.delay); }},
    {"jitter_us: 1002", 1002, [](const LinkProfile& l) { return Us(l.jitter); }},
    {"rate_bps: 1003", 1003, [](const LinkProfile& l) { return static_cast<std::int64_t>(l.rate_bps); }},
    {"queue_bytes: 2004", 2004, [](const LinkProfile& l) { return std::int64_t{l.queue_bytes}; }},
    {"loss_ppm: 1005", 1005, [](const LinkProfile& l) { return std::int64_t{l.loss_ppm}; }},
    {"duplicate_ppm: 1006", 1006, [](const LinkProfile& l) { return std::int64_t{l.duplicate_ppm}; }},
    {"reorder_ppm: 1007", 1007, [](const LinkProfile& l) { return std::int64_t{l.reorder_ppm}; }},
    {"reorder_delay_us: 1008 reorder_ppm: 1", 1008, [](const LinkProfile& l) { return Us(l.reorder_delay); }},
    {"mtu_bytes: 1009", 1009, [](const LinkProfile& l) { return std::int64_t{l.mtu_bytes}; }},
    {"burst_loss { good_to_bad_ppm: 11 }", 11,
     [](const LinkProfile& l) { return l.burst_loss ? std::int64_t{l.burst_loss->good_to_bad_ppm} : -1; }},
    {"burst_loss { bad_to_good_ppm: 12 }", 12,
     [](const LinkProfile& l) { return l.burst_loss ? std::int64_t{l.burst_loss->bad_to_good_ppm} : -1; }},
    {"burst_loss { loss_in_good_ppm: 13 }", 13,
     [](const LinkProfile& l) { return l.burst_loss ? std::int64_t{l.burst_loss->loss_good_ppm} : -1; }},
    {"burst_loss { loss_in_bad_ppm: 14 }", 14,
     [](const LinkProfile& l) { return l.burst_loss ? std::int64_t{l.burst_loss->loss_bad_ppm} : -1; }},
    {"outage { start_us: 21 length_us: 1 }", 21,
     [](const LinkProfile& l) { return l.outages.empty() ? -1 : Us(l.outages[0].from.time_since_epoch()); }},
    {"outage { start_us: 21 length_us: 9 }", 30,
     [](const LinkProfile& l) { return l.outages.empty() ? -1 : Us(l.outages[0].until.time_since_epoch()); }},
    // In the order of time, however they are written.
    {"outage { start_us: 40 length_us: 1 } outage { start_us: 22 length_us: 1 }", 22,
     [](const LinkProfile& l) { return l.outages.empty() ? -1 : Us(l.outages[0].from.time_since_epoch()); }},
};

TEST(Knobs, EveryFieldOfALinkIsOneOfTheSimulators) {
  ExpectARowForEveryField(*proto::Link::descriptor(), kLink, {});
  for (const Link& row : kLink) {
    EXPECT_EQ(row.option(ToLinkProfile(Parse<proto::Link>(row.set))), row.got) << row.set;
    EXPECT_EQ(row.option(ToLinkProfile(proto::Link())), row.option(LinkProfile())) << FieldOf(row.set);
  }
}

using Endpoint = apps::IceEndpoint::Options;
using Session = Knob<Endpoint>;

const Session kData[] = {
    {"datagrams: 3", 3, [](const Endpoint& e) { return static_cast<std::int64_t>(e.data.datagrams); }},
    {"payload_bytes: 333", 333, [](const Endpoint& e) { return static_cast<std::int64_t>(e.data.payload_bytes); }},
    {"interval_us: 30001", 30001, [](const Endpoint& e) { return Us(e.data.interval); }},
};

CellPlan PlanOf(const std::string& more, const std::string& topology = "") {
  const Scenario scenario = Homes("full-cone", "full-cone", more, topology);
  absl::StatusOr<PreparedCell> made = PrepareCell(scenario, scenario.cells().front());
  EXPECT_TRUE(made.ok()) << made.status().message();
  return made->plan;
}

TEST(Knobs, DataHoldAndOffsetReachBothEndpoints) {
  ExpectARowForEveryField(*proto::Data::descriptor(), kData, {});
  for (const Session& row : kData) {
    const CellPlan plan = PlanOf(absl::StrCat("session { name: \"call\" data { ", row.set, " } }"));
    for (int side = 0; side < 2; ++side) {
      EXPECT_EQ(row.option(SessionIn(plan, 0).peer(side).endpoint), row.got) << row.set;
    }
  }
  const CellPlan held =
      PlanOf("session { name: \"call\" hold_us: 7000001 peer { name: \"bob\" start_offset_us: 8000001 } }");
  const PlannedSession& session = SessionIn(held, 0);
  EXPECT_EQ(Us(session.hold()), 7000001);
  EXPECT_TRUE(session.peer(0).endpoint.data.hold && session.peer(1).endpoint.data.hold);
  EXPECT_EQ(Us(session.peer(0).endpoint.start_offset), 0);
  EXPECT_EQ(Us(session.peer(1).endpoint.start_offset), 8000001);
  EXPECT_FALSE(SessionIn(PlanOf(""), 0).peer(0).endpoint.data.hold);
}

constexpr char kRelayOverTcp[] = "server { name: \"relay\" tcp_port: 3478 }";

TEST(Knobs, TurnOverSaysByWhichTransportServersAreReached) {
  const auto transports = [](const std::string& over) {
    const CellPlan plan =
        PlanOf(absl::StrCat("session { name: \"call\" agent { turn_over: ", over, " } }"), kRelayOverTcp);
    std::vector<stun::Transport> found;
    for (const ice::TurnServer& server : SessionIn(plan, 0).peer(0).endpoint.agent.turn_servers) {
      found.push_back(server.transport);
    }
    return found;
  };
  using stun::Transport;
  EXPECT_EQ(transports("UDP"), std::vector<Transport>{Transport::kUdp});
  EXPECT_EQ(transports("TCP"), std::vector<Transport>{Transport::kTcp});
  EXPECT_EQ(transports("BOTH"), (std::vector<Transport>{Transport::kUdp, Transport::kTcp}));
}

TEST(Knobs, ServersAreAskedOverTcpForReflexiveCandidatesUnlessTheyAreNotWanted) {
  const auto asked = [](const std::string& tcp) {
    const CellPlan plan = PlanOf(absl::StrCat("session { name: \"call\" agent { tcp { ", tcp, " } } }"), kRelayOverTcp);
    return SessionIn(plan, 0).peer(0).endpoint.agent.tcp.stun_servers.size();
  };
  EXPECT_EQ(asked("passive: true"), 1u);
  EXPECT_EQ(asked("passive: true server_reflexive: false"), 0u);
  EXPECT_EQ(asked("active: true"), 0u);
}

}  // namespace
}  // namespace pinhole::scenarios
