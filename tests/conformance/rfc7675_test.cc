// RFC 7675 §5: consent freshness.
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "ice/consent.h"
#include "tests/ice/lone_agent.h"
#include "tests/ice/test_network.h"

namespace pinhole::ice {
namespace {

using namespace std::chrono_literals;
using net::PacketClass;

const SocketAddress kPeer = Addr("192.0.2.9:9000");
const std::vector<std::uint8_t> kData = {200, 1};

// Connects the agent. The time is then that of the last response.
void Connect(LoneAgent& lone) {
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerSuccess(lone.NextCheck());
  lone.AnswerSuccess(lone.NextCheck());
  ASSERT_EQ(lone.Count<Connected>(), 1);
  lone.TakeSent();
}

TEST(Rfc7675, Section5_1_NoDataBeforeThePeerHasConsented) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const Sent check = lone.NextCheck();
  EXPECT_FALSE(lone.agent().SendData(lone.now(), 0, 1, kData));
  lone.ReceiveCheck(kPeer);  // That the peer sends is not that it receives.
  EXPECT_FALSE(lone.agent().SendData(lone.now(), 0, 1, kData));
  lone.AnswerSuccess(check);
  EXPECT_TRUE(lone.agent().SendData(lone.now(), 0, 1, kData));
}

TEST(Rfc7675, Section5_1_ConsentBeforeSelectionLasts30SecondsToo) {
  AgentOptions options;
  options.role = Role::kControlled;
  LoneAgent lone(options);
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerSuccess(lone.NextCheck());
  lone.RunFor(29999ms);
  EXPECT_TRUE(lone.agent().SendData(lone.now(), 0, 1, kData));
  lone.RunFor(1ms);
  EXPECT_FALSE(lone.agent().SendData(lone.now(), 0, 1, kData));
}

TEST(Rfc7675, Section5_1_ConsentExpires30SecondsAfterTheLastAnswer) {
  LoneAgent lone;
  Connect(lone);
  const net::Instant obtained = lone.now();
  lone.RunUntil(obtained + 29999ms);
  EXPECT_TRUE(lone.agent().SendData(lone.now(), 0, 1, kData));
  EXPECT_EQ(lone.Count<ConsentLost>(), 0);
  lone.RunUntil(obtained + 30s);
  EXPECT_EQ(lone.Count<ConsentLost>(), 1);
  EXPECT_FALSE(lone.agent().SendData(lone.now(), 0, 1, kData));
  EXPECT_EQ(*lone.agent().times().consent_lost, obtained + 30s);
}

TEST(Rfc7675, Section5_1_AfterExpiryNothingIsSentOnThe5Tuple) {
  LoneAgent lone;
  Connect(lone);
  lone.RunFor(31s);
  lone.TakeSent();
  lone.RunFor(300s);
  EXPECT_TRUE(lone.TakeSent().empty());
}

// Connects a controlled agent late. Its pair becomes valid at once. The peer then sends plain checks every 5 s, and
// nominates the pair after `after`. Nothing except the peer's nomination makes the agent check the pair again.
void ConnectLate(LoneAgent& lone, Duration after) {
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerSuccess(lone.NextCheck());
  const net::Instant valid = lone.now();
  while (lone.now() + 5s < valid + after) {
    lone.RunFor(5s);
    lone.ReceiveCheck(kPeer, {.role = Role::kControlling});
  }
  lone.RunUntil(valid + after);
  lone.TakeSent();
  lone.ReceiveCheck(kPeer, {.use_candidate = true, .role = Role::kControlling});
  ASSERT_EQ(lone.Count<Connected>(), 1);
  lone.RunFor(0ms);
}

AgentOptions Controlled() {
  AgentOptions options;
  options.role = Role::kControlled;
  return options;
}

// The consent checks that the agent sent. Its responses have the same class, but are left out.
std::vector<Sent> TakeConsentChecks(LoneAgent& lone) {
  std::vector<Sent> requests;
  for (Sent& sent : lone.TakeSent(PacketClass::kConsent)) {
    if (sent.message().message_class() == stun::MessageClass::kRequest) requests.push_back(std::move(sent));
  }
  return requests;
}

TEST(Rfc7675, Section5_1_APairSelectedAfterItsConsentRanOutRegainsItBeforeData) {
  LoneAgent lone(Controlled());
  ConnectLate(lone, 40s);
  EXPECT_EQ(lone.Count<ConsentLost>(), 0);
  EXPECT_FALSE(lone.agent().SendData(lone.now(), 0, 1, kData));
  const std::vector<Sent> requests = TakeConsentChecks(lone);
  ASSERT_EQ(requests.size(), 1u);
  lone.RunFor(20ms);
  lone.AnswerSuccess(requests[0]);
  const net::Instant regained = lone.now();
  EXPECT_TRUE(lone.agent().SendData(lone.now(), 0, 1, kData));
  lone.RunUntil(regained + 29999ms);
  EXPECT_EQ(lone.Count<ConsentLost>(), 0);
  lone.RunUntil(regained + 30s);
  EXPECT_EQ(lone.Count<ConsentLost>(), 1);
}

TEST(Rfc7675, Section5_1_ThePeerHas30SecondsFromTheSelectionToRenewConsentButDataOnlyThoseFromItsLastAnswer) {
  LoneAgent lone(Controlled());
  ConnectLate(lone, 28s);
  const net::Instant selected = lone.now();
  EXPECT_TRUE(lone.agent().SendData(lone.now(), 0, 1, kData));
  lone.RunUntil(selected + 1999ms);
  EXPECT_TRUE(lone.agent().SendData(lone.now(), 0, 1, kData));
  lone.RunUntil(selected + 2s);
  EXPECT_FALSE(lone.agent().SendData(lone.now(), 0, 1, kData));
  EXPECT_EQ(lone.Count<ConsentLost>(), 0);
  lone.RunUntil(selected + 29999ms);
  EXPECT_EQ(lone.Count<ConsentLost>(), 0);
  EXPECT_GE(TakeConsentChecks(lone).size(), 5u);
  lone.RunUntil(selected + 30s);
  EXPECT_EQ(lone.Count<ConsentLost>(), 1);
}

TEST(Rfc7675, Section5_1_APairSelectedSoonIsNotAskedForConsentBeforeTheInterval) {
  LoneAgent lone(Controlled());
  ConnectLate(lone, 4s);
  lone.RunFor(3999ms);
  EXPECT_TRUE(TakeConsentChecks(lone).empty());
  lone.RunFor(2001ms);
  EXPECT_EQ(TakeConsentChecks(lone).size(), 1u);
}

TEST(Rfc7675, Section5_1_AnAnswerRenewsConsentFromWhenItComes) {
  LoneAgent lone;
  Connect(lone);
  lone.RunFor(10s);
  lone.AnswerSuccess(lone.TakeSent(PacketClass::kConsent).back());
  const net::Instant renewed = lone.now();
  lone.RunUntil(renewed + 29999ms);
  EXPECT_EQ(lone.Count<ConsentLost>(), 0);
  lone.RunUntil(renewed + 30s);
  EXPECT_EQ(lone.Count<ConsentLost>(), 1);
}

TEST(Rfc7675, Section5_1_AnAnswerToAnEarlierRequestCountsToo) {
  LoneAgent lone;
  Connect(lone);
  lone.RunFor(25s);
  lone.AnswerSuccess(lone.TakeSent(PacketClass::kConsent).front());
  lone.RunFor(10s);
  EXPECT_EQ(lone.Count<ConsentLost>(), 0);
}

TEST(Rfc7675, Section5_1_OnlyAuthenticAnswersFromThePeersAddressCount) {
  LoneAgent lone;
  Connect(lone);
  const net::Instant obtained = lone.now();
  lone.RunFor(20s);
  for (const Sent& request : lone.TakeSent(PacketClass::kConsent)) {
    lone.AnswerSuccess(request, {}, {}, "wrong password wrong password");
    lone.AnswerSuccess(request, {}, Addr("203.0.113.66:6666"));
    lone.AnswerError(request, 500);
  }
  lone.ReceiveCheck(kPeer);    // Traffic is no answer,
  lone.Receive(kPeer, kData);  // nor is data.
  lone.RunUntil(obtained + 30s);
  EXPECT_EQ(lone.Count<ConsentLost>(), 1);
}

TEST(Rfc7675, Section5_1_IntervalsAreRandomBetween4And6Seconds) {
  LoneAgent lone;
  Connect(lone);
  net::Instant last = lone.now();
  std::set<std::int64_t> intervals;
  for (int i = 0; i < 200; ++i) {
    std::vector<Sent> requests;
    while (requests.empty()) {
      lone.RunFor(100ms);
      requests = lone.TakeSent(PacketClass::kConsent);
    }
    ASSERT_EQ(requests.size(), 1u);
    const net::Duration interval = requests[0].at - last;
    EXPECT_GE(interval, 4s);
    EXPECT_LE(interval, 6s);
    intervals.insert(interval.count());
    last = requests[0].at;
    lone.AnswerSuccess(requests[0]);
  }
  EXPECT_GT(intervals.size(), 150u);
  EXPECT_LT(*intervals.begin(), std::chrono::nanoseconds(4200ms).count());
  EXPECT_GT(*intervals.rbegin(), std::chrono::nanoseconds(5800ms).count());
}

TEST(Rfc7675, Section5_1_EachRequestHasANewTransactionIdAndIsSentOnce) {
  LoneAgent lone;
  Connect(lone);
  lone.RunFor(29s);
  std::set<stun::TransactionId> ids;
  const std::vector<Sent> requests = lone.TakeSent(PacketClass::kConsent);
  EXPECT_GE(requests.size(), 4u);
  for (const Sent& request : requests) ids.insert(request.message().transaction_id());
  EXPECT_EQ(ids.size(), requests.size());
}

TEST(Rfc7675, Section5_1_RequestsUseTheCredentialsOfTheSessionAndDoNotNominate) {
  LoneAgent lone;
  Connect(lone);
  lone.RunFor(6s);
  const Sent request = lone.TakeSent(PacketClass::kConsent).at(0);
  EXPECT_TRUE(request.message().CheckIntegrity(stun::HmacSha1Key(absl::string_view(LoneAgent::kPeerPassword))));
  EXPECT_FALSE(request.message().Has(stun::AttributeType::kUseCandidate));
  EXPECT_EQ(request.to, kPeer);
}

TEST(Rfc7675, Section5_1_AnAnswerAfterExpiryDoesNotBringConsentBack) {
  LoneAgent lone;
  Connect(lone);
  lone.RunFor(31s);
  lone.AnswerSuccess(lone.TakeSent(PacketClass::kConsent).back());
  EXPECT_FALSE(lone.agent().SendData(lone.now(), 0, 1, kData));
  lone.ReceiveCheck(kPeer);
  EXPECT_FALSE(lone.agent().SendData(lone.now(), 0, 1, kData));
}

TEST(Rfc7675, Section5_1_ChecksFromThePeerAreStillAnsweredAfterExpiry) {
  LoneAgent lone;
  Connect(lone);
  lone.RunFor(31s);
  lone.TakeSent();
  lone.ReceiveCheck(kPeer);
  EXPECT_EQ(lone.TakeSent().size(), 1u);
}

TEST(Rfc7675, Section5_2_AnAuthentic403RevokesConsentAtOnce) {
  LoneAgent lone;
  Connect(lone);
  lone.RunFor(6s);
  const Sent request = lone.TakeSent(PacketClass::kConsent).at(0);
  lone.AnswerError(request, 403, "wrong password wrong password");
  EXPECT_EQ(lone.Count<ConsentLost>(), 0);
  lone.AnswerError(request, 403);
  EXPECT_EQ(lone.Count<ConsentLost>(), 1);
  EXPECT_FALSE(lone.agent().SendData(lone.now(), 0, 1, kData));
}

// "Consent is necessary over a TCP connection because it could be translated to a UDP connection" (RFC 7675 §5.1's
// note).
TEST(Rfc7675, Section5_1_ConsentIsKeptAndLostOverTcpAsOverUdp) {
  AgentOptions options;
  options.udp_candidates = false;
  options.tcp.active = true;
  LoneAgent lone(options);
  Candidate candidate = LoneAgent::Host("192.0.2.9:9000");
  candidate.transport = Transport::kTcpPassive;
  lone.SetRemote({candidate});
  const SocketAddress own = Addr("192.0.2.1:40000");
  const ConnectionTag connection = lone.opened().at(0).tag;
  lone.Connected(connection, own);
  for (int i = 0; i < 2; ++i) {
    lone.AnswerOver(lone.TakeFrames().at(0), own);
    lone.RunFor(100ms);
  }
  ASSERT_EQ(lone.Count<Connected>(), 1);
  net::Instant answered;
  int checks = 0;
  for (const net::Instant end = lone.now() + 60s; lone.now() < end;) {
    lone.RunFor(100ms);
    for (const SentFrame& frame : lone.TakeFrames()) {
      EXPECT_EQ(frame.packet_class, PacketClass::kConsent);
      EXPECT_EQ(frame.connection, connection);
      lone.AnswerOver(frame, own);
      answered = lone.now();
      ++checks;
    }
  }
  EXPECT_GE(checks, 60 / 6);
  EXPECT_EQ(lone.Count<ConsentLost>(), 0);
  lone.RunUntil(answered + 29999ms);
  EXPECT_TRUE(lone.agent().SendData(lone.now(), 0, 1, kData));
  lone.RunUntil(answered + 30s);
  EXPECT_EQ(lone.Count<ConsentLost>(), 1);
  EXPECT_FALSE(lone.agent().SendData(lone.now(), 0, 1, kData));
}

}  // namespace
}  // namespace pinhole::ice
