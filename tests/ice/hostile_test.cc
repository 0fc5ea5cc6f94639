// Messages of an attacker must not crash an agent, must not make its memory grow without bound, and must not be taken
// for the peer's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "tests/ice/lone_agent.h"
#include "tests/ice/test_network.h"

namespace pinhole::ice {
namespace {

using namespace std::chrono_literals;
using net::PacketClass;

const SocketAddress kPeer = Addr("192.0.2.9:9000");
const SocketAddress kAttacker = Addr("203.0.113.66:6666");

AgentOptions Controlled() {
  AgentOptions options;
  options.role = Role::kControlled;
  return options;
}

TEST(Hostile, AResponseWithTheWrongPasswordCountsForNothing) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const Sent check = lone.NextCheck();
  lone.AnswerSuccess(check, {}, {}, "wrong password wrong password");
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kInProgress);
  EXPECT_EQ(lone.Count<PairValid>(), 0);
  lone.AnswerSuccess(check);  // The real answer still does.
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kSucceeded);
}

TEST(Hostile, AResponseWithoutIntegrityCountsForNothing) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const Sent check = lone.NextCheck();
  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  stun::MessageBuilder message(buffer, stun::MessageClass::kSuccess, stun::Method::kBinding,
                               check.message().transaction_id());
  message.Add(stun::XorMappedAddress{kAttacker}).AddFingerprint();
  lone.Receive(check.to, message.Finish().value());
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kInProgress);
}

TEST(Hostile, AResponseToARequestThatWasNeverSentCountsForNothing) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  Sent check = lone.NextCheck();
  check.bytes[8] ^= 1;  // another transaction id
  lone.AnswerSuccess(check);
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kInProgress);
}

TEST(Hostile, AForgedRoleConflictDoesNotSwitchTheRole) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const Sent check = lone.NextCheck();
  lone.AnswerError(check, 487, "wrong password wrong password");
  EXPECT_EQ(lone.agent().role(), Role::kControlling);
  Sent other = check;
  other.bytes[9] ^= 1;
  lone.AnswerError(other, 487);  // good integrity, but to no open transaction
  EXPECT_EQ(lone.agent().role(), Role::kControlling);
}

TEST(Hostile, ARequestWithTheWrongPasswordIsRefusedAndTeachesNothing) {
  LoneAgent lone(Controlled());
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.TakeSent();
  const std::size_t events = lone.events().size();
  for (int i = 0; i < 100; ++i) {
    PeerCheck check{.use_candidate = true, .role = Role::kControlling};
    check.password = "wrong password wrong password";
    lone.ReceiveCheck(kAttacker.WithPort(static_cast<std::uint16_t>(1024 + i)), check);
  }
  const std::vector<Sent> refusals = lone.TakeSent(PacketClass::kResponse);
  EXPECT_EQ(refusals.size(), 100u);
  for (const Sent& sent : refusals) EXPECT_EQ(sent.message().Get<stun::ErrorCode>()->code, 401);
  // There are no new pairs and no new checks, and no event was reported.
  lone.RunFor(1s);
  EXPECT_EQ(lone.agent().CheckListSnapshot().size(), 1u);
  EXPECT_EQ(lone.agent().RemoteCandidates().size(), 1u);
  EXPECT_EQ(lone.agent().LocalDescription().candidates.size(), 1u);
  EXPECT_EQ(lone.agent().counters().requests_refused, 100);
  EXPECT_EQ(lone.agent().counters().prflx_remote_learned, 0);
  EXPECT_EQ(lone.agent().counters().role_switches, 0);
  EXPECT_EQ(lone.events().size(), events);
  for (const Sent& sent : lone.TakeSent()) EXPECT_EQ(sent.to, kPeer);
}

// The refused request is not stored until the peer's description comes.
TEST(Hostile, AnEarlyRequestWithTheWrongPasswordIsRefusedAndNotKept) {
  LoneAgent lone(Controlled());
  PeerCheck check{.use_candidate = true, .role = Role::kControlling};
  check.password = "wrong password wrong password";
  lone.ReceiveCheck(kAttacker, check);
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.RunFor(1s);
  EXPECT_EQ(lone.agent().CheckListSnapshot().size(), 1u);
  EXPECT_EQ(lone.agent().RemoteCandidates().size(), 1u);
}

TEST(Hostile, GarbageIsIgnored) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const Sent check = lone.NextCheck();
  net::SeededRandom random(1, "garbage");
  for (int i = 0; i < 20000; ++i) {
    std::vector<std::uint8_t> bytes = check.bytes;
    for (int k = 0; k < 3; ++k) bytes[random.Below(bytes.size())] = static_cast<std::uint8_t>(random.NextU64());
    if (i % 4 == 0) bytes.resize(random.Below(bytes.size() + 1));
    lone.Receive(kAttacker, bytes);
  }
  lone.Receive(kAttacker, {});
  lone.Receive(kAttacker, std::vector<std::uint8_t>(65000, 1));
  EXPECT_EQ(lone.agent().CheckListSnapshot().size(), 1u);
  EXPECT_GT(lone.agent().counters().datagrams_ignored, 0);
}

TEST(Hostile, TenThousandPeerReflexiveCandidatesFromOneAddressTeachEight) {
  LoneAgent lone(Controlled());
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  for (int i = 0; i < 10000; ++i) {
    lone.ReceiveCheck(kAttacker.WithPort(static_cast<std::uint16_t>(1024 + i)), {.role = Role::kControlling});
  }
  EXPECT_EQ(lone.agent().RemoteCandidates().size(), 1u + 8);
  EXPECT_EQ(lone.agent().CheckListSnapshot().size(), 1u + 8);
  EXPECT_EQ(lone.agent().counters().prflx_remote_refused, 10000 - 8);
}

