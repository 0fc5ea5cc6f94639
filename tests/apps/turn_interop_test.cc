// TURN over TCP between this project and coturn: coturn's client with our server, and our client with coturn's server.
#include <iterator>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "apps/turn/stun_turn_server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/posix/posix_host.h"
#include "net/posix/posix_loop.h"
#include "tests/apps/coturn.h"
#include "tests/apps/turn_program.h"
#include "tests/apps/turn_tcp_program.h"
#include "tests/net/tcp/tcp_program.h"

namespace pinhole::apps {
namespace {

using namespace std::chrono_literals;
using stun::TurnClient;
using ::testing::HasSubstr;

// One time limit for everything that waits for real sockets. Nothing here needs a tenth of it.
constexpr net::Duration kPatience = 20s;
constexpr net::IpAddress kLoopback = net::IpAddress::V4(127, 0, 0, 1);

// A UDP socket that sends back what it gets.
class Echo final : public net::App {
 public:
  explicit Echo(net::Host& host) : host_(host) {}
  void OnStart() override { socket_ = host_.OpenUdp({kLoopback, 0}).value(); }
  void OnDatagram(const net::Datagram& datagram) override {
    host_.SendTo(socket_, datagram.from, datagram.payload, {});
  }
  net::SocketAddress address() const { return host_.LocalAddress(socket_).value(); }

