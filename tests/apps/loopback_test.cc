// The programs of apps/, which also run in the simulator, over real sockets on this machine's loopback interface.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "apps/ice/ice_endpoint.h"
#include "apps/referral/referral_client.h"
#include "apps/referral/referral_server.h"
#include "apps/turn/stun_turn_server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/posix/posix_host.h"
#include "net/posix/posix_loop.h"

namespace pinhole::apps {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// One time limit for everything that waits for real sockets. Nothing here needs a tenth of it.
constexpr net::Duration kPatience = 20s;
constexpr net::IpAddress kLoopback = net::IpAddress::V4(127, 0, 0, 1);

class Loopback : public ::testing::Test {
 protected:
  Loopback()
      : server_(server_host_, {.listen = {net::SocketAddress(kLoopback, 0)},
                               .listen_tcp = {net::SocketAddress(kLoopback, 0)},
                               .users = {{"pinhole", "pinhole"}},
                               .allow_loopback_peers = true}),
        referral_(referral_host_, {.listen = {net::SocketAddress(kLoopback, 0)}}) {
    server_host_.Start(server_);
    referral_host_.Start(referral_);
  }

  std::unique_ptr<IceEndpoint> MakeEndpoint(net::PosixHost& host, const std::string& name, ice::AgentOptions agent) {
    agent.include_loopback = true;
    auto channel = std::make_unique<ReferralClient>(
        host, ReferralClient::Options{.servers = {*referral_.address()}, .session = "call", .side = name});
    return std::make_unique<IceEndpoint>(host, IceEndpoint::Options{.name = name, .agent = agent}, std::move(channel),
                                         &pacer_);
  }

  // Runs two agents against each other until both are finished.
  void Connect(const ice::AgentOptions& common) {
    ice::AgentOptions controlled = common;
    controlled.role = ice::Role::kControlled;
    alice_ = MakeEndpoint(alice_host_, "alice", common);
    bob_ = MakeEndpoint(bob_host_, "bob", controlled);
    alice_host_.Start(*alice_);
    bob_host_.Start(*bob_);
    ASSERT_TRUE(loop_.RunUntil([this] { return alice_->finished() && bob_->finished(); }, kPatience));
    EXPECT_EQ(alice_->state(), EndpointState::kConnected) << alice_->Failure();
    EXPECT_EQ(bob_->state(), EndpointState::kConnected) << bob_->Failure();
  }

