// A TURN server that clients reach over TCP, in the simulator. A client behind a firewall that drops UDP still gets a
// relay, and the resources that unauthenticated clients use are bounded.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "apps/turn/stun_turn_server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sim/host/host_node.h"
#include "sim/host/program.h"
#include "stun/attributes.h"
#include "tests/apps/turn_program.h"
#include "tests/net/tcp/tcp_program.h"
#include "tests/sim/two_node_world.h"

namespace pinhole::apps {
namespace {

using namespace std::chrono_literals;
using sim::At;
using sim::Ip;
using stun::TurnClient;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// Forwards TCP and ICMP, and drops UDP.
class UdpBlocker final : public sim::HostNode {
 public:
  explicit UdpBlocker(const sim::NodeInit& init) : HostNode(init, {}) {}
  int dropped = 0;

 protected:
  void Forward(int interface, sim::PacketPtr packet) override {
    if (packet->is_udp()) {
      ++dropped;
      return world().Drop(*this, std::move(packet), sim::Rule::kNotForwarding);
    }
    if (StepTtl(interface, packet)) RouteOut(interface, std::move(packet));
  }
};

// alice 10.0.0.2 --- firewall --- relay 192.0.2.1 --- peer 192.0.2.7, 10 ms a link.
class TurnOverTcp : public ::testing::Test {
 protected:
  explicit TurnOverTcp(StunTurnServer::Options options = {})
      : alice_node_(sim::AddHost(world_, "alice", "10.0.0.2/24", "10.0.0.1")),
        firewall_(world_.AddNode<UdpBlocker>("firewall")),
        relay_node_(sim::AddHost(world_, "relay", "192.0.2.1/24", "192.0.2.254")),
        peer_node_(sim::AddHost(world_, "peer", "192.0.2.7/24", "192.0.2.254")),
        peer_(At("192.0.2.7:5000")),
        server_host_(relay_node_.AddProgram("turn")),
        server_(server_host_, Complete(std::move(options))) {
    const int inside = sim::AddPort(firewall_, "inside", "10.0.0.1/24");
    const int outside = sim::AddPort(firewall_, "outside", "192.0.2.254/24");
    sim::Link(world_, alice_node_, 1, firewall_, inside, {.delay = 10ms});
    sim::Link(world_, firewall_, outside, relay_node_, 1, {.delay = 10ms});
    sim::Link(world_, relay_node_, 1, peer_node_, 1, {.delay = 10ms});
    server_host_.Start(server_);
    peer_.Attach(peer_node_.StartProgram("peer", peer_));
    sim::Program& strangers = alice_node_.AddProgram("stranger");
    stranger_.Attach(strangers);
    strangers.Start(stranger_);
  }
  static StunTurnServer::Options Complete(StunTurnServer::Options options) {
    options.listen = {At("192.0.2.1:3478")};
    options.listen_tcp = {At("192.0.2.1:3478"), At("192.0.2.1:443")};
    options.users = {{"alice", "wonderland"}};
    return options;
  }

  std::unique_ptr<TurnProgram> StartClient(stun::Transport transport, const char* server = "192.0.2.1:443") {
    TurnClient::Options options;
    options.server = At(server);
    options.transport = transport;
    options.username = "alice";
    options.password = "wonderland";
    sim::Program& host = alice_node_.AddProgram("client" + std::to_string(++clients_));
    auto client = std::make_unique<TurnProgram>(host, options, Ip("10.0.0.2"));
    host.Start(*client);
    return client;
  }
  void RunFor(net::Duration time) { world_.RunUntil(world_.now() + time); }

