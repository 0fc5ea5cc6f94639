// What a nat or firewall of a scenario becomes in the simulator, field by field.
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

TEST(NatConversion, ANatThatSaysNothingTracksAsTheSimulatorsDefault) {
  EXPECT_TRUE(ToNatProfile(proto::Nat()).tcp.tracking == sim::TcpTracking());
  EXPECT_EQ(ToNatProfile(proto::Nat()).tcp.unsolicited_hold, 6s);
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
