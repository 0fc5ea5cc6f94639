// RFC 6544 §12 and further limits: the connections that a hostile list of candidates, or an unknown host, can make an
// agent open.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "ice/tcp_connections.h"
#include "ice/tcp_targets.h"
#include "tests/conformance/rfc6544_agents.h"

namespace pinhole::ice {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

// --- 12 and further limits: connections that a hostile list of candidates can cause

// A peer with ten passive candidates on one address, and one candidate on another address that is checked last.
std::vector<Candidate> ElevenTargets() {
  std::vector<Candidate> targets;
  for (int i = 0; i < 10; ++i) {
    targets.push_back(Passive("198.51.100.9:" + std::to_string(9000 + i), std::to_string(i)));
  }
  targets.push_back(Passive("198.51.100.10:9000", "other"));
  targets.back().priority -= 1000;
  return targets;
}

int OpenedTo(const LoneAgent& lone, const char* address) {
  const net::IpAddress ip = net::IpAddress::Parse(address).value();
  return static_cast<int>(std::count_if(lone.opened().begin(), lone.opened().end(),
                                        [&](const Opened& one) { return one.remote.address() == ip; }));
}

TEST(Rfc6544, Section12_NoMoreThanFiveConnectionsAreBeingMadeToOneAddressAtOnce) {
  LoneAgent lone(With(Transport::kTcpActive));
  lone.SetRemote(ElevenTargets());
  lone.RunFor(5s);
  EXPECT_EQ(OpenedTo(lone, "198.51.100.9"), 5);
  EXPECT_EQ(OpenedTo(lone, "198.51.100.10"), 1);  // The others are not in its way.
  EXPECT_EQ(lone.PairTo(Addr("198.51.100.9:9005")).state, PairState::kWaiting);
  EXPECT_EQ(lone.agent().counters().checks_held_back, 5);

  // When one attempt has ended, successfully or not, another may begin.
  lone.Connected(lone.opened()[0].tag);
  EXPECT_EQ(OpenedTo(lone, "198.51.100.9"), 6);
  EXPECT_EQ(lone.opened().back().remote, Addr("198.51.100.9:9005"));
  lone.RunFor(5s);
  lone.Ended(lone.opened()[1].tag, ConnectionEnd::kRefused);
  EXPECT_EQ(OpenedTo(lone, "198.51.100.9"), 7);
  lone.RunFor(5s);
  EXPECT_EQ(OpenedTo(lone, "198.51.100.9"), 7);
  lone.RunUntil(At(41s));  // Ti of three of them is over.
  EXPECT_EQ(OpenedTo(lone, "198.51.100.9"), 10);
}

TEST(Rfc6544, Section12_AConnectionThatIsToBeTriedAgainIsOneOfTheFive) {
  AgentOptions options = With(Transport::kTcpActive);
  options.tcp.on_connect_failure = ConnectFailurePolicy::kRetry;
  options.tcp.retry_pause = 1s;
  LoneAgent lone(options);
  lone.SetRemote(ElevenTargets());
  lone.RunFor(500ms);
  ASSERT_EQ(OpenedTo(lone, "198.51.100.9"), 5);
  lone.Ended(lone.opened()[0].tag, ConnectionEnd::kRefused);
  lone.RunFor(900ms);
  EXPECT_EQ(OpenedTo(lone, "198.51.100.9"), 5);
}

// The five attempts do not delay a check that can use a connection which the peer has opened.
TEST(Rfc6544, Section12_APairThatWaitsForFewerAttemptsIsCheckedOverAConnectionOfThePeers) {
  LoneAgent lone(With(Transport::kTcpSimultaneousOpen));
  std::vector<Candidate> remote;
  for (int i = 0; i < 7; ++i) {
    remote.push_back(
        Tcp(Transport::kTcpSimultaneousOpen, "198.51.100.9:" + std::to_string(9000 + i), std::to_string(i)));
  }
  lone.SetRemote(remote);
  lone.RunFor(2s);
  ASSERT_EQ(OpenedTo(lone, "198.51.100.9"), 5);
  const ConnectionTag connection = lone.Accept(SocketTag(0), Addr("198.51.100.9:9006")).value();
  lone.RunFor(50ms);
  const std::vector<SentFrame> frames = lone.TakeFrames();
  ASSERT_THAT(frames, SizeIs(1));
  EXPECT_EQ(frames[0].connection, connection);
  EXPECT_EQ(OpenedTo(lone, "198.51.100.9"), 5);
}

TEST(Rfc6544, Section12_NoConnectionIsMadeToLoopbackUnspecifiedMulticastReservedOrOwnAddresses) {
  LoneAgent lone(With(Transport::kTcpActive), {"192.0.2.1", "10.0.0.1"});
  lone.SetRemote({Passive("127.0.0.1:22", "1"), Passive("127.8.8.8:22", "2"), Passive("0.0.0.0:22", "3"),
                  Passive("224.0.0.1:22", "4"), Passive("192.0.2.1:22", "5"), Passive("10.0.0.1:22", "6"),
                  Passive("240.0.0.1:22", "7"), Passive("255.255.255.255:22", "8")});
  lone.RunFor(10s);
  EXPECT_THAT(lone.opened(), IsEmpty());
  EXPECT_EQ(lone.agent().counters().targets_refused, 6);  // Those that are no candidates at all are not counted.
}

TEST(Rfc6544, Section12_AtMostEightPrivateAddressesAreConnectedToInASession) {
  LoneAgent lone(With(Transport::kTcpActive));
  std::vector<Candidate> hostile;
  for (int i = 1; i <= 50; ++i) hostile.push_back(Passive("192.168.0." + std::to_string(i) + ":22", std::to_string(i)));
  for (int i = 1; i <= 3; ++i) hostile.push_back(Passive("198.51.100." + std::to_string(i) + ":22", "p"));
  hostile.push_back(Passive("192.168.0.1:80", "q"));  // One of the eight, on another port.
  lone.SetRemote(hostile);
  lone.RunFor(30s);
  std::set<net::IpAddress> private_addresses;
  for (const Opened& opened : lone.opened()) {
    if (opened.remote.address().IsPrivate()) private_addresses.insert(opened.remote.address());
  }
  EXPECT_THAT(private_addresses, SizeIs(8));
  EXPECT_EQ(lone.agent().counters().targets_refused, 42);
}

TEST(Rfc6544, Section12_TheLimitIsAnOptionAndHoldsForLateCandidates) {
  AgentOptions options = With(Transport::kTcpActive);
  options.tcp.private_address_limit = 1;
  LoneAgent lone(options);
  Description remote = LoneAgent::Remote({Passive("192.168.0.1:22")});
  remote.complete = false;
  lone.SetRemote(remote);
  lone.agent().AddRemoteCandidate(lone.now(), Passive("192.168.0.2:22", "2"));
  lone.Drain();
  lone.RunFor(1s);
  EXPECT_THAT(lone.opened(), SizeIs(1));
  EXPECT_EQ(lone.agent().counters().targets_refused, 1);
}

TEST(Rfc6544, Section12_PrivateAddressesOfPairsThatAreDiscardedDoNotCount) {
  AgentOptions options = With(Transport::kTcpActive);
  options.components = {1, 1};
  options.pair_limit = 2;
  options.tcp.private_address_limit = 1;
  LoneAgent lone(options);
  std::vector<Candidate> remote = {Passive("198.51.100.1:9000"), Passive("192.168.0.1:9000", "2"),
                                   Passive("192.168.0.2:9000", "3")};
  remote[1].priority -= 1;  // Discarded: the other two are the last of their streams.
  remote[2].stream = 1;
  lone.SetRemote(remote);
  lone.RunFor(1s);
  ASSERT_THAT(lone.opened(), SizeIs(2));
  EXPECT_EQ(lone.opened()[1].remote, Addr("192.168.0.2:9000"));
  EXPECT_EQ(lone.agent().counters().targets_refused, 0);
}

TEST(Rfc6544, Section12_EveryKindOfAddressThatIsNotPublicCounts) {
  TcpTargets targets(2, false);
  const auto allow = [&](const char* text) { return targets.Allow(net::IpAddress::Parse(text).value()); };
  EXPECT_TRUE(allow("169.254.1.1"));
  EXPECT_TRUE(allow("100.64.0.1"));
  for (const char* refused :
       {"10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.2", "169.254.1.2", "fd00::1", "fe80::1", "::1",
        "::", "240.0.0.1", "255.255.255.255", "::ffff:192.168.0.1", "ff02::1"}) {
    EXPECT_FALSE(allow(refused)) << refused;
  }
  EXPECT_TRUE(allow("192.0.2.1"));
  EXPECT_TRUE(allow("2001:db8::1"));
  EXPECT_TRUE(allow("100.64.0.1"));
}

TEST(Rfc6544, Section12_StrangersConnectionsAreBoundedAndDoNotCostThePeerItsOwn) {
  LoneAgent lone(With(Transport::kTcpPassive));
  lone.SetRemote({Tcp(Transport::kTcpActive, "192.0.2.9:9")});
  const ConnectionTag peer = lone.Accept(SocketTag(0), Addr("192.0.2.9:40000")).value();
  lone.ReceiveCheckOver(peer);
  for (int i = 0; i < 1000; ++i) {
    lone.Accept(SocketTag(0), Addr("203.0.113.66:" + std::to_string(10000 + i)));
  }
  EXPECT_THAT(lone.closed_connections(), SizeIs(1000 - TcpConnections::kStrangersMax));
  EXPECT_FALSE(lone.IsClosed(peer));
}

TEST(Rfc6544, Section12_AStrangerCannotMakeUsHoldMoreThanACheckTakes) {
  LoneAgent lone(With(Transport::kTcpPassive));
  const ConnectionTag stranger = lone.Accept(SocketTag(0), Addr("203.0.113.66:6666")).value();
  std::vector<std::uint8_t> long_frame(4000, 0);
  long_frame[0] = 0xFF;
  lone.ReceiveStream(stranger, long_frame);
  EXPECT_TRUE(lone.IsClosed(stranger));
}

}  // namespace
}  // namespace pinhole::ice
