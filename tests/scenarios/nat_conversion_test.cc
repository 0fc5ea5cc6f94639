// The conversion of a nat or firewall of a scenario into the simulator's options, field by field.
#include "scenarios/conversion/nat_conversion.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "scenarios/conversion/firewall_conversion.h"

namespace pinhole::scenarios {
namespace {

using namespace std::chrono_literals;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}
sim::TcpTracking Tracking(const std::string& fields) {
  return ToNatProfile(Parse<proto::Nat>("tcp { " + fields + " }")).tcp.tracking;
}

TEST(NatConversion, EachWordOfTcpTrackingIsItsOwn) {
  EXPECT_EQ(Tracking("invalid: DROP").invalid, sim::TcpInvalid::kDrop);
  EXPECT_EQ(Tracking("invalid: RST").invalid, sim::TcpInvalid::kReset);
  EXPECT_EQ(Tracking("invalid: INPUT").invalid, sim::TcpInvalid::kInput);
  EXPECT_EQ(Tracking("invalid: LEAK").invalid, sim::TcpInvalid::kLeak);
  EXPECT_EQ(Tracking("idle: SILENT").idle, sim::TcpIdle::kSilent);
  EXPECT_EQ(Tracking("idle: RST_LATE").idle, sim::TcpIdle::kResetLate);
  EXPECT_EQ(Tracking("idle: RST_BOTH").idle, sim::TcpIdle::kResetBoth);
  EXPECT_EQ(Tracking("on_reset: CLOSES").on_reset, sim::TcpOnReset::kClose);
  EXPECT_EQ(Tracking("on_reset: DELETES").on_reset, sim::TcpOnReset::kForget);
  EXPECT_EQ(Tracking("on_reset: TRANSITORY").on_reset, sim::TcpOnReset::kTransitory);
  EXPECT_EQ(Tracking("on_reset: IGNORED").on_reset, sim::TcpOnReset::kIgnore);
  EXPECT_EQ(Tracking("tracking: ADDRESSES").depth, sim::TcpDepth::kAddresses);
  EXPECT_EQ(Tracking("tracking: FLAGS").depth, sim::TcpDepth::kFlags);
  EXPECT_EQ(Tracking("tracking: SYN_ACK_NUMBER").depth, sim::TcpDepth::kSynAckNumber);
  EXPECT_EQ(Tracking("tracking: WINDOW").depth, sim::TcpDepth::kWindow);
  EXPECT_EQ(Tracking("tracking: LINUX").depth, sim::TcpDepth::kLinux);
  EXPECT_EQ(Tracking("tracking: REWRITES_ISN").depth, sim::TcpDepth::kRewritesIsn);
  EXPECT_TRUE(Tracking("liberal: true").liberal);
  EXPECT_FALSE(Tracking("liberal: true").loose);
  EXPECT_TRUE(Tracking("loose: true").loose);
  EXPECT_FALSE(Tracking("loose: true").liberal);
  EXPECT_FALSE(Tracking("simultaneous_open: false").simultaneous_open);
  EXPECT_EQ(Tracking("retransmissions_max: 7").retransmissions_max, 7);
}

TEST(NatConversion, EachTimeoutOfTcpIsItsOwn) {
  const sim::TcpTimeouts expected = {.syn_sent = 1s,
                                     .syn_received = 2s,
                                     .established = 3s,
                                     .fin_wait = 4s,
                                     .close_wait = 5s,
                                     .last_ack = 6s,
                                     .time_wait = 7s,
                                     .close = 8s,
                                     .unacknowledged = 9s,
                                     .retransmitted = 10s};
  const sim::TcpTracking tracking = Tracking(
      "syn_sent_timeout_us: 1000000 syn_received_timeout_us: 2000000 established_timeout_us: 3000000 "
      "fin_wait_timeout_us: 4000000 close_wait_timeout_us: 5000000 last_ack_timeout_us: 6000000 "
      "time_wait_timeout_us: 7000000 close_timeout_us: 8000000 unacknowledged_timeout_us: 9000000 "
      "retransmitted_timeout_us: 10000000");
  EXPECT_TRUE(tracking.timeouts == expected);
}

// The schema and the simulator state the defaults separately.
TEST(NatConversion, ANatThatSaysNothingIsTheSimulatorsDefault) {
  const sim::NatProfile schema = ToNatProfile(proto::Nat());
  const sim::NatProfile simulator;
  const auto expect_same_transport = [](const sim::TransportBehavior& a, const sim::TransportBehavior& b) {
    EXPECT_EQ(a.mapping, b.mapping);
    EXPECT_EQ(a.filtering, b.filtering);
    EXPECT_EQ(a.filter_memory, b.filter_memory);
    EXPECT_EQ(a.inbound_sessions, b.inbound_sessions);
    EXPECT_EQ(a.port_allocation, b.port_allocation);
    EXPECT_EQ(a.sequential_step, b.sequential_step);
    EXPECT_TRUE(a.ports == b.ports);
    EXPECT_EQ(a.parity, b.parity);
    EXPECT_EQ(a.contiguity, b.contiguity);
    EXPECT_EQ(a.collision, b.collision);
    EXPECT_EQ(a.exhaustion, b.exhaustion);
    EXPECT_EQ(a.block_ports, b.block_ports);
    EXPECT_EQ(a.blocks_per_host, b.blocks_per_host);
    EXPECT_EQ(a.hairpin, b.hairpin);
    EXPECT_EQ(a.unsolicited, b.unsolicited);
  };
  expect_same_transport(schema.udp, simulator.udp);
  EXPECT_EQ(schema.udp.timeouts.first, simulator.udp.timeouts.first);
  EXPECT_EQ(schema.udp.timeouts.unreplied, simulator.udp.timeouts.unreplied);
  EXPECT_EQ(schema.udp.timeouts.replied, simulator.udp.timeouts.replied);
  EXPECT_EQ(schema.udp.timeouts.assured, simulator.udp.timeouts.assured);
  EXPECT_EQ(schema.udp.timeouts.assured_after, simulator.udp.timeouts.assured_after);
  EXPECT_EQ(schema.udp.refresh, simulator.udp.refresh);
  EXPECT_EQ(schema.udp.destinations_remembered, simulator.udp.destinations_remembered);
  EXPECT_EQ(schema.udp.filter_timeout, simulator.udp.filter_timeout);
  EXPECT_EQ(schema.udp.poisoning, simulator.udp.poisoning);
  expect_same_transport(schema.tcp, simulator.tcp);
  EXPECT_TRUE(schema.tcp.tracking == simulator.tcp.tracking);
  EXPECT_EQ(schema.tcp.unsolicited_hold, simulator.tcp.unsolicited_hold);
  EXPECT_EQ(schema.pooling, simulator.pooling);
  EXPECT_EQ(schema.soft_pairing, simulator.soft_pairing);
  EXPECT_EQ(schema.pools_per_transport, simulator.pools_per_transport);
  EXPECT_EQ(schema.mappings_max, simulator.mappings_max);
  EXPECT_EQ(schema.mappings_per_host_max, simulator.mappings_per_host_max);
  EXPECT_EQ(schema.when_full, simulator.when_full);
  EXPECT_EQ(schema.icmp_errors_translated, simulator.icmp_errors_translated);
  EXPECT_EQ(schema.icmp_errors_close, simulator.icmp_errors_close);
  EXPECT_EQ(schema.routes_inside, simulator.routes_inside);
  EXPECT_TRUE(schema == simulator) << "in a field that is not compared above";
}

TEST(FirewallConversion, ByDefaultSynsAreProhibitedAfterSixSecondsAndDatagramsGetNoAnswer) {
  const sim::FilterProfile profile = ToFilterProfile(proto::Firewall());
  EXPECT_EQ(profile.unsolicited, sim::Unsolicited::kAdminProhibited);
  EXPECT_EQ(profile.unsolicited_udp, sim::Unsolicited::kDrop);
  EXPECT_EQ(profile.unsolicited_hold, 6s);
  EXPECT_TRUE(profile.tcp.timeouts == sim::TcpTimeouts());
}

TEST(FirewallConversion, AnAnswerIsForBothTransportsAndTheHoldIsItsOwn) {
  const sim::FilterProfile profile =
      ToFilterProfile(Parse<proto::Firewall>("unsolicited: TCP_RST unsolicited_hold_us: 1000000"));
  EXPECT_EQ(profile.unsolicited, sim::Unsolicited::kReset);
  EXPECT_EQ(profile.unsolicited_udp, sim::Unsolicited::kReset);
  EXPECT_EQ(profile.unsolicited_hold, 1s);
}

TEST(FirewallConversion, WhatReadsNoFlagsHoldsNothing) {
  const auto contradiction = [](const std::string& fields) {
    return FindContradiction(
        Parse<proto::Router>("interface { name: \"wan\" } firewall { outside: \"wan\" " + fields + " }"));
  };
  EXPECT_FALSE(contradiction("tracking: ADDRESSES"));
  EXPECT_EQ(ToFilterProfile(Parse<proto::Firewall>("tracking: ADDRESSES")).unsolicited_hold, 0s);
  EXPECT_TRUE(sim::IsValid(ToFilterProfile(Parse<proto::Firewall>("tracking: ADDRESSES"))));
  const auto held = contradiction("tracking: ADDRESSES unsolicited_hold_us: 1");
  ASSERT_TRUE(held);
  EXPECT_EQ(held->field, "unsolicited_hold_us");
}

}  // namespace
}  // namespace pinhole::scenarios
