#pragma once

// A program that records its events, and small worlds with such programs.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "net/host.h"
#include "sim/host/host_node.h"
#include "sim/world.h"

namespace pinhole::sim {

inline net::IpAddress Ip(absl::string_view text) { return net::IpAddress::Parse(text).value(); }
inline net::SocketAddress At(absl::string_view text) { return net::SocketAddress::Parse(text).value(); }
inline net::Instant Time(net::Duration since_start) { return net::Instant(since_start); }

// Opens one socket at the start and records all events of it.
class Recorder : public net::App {
 public:
  struct Heard {
    net::Instant at;
    net::SocketAddress from;
    net::SocketAddress to;
    std::uint8_t ttl = 0;
    net::PacketTag tag;
    int interface = 0;
    std::string payload;
  };
  struct Error {
    net::Instant at;
    net::IcmpError error;
  };

  explicit Recorder(net::SocketAddress local) : local_(local) {}

  void Attach(net::Host& host) { host_ = &host; }
  void OnStart() override {
    const absl::StatusOr<net::SocketId> opened = host_->OpenUdp(local_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    socket = *opened;
    if (on_start) on_start();
  }
  void OnDatagram(const net::Datagram& datagram) override {
    heard.push_back({host_->Now(), datagram.from, datagram.to, datagram.ttl, datagram.tag,
                     static_cast<int>(datagram.interface),
                     std::string(datagram.payload.begin(), datagram.payload.end())});
    if (on_datagram) on_datagram(datagram);
  }
  void OnIcmpError(const net::IcmpError& error) override { errors.push_back({host_->Now(), error}); }
  void OnTimer() override { alarms.push_back(host_->Now()); }
  void OnInterfacesChanged() override { ++changes; }

  net::SendStatus Send(const net::SocketAddress& to, absl::string_view payload, const net::SendOptions& options = {}) {
    return host_->SendTo(socket, to,
                         net::ByteView(reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()), options);
  }
  net::Host& host() { return *host_; }

  net::SocketId socket{};
  std::vector<Heard> heard;
  std::vector<Error> errors;
  std::vector<net::Instant> alarms;
  int changes = 0;
  std::function<void()> on_start;
  std::function<void(const net::Datagram&)> on_datagram;

 private:
  net::SocketAddress local_;
  net::Host* host_ = nullptr;
};

// Adds a host with one interface, one address and, with a gateway, a default route.
inline HostNode& AddHost(World& world, absl::string_view name, absl::string_view prefix, absl::string_view gateway = "",
                         const HostOptions& options = {}) {
  HostNode& host = world.AddNode<HostNode>(name, options);
  const int interface = host.AddInterface("eth0");
  const net::IpPrefix parsed = net::IpPrefix::Parse(prefix).value();
  EXPECT_TRUE(host.AddAddress(interface, {.address = parsed.address(), .prefix_length = parsed.length()}).ok());
  if (!gateway.empty()) {
    EXPECT_TRUE(host.AddDefaultRoute(interface, Ip(gateway)).ok());
  }
  return host;
}

inline int AddPort(HostNode& node, absl::string_view name, absl::string_view prefix) {
  const int interface = node.AddInterface(name);
  const net::IpPrefix parsed = net::IpPrefix::Parse(prefix).value();
  EXPECT_TRUE(node.AddAddress(interface, {.address = parsed.address(), .prefix_length = parsed.length()}).ok());
  return interface;
}

inline LinkId Link(World& world, Node& a, int port_a, Node& b, int port_b, const LinkProfile& a_to_b,
                   const LinkProfile& b_to_a) {
  const absl::StatusOr<LinkId> link = world.Connect({&a, port_a}, {&b, port_b}, a_to_b, b_to_a);
  EXPECT_TRUE(link.ok()) << link.status();
  return *link;
}
inline LinkId Link(World& world, Node& a, int port_a, Node& b, int port_b, const LinkProfile& both = {}) {
  return Link(world, a, port_a, b, port_b, both, both);
}

// alice 192.0.2.1 --- bob 192.0.2.2, each with a recorder on port 5000.
struct TwoHosts {
  explicit TwoHosts(const LinkProfile& a_to_b = {}, const LinkProfile& b_to_a = {}, std::uint64_t seed = 1)
      : world(seed),
        alice_node(AddHost(world, "alice", "192.0.2.1/24")),
        bob_node(AddHost(world, "bob", "192.0.2.2/24")),
        link(Link(world, alice_node, 1, bob_node, 1, a_to_b, b_to_a)) {
    alice.Attach(alice_node.StartProgram("recorder", alice));
    bob.Attach(bob_node.StartProgram("recorder", bob));
    world.RunUntil(Time({}));
  }
  ~TwoHosts() { EXPECT_STREQ(world.BrokenInvariant(), nullptr); }

  World world;
  HostNode& alice_node;
  HostNode& bob_node;
  LinkId link;
  Recorder alice{At("192.0.2.1:5000")};
  Recorder bob{At("192.0.2.2:5000")};
  net::SocketAddress alice_at = At("192.0.2.1:5000");
  net::SocketAddress bob_at = At("192.0.2.2:5000");
};

}  // namespace pinhole::sim