TEST(Hostile, TenThousandPeerReflexiveCandidatesFromAsManyAddressesStayWithinTheLimits) {
  LoneAgent lone(Controlled());
  std::vector<Candidate> told;
  for (int i = 0; i < 60; ++i) told.push_back(LoneAgent::Host("192.0.2.9:" + std::to_string(9000 + i)));
  lone.SetRemote(told);
  for (int i = 0; i < 10000; ++i) {
    const SocketAddress from(net::IpAddress::V4(0x0A000000u + static_cast<std::uint32_t>(i)), 5000);
    lone.ReceiveCheck(from, {.role = Role::kControlling});
    if (i % 20 == 0) lone.RunFor(50ms);
  }
  EXPECT_LE(lone.agent().RemoteCandidates().size(), 100u);
  const std::vector<PairView> pairs = lone.agent().CheckListSnapshot();
  EXPECT_LE(pairs.size(), 100u);
  int told_pairs = 0;  // Learned ones replace learned ones only.
  for (const PairView& pair : pairs) told_pairs += pair.remote.type == CandidateType::kHost;
  EXPECT_EQ(told_pairs, 60);
  EXPECT_GT(lone.agent().counters().prflx_pairs_replaced, 9000);
}

TEST(Hostile, ChecksBeforeTheRemoteDescriptionAreRememberedInBounds) {
  LoneAgent lone(Controlled());
  for (int i = 0; i < 10000; ++i) {
    lone.ReceiveCheck(SocketAddress(net::IpAddress::V4(0x0A000000u + static_cast<std::uint32_t>(i)), 5000),
                      {.role = Role::kControlling});
  }
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  EXPECT_LE(lone.agent().CheckListSnapshot().size(), 101u);
}

TEST(Hostile, APeerThatTriggersForEverCostsOneCheckEachTa) {
  LoneAgent lone(Controlled());
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.TakeSent();
  const net::Instant start = lone.now();
  for (int i = 0; i < 2000; ++i) {
    lone.ReceiveCheck(kPeer, {.role = Role::kControlling});
    lone.RunFor(1ms);
  }
  const auto checks = static_cast<std::int64_t>(lone.TakeSent(PacketClass::kCheck).size());
  EXPECT_LE(checks, (lone.now() - start) / 50ms + 1);
}

TEST(Hostile, ADescriptionOfManyCandidatesMakesAHundredPairs) {
  LoneAgent lone({}, {"192.0.2.1", "192.0.2.2", "192.0.2.3"});
  std::vector<Candidate> told;
  for (int i = 0; i < 1000; ++i) {
    told.push_back(
        LoneAgent::Host("198.51.100.9:" + std::to_string(1000 + i), "1", 1, 0, 5000u - static_cast<unsigned>(i)));
  }
  lone.SetRemote(told);
  EXPECT_EQ(lone.agent().CheckListSnapshot().size(), 100u);
  EXPECT_GT(lone.agent().counters().pairs_discarded, 0);
}

TEST(Hostile, CandidatesOfStreamsAndComponentsThatAreNotOursAreHarmless) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000", "1", 200, 0), LoneAgent::Host("192.0.2.9:9000", "1", 1, 7),
                  LoneAgent::Host("192.0.2.9:9000", "1", 1, -3), LoneAgent::Host("192.0.2.9:9000")});
  EXPECT_EQ(lone.agent().CheckListSnapshot().size(), 1u);
}

TEST(Hostile, AMappedAddressThatChangesEachTimeDoesNotGrowTheAgent) {
  LoneAgent lone(Controlled());
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  for (int i = 0; i < 1000; ++i) {
    lone.ReceiveCheck(SocketAddress(net::IpAddress::V4(0x0A000000u + static_cast<std::uint32_t>(i)), 5000),
                      {.role = Role::kControlling});
    lone.RunFor(50ms);
    for (const Sent& check : lone.TakeSent(PacketClass::kCheck)) {
      lone.AnswerSuccess(check, SocketAddress(net::IpAddress::V4(0x0B000000u + static_cast<std::uint32_t>(i)), 7));
    }
  }
  EXPECT_LE(lone.agent().LocalCandidates().size(), 256u);
}

TEST(Hostile, InputsAfterCloseAndUnknownSocketsAreHarmless) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.ReceiveCheck(kPeer, {}, SocketTag(0));
  lone.agent().OnDatagram(lone.now(), SocketTag(99), kPeer, std::vector<std::uint8_t>{1}, {});
  lone.agent().OnIcmp(lone.now(), SocketTag(99), kPeer, net::IcmpError::Kind::kPortUnreachable);
  lone.agent().OnSendResult(lone.now(), SocketTag(99), kPeer, net::SendStatus::kNoRoute);
  lone.agent().OnSocketOpened(lone.now(), SocketTag(0), kPeer);
  lone.agent().Close(lone.now());
  lone.Drain();
  EXPECT_EQ(lone.closed().size(), 1u);
  lone.TakeSent();
  lone.ReceiveCheck(kPeer);
  lone.agent().Close(lone.now());
  lone.agent().OnTimer(lone.now() + 1h);
  lone.Drain();
  EXPECT_TRUE(lone.TakeSent().empty());
  EXPECT_EQ(lone.agent().NextTimer(), net::kNever);
}

}  // namespace
}  // namespace pinhole::ice
