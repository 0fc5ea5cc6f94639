// The referral server and its clients over simulated TCP.
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apps/referral/referral_client.h"
#include "apps/referral/referral_server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sim/host/host_node.h"
#include "sim/host/program.h"
#include "tests/net/tcp/tcp_program.h"
#include "tests/sim/two_node_world.h"

namespace pinhole::apps {
namespace {

using namespace std::chrono_literals;
using sim::At;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

net::ByteView Bytes(const std::string& text) {
  return net::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

// A program that only exchanges descriptions through the referral server.
class Side final : public net::App {
 public:
  Side(net::Host& host, const std::string& session, const std::string& name)
      : host_(host), client_(host, {.servers = {At("192.0.2.1:7000")}, .session = session, .side = name}) {}

  void OnStart() override {
    EXPECT_TRUE(client_.Open().ok());
    Settle();
  }
  void OnTcpConnected(net::SocketId id) override {
    Settle(client_.OnTcpConnected(id));
    if (!says_at_once.empty()) Publish(says_at_once);
  }
  void OnTcpReadable(net::SocketId id) override { Settle(client_.OnTcpReadable(id)); }
  void OnTcpWritable(net::SocketId id) override { Settle(client_.OnTcpWritable(id)); }
  void OnTcpClosed(net::SocketId id) override { Settle(client_.OnTcpClosed(id)); }
  void OnTcpReset(net::SocketId id, const absl::Status& why) override { Settle(client_.OnTcpReset(id, why)); }
  void OnTimer() override {
    client_.OnTimer();
    Settle();
  }
  void Publish(const std::string& description) {
    client_.Publish(Bytes(description));
    Settle();
  }

  const absl::Status status() const { return client_.status(); }
  std::string says_at_once;  // when connected
  std::vector<std::string> got;
  net::Instant got_at;

 private:
  void Settle(bool own = true) {
    EXPECT_TRUE(own) << "it has no other connections";
    while (const auto description = client_.TakePeerDescription()) {
      got.emplace_back(description->begin(), description->end());
      got_at = host_.Now();
    }
    host_.WakeAt(client_.NextTimer());
  }
  net::Host& host_;
  ReferralClient client_;
};

// alice and bob, each 10 ms from the server's machine.
class Referral : public ::testing::Test {
 protected:
  explicit Referral(std::vector<ReferralServer::Restart> restarts = {}, std::size_t sessions_max = 100)
      : server_node_(sim::AddHost(world_, "rendezvous", "192.0.2.1/24")),
        alice_node_(sim::AddHost(world_, "alice", "192.0.2.2/24")),
        bob_node_(sim::AddHost(world_, "bob", "192.0.2.3/24")),
        alice_link_(sim::Link(world_, server_node_, 1, alice_node_, 1, {.delay = 10ms})),
        bob_link_(sim::Link(world_, server_node_, 1, bob_node_, 1, {.delay = 10ms})),
        server_host_(server_node_.AddProgram("referral")),
        server_(server_host_,
                {.listen = {At("0.0.0.0:7000")}, .sessions_max = sessions_max, .restarts = std::move(restarts)}) {
    server_host_.Start(server_);
    sim::Program& strangers = alice_node_.AddProgram("stranger");
    stranger_.Attach(strangers);
    strangers.Start(stranger_);
  }
  std::unique_ptr<Side> Start(sim::HostNode& node, const std::string& name, const std::string& session = "call") {
    sim::Program& host = node.AddProgram(session + "/" + name + std::to_string(++programs_));
    auto side = std::make_unique<Side>(host, session, name);
    host.Start(*side);
    return side;
  }
  void SetAliceLink(const sim::LinkProfile& both) {
    world_.SetLinkProfile(alice_link_, sim::World::Direction::kAToB, both);
    world_.SetLinkProfile(alice_link_, sim::World::Direction::kBToA, both);
  }
  void RunUntil(net::Duration time) { world_.RunUntil(net::Instant(time)); }
  net::SocketId Say(const std::vector<std::uint8_t>& bytes) {
    const net::SocketId id = stranger_.Connect(At("0.0.0.0:0"), At("192.0.2.1:7000"));
    stranger_.Write(id, std::string(bytes.begin(), bytes.end()));
    return id;
  }

  sim::World world_{1};
  sim::HostNode& server_node_;
  sim::HostNode& alice_node_;
  sim::HostNode& bob_node_;
  sim::LinkId alice_link_;
  sim::LinkId bob_link_;
  sim::Program& server_host_;
  ReferralServer server_;
  net::TcpProgram stranger_;
  int programs_ = 0;
};

// SYN and SYN,ACK take 20 ms. The description takes 10 ms to the server and 10 ms to the other side.
TEST_F(Referral, DescriptionsAreExchangedInTwoRoundTripsFromTheStart) {
  const auto alice = Start(alice_node_, "alice");
  const auto bob = Start(bob_node_, "bob");
  alice->Publish("of alice");
  bob->Publish("of bob");
  RunUntil(40ms);
  EXPECT_THAT(alice->got, ElementsAre("of bob"));
  EXPECT_THAT(bob->got, ElementsAre("of alice"));
  EXPECT_EQ(alice->got_at, net::Instant(40ms));
  EXPECT_EQ(bob->got_at, net::Instant(40ms));
}

TEST_F(Referral, WhatOneInstantBringsGoesInOneSegment) {
  const auto alice = Start(alice_node_, "alice");
  alice->says_at_once = "of alice";
  RunUntil(25ms);
  const auto sent = [this] {
    return world_.node_counters(alice_node_).sent[static_cast<std::size_t>(net::PacketClass::kSignalling)].packets;
  };
  EXPECT_EQ(sent(), 3u) << "SYN, ACK, and the registration with the description";
  alice->Publish("of alice, again");
  RunUntil(35ms);
  EXPECT_EQ(sent(), 4u) << "what comes later does not wait";
}

TEST_F(Referral, WhoComesFirstWaitsHoweverLong) {
  const auto alice = Start(alice_node_, "alice");
  alice->Publish("of alice");
  RunUntil(300s);
  EXPECT_THAT(alice->got, IsEmpty());
  EXPECT_TRUE(alice->status().ok());
  const auto bob = Start(bob_node_, "bob");
  RunUntil(301s);
  EXPECT_THAT(bob->got, ElementsAre("of alice")) << "a registered side gets what there is before it publishes";
  bob->Publish("of bob");
  RunUntil(302s);
  EXPECT_THAT(alice->got, ElementsAre("of bob"));
}

TEST_F(Referral, ALaterDescriptionReplacesTheEarlierOne) {
  const auto alice = Start(alice_node_, "alice");
  alice->Publish("first");
  RunUntil(1s);
  alice->Publish("second");
  RunUntil(2s);
  const auto bob = Start(bob_node_, "bob");
  RunUntil(3s);
  EXPECT_THAT(bob->got, ElementsAre("second"));
  alice->Publish("third");
  RunUntil(4s);
  EXPECT_THAT(bob->got, ElementsAre("second", "third"));
}

TEST_F(Referral, TheLongestDescriptionPassesOverALinkThatLosesAThird) {
  SetAliceLink({.delay = 10ms, .loss_ppm = 333333});
  const auto alice = Start(alice_node_, "alice");
  const auto bob = Start(bob_node_, "bob");
  const std::string longest = net::Noise(kReferralDescriptionBytesMax, 1);
  alice->Publish(longest);
  bob->Publish(longest + "x");  // too long
  RunUntil(600s);
  EXPECT_THAT(bob->got, ElementsAre(longest));
  EXPECT_THAT(alice->got, IsEmpty());
  EXPECT_EQ(bob->status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(Referral, SessionsDoNotMix) {
  const auto alice = Start(alice_node_, "alice");
  const auto carol = Start(alice_node_, "alice", "other call");
  const auto bob = Start(bob_node_, "bob");
  alice->Publish("of alice");
  carol->Publish("of carol");
  RunUntil(1s);
  EXPECT_THAT(bob->got, ElementsAre("of alice"));
}

TEST_F(Referral, AThirdSideIsRefusedAndSaysWhy) {
  const auto alice = Start(alice_node_, "alice");
  const auto bob = Start(bob_node_, "bob");
  alice->Publish("of alice");
  RunUntil(1s);
  const auto carol = Start(bob_node_, "carol");
  carol->Publish("of carol");
  RunUntil(2s);
  EXPECT_EQ(carol->status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(carol->status().message()), HasSubstr("the session has two other sides"));
  EXPECT_THAT(carol->got, IsEmpty());
  EXPECT_THAT(alice->got, IsEmpty());
  carol->Publish("of carol, after that");
  RunUntil(3s);
  EXPECT_EQ(carol->status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(alice->got, IsEmpty());
}

TEST_F(Referral, TheServerLearnsWhoWithWhomWhenAndUnderWhichAddresses) {
  const auto alice = Start(alice_node_, "alice");
  RunUntil(1s);
  const auto bob = Start(bob_node_, "bob");
  alice->Publish(
      "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
      "a=candidate:1 1 UDP 1694498815 198.51.100.9 4000 typ srflx raddr 10.0.0.7 rport 5000\r\n");
  RunUntil(2s);
  const std::vector<ReferralServer::Introduction> learned = server_.Learned();
  ASSERT_THAT(learned, SizeIs(1));
  EXPECT_EQ(learned[0].session, "call");
  ASSERT_THAT(learned[0].parties, SizeIs(2));
  const ReferralServer::Party& of_alice = learned[0].parties[0];
  EXPECT_EQ(of_alice.side, "alice");
  EXPECT_EQ(of_alice.registered, net::Instant(30ms));
  EXPECT_EQ(of_alice.published, net::Instant(1010ms));
  EXPECT_EQ(of_alice.handed_on, net::Instant(1030ms)) << "when bob was there";
  ASSERT_THAT(of_alice.seen_at, SizeIs(1));
  EXPECT_EQ(of_alice.seen_at[0].address(), sim::Ip("192.0.2.2"));
  EXPECT_THAT(of_alice.addresses, ElementsAre(At("198.51.100.9:4000"), At("10.0.0.7:5000")));
  const ReferralServer::Party& of_bob = learned[0].parties[1];
  EXPECT_EQ(of_bob.side, "bob");
  EXPECT_EQ(of_bob.registered, net::Instant(1030ms));
  EXPECT_FALSE(of_bob.published.has_value());
  EXPECT_THAT(of_bob.addresses, IsEmpty());
}

// The messages of unauthorized or faulty clients.

TEST_F(Referral, WhatIsNoFrameIsRefusedAndTheConnectionClosed) {
  const std::vector<std::vector<std::uint8_t>> rows = {
      {0, 1, 99},                                         // no such kind
      {0xff, 0xff},                                       // too long
      {0, 0},                                             // empty
      {0, 4, 2, 'x', 'y', 'z'},                           // publishes before it has registered
      {0, 4, 1, 1, 's', 'a', 0, 4, 1, 1, 's', 'b'},       // registers twice
      {0, 4, 1, 1, 's', 'a', 0, 4, 3, 'x', 'y', 'z'},     // delivers
      {'G', 'E', 'T', ' ', '/', ' ', 'H', 'T', 'T', 'P'}  // 18245 bytes to come that never do: see below
  };
  std::vector<net::SocketId> said;
  for (const std::vector<std::uint8_t>& row : rows) said.push_back(Say(row));
  RunUntil(1s);
  for (std::size_t i = 0; i + 1 < rows.size(); ++i) {
    EXPECT_THAT(stranger_.at(said[i]).received, std::string({0, 2, 4, 1})) << i;
    EXPECT_EQ(stranger_.at(said[i]).closed, 1) << i;
  }
  EXPECT_EQ(stranger_.at(said.back()).closed, 0);
  RunUntil(31s);
  EXPECT_EQ(stranger_.at(said.back()).reset, 1) << "has not registered in 30 s";
  EXPECT_EQ(server_.connections(), 0u);
}

TEST_F(Referral, WhoConnectsAndSaysNothingIsResetAfterThirtySeconds) {
  const net::SocketId silent = Say({});
  RunUntil(30s);
  EXPECT_EQ(stranger_.at(silent).reset, 0);
  RunUntil(30s + 40ms);
  EXPECT_EQ(stranger_.at(silent).reset, 1);
  EXPECT_EQ(server_.connections(), 0u);
}

TEST_F(Referral, WhoDoesNotReadGetsTheLatestDescriptionOnceItDoes) {
  stranger_.reads = false;
  const net::SocketId slow = Say({0, 6, 1, 4, 'c', 'a', 'l', 'l'});  // no side: refused
  RunUntil(1s);
  const net::SocketId bob = Say({0, 9, 1, 4, 'c', 'a', 'l', 'l', 'b', 'o', 'b'});
  const auto alice = Start(alice_node_, "alice");
  std::string last;
  for (int i = 0; i < 40; ++i) {
    last = net::Noise(kReferralDescriptionBytesMax, static_cast<std::uint64_t>(i));
    alice->Publish(last);
    RunUntil(2s + i * 1s);
  }
  stranger_.reads = true;
  stranger_.ReadAll(bob);
  RunUntil(120s);
  const std::string& received = stranger_.at(bob).received;
  ASSERT_GE(received.size(), last.size());
  EXPECT_EQ(received.substr(received.size() - last.size()), last);
  EXPECT_LT(received.size(), 10 * last.size()) << "not all forty were kept for it";
  stranger_.ReadAll(slow);
}

class SmallReferral : public Referral {
 protected:
  SmallReferral() : Referral({}, 1) {}
};

TEST_F(SmallReferral, SessionsBeyondTheLimitAreRefused) {
  const auto alice = Start(alice_node_, "alice");
  RunUntil(1s);
  const auto carol = Start(alice_node_, "carol", "another");
  RunUntil(2s);
  EXPECT_TRUE(alice->status().ok());
  EXPECT_THAT(std::string(carol->status().message()), HasSubstr("no more sessions"));
}

// Connections that break.

// Alice's link is down for three minutes, with bytes on their way, until both ends have given up the connection.
TEST_F(Referral, AClientWhoseConnectionDiedConnectsAndPublishesAnew) {
  const auto alice = Start(alice_node_, "alice");
  alice->Publish("of alice");
  RunUntil(1s);
  SetAliceLink({.loss_ppm = 1000000});
  alice->Publish("of alice later");
  RunUntil(2000s);
  EXPECT_EQ(server_.connections(), 0u) << "its keep-alives were not answered";
  SetAliceLink({.delay = 10ms});
  const auto bob = Start(bob_node_, "bob");
  RunUntil(2600s);
  EXPECT_THAT(bob->got, ElementsAre("of alice"));
}

TEST_F(Referral, WhoRegistersAsTheSameSideTakesItsPlaceAndTheOneBeforeHearsSo) {
  const auto alice = Start(alice_node_, "alice");
  alice->Publish("of alice");
  RunUntil(1s);
  const auto again = Start(alice_node_, "alice");
  again->Publish("of alice again");
  RunUntil(2s);
  const auto bob = Start(bob_node_, "bob");
  RunUntil(3s);
  EXPECT_THAT(bob->got, ElementsAre("of alice again"));
  EXPECT_THAT(std::string(alice->status().message()), HasSubstr("somebody else has registered as this side"));
  EXPECT_TRUE(again->status().ok());
  EXPECT_EQ(server_.connections(), 2u);
  const std::vector<ReferralServer::Introduction> learned = server_.Learned();
  ASSERT_THAT(learned[0].parties, SizeIs(2));
  EXPECT_THAT(learned[0].parties[0].seen_at, SizeIs(2));
}

TEST_F(Referral, AServerThatNobodyRunsIsTriedAgainForSeventyFiveSecondsAndThenGivenUp) {
  sim::HostNode& empty = sim::AddHost(world_, "empty", "192.0.2.9/24");
  sim::Link(world_, server_node_, 1, empty, 1, {.delay = 10ms});
  sim::Program& host = alice_node_.AddProgram("lost");
  class Lost final : public net::App {
   public:
    explicit Lost(net::Host& host)
        : host_(host), client(host, {.servers = {At("192.0.2.9:7000")}, .session = "call", .side = "alice"}) {}
    void OnStart() override {
      EXPECT_TRUE(client.Open().ok());
      host_.WakeAt(client.NextTimer());
    }
    void OnTimer() override {
      client.OnTimer();
      host_.WakeAt(client.NextTimer());
    }
    void OnTcpReset(net::SocketId id, const absl::Status& why) override {
      ++refused;
      EXPECT_TRUE(client.OnTcpReset(id, why));
      host_.WakeAt(client.NextTimer());
    }
    net::Host& host_;
    ReferralClient client;
    int refused = 0;
  } lost(host);
  host.Start(lost);
  RunUntil(75s - 1ns);
  EXPECT_TRUE(lost.client.status().ok());
  RunUntil(75s);
  EXPECT_EQ(lost.client.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(lost.client.status().message()), HasSubstr("192.0.2.9:7000"));
  EXPECT_THAT(std::string(lost.client.status().message()), HasSubstr("refused"));
  EXPECT_EQ(lost.client.NextTimer(), net::kNever);
  EXPECT_GE(lost.refused, 20);  // waits of 0.5, 1, 2, and 4 s
  EXPECT_LE(lost.refused, 23);
}

TEST_F(Referral, AServerThatNeverAnswersIsGivenUpAfterSeventyFiveSeconds) {
  SetAliceLink({.loss_ppm = 1000000});
  const auto alice = Start(alice_node_, "alice");
  RunUntil(75s - 1ns);
  EXPECT_TRUE(alice->status().ok());
  RunUntil(75s);
  EXPECT_EQ(alice->status().code(), absl::StatusCode::kDeadlineExceeded);
}

// The server restarts at one of four times: before a side has connected, between registration and description, after
// one side has received the other's description, or after both have.
class RestartedReferral : public ::testing::TestWithParam<int> {};

struct Restarted : Referral {
  explicit Restarted(net::Duration after) : Referral({{.after = after, .down = 2s}}) {}
  void TestBody() override {}
  using Referral::alice_node_;
  using Referral::bob_node_;
  using Referral::RunUntil;
  using Referral::server_;
  using Referral::Start;
};

TEST_P(RestartedReferral, EachSideGetsTheOthersDescriptionOnceWheneverTheServerIsStartedAgain) {
  Restarted world{std::chrono::milliseconds(GetParam())};
  const auto alice = world.Start(world.alice_node_, "alice");
  const auto bob = world.Start(world.bob_node_, "bob");
  world.RunUntil(50ms);
  alice->Publish("of alice");
  world.RunUntil(80ms);
  bob->Publish("of bob");
  world.RunUntil(30s);
  EXPECT_THAT(alice->got, ElementsAre("of bob"));
  EXPECT_THAT(bob->got, ElementsAre("of alice"));
  EXPECT_TRUE(alice->status().ok());
  EXPECT_EQ(world.server_.connections(), 2u);

  // The server still knows the introduction.
  const std::vector<ReferralServer::Introduction> learned = world.server_.Learned();
  ASSERT_THAT(learned, SizeIs(1));
  ASSERT_THAT(learned[0].parties, SizeIs(2));
  for (const ReferralServer::Party& party : learned[0].parties) {
    const bool registered_before = GetParam() > 30;
    EXPECT_THAT(party.seen_at, SizeIs(registered_before ? 2 : 1));
    EXPECT_EQ(party.registered < net::Instant(1s), registered_before);
    EXPECT_TRUE(party.handed_on.has_value());
  }
}
INSTANTIATE_TEST_SUITE_P(AtMilliseconds, RestartedReferral,
                         ::testing::Values(0, 5, 15, 25, 35, 55, 65, 75, 85, 95, 105, 5000));

TEST(RestartedReferral, HostsAreRefusedWhileItIsDown) {
  Restarted world(1s);
  world.RunUntil(1500ms);
  EXPECT_FALSE(world.server_.address().has_value());
  const auto alice = world.Start(world.alice_node_, "alice");
  alice->Publish("of alice");
  const auto bob = world.Start(world.bob_node_, "bob");
  world.RunUntil(2900ms);
  EXPECT_EQ(world.server_.connections(), 0u);
  world.RunUntil(10s);
  EXPECT_TRUE(world.server_.address().has_value());
  EXPECT_THAT(bob->got, ElementsAre("of alice"));
}

}  // namespace
}  // namespace pinhole::apps
