// RFC 8445 in numbers: the ranges of options (RFC 8445 §5.1.2.1, §11), the RTO as RFC 8445 §14.3 prints it, keepalives
// for each pair (RFC 8445 §11), and the limit of peer-reflexive ports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/ice/lone_agent.h"
#include "tests/ice/test_network.h"

namespace pinhole::ice {
namespace {

using namespace std::chrono_literals;
using net::PacketClass;
using testing::ElementsAre;
using testing::StartsWith;

TEST(Rfc8445, Section5_1_2_1_ComponentIdsAreFrom1To256) {
  AgentOptions options;
  for (int count : {1, 256}) {
    options.components = {1, count};
    EXPECT_TRUE(Validate(options).ok()) << count;
  }
  for (int count : {0, 257}) {
    options.components = {1, count};
    EXPECT_THAT(std::string(Validate(options).message()), StartsWith("components: 1 to 256")) << count;
  }
}

TEST(Rfc8445, Section11_TrIsNotBelow15Seconds) {
  AgentOptions options;
  options.keepalive_interval = 15s;
  EXPECT_TRUE(Validate(options).ok());
  options.keepalive_interval = 15s - 1ns;
  EXPECT_THAT(std::string(Validate(options).message()), StartsWith("keepalive_interval: 15 s or more"));
}

// "Sent on each candidate pair that is used for sending data": also before a pair is selected.
TEST(Rfc8445, Section11_KeepalivesAreSentOnEachPairThatCarriesDataSelectedOrNot) {
  AgentOptions options;
  options.role = Role::kControlled;
  options.consent.enabled = false;
  LoneAgent lone(options);
  const SocketAddress better = Addr("192.0.2.9:9000"), worse = Addr("192.0.2.8:9000");
  lone.SetRemote(
      {LoneAgent::Host("192.0.2.9:9000", "1", 1, 0, 300), LoneAgent::Host("192.0.2.8:9000", "2", 1, 0, 200)});
  std::map<SocketAddress, Sent> checks;
  for (int i = 0; i < 2; ++i) {
    const Sent check = lone.NextCheck();
    checks[check.to] = check;
  }
  const auto send_data = [&] {
    lone.TakeSent();
    EXPECT_TRUE(lone.agent().SendData(lone.now(), 0, 1, std::vector<std::uint8_t>{200}));
    lone.Drain();
    return lone.TakeSent(PacketClass::kData).at(0).to;
  };
  lone.AnswerSuccess(checks.at(worse));
  EXPECT_EQ(send_data(), worse);
  lone.AnswerSuccess(checks.at(better));
  EXPECT_EQ(send_data(), better);
  EXPECT_FALSE(lone.agent().SelectedPair(0, 1).has_value());
  const net::Instant last = lone.now();
  lone.RunFor(31s);
  std::map<SocketAddress, std::vector<net::Duration>> kept;
  for (const Sent& sent : lone.TakeSent(PacketClass::kConsent)) kept[sent.to].push_back(sent.at - last);
  EXPECT_THAT(kept[better], ElementsAre(15s, 30s));
  EXPECT_THAT(kept[worse], ElementsAre(15s, 30s));
}

// MAX(500 ms, Ta * N * (waiting + in progress)). N as printed is the number of checks in the set: 50 ms * 64 * 64.
TEST(Rfc8445, Section14_3_With64PairsTheRtoAsPrintedIs204_8SecondsAndThatOfRfc5245Is3_2) {
  struct Row {
    RtoPolicy policy;
    net::Duration rto;
  };
  for (const Row& row : {Row{RtoPolicy::kAllChecks, 204800ms}, Row{RtoPolicy::kActiveChecklists, 3200ms}}) {
    SCOPED_TRACE(ToString(row.policy));
    AgentOptions options;
    options.rto_policy = row.policy;
    LoneAgent lone(options);
    std::vector<Candidate> candidates;
    for (int i = 0; i < 64; ++i) {
      candidates.push_back(LoneAgent::Host("198.51.100.1:" + std::to_string(9000 + i), std::to_string(i), 1, 0,
                                           static_cast<std::uint32_t>(1000 - i)));
    }
    lone.SetRemote(candidates);
    const Sent first = lone.NextCheck();
    const net::Instant due = first.at + row.rto;
    lone.RunUntil(due - 1ns);
    EXPECT_EQ(lone.PairTo(first.to).sends, 1);
    lone.RunUntil(due);
    EXPECT_EQ(lone.PairTo(first.to).sends, 2);
  }
}

// A limit that is not in the RFC: the number of ports of one remote address that are learned on each local base.
TEST(Rfc8445, Section7_3_1_3_PeerReflexivePortsAreBoundedForEachBaseAndEachRemoteAddress) {
  AgentOptions options;
  options.prflx_port_limit = 2;
  LoneAgent lone(options, {"192.0.2.1", "192.0.2.2"});
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  std::uint16_t port = 1000;
  int learned = 0, refused = 0;
  for (const char* address : {"198.51.100.7:1", "198.51.100.8:1"}) {
    for (SocketTag base : {SocketTag(0), SocketTag(1)}) {
      for (int i = 0; i < 3; ++i) lone.ReceiveCheck(Addr(address).WithPort(port++), {}, base);
      learned += 2;
      ++refused;
      EXPECT_EQ(lone.agent().counters().prflx_remote_learned, learned);
      EXPECT_EQ(lone.agent().counters().prflx_remote_refused, refused);
    }
  }
}

}  // namespace
}  // namespace pinhole::ice
