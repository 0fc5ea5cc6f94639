#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "sim/boxes/nat_box.h"
#include "sim/boxes/router.h"
#include "sim/host/host_node.h"
#include "sim/host/program.h"
#include "sim/world.h"
#include "tests/sim/nat_reachability_rules.h"

// The reachability matrices with programs on hosts behind NAT boxes in a world. A server tells each side its external
// endpoint. The sides send pings to all endpoints of the other side that they know, and follow the sources that they
// see.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

net::IpAddress Ip(absl::string_view text) { return *net::IpAddress::Parse(text); }

const net::SocketAddress kServer = *net::SocketAddress::Parse("192.0.2.1:3478");
constexpr net::Duration kRetry = 50ms;
constexpr int kRounds = 24;
constexpr std::size_t kTargetsMax = 1 + 8;  // signalled, and as many as an ICE agent chases

enum class Kind : std::uint8_t { kAsk, kTold, kPing, kPong };

// A message: its kind, and the endpoint that it tells (kTold) or to which the answered ping was sent (kPong).
struct Message {
  Kind kind;
  net::SocketAddress endpoint;

  std::array<std::uint8_t, 7> Bytes() const {
    std::array<std::uint8_t, 7> bytes = {static_cast<std::uint8_t>(kind)};
    net::StoreU32(&bytes[1], endpoint.address().v4());
    net::StoreU16(&bytes[5], endpoint.port());
    return bytes;
  }
  static Message Of(net::ByteView bytes) {
    return {static_cast<Kind>(bytes[0]),
            net::SocketAddress(net::IpAddress::V4(net::LoadU32(&bytes[1])), net::LoadU16(&bytes[5]))};
  }
};

class Server : public net::App {
 public:
  explicit Server(net::Host& host) : host_(host) {}
  void OnStart() override { socket_ = *host_.OpenUdp(kServer); }
  void OnDatagram(const net::Datagram& datagram) override {
    host_.SendTo(socket_, datagram.from, Message{Kind::kTold, datagram.from}.Bytes(), {});
  }

 private:
  net::Host& host_;
  net::SocketId socket_{};
};

class Peer : public net::App {
 public:
  Peer(net::Host& host, net::Instant pings_from) : host_(host), next_ping_(pings_from) {}
  void OnStart() override {
    socket_ = *host_.OpenUdp(net::SocketAddress(net::IpAddress(), 5000));
    Send(kServer, {Kind::kAsk, {}});
    host_.WakeAt(next_ping_);
  }
  void OnTimer() override {
    if (host_.Now() < next_ping_ || rounds_ == kRounds) return;
    ++rounds_;
    for (const net::SocketAddress& target : targets) Send(target, {Kind::kPing, target});
    next_ping_ += kRetry;
    host_.WakeAt(next_ping_);
  }
  void OnDatagram(const net::Datagram& datagram) override {
    const Message message = Message::Of(datagram.payload);
    switch (message.kind) {
      case Kind::kTold:
        other->targets.push_back(message.endpoint);  // signalled out of band
        break;
      case Kind::kPing: {
        bool known = false;
        for (const net::SocketAddress& target : targets) known = known || target == datagram.from;
        if (!known && targets.size() < kTargetsMax) targets.push_back(datagram.from);
        Send(datagram.from, {Kind::kPong, message.endpoint});
        break;
      }
      case Kind::kPong:
        connected = connected || message.endpoint == datagram.from;
        break;
      case Kind::kAsk:
        break;
    }
  }

  Peer* other = nullptr;
  std::vector<net::SocketAddress> targets;
  bool connected = false;

 private:
  void Send(const net::SocketAddress& to, const Message& message) { host_.SendTo(socket_, to, message.Bytes(), {}); }

  net::Host& host_;
  net::SocketId socket_{};
  net::Instant next_ping_;
  int rounds_ = 0;
};