 private:
  net::Host& host_;
  net::SocketId socket_{};
};

// Two of coturn's clients, both over TCP, send each other ten messages of 101 bytes, each client through an allocation
// of its own. They use no channels, because coturn binds channel numbers above 0x4FFF, which RFC 8656 §12 reserves.
TEST(TurnInterop, CoturnsClientRelaysOverTcpThroughOurServer) {
  net::PosixLoop loop;
  net::PosixHost host(loop);
  StunTurnServer server(host, {.listen_tcp = {net::SocketAddress(kLoopback, 0)},
                               .users = {{"pinhole", "pinhole"}},
                               .allow_loopback_peers = true});
  host.Start(server);
  ASSERT_TRUE(server.status().ok()) << server.status();
  const CoturnRun run =
      RunCoturnClient(loop, absl::StrCat("turnutils_uclient -t -s -y -c -n 10 -l 101 -u pinhole -w pinhole -p ",
                                         server.tcp_addresses().front().port(), " 127.0.0.1"));
  EXPECT_TRUE(run.succeeded) << run.output;
  EXPECT_THAT(run.output, HasSubstr("Total lost packets 0 (0.000000%)"));
  EXPECT_EQ(server.counters().relayed_to_clients, 20u);
  EXPECT_EQ(server.counters().left_out, 0u);
}

// Data goes both ways, first in Send indications, then on a channel, with lengths that need padding.
TEST(TurnInterop, OurClientRelaysOverTcpThroughCoturn) {
  const CoturnServer coturn;
  net::PosixLoop loop;
  net::PosixHost echo_host(loop), host(loop);
  Echo echo(echo_host);
  echo_host.Start(echo);
  TurnProgram client(
      host,
      {.server = coturn.address(), .transport = stun::Transport::kTcp, .username = "pinhole", .password = "pinhole"},
      kLoopback);
  host.Start(client);
  ASSERT_TRUE(loop.RunUntil([&] { return client.Count<TurnClient::Allocated>() == 1; }, kPatience));
  for (const std::string payload : {"indication", "channel"}) {
    SCOPED_TRACE(payload);
    client.from_peers.clear();
    for (int i = 0; i < 5; ++i) client.Send(echo.address(), payload + std::string(static_cast<std::size_t>(i), '.'));
    ASSERT_TRUE(loop.RunUntil([&] { return client.from_peers.size() == 5; }, kPatience));
    EXPECT_EQ(client.from_peers[4].second, payload + "....");
    EXPECT_EQ(client.from_peers[4].first, echo.address());
    if (payload == "channel") break;
    client.Bind(echo.address());
    ASSERT_TRUE(loop.RunUntil([&] { return client.Count<TurnClient::ChannelReady>() == 1; }, kPatience));
  }
  EXPECT_FALSE(client.lost);
}

// RFC 6062: two of coturn's clients connect to each other's relayed addresses.
TEST(TurnInterop, CoturnsClientMakesTcpAllocationsAtOurServer) {
  net::PosixLoop loop;
  net::PosixHost host(loop);
  StunTurnServer server(host, {.listen_tcp = {net::SocketAddress(kLoopback, 0)},
                               .users = {{"pinhole", "pinhole"}},
                               .allow_loopback_peers = true});
  host.Start(server);
  const CoturnRun run =
      RunCoturnClient(loop, absl::StrCat("turnutils_uclient -T -n 10 -l 101 -u pinhole -w pinhole -p ",
                                         server.tcp_addresses().front().port(), " 127.0.0.1"));
  EXPECT_TRUE(run.succeeded) << run.output;
  EXPECT_THAT(run.output, HasSubstr("Total lost packets 0 (0.000000%)"));
}

TEST(TurnInterop, OurClientMakesATcpAllocationAtCoturn) {
  const CoturnServer coturn;
  net::PosixLoop loop;
  net::PosixHost peer_host(loop), host(loop);
  net::TcpProgram peer;
  peer.Attach(peer_host);
  peer_host.Start(peer);
  const net::SocketAddress listening = *peer_host.LocalAddress(peer.Listen({kLoopback, 0}));
  TurnTcpProgram client(host, {.server = coturn.address(), .username = "pinhole", .password = "pinhole"}, kLoopback);
  host.Start(client);
  ASSERT_TRUE(loop.RunUntil([&] { return client.allocated(); }, kPatience));

  client.Connect(listening);
  ASSERT_TRUE(loop.RunUntil([&] { return client.streams.size() == 1 && peer.accepted().size() == 1; }, kPatience))
      << client.streams.size() << " streams, " << peer.accepted().size() << " accepted, "
      << (client.failed.empty() ? 0 : client.failed[0].code);
  const net::SocketId out = client.only();
  EXPECT_EQ(peer.at(peer.accepted()[0]).from, client.relayed);
  client.Write(out, net::Noise(100000, 1));
  peer.Write(peer.accepted()[0], net::Noise(100000, 2));
  ASSERT_TRUE(loop.RunUntil(
      [&] {
        return client.streams[out].received.size() == 100000 && peer.at(peer.accepted()[0]).received.size() == 100000;
      },
      kPatience));
  EXPECT_EQ(client.streams[out].received, net::Noise(100000, 2));
  EXPECT_EQ(peer.at(peer.accepted()[0]).received, net::Noise(100000, 1));

  client.Permit(kLoopback);
  ASSERT_TRUE(loop.RunUntil([&] { return client.client().HasPermission(host.Now(), kLoopback); }, kPatience));
  const net::SocketId in = peer.Connect({kLoopback, 0}, client.relayed);
  peer.Write(in, "hello");
  ASSERT_TRUE(loop.RunUntil([&] { return client.streams.size() == 2; }, kPatience));
  const net::SocketId second = std::next(client.streams.begin())->first;
  EXPECT_TRUE(client.streams[second].incoming);
  ASSERT_TRUE(loop.RunUntil([&] { return client.streams[second].received == "hello"; }, kPatience));
  EXPECT_TRUE(client.failed.empty());
}

TEST(TurnInterop, OurClientsWrongPasswordIsRefusedByCoturnOverTcp) {
  const CoturnServer coturn;
  net::PosixLoop loop;
  net::PosixHost host(loop);
  TurnProgram client(
      host,
      {.server = coturn.address(), .transport = stun::Transport::kTcp, .username = "pinhole", .password = "guess"},
      kLoopback);
  host.Start(client);
  ASSERT_TRUE(loop.RunUntil([&] { return client.Count<TurnClient::AllocationFailed>() == 1; }, kPatience));
  EXPECT_EQ(std::get<TurnClient::AllocationFailed>(client.events.at(0)).code, 401);
}

}  // namespace
}  // namespace pinhole::apps
