// TCP allocations (RFC 6062) from end to end in the simulator. The client, the server and its peers are programs that
// communicate over TCP.
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "apps/turn/stun_turn_server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sim/host/host_node.h"
#include "sim/host/program.h"
#include "tests/apps/turn_tcp_program.h"
#include "tests/net/tcp/tcp_program.h"
#include "tests/sim/two_node_world.h"

namespace pinhole::apps {
namespace {

using namespace std::chrono_literals;
using net::Noise;
using sim::At;
using sim::Ip;
using Reason = stun::TurnClient::Reason;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// alice 192.0.2.2, relay 192.0.2.1 and bob 192.0.2.3, 10 ms from each other.
class TcpAllocation : public ::testing::Test {
 protected:
  explicit TcpAllocation(sim::HostOptions bob_options = {}, sim::LinkProfile bobs_link = {.delay = 10ms})
      : relay_node_(sim::AddHost(world_, "relay", "192.0.2.1/24")),
        alice_node_(sim::AddHost(world_, "alice", "192.0.2.2/24")),
        bob_node_(sim::AddHost(world_, "bob", "192.0.2.3/24", "", bob_options)),
        server_host_(relay_node_.AddProgram("turn")),
        server_(server_host_, {.listen_tcp = {At("192.0.2.1:3478")}, .users = {{"alice", "wonderland"}}}) {
    sim::Link(world_, alice_node_, 1, relay_node_, 1, {.delay = 10ms});
    sim::Link(world_, bob_node_, 1, relay_node_, 1, bobs_link);
    server_host_.Start(server_);
    bob_.Attach(bob_node_.StartProgram("peer", bob_));
    alice_ = StartClient("wonderland");
    RunFor(1s);
  }

  std::unique_ptr<TurnTcpProgram> StartClient(const std::string& password) {
    stun::TurnClient::Options options;
    options.server = At("192.0.2.1:3478");
    options.username = "alice";
    options.password = password;
    sim::Program& host = alice_node_.AddProgram("client" + std::to_string(++clients_));
    auto client = std::make_unique<TurnTcpProgram>(host, options, Ip("192.0.2.2"));
    host.Start(*client);
    return client;
  }
  void RunFor(net::Duration time) { world_.RunUntil(world_.now() + time); }

  // Bob's end and Alice's end of a new connection.
  struct Ends {
    net::SocketId alice{};
    net::SocketId bob{};
  };
  Ends AliceConnects() {
    bob_.Listen(At("192.0.2.3:80"));
    alice_->Connect(At("192.0.2.3:80"));
    const auto there = [this] { return alice_->streams.size() == 1 && bob_.accepted().size() == 1; };
    EXPECT_TRUE(world_.RunUntil(world_.now() + 60s, there));
    return {alice_->only(), bob_.accepted().at(0)};
  }

