// RFC 8489 over TCP, as an ICE agent uses it: its checks with the short-term mechanism (RFC 8489 §9.1), and its
// requests to TURN servers (RFC 8489 §6.2.2).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ice/lone_agent.h"
#include "tests/ice/test_network.h"

namespace pinhole::ice {
namespace {

using namespace std::chrono_literals;

const SocketAddress kPeer = Addr("192.0.2.9:9000");
const SocketAddress kOwn = Addr("192.0.2.1:40000");

// An agent that has sent a check over a TCP connection to kPeer, and waits for the response.
struct CheckingOverTcp {
  CheckingOverTcp() : lone(ActiveOnly()) {
    Candidate candidate = LoneAgent::Host("192.0.2.9:9000");
    candidate.transport = Transport::kTcpPassive;
    lone.SetRemote({candidate});
    lone.Connected(lone.opened().at(0).tag, kOwn);
    check = lone.TakeFrames().at(0);
  }
  static AgentOptions ActiveOnly() {
    AgentOptions options;
    options.udp_candidates = false;
    options.tcp.active = true;
    return options;
  }

  LoneAgent lone;
  SentFrame check;
};

TEST(Rfc8489, Section9_1_4_OverTcpAnAnswerWithoutRightIntegrityEndsTheCheckAtOnce) {
  CheckingOverTcp agent;
  agent.lone.AnswerOver(agent.check, kOwn, "anotherpasswordanotherpass");
  EXPECT_EQ(agent.lone.PairTo(kPeer).state, PairState::kFailed);
  EXPECT_EQ(agent.lone.PairTo(kPeer).end, PairEnd::kIntegrityViolated);
  agent.lone.AnswerOver(agent.check, kOwn);
  EXPECT_EQ(agent.lone.PairTo(kPeer).state, PairState::kFailed);
}

// RFC 8489 §6.3: a message whose fingerprint is wrong is discarded silently. Nothing that the peer said was violated.
TEST(Rfc8489, Section6_3_OverTcpAnAnswerWithAWrongFingerprintLeavesTheCheckWaiting) {
  CheckingOverTcp agent;
  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  stun::MessageBuilder message(buffer, stun::MessageClass::kSuccess, stun::Method::kBinding,
                               agent.check.message().transaction_id());
  message.AddFingerprint();
  const net::ByteView whole = message.Finish().value();
  std::vector<std::uint8_t> bytes(whole.begin(), whole.end());
  bytes.back() ^= 1;
  agent.lone.ReceiveFrame(agent.check.connection, bytes);
  EXPECT_EQ(agent.lone.PairTo(kPeer).state, PairState::kInProgress);
  agent.lone.AnswerOver(agent.check, kOwn);
  EXPECT_EQ(agent.lone.PairTo(kPeer).state, PairState::kSucceeded);
}

// The connection was opened in one slot of the pacer, and its Allocate request waits for the next slot. By then the
// connection has ended, and its owner no longer has it. Another server keeps the agent in gathering.
TEST(Rfc8489, Section6_2_2_OverTcpARequestFailsWithItsConnectionEvenIfItWaitsToBeSent) {
  AgentOptions options;
  options.udp_candidates = false;
  for (const char* server : {"198.51.100.1:3478", "198.51.100.2:3478"}) {
    options.turn_servers.push_back({Addr(server), "user", "secret", stun::Transport::kTcp});
  }
  LoneAgent lone(options);
  const ConnectionTag lost = lone.opened().at(0).tag;
  lone.Connected(lost, kOwn);
  ASSERT_TRUE(lone.written(lost).empty());
  lone.Ended(lost, ConnectionEnd::kReset);
  lone.RunFor(1s);
  EXPECT_TRUE(lone.written(lost).empty());
  const ConnectionTag other = lone.opened().at(1).tag;
  lone.Connected(other, kOwn);
  lone.RunFor(1s);
  EXPECT_FALSE(lone.written(other).empty());
}

}  // namespace
}  // namespace pinhole::ice