  net::PosixLoop loop_;
  net::PosixHost server_host_{loop_};
  net::PosixHost referral_host_{loop_};
  net::PosixHost alice_host_{loop_};
  net::PosixHost bob_host_{loop_};
  StunTurnServer server_;
  ReferralServer referral_;
  ice::HostPacer pacer_;
  std::unique_ptr<IceEndpoint> alice_;
  std::unique_ptr<IceEndpoint> bob_;
};

TEST_F(Loopback, TwoAgentsConnectAndAgreeOverHostCandidates) {
  ice::AgentOptions options;
  options.stun_servers = server_.addresses();
  Connect(options);
  const std::optional<ice::PairView> alice = alice_->agent().SelectedPair(0, 1);
  const std::optional<ice::PairView> bob = bob_->agent().SelectedPair(0, 1);
  ASSERT_TRUE(alice && bob);
  EXPECT_EQ(alice->local.type, ice::CandidateType::kHost);
  EXPECT_EQ(alice->local.address, bob->remote.address);
  EXPECT_EQ(bob->local.address, alice->remote.address);
  EXPECT_TRUE(alice_->times().first_data.has_value());
  EXPECT_TRUE(bob_->times().first_data.has_value());
}

TEST_F(Loopback, TwoAgentsConnectThroughTheRelayWhenOnlyRelayedCandidatesAreTold) {
  ice::AgentOptions options;
  options.turn_servers = {{server_.addresses().front(), "pinhole", "pinhole"}};
  options.host_candidates = false;
  options.server_reflexive_candidates = false;
  Connect(options);
  EXPECT_GT(server_.counters().relayed_to_clients, 0u);
  EXPECT_EQ(server_.counters().allocations, 2u);
  alice_->Close();
  bob_->Close();
}

TEST_F(Loopback, TwoAgentsConnectThroughARelayThatIsReachedOverTcpAlone) {
  ice::AgentOptions options;
  options.turn_servers = {{server_.tcp_addresses().front(), "pinhole", "pinhole", stun::Transport::kTcp}};
  options.udp_candidates = false;
  Connect(options);
  EXPECT_EQ(alice_->agent().SelectedPair(0, 1)->local.type, ice::CandidateType::kRelayed);
  EXPECT_EQ(server_.counters().allocations, 2u);
  EXPECT_EQ(server_.tcp_connections(), 2u);
  alice_->Close();
  bob_->Close();
  EXPECT_TRUE(loop_.RunUntil([this] { return server_.tcp_connections() == 0; }, kPatience));
}

TEST_F(Loopback, TwoAgentsConnectOverTcpFromActiveToPassive) {
  ice::AgentOptions options;
  options.udp_candidates = false;
  options.tcp = {.active = true, .passive = true, .stun_servers = {}};
  Connect(options);
  const std::optional<ice::PairView> alice = alice_->agent().SelectedPair(0, 1);
  const std::optional<ice::PairView> bob = bob_->agent().SelectedPair(0, 1);
  ASSERT_TRUE(alice && bob);
  EXPECT_TRUE(ice::IsTcp(alice->local.transport));
  EXPECT_EQ(alice->local.transport, ice::Counterpart(bob->local.transport));
  EXPECT_TRUE(alice_->times().first_data.has_value());
  EXPECT_TRUE(bob_->times().first_data.has_value());
}

TEST_F(Loopback, TwoAgentsConnectOverTcpBySimultaneousOpen) {
  ice::AgentOptions options;
  options.udp_candidates = false;
  options.tcp = {.simultaneous_open = true, .stun_servers = {}};
  Connect(options);
  const std::optional<ice::PairView> alice = alice_->agent().SelectedPair(0, 1);
  const std::optional<ice::PairView> bob = bob_->agent().SelectedPair(0, 1);
  ASSERT_TRUE(alice && bob);
  EXPECT_EQ(alice->local.transport, ice::Transport::kTcpSimultaneousOpen);
  EXPECT_EQ(alice->local.address, bob->remote.address);
  EXPECT_EQ(bob->local.address, alice->remote.address);
}

TEST_F(Loopback, TheReferralServerLearnsWhoTalksToWhomAndUnderWhichAddresses) {
  Connect({});
  const std::vector<ReferralServer::Introduction> learned = referral_.Learned();
  ASSERT_EQ(learned.size(), 1u);
  EXPECT_EQ(learned[0].session, "call");
  ASSERT_EQ(learned[0].parties.size(), 2u);
  for (const ReferralServer::Party& party : learned[0].parties) {
    EXPECT_TRUE(party.published.has_value());
    EXPECT_TRUE(party.handed_on.has_value());
    EXPECT_FALSE(party.addresses.empty());
    ASSERT_EQ(party.seen_at.size(), 1u);
    EXPECT_EQ(party.seen_at[0].address(), kLoopback);
  }
}

TEST_F(Loopback, AnEndpointWhosePeerNeverComesSaysSo) {
  auto channel = std::make_unique<ReferralClient>(
      alice_host_, ReferralClient::Options{.servers = {*referral_.address()}, .session = "call", .side = "alice"});
  ice::AgentOptions agent;
  agent.include_loopback = true;
  IceEndpoint alone(alice_host_, {.name = "alice", .agent = agent, .exchange_patience = 50ms}, std::move(channel),
                    nullptr);
  alice_host_.Start(alone);
  ASSERT_TRUE(loop_.RunUntil([&alone] { return alone.finished(); }, kPatience));
  EXPECT_EQ(alone.state(), EndpointState::kFailed);
  EXPECT_THAT(alone.Failure(), HasSubstr("exchange"));
}

// Uses coturn's client (package `coturn`). The test fails without it, because interoperation is the subject.
TEST_F(Loopback, CoturnsStunClientGetsItsAddressFromOurServer) {
  const net::SocketAddress address = server_.addresses().front();
  const std::string command =
      absl::StrCat("timeout 10 turnutils_stunclient -p ", address.port(), " ", address.address().ToString(), " 2>&1");
  std::string output;
  int status = -1;
  std::thread client([&] {
    FILE* pipe = popen(command.c_str(), "r");
    char buffer[512];
    while (pipe != nullptr && std::fgets(buffer, sizeof buffer, pipe) != nullptr) output += buffer;
    if (pipe != nullptr) status = pclose(pipe);
    loop_.Stop();
  });
  loop_.Run();
  client.join();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << output;
  EXPECT_THAT(output, HasSubstr("UDP reflexive addr: 127.0.0.1:"));
}

}  // namespace
}  // namespace pinhole::apps