// alice - home_a - core - home_b - bob, and a server; 20 ms one way between any two outside interfaces. Both homes
// are on the same private subnet.
class TwoHomes {
 public:
  TwoHomes(const UdpBehavior& a, const UdpBehavior& b, net::Duration a_starts, net::Duration b_starts)
      : world_(1), core_(world_.AddNode<Router>("core")) {
    HostNode& server = world_.AddNode<HostNode>("server");
    server.AddInterface("wan");
    Attach(server, kServer.address());
    Program& machine = server.AddProgram("server");
    server_ = std::make_unique<Server>(machine);
    machine.Start(*server_);
    AddHome(a, "a", "198.51.100.1", a_starts);
    AddHome(b, "b", "203.0.113.1", b_starts);
    peers_[0]->other = peers_[1].get();
    peers_[1]->other = peers_[0].get();
    EXPECT_TRUE(world_.Check().ok());
  }
  bool Connects() {
    return world_.RunUntil(net::Instant(10s), [this] { return peers_[0]->connected && peers_[1]->connected; });
  }

 private:
  void Attach(HostNode& node, const net::IpAddress& address) {
    const int at_core = core_.AddInterface("to_" + node.name());
    EXPECT_TRUE(node.AddAddress(1, {.address = address, .prefix_length = 32}).ok());
    EXPECT_TRUE(node.AddRoute({.prefix = net::IpPrefix(net::IpAddress(), 0), .interface = 1}).ok());
    EXPECT_TRUE(core_.AddRoute({.prefix = net::IpPrefix(address, 32), .interface = at_core}).ok());
    EXPECT_TRUE(world_.Connect({&node, 1}, {&core_, at_core}, {.delay = 10ms}).ok());
  }
  void AddHome(const UdpBehavior& udp, const std::string& name, absl::string_view external, net::Duration starts) {
    NatBox& box = world_.AddNode<NatBox>("home_" + name, NatBoxOptions{.profile = {.udp = udp}});
    box.AddInterface("wan");
    Attach(box, Ip(external));
    const int lan = box.AddInterface("lan");
    EXPECT_TRUE(box.AddAddress(lan, {.address = Ip("192.168.1.1"), .prefix_length = 24}).ok());
    HostNode& host = world_.AddNode<HostNode>("host_" + name);
    const int eth = host.AddInterface("eth0");
    EXPECT_TRUE(host.AddAddress(eth, {.address = Ip("192.168.1.10"), .prefix_length = 24}).ok());
    EXPECT_TRUE(host.AddDefaultRoute(eth, Ip("192.168.1.1")).ok());
    EXPECT_TRUE(world_.Connect({&host, eth}, {&box, lan}, {}).ok());
    Program& machine = host.AddProgram("peer");
    peers_.push_back(std::make_unique<Peer>(machine, net::Instant(1s + starts)));
    machine.Start(*peers_.back());
  }

  World world_;
  Router& core_;
  std::unique_ptr<Server> server_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

class UdpReachabilityInAWorld : public testing::TestWithParam<Reading> {};

TEST_P(UdpReachabilityInAWorld, IsTheMatrixOfItsReadingInEverySendOrder) {
  constexpr std::pair<net::Duration, net::Duration> kOrders[] = {{0ms, 0ms},  {0ms, 300ms}, {300ms, 0ms}, {0ms, 20ms},
                                                                 {20ms, 0ms}, {0ms, 7ms},   {7ms, 0ms}};
  const Reading& reading = GetParam();
  for (const auto& [a_starts, b_starts] : kOrders) {
    int direct = 0;
    for (int cell = 0; cell < 81; ++cell) {
      const NatBehavior a = BehaviorA(cell), b = BehaviorB(cell);
      const bool connects = TwoHomes(reading.Udp(a, PortAllocation::kPreserve), reading.Udp(b, PortAllocation::kRandom),
                                     a_starts, b_starts)
                                .Connects();
      EXPECT_EQ(connects, reading.connects(a, b))
          << ToString(a.mapping) << "/" << ToString(a.filtering) << " - " << ToString(b.mapping) << "/"
          << ToString(b.filtering) << ", A starts at " << a_starts.count() << " ns, B at " << b_starts.count() << " ns";
      direct += connects ? 1 : 0;
    }
    EXPECT_EQ(direct, reading.direct);
  }
}

INSTANTIATE_TEST_SUITE_P(BothReadings, UdpReachabilityInAWorld, testing::Values(kEndpointReading, kSessionReading),
                         [](const testing::TestParamInfo<Reading>& info) {
                           return info.param.direct == 45 ? "EndpointMemory45" : "MappingMemory57";
                         });

}  // namespace
}  // namespace pinhole::sim