  sim::World world_{1};
  sim::HostNode& relay_node_;
  sim::HostNode& alice_node_;
  sim::HostNode& bob_node_;
  sim::Program& server_host_;
  StunTurnServer server_;
  net::TcpProgram bob_;
  std::unique_ptr<TurnTcpProgram> alice_;
  int clients_ = 0;
};

TEST_F(TcpAllocation, Section4_3_TheClientConnectsFromItsRelayedAddressAndBytesGoAsTheyAre) {
  ASSERT_TRUE(alice_->allocated());
  const Ends ends = AliceConnects();
  EXPECT_EQ(bob_.at(ends.bob).from, alice_->relayed);
  EXPECT_EQ(alice_->streams[ends.alice].peer, At("192.0.2.3:80"));
  EXPECT_FALSE(alice_->streams[ends.alice].incoming);
  const std::string out = Noise(100000, 1), in = Noise(70001, 2);
  alice_->Write(ends.alice, out);
  bob_.Write(ends.bob, in);
  RunFor(30s);
  EXPECT_EQ(bob_.at(ends.bob).received, out);
  EXPECT_EQ(alice_->streams[ends.alice].received, in);
  EXPECT_EQ(server_.counters().relayed_to_clients, 0u);  // Nothing of it was wrapped.
}

TEST_F(TcpAllocation, Section4_3_EveryConnectionHasAnAddressOfItsOwn) {
  bob_.Listen(At("192.0.2.3:81"));
  AliceConnects();
  alice_->Connect(At("192.0.2.3:81"));
  RunFor(5s);
  ASSERT_THAT(alice_->streams, SizeIs(2));
  // The server has one address, so the 5-tuples of the control connection and of both for data differ by the client's.
  std::set<net::SocketAddress> local;
  for (net::SocketId id : alice_->connected) local.insert(alice_->host().LocalAddress(id).value());
  EXPECT_THAT(alice_->connected, SizeIs(3));
  EXPECT_THAT(local, SizeIs(3));
  EXPECT_EQ(local.count(alice_->relayed), 0u);
}

TEST_F(TcpAllocation, Section5_3_APermittedPeerConnectsAndWhatItSaysBeforeItIsBoundIsNotLost) {
  alice_->Permit(Ip("192.0.2.3"));
  RunFor(1s);
  const net::SocketId id = bob_.Connect(At("192.0.2.3:0"), alice_->relayed);
  // He is accepted 20 ms later and speaks at once; ConnectionBind takes another 50 ms.
  bob_.Write(id, "early");
  RunFor(1s);
  ASSERT_THAT(alice_->streams, SizeIs(1));
  const TurnTcpProgram::Stream& stream = alice_->streams.begin()->second;
  EXPECT_TRUE(stream.incoming);
  EXPECT_EQ(stream.peer.address(), Ip("192.0.2.3"));
  EXPECT_EQ(stream.received, "early");
  alice_->Write(alice_->only(), "late");
  RunFor(1s);
  EXPECT_EQ(bob_.at(id).received, "late");
}

TEST_F(TcpAllocation, Section5_3_APeerThatHasFinishedBeforeItIsBoundIsHeardToTheEnd) {
  alice_->Permit(Ip("192.0.2.3"));
  RunFor(1s);
  const net::SocketId id = bob_.Connect(At("192.0.2.3:0"), alice_->relayed);
  bob_.Write(id, "that is all", true);
  RunFor(1s);
  ASSERT_THAT(alice_->streams, SizeIs(1));
  EXPECT_EQ(alice_->streams.begin()->second.received, "that is all");
  EXPECT_TRUE(alice_->streams.begin()->second.closed);
  alice_->Write(alice_->only(), "thanks", true);
  RunFor(1s);
  EXPECT_EQ(bob_.at(id).received, "thanks");
  EXPECT_EQ(bob_.at(id).closed, 1);
  EXPECT_EQ(server_.peer_links().size(), 0u);
}

TEST_F(TcpAllocation, Section5_3_APeerWithoutPermissionIsAcceptedAndClosed) {
  const net::SocketId id = bob_.Connect(At("192.0.2.3:0"), alice_->relayed);
  RunFor(1s);
  EXPECT_TRUE(bob_.at(id).connected);
  EXPECT_EQ(bob_.at(id).closed, 1);
  EXPECT_THAT(alice_->streams, IsEmpty());
  EXPECT_EQ(server_.peer_links().size(), 0u);
}

TEST_F(TcpAllocation, Section5_2_ARefusedConnectionGets447AtOnceASilentOneAfterThirtySeconds) {
  alice_->Connect(At("192.0.2.3:81"));  // Bob's machine answers RST.
  RunFor(1s);
  ASSERT_THAT(alice_->failed, SizeIs(1));
  EXPECT_EQ(alice_->failed[0].code, 447);
  alice_->Connect(At("192.0.2.99:80"));  // Nobody is there.
  RunFor(28s);
  EXPECT_THAT(alice_->failed, SizeIs(1));
  RunFor(3s);
  ASSERT_THAT(alice_->failed, SizeIs(2));
  EXPECT_EQ(alice_->failed[1].code, 447);
  EXPECT_EQ(server_.peer_links().size(), 0u);
}

TEST_F(TcpAllocation, Section5_5_AnEndOfOneDirectionIsPassedOnBehindTheLastByteAndTheOtherGoesOn) {
  const Ends ends = AliceConnects();
  const std::string question = Noise(50000, 3), answer = Noise(60000, 4);
  alice_->Write(ends.alice, question, true);
  RunFor(10s);
  EXPECT_EQ(bob_.at(ends.bob).received, question);
  EXPECT_EQ(bob_.at(ends.bob).closed, 1);
  EXPECT_FALSE(alice_->streams[ends.alice].closed);
  bob_.Write(ends.bob, answer, true);
  RunFor(10s);
  EXPECT_EQ(alice_->streams[ends.alice].received, answer);
  EXPECT_TRUE(alice_->streams[ends.alice].closed);
  EXPECT_FALSE(alice_->streams[ends.alice].reset);
  EXPECT_EQ(bob_.at(ends.bob).reset, 0);
  EXPECT_EQ(server_.peer_links().size(), 0u);
  // A new connection to the same peer is possible, because the engine has forgotten the old one.
  bob_.host().Close(ends.bob);
  alice_->host().Close(ends.alice);
  RunFor(300s);  // TIME-WAIT
  alice_->Connect(At("192.0.2.3:80"));
  RunFor(1s);
  EXPECT_THAT(alice_->failed, IsEmpty());
  EXPECT_THAT(bob_.accepted(), SizeIs(2));
}

TEST_F(TcpAllocation, Section5_5_WhenOneSideBreaksTheOtherDoes) {
  const Ends ends = AliceConnects();
  EXPECT_TRUE(bob_.host().Abort(ends.bob).ok());
  RunFor(1s);
  EXPECT_TRUE(alice_->streams[ends.alice].reset);
  EXPECT_EQ(server_.peer_links().size(), 0u);

  alice_->Connect(At("192.0.2.3:80"));
  RunFor(1s);
  ASSERT_THAT(bob_.accepted(), SizeIs(2));
  const net::SocketId second = std::next(alice_->streams.begin())->first;
  EXPECT_TRUE(alice_->host().Abort(second).ok());
  RunFor(1s);
  EXPECT_EQ(bob_.at(bob_.accepted()[1]).reset, 1);
}

TEST_F(TcpAllocation, Section5_5_StreamsEndWithTheAllocation) {
  const Ends ends = AliceConnects();
  alice_->Close();
  RunFor(1s);
  EXPECT_THAT(alice_->ended, SizeIs(1));
  EXPECT_EQ(bob_.at(ends.bob).closed + bob_.at(ends.bob).reset, 1);
  EXPECT_TRUE(alice_->streams[ends.alice].closed || alice_->streams[ends.alice].reset);
  EXPECT_EQ(server_.tcp_connections(), 0u);
  EXPECT_EQ(server_.peer_links().size(), 0u);
  // The relayed address listens no more.
  const net::SocketId id = bob_.Connect(At("192.0.2.3:0"), alice_->relayed);
  RunFor(1s);
  EXPECT_EQ(bob_.at(id).reset, 1);
}

// RFC 6062 §3: "if the relay process is no longer able to write data to the destination, it stops reading data from the
// source." The path has three receive buffers and three send buffers of 64 KiB each, and the 16 KiB of TcpJoint.
TEST_F(TcpAllocation, Section3_ASlowReaderHoldsUpTheSenderAndTheRelayKeepsABoundedAmount) {
  const Ends ends = AliceConnects();
  bob_.reads = false;
  const std::string bytes = Noise(2'000'000, 5);
  alice_->Write(ends.alice, bytes);
  RunFor(60s);
  const std::size_t held = bytes.size() - alice_->streams[ends.alice].to_write.size();
  EXPECT_LT(held, 400'000u);
  EXPECT_LT(server_.peer_links().bytes_moved(), 1u);  // counted when it ends
  RunFor(60s);
  EXPECT_EQ(bytes.size() - alice_->streams[ends.alice].to_write.size(), held);
  bob_.reads = true;
  bob_.ReadAll(ends.bob);
  RunFor(60s);
  EXPECT_EQ(bob_.at(ends.bob).received.size(), bytes.size());
  EXPECT_EQ(bob_.at(ends.bob).received, bytes);
}

TEST_F(TcpAllocation, AWrongPasswordEndsIt) {
  const auto mallory = StartClient("guess");
  RunFor(1s);
  ASSERT_THAT(mallory->ended, SizeIs(1));
  EXPECT_EQ(mallory->ended[0].reason, Reason::kRefused);
  EXPECT_EQ(mallory->ended[0].code, 401);
  EXPECT_EQ(server_.tcp_connections(), 1u);  // Alice's
}

TEST_F(TcpAllocation, ItIsRefreshedAsLongAsItsControlConnectionLives) {
  const Ends ends = AliceConnects();
  RunFor(2h);
  alice_->Write(ends.alice, "still there");
  RunFor(1s);
  EXPECT_EQ(bob_.at(ends.bob).received, "still there");
}

class LossyTcpAllocation : public TcpAllocation {
 protected:
  LossyTcpAllocation() : TcpAllocation({}, {.delay = 10ms, .jitter = 5ms, .loss_ppm = 20000, .duplicate_ppm = 10000}) {}
};

TEST_F(LossyTcpAllocation, BothWaysAreIntactOverALossyLink) {
  const Ends ends = AliceConnects();
  const std::string out = Noise(300000, 6), in = Noise(300000, 7);
  alice_->Write(ends.alice, out, true);
  bob_.Write(ends.bob, in, true);
  RunFor(300s);
  EXPECT_EQ(bob_.at(ends.bob).received, out);
  EXPECT_EQ(alice_->streams[ends.alice].received, in);
  EXPECT_EQ(server_.peer_links().size(), 0u);
}

}  // namespace
}  // namespace pinhole::apps
