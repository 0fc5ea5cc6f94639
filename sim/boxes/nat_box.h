#pragma once

#include <memory>
#include <optional>

#include "net/random.h"
#include "sim/boxes/middlebox.h"
#include "sim/nat/nat.h"
#include "sim/nat/profile.h"

namespace pinhole::sim {

struct NatBoxOptions {
  HostOptions host;
  NatProfile profile;  // REQUIRES: IsValid(profile)
  // Whether IPv6 packets are routed in both directions, untranslated. If false, they are dropped.
  bool passes_ipv6 = true;
  // The filter for IPv6 packets; nullopt: all pass. REQUIRES: IsValid(*ipv6_filter).
  std::optional<FilterProfile> ipv6_filter = std::nullopt;
  EgressPolicy egress = {};  // for IPv4 and IPv6
};

// A router that translates between its inside networks and its outside.
//
//     inside  --TTL--> Nat::FromInside  --> route --> outside, or back in (hairpin, inner routing)
//     outside -------> Nat::FromOutside --TTL--> route --> inside
//        `--> the box's own input: its sockets, or ICMP
//
// Interface 1, the first one added, is the outside. Its IPv4 addresses are the external addresses. The external
// addresses of NatProfile::one_to_one need not be on it, but the outside must route them to the box. Every other
// interface is an inside network, to which all prefixes belong that are routed to it. Addresses and routes are read
// once, when the first packet arrives.
class NatBox final : public Middlebox {
 public:
  static constexpr int kOutside = 1;

  NatBox(const NodeInit& init, const NatBoxOptions& options);

  // Forgets all mappings and sessions that packets have made, and the tuples that the box has claimed, as after a power
  // cut.
  void Reboot();
  const Nat& nat() const { return Translator(); }
  Nat& nat() { return Translator(); }

  void OnPacket(int interface, PacketPtr packet) override;
  net::Instant NextTimer() const override;
  void OnTimer() override;

 private:
  Nat& Translator() const;
  bool LeadsOutside(const net::IpAddress& destination) const;
  void FromInside(int interface, PacketPtr packet);
  void FromOutside(int interface, PacketPtr packet);
  void RouteIpv6(int interface, PacketPtr packet);
  // The source and destination of a packet as it arrived. Obey() carries out a verdict, and compares the packet with
  // them.
  struct Ends {
    net::SocketAddress source, destination;
  };
  void Drain();
  void Obey(const Verdict& verdict, const Ends& before, int interface, PacketPtr packet);

  NatProfile profile_;
  bool passes_ipv6_;
  std::unique_ptr<StatefulFilter> ipv6_filter_;
  mutable std::optional<net::SeededRandom> random_;
  mutable std::optional<Nat> nat_;  // made for the first packet, when the addresses are known
};

}  // namespace pinhole::sim
