// Allocations on TURN servers: they are requested at the pace of Ta, and released even if messages are lost.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "stun/attributes.h"
#include "stun/message.h"
#include "tests/ice/lone_agent.h"
#include "tests/ice/test_network.h"

namespace pinhole::ice {
namespace {

using namespace std::chrono_literals;
using net::PacketClass;

const SocketAddress kServer = Addr("198.51.100.1:3478");

AgentOptions WithRelay(Role role = Role::kControlling) {
  AgentOptions options;
  options.role = role;
  options.turn_servers = {{kServer, "user", "secret"}};
  return options;
}

bool IsRelease(const WirePacket& packet) {
  const auto message = stun::MessageView::Parse(packet.bytes);
  if (!message.has_value() || message->method() != stun::Method::kRefresh) return false;
  const auto lifetime = message->Get<stun::Lifetime>();
  return lifetime.has_value() && lifetime->value == 0;  // of a request, and of the success that answers it
}

bool IsAllocateSuccess(const WirePacket& packet) {
  const auto message = stun::MessageView::Parse(packet.bytes);
  return message.has_value() && message->method() == stun::Method::kAllocate &&
         message->message_class() == stun::MessageClass::kSuccess;
}

// Alice has an allocation, gets no description of her peer, and gives up after exchange_wait.
struct GivesUp {
  GivesUp() {
    net.AddServer(kServer);
    AgentOptions options = WithRelay();
    options.exchange_wait = 10s;
    alice = net.Add("alice", options, {Local("192.0.2.1")});
    net.Start(alice);
  }
  std::vector<WirePacket> Releases() {
    std::vector<WirePacket> found;
    for (const WirePacket& packet : net.Sent(alice, PacketClass::kTurn)) {
      if (IsRelease(packet)) found.push_back(packet);
    }
    return found;
  }
  TestNetwork net;
  int alice = 0;
};

TEST(Release, OfAFailedSessionIsResentUntilItIsAnswered) {
  for (bool lose_answers : {false, true}) {
    GivesUp session;
    int lost = 0;
    session.net.set_link([&](const WirePacket& packet) -> std::optional<Duration> {
      if (IsRelease(packet) && (packet.sender < 0) == lose_answers && lost < 3) {
        ++lost;
        return std::nullopt;
      }
      return 10ms;
    });
    session.net.RunUntil(At(60s));
    ASSERT_TRUE(session.net.agent(session.alice).failure().has_value());
    EXPECT_EQ(session.net.allocations(), 0u);
    const std::vector<WirePacket> sent = session.Releases();
    // Of lost answers one is enough to lose: the next request finds no allocation, and 437 is as good.
    ASSERT_EQ(sent.size(), lose_answers ? 2u : 4u);
    EXPECT_EQ(sent[1].sent, sent[0].sent + 500ms);
    for (const WirePacket& packet : sent) EXPECT_EQ(packet.bytes, sent[0].bytes);
    EXPECT_EQ(session.net.agent(session.alice).NextTimer(), net::kNever);
  }
}

TEST(Release, ThatIsNeverAnsweredEndsWithItsTransaction) {
  GivesUp session;
  session.net.set_link([](const WirePacket& packet) -> std::optional<Duration> {
    if (IsRelease(packet)) return std::nullopt;
    return 10ms;
  });
  session.net.RunUntil(At(200s));
  EXPECT_EQ(session.Releases().size(), 7u);  // Rc
  EXPECT_EQ(session.net.agent(session.alice).NextTimer(), net::kNever);
}

TEST(Release, OfAClosedSessionIsSentOnce) {
  GivesUp session;
  session.net.RunUntil(At(5s));
  session.net.agent(session.alice).Close(session.net.now());
  session.net.set_link([](const WirePacket&) -> std::optional<Duration> { return std::nullopt; });
  session.net.Drain(session.alice);
  EXPECT_EQ(session.net.agent(session.alice).NextTimer(), net::kNever);
  session.net.RunUntil(At(60s));
  EXPECT_EQ(session.Releases().size(), 1u);
}

// RFC 8445 §8.3.1. Alice's second address serves no selected pair, but the release of its allocation needs the socket.
TEST(Release, OfAnUnselectedCandidateIsResentAndKeepsItsSocketUntilAnswered) {
  TestNetwork net;
  net.AddServer(kServer);
  AgentOptions controlled;
  controlled.role = Role::kControlled;
  const int a = net.Add("alice", WithRelay(), {Local("192.0.2.1"), Local("192.0.2.2")});
  const int b = net.Add("bob", controlled, {Local("192.0.2.9")});
  int lost = 0;
  net.set_link([&](const WirePacket& packet) -> std::optional<Duration> {
    if (IsRelease(packet) && packet.sender == a && lost < 4) {  // Both allocations' first two.
      ++lost;
      return std::nullopt;
    }
    return 10ms;
  });
  net.Introduce(a, b);
  net.Start(a);
  net.Start(b);
  net.RunUntilConcluded(a, b, At(60s));
  ASSERT_TRUE(net.agent(a).SelectedPair(0, 1).has_value());
  const Instant freed = *net.agent(a).times().connected + 3s;
  net.RunUntil(freed + 1400ms);
  EXPECT_EQ(net.allocations(), 2u);
  EXPECT_TRUE(net[a].closed.empty());
  net.RunUntil(freed + 1600ms);  // Sent again 500 ms and 1.5 s after the first.
  EXPECT_EQ(net.allocations(), 0u);
  EXPECT_EQ(net[a].closed.size(), 1u);
}

TEST(Release, OfAnAllocationGrantedAfterTheGatheringDeadlineFollowsAtOnce) {
  TestNetwork net;
  net.AddServer(kServer);
  const int a = net.Add("alice", WithRelay(), {Local("192.0.2.1")});
  Instant granted;
  net.set_link([&](const WirePacket& packet) {
    if (!IsAllocateSuccess(packet)) return 10ms;
    if (granted == Instant()) granted = packet.sent + 1500ms;
    return 1500ms;
  });
  net.Start(a);
  net.RunUntil(At(1200ms));
  ASSERT_EQ(net[a].Count<GatheringDone>(), 1);
  EXPECT_EQ(net.agent(a).UnansweredRequests().size(), 1u);
  EXPECT_EQ(net.allocations(), 1u);
  net.RunUntil(granted + 20ms);
  EXPECT_EQ(net.allocations(), 0u);
  EXPECT_EQ(net.agent(a).LocalCandidates().size(), 1u);  // It is too late for a candidate.
}

// The success response to Allocate was lost, so the agent does not know that the server made the allocation.
TEST(Release, OfAnAllocationWhoseGrantIsLostFollowsWhenTheAllocateIsAnsweredAgain) {
  TestNetwork net;
  net.AddServer(kServer);
  const int a = net.Add("alice", WithRelay(), {Local("192.0.2.1")});
  net.set_link([&](const WirePacket& packet) -> std::optional<Duration> {
    if (IsAllocateSuccess(packet) && packet.sent < At(1200ms)) return std::nullopt;
    return 10ms;
  });
  net.Start(a);
  net.RunUntil(At(1200ms));
  ASSERT_EQ(net[a].Count<GatheringDone>(), 1);
  EXPECT_EQ(net.allocations(), 1u);
  net.RunUntil(At(3s));
  EXPECT_EQ(net.allocations(), 0u);
}

// RFC 8445 §14.2: Ta is the distance of new transactions. Retransmissions keep their own times, however many are open.
TEST(Permissions, FortyThatAreOpenAtOnceAreEachResentOnTimeAndCountedOnce) {
  TestNetwork net;
  net.AddServer(kServer);
  AgentOptions options = WithRelay();
  options.host_candidates = options.server_reflexive_candidates = false;
  options.rto_policy = RtoPolicy::kFixed;
  const int a = net.Add("alice", options, {Local("192.0.2.1")});
  net.set_link([](const WirePacket& packet) -> std::optional<Duration> {
    const auto message = stun::MessageView::Parse(packet.bytes);
    if (message.has_value() && message->method() == stun::Method::kCreatePermission) return std::nullopt;
    return 10ms;
  });
  net.Start(a);
  net.RunUntil(At(1s));
  std::vector<Candidate> remotes;
  for (int i = 1; i <= 40; ++i) {
    remotes.push_back(LoneAgent::Host("203.0.113." + std::to_string(i) + ":9000", std::to_string(i)));
  }
  const int before = net.agent(a).counters().transactions;
  net.agent(a).SetRemote(net.now(), LoneAgent::Remote(remotes));
  net.Drain(a);
  net.RunUntil(At(8s));
  std::map<stun::TransactionId, std::vector<Instant>> sends;
  std::vector<Instant> first;
  for (const WirePacket& packet : net.Sent(a, PacketClass::kTurn)) {
    const auto message = *stun::MessageView::Parse(packet.bytes);
    if (message.method() != stun::Method::kCreatePermission) continue;
    std::vector<Instant>& at = sends[message.transaction_id()];
    if (at.empty()) first.push_back(packet.sent);
    at.push_back(packet.sent);
  }
  ASSERT_EQ(sends.size(), 40u);
  for (const auto& [id, at] : sends) {
    ASSERT_GE(at.size(), 3u);
    EXPECT_EQ(at[1], at[0] + 500ms);
    EXPECT_EQ(at[2], at[0] + 1500ms);
  }
  for (std::size_t i = 1; i < first.size(); ++i) EXPECT_EQ(first[i], first[i - 1] + 50ms);
  EXPECT_EQ(net.agent(a).counters().transactions - before, 40);
}

}  // namespace
}  // namespace pinhole::ice
