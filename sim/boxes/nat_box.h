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
  // IPv6 packets are routed both ways, untranslated. Without, they end here.
  bool passes_ipv6 = true;
  // What of IPv6 passes; absent: all. REQUIRES: IsValid(*ipv6).
  std::optional<FilterProfile> ipv6_filter = std::nullopt;
  EgressPolicy egress = {};  // of both families
};

// A router that translates between its inside networks and its outside.
//
//     inside  --TTL--> Nat::FromInside  --> route --> outside, or back in (hairpin, inner routing)
//     outside -------> Nat::FromOutside --TTL--> route --> inside
//        `--> the box's own input: its sockets, or ICMP
//
// Interface 1, the first one added, is the outside; its IPv4 addresses are the external addresses (those of
// NatProfile::one_to_one need not be on it, somebody has to route them here). All others are inside, each a
// network of its own; what its routes reach there is inside too. All of this is taken as it is when the first
// packet comes.
class NatBox final : public Middlebox {
 public:
  static constexpr int kOutside = 1;

  NatBox(const NodeInit& init, const NatBoxOptions& options);

  // Mappings, sessions and poison are lost, as when power was cut.
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
  // Does what the verdict says. `before`: the packet's ends as it came.
  struct Ends {
    net::SocketAddress source, destination;
  };
  void Drain();
  void Obey(const Verdict& verdict, const Ends& before, int interface, PacketPtr packet);

  NatProfile profile_;
  bool passes_ipv6_;
  std::unique_ptr<StatefulFilter> ipv6_filter_;
  mutable std::optional<net::SeededRandom> random_;
  mutable std::optional<Nat> nat_;  // made when the addresses are known
};

}  // namespace pinhole::sim
