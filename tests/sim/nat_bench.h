#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/random.h"
#include "sim/nat/nat.h"

// A real Nat for tests. A test gives it packets and gets the verdict or the translated packet back.
namespace pinhole::sim {

inline net::SocketAddress Addr(absl::string_view text) { return *net::SocketAddress::Parse(text); }
inline net::IpAddress Ip(absl::string_view text) { return *net::IpAddress::Parse(text); }
inline net::Instant At(net::Duration since_start) { return net::Instant(since_start); }

inline const net::SocketAddress kAlice = Addr("10.0.1.10:5000");
inline const net::SocketAddress kBob = Addr("10.0.1.11:5000");
inline const net::SocketAddress kCarol = Addr("10.0.1.12:5000");
inline const net::SocketAddress kServer = Addr("192.0.2.1:3478");
inline const net::IpAddress kExternal = Ip("198.51.100.1");

// Returns the numbers that the test has given, and then those of a seeded stream.
class ScriptedRandom final : public net::RandomSource {
 public:
  explicit ScriptedRandom(std::uint64_t seed = 1) : rest_(seed, "nat") {}
  // The next draw of Below(bound) gives `value`.
  void NextBelow(std::uint64_t value, std::uint64_t bound) {
    // The middle of the numbers that Lemire's method maps to `value`.
    const unsigned __int128 low = (static_cast<unsigned __int128>(value) << 64) / bound;
    script_.push_back(static_cast<std::uint64_t>(low) + (~std::uint64_t{0} / bound) / 2);
  }
  std::uint64_t NextU64() override {
    if (script_.empty()) return rest_.NextU64();
    const std::uint64_t next = script_.front();
    script_.pop_front();
    return next;
  }

 private:
  std::deque<std::uint64_t> script_;
  net::SeededRandom rest_;
};

class NatBench {
 public:
  explicit NatBench(NatProfile profile, std::vector<net::IpAddress> external = {kExternal})
      : nat(std::move(profile), external, Networks(), &random) {}
  ~NatBench() { EXPECT_STREQ(nat.BrokenInvariant(), nullptr); }
  explicit NatBench(UdpBehavior udp) : NatBench(NatProfile{.udp = udp}) {}
  explicit NatBench(TransportBehavior udp) : NatBench(UdpBehavior{udp}) {}

  static Packet Udp(net::SocketAddress from, net::SocketAddress to) {
    Packet packet;
    packet.protocol = IpProtocol::kUdp;
    packet.source = from;
    packet.destination = to;
    return packet;
  }
  // An ICMP destination unreachable error from `reporter` about a packet with these addresses, sent to the packet's
  // source.
  static Packet Unreachable(net::IpAddress reporter, net::SocketAddress from, net::SocketAddress to) {
    Packet packet;
    packet.protocol = IpProtocol::kIcmp;
    packet.source = net::SocketAddress(reporter, 0);
    packet.destination = from.WithPort(0);
    packet.icmp = {.type = 3, .code = 3};
    packet.quoted.protocol = IpProtocol::kUdp;
    packet.quoted.source = from;
    packet.quoted.destination = to;
    return packet;
  }

  // Sends from the inside. The network is the third byte of the source address minus 1: 10.0.1.x is 0, 10.0.2.x is 1.
  Verdict Out(Packet& packet) { return nat.FromInside(now, NetworkOf(packet.source), packet); }
  Verdict Out(net::SocketAddress from, net::SocketAddress to) {
    Packet packet = Udp(from, to);
    return Out(packet);
  }
  // The translated source; nullopt: the packet did not reach the outside.
  std::optional<net::SocketAddress> TrySendOut(net::SocketAddress from, net::SocketAddress to) {
    Packet packet = Udp(from, to);
    if (Out(packet).action != Verdict::Action::kOutside) return std::nullopt;
    return packet.source;
  }
  net::SocketAddress SendOut(net::SocketAddress from, net::SocketAddress to) {
    return TrySendOut(from, to).value_or(net::SocketAddress());
  }
  int PortOf(net::SocketAddress from, net::SocketAddress to) { return SendOut(from, to).port(); }

  Verdict In(net::SocketAddress from, net::SocketAddress to) {
    Packet packet = Udp(from, to);
    return nat.FromOutside(now, packet);
  }
  // The inside endpoint that the packet reached; nullopt: it reached none.
  std::optional<net::SocketAddress> SendIn(net::SocketAddress from, net::SocketAddress to) {
    Packet packet = Udp(from, to);
    if (nat.FromOutside(now, packet).action != Verdict::Action::kInside) return std::nullopt;
    return packet.destination;
  }
  bool GetsIn(net::SocketAddress from, net::SocketAddress to) { return SendIn(from, to).has_value(); }

  ScriptedRandom random;
  net::Instant now{};
  Nat nat;

 private:
  static std::vector<InsidePrefix> Networks() {
    return {{net::IpPrefix(Ip("10.0.1.0"), 24), 0}, {net::IpPrefix(Ip("10.0.2.0"), 24), 1}};
  }
  static int NetworkOf(const net::SocketAddress& address) { return address.address().bytes()[2] == 2 ? 1 : 0; }
};

// The behavior of Linux's masquerade that is the same for UDP and TCP.
inline TransportBehavior ConntrackPorts() {
  return {.mapping = Mapping::kConntrack,
          .filtering = Filtering::kAddressAndPortDependent,
          .filter_memory = FilterMemory::kMapping,
          .inbound_sessions = true};
}

// The profile of Linux's masquerade for UDP, as in scenarios/nats.
inline UdpBehavior Masquerade() {
  using namespace std::chrono_literals;
  UdpBehavior udp;
  static_cast<TransportBehavior&>(udp) = ConntrackPorts();
  udp.timeouts = {.unreplied = 30s, .replied = 30s, .assured = 120s, .assured_after = 2s};
  udp.refresh = Refresh::kBoth;
  return udp;
}
inline UdpBehavior InputAccept() {
  UdpBehavior udp = Masquerade();
  udp.unsolicited = Unsolicited::kInput;
  udp.poisoning = true;
  return udp;
}
inline UdpBehavior RandomFully() {
  UdpBehavior udp = Masquerade();
  udp.port_allocation = PortAllocation::kRandom;
  return udp;
}

}  // namespace pinhole::sim