  sim::World world_{1};
  sim::HostNode& alice_node_;
  UdpBlocker& firewall_;
  sim::HostNode& relay_node_;
  sim::HostNode& peer_node_;
  sim::Recorder peer_;
  sim::Program& server_host_;
  StunTurnServer server_;
  net::TcpProgram stranger_;
  int clients_ = 0;
};

TEST_F(TurnOverTcp, AClientBehindAFirewallThatDropsUdpTalksUdpToItsPeerThroughTheRelay) {
  const auto over_udp = StartClient(stun::Transport::kUdp, "192.0.2.1:3478");
  const auto client = StartClient(stun::Transport::kTcp);
  RunFor(1s);
  EXPECT_EQ(client->Count<TurnClient::Allocated>(), 1);
  EXPECT_EQ(client->client().mapped().address(), Ip("10.0.0.2"));
  EXPECT_EQ(client->client().relayed().address(), Ip("192.0.2.1"));

  client->Send(peer_.host().LocalAddress(peer_.socket).value(), "question");
  RunFor(1s);
  ASSERT_EQ(peer_.heard.size(), 1u);
  EXPECT_EQ(peer_.heard[0].payload, "question");
  EXPECT_EQ(peer_.heard[0].from, client->client().relayed());
  peer_.Send(client->client().relayed(), "answer");
  RunFor(1s);
  EXPECT_THAT(client->from_peers, ElementsAre(Pair(At("192.0.2.7:5000"), "answer")));

  // The same on a channel, with a length that needs padding.
  client->Bind(At("192.0.2.7:5000"));
  RunFor(1s);
  EXPECT_EQ(client->Count<TurnClient::ChannelReady>(), 1);
  for (const char* payload : {"1", "22", "333", "4444", "55555"}) {
    client->Send(At("192.0.2.7:5000"), payload);
    peer_.Send(client->client().relayed(), payload);
  }
  RunFor(1s);
  ASSERT_EQ(peer_.heard.size(), 6u);
  EXPECT_EQ(peer_.heard[5].payload, "55555");
  ASSERT_EQ(client->from_peers.size(), 6u);
  EXPECT_EQ(client->from_peers[5].second, "55555");

  RunFor(60s);
  EXPECT_EQ(over_udp->Count<TurnClient::AllocationFailed>(), 1);
  EXPECT_EQ(firewall_.dropped, 7);  // Rc of RFC 8489 §6.2.1
}

// Three round trips of 40 ms each: the SYN, the challenge, the allocation.
TEST_F(TurnOverTcp, AnAllocationTakesThreeRoundTrips) {
  const auto client = StartClient(stun::Transport::kTcp);
  RunFor(120ms - 1ns);
  EXPECT_EQ(client->Count<TurnClient::Allocated>(), 0);
  RunFor(1ns + 1ms);
  EXPECT_EQ(client->Count<TurnClient::Allocated>(), 1);
}

TEST_F(TurnOverTcp, TheAllocationIsRefreshedAsLongAsTheConnectionLives) {
  const auto client = StartClient(stun::Transport::kTcp);
  RunFor(2h);
  EXPECT_EQ(client->client().state(), TurnClient::State::kAllocated);
  EXPECT_EQ(server_.tcp_connections(), 1u);
}

TEST_F(TurnOverTcp, AnAllocationEndsWithItsConnection) {
  const auto client = StartClient(stun::Transport::kTcp);
  RunFor(1s);
  client->Permit(Ip("192.0.2.7"));
  RunFor(1s);
  const net::SocketAddress relayed = client->client().relayed();
  client->Abort();
  RunFor(1s);
  EXPECT_EQ(client->Count<TurnClient::AllocationLost>(), 1);
  EXPECT_EQ(server_.tcp_connections(), 0u);
  peer_.Send(relayed, "anybody?");
  RunFor(1s);
  ASSERT_EQ(peer_.errors.size(), 1u);  // The relayed port is closed.
  EXPECT_EQ(peer_.errors[0].error.kind, net::IcmpError::Kind::kPortUnreachable);
}

TEST_F(TurnOverTcp, TheClientHearsThatItsConnectionBroke) {
  const auto client = StartClient(stun::Transport::kTcp);
  const auto refused = StartClient(stun::Transport::kTcp, "192.0.2.1:444");
  RunFor(1s);
  ASSERT_EQ(refused->Count<TurnClient::AllocationFailed>(), 1);
  EXPECT_EQ(std::get<TurnClient::AllocationFailed>(refused->events[0]).reason, TurnClient::Reason::kConnectionLost);
}

std::string BindingRequest() {
  std::vector<std::uint8_t> buffer(100);
  const net::ByteView bytes =
      stun::MessageBuilder(buffer, stun::MessageClass::kRequest, stun::Method::kBinding, stun::TransactionId{{1, 2, 3}})
          .Finish()
          .value();
  return std::string(bytes.begin(), bytes.end());
}

TEST_F(TurnOverTcp, BindingIsAnsweredOverTcpHoweverTheRequestsAreCut) {
  const net::SocketId id = stranger_.Connect(At("10.0.0.2:1234"), At("192.0.2.1:3478"));
  RunFor(1s);
  const std::string requests = BindingRequest() + BindingRequest();
  stranger_.Write(id, requests.substr(0, 3));
  RunFor(1s);
  stranger_.Write(id, requests.substr(3));
  RunFor(1s);
  const std::string& received = stranger_.at(id).received;
  ASSERT_EQ(received.size() % 2, 0u);
  const std::vector<std::uint8_t> first(received.begin(), received.begin() + static_cast<long>(received.size() / 2));
  const auto answer = stun::MessageView::Parse(first);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->Get<stun::XorMappedAddress>().value().address, At("10.0.0.2:1234"));
  EXPECT_EQ(server_.tcp_connections(), 1u);
}

TEST_F(TurnOverTcp, AClientThatHasFinishedIsLetGo) {
  const net::SocketId id = stranger_.Connect(At("10.0.0.2:0"), At("192.0.2.1:3478"));
  RunFor(1s);
  stranger_.Write(id, BindingRequest(), true);
  RunFor(1s);
  EXPECT_EQ(stranger_.at(id).received.size(), 32u);  // The answer came all the same.
  EXPECT_EQ(stranger_.at(id).closed, 1);
  EXPECT_EQ(stranger_.at(id).reset, 0);
  EXPECT_EQ(server_.tcp_connections(), 0u);
}

TEST_F(TurnOverTcp, BytesThatAreNoStunResetTheConnection) {
  const net::SocketId id = stranger_.Connect(At("10.0.0.2:0"), At("192.0.2.1:443"));
  RunFor(1s);
  stranger_.Write(id, std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xFC", 9));
  RunFor(1s);
  EXPECT_EQ(stranger_.at(id).reset, 1);
  EXPECT_EQ(stranger_.at(id).why.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(server_.tcp_connections(), 0u);
}

TEST_F(TurnOverTcp, AStrangerMayNotAnnounceALongMessage) {
  const net::SocketId id = stranger_.Connect(At("10.0.0.2:0"), At("192.0.2.1:443"));
  RunFor(1s);
  stranger_.Write(id, std::string("\x40\x00\x10\x00", 4));  // ChannelData of 4096 bytes: 4 too many
  RunFor(1s);
  EXPECT_EQ(stranger_.at(id).reset, 1);
}

TEST_F(TurnOverTcp, AStrangerThatSaysNothingForFiveMinutesIsClosedAndAClientWithAnAllocationIsNot) {
  const auto client = StartClient(stun::Transport::kTcp);
  const net::SocketId silent = stranger_.Connect(At("10.0.0.2:0"), At("192.0.2.1:443"));
  const net::SocketId talking = stranger_.Connect(At("10.0.0.2:0"), At("192.0.2.1:443"));
  RunFor(299s);
  stranger_.Write(talking, BindingRequest());
  EXPECT_EQ(server_.tcp_connections(), 3u);
  RunFor(2s);
  EXPECT_EQ(stranger_.at(silent).closed, 1);
  EXPECT_EQ(stranger_.at(talking).closed, 0);
  EXPECT_EQ(server_.tcp_connections(), 2u);
  RunFor(297s);
  EXPECT_EQ(stranger_.at(talking).closed, 0);
  RunFor(2s);
  EXPECT_EQ(stranger_.at(talking).closed, 1);
  EXPECT_EQ(client->client().state(), TurnClient::State::kAllocated);
  EXPECT_EQ(server_.tcp_connections(), 1u);
}

class TurnOverFewConnections : public TurnOverTcp {
 protected:
  TurnOverFewConnections() : TurnOverTcp({.tcp_limits = {.connections_max = 2, .unsent_bytes_max = 2000}}) {}
};

TEST_F(TurnOverFewConnections, ConnectionsBeyondTheLimitAreReset) {
  std::vector<net::SocketId> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(stranger_.Connect(At("10.0.0.2:0"), At("192.0.2.1:443")));
    RunFor(1s);
  }
  EXPECT_EQ(stranger_.at(ids[1]).reset, 0);
  EXPECT_EQ(stranger_.at(ids[2]).reset, 1);
  EXPECT_EQ(server_.tcp_connections(), 2u);
  // A place that becomes free is given to the next.
  stranger_.Write(ids[0], "", true);
  RunFor(1s);
  const net::SocketId next = stranger_.Connect(At("10.0.0.2:0"), At("192.0.2.1:443"));
  RunFor(1s);
  EXPECT_EQ(stranger_.at(next).reset, 0);
}

// The stream drops whole datagrams, as a queue of UDP would. The connection, its allocation and the responses stay.
TEST_F(TurnOverFewConnections, DatagramsForAClientThatDoesNotReadAreLeftOutWhole) {
  const auto client = StartClient(stun::Transport::kTcp);
  RunFor(1s);
  client->Permit(Ip("192.0.2.7"));
  RunFor(1s);
  client->reads = false;
  const std::string payload(1000, 'x');
  for (int i = 0; i < 300; ++i) peer_.Send(client->client().relayed(), payload);
  RunFor(5s);
  EXPECT_GT(server_.counters().left_out, 0u);
  EXPECT_EQ(server_.counters().left_out + server_.counters().relayed_to_clients, 300u);
  EXPECT_FALSE(client->lost);
  client->reads = true;
  client->OnTcpReadable(client->socket());
  RunFor(5s);
  EXPECT_EQ(client->from_peers.size(), server_.counters().relayed_to_clients);
  for (const auto& [from, text] : client->from_peers) EXPECT_EQ(text, payload);
  EXPECT_EQ(client->client().state(), TurnClient::State::kAllocated);
}

TEST_F(TurnOverFewConnections, AClientThatAsksAndNeverReadsIsResetAndCostsNoMoreThanTheLimit) {
  stranger_.reads = false;
  const net::SocketId id = stranger_.Connect(At("10.0.0.2:0"), At("192.0.2.1:443"));
  RunFor(1s);
  std::string requests;
  for (int i = 0; i < 6000; ++i) requests += BindingRequest();  // answers of 192 kB: two full windows and more
  stranger_.Write(id, requests);
  RunFor(60s);
  EXPECT_EQ(stranger_.at(id).reset, 1);
  EXPECT_EQ(server_.tcp_connections(), 0u);
}

}  // namespace
}  // namespace pinhole::apps
