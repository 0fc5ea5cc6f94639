#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "net/socket_address.h"
#include "net/time.h"
#include "sim/nat/held_syns.h"
#include "sim/nat/profile.h"
#include "sim/nat/refresh.h"
#include "sim/nat/tcp_tracker.h"
#include "sim/nat/validate.h"
#include "sim/nat/verdict.h"
#include "sim/packet/packet.h"

namespace pinhole::sim {

// The behavior of a stateful firewall: which packets it lets in, and how it answers the others.
struct FilterProfile {
  // How long UDP flows live. The fields mean for a flow what they mean for the mapping of a NAT (profile.h). A flow is
  // open only to the remote endpoint that it was sent to (RFC 6092 §3.2: address and port-dependent).
  UdpTimeouts udp_timeouts = {.first = std::nullopt,
                              .unreplied = std::chrono::seconds(30),
                              .replied = std::chrono::seconds(30),
                              .assured = std::chrono::seconds(120),
                              .assured_after = std::chrono::seconds(2)};
  // How TCP connections are tracked. tcp.invalid may be kDrop or kReset, tcp.idle only kSilent.
  TcpTracking tcp;
  // The answer to TCP segments from outside that belong to no flow. kInput is not allowed.
  Unsolicited unsolicited = Unsolicited::kAdminProhibited;
  // An unsolicited SYN is answered this long after it arrived, unless the inside host sends a SYN to that remote
  // endpoint before (RFC 6092 §3.3.1 REC-34). Zero: at once.
  net::Duration unsolicited_hold = std::chrono::seconds(6);
  // The answer to UDP datagrams from outside that belong to no flow. kReset stands for ICMP port unreachable. kInput is
  // not allowed.
  Unsolicited unsolicited_udp = Unsolicited::kDrop;
  // Whether ICMP errors get in that quote a packet of a flow (RFC 6092 §3.3.1 REC-36; nftables' `ct state related`). An
  // error never ends the flow.
  bool icmp_errors = true;
};

// The first field with a value that no firewall could have, by the name of the field in a NatProfile. nullopt: there is
// none.
std::optional<NatContradiction> FindContradiction(const FilterProfile& profile);
inline bool IsValid(const FilterProfile& profile) { return !FindContradiction(profile).has_value(); }

// A stateful firewall without translation, IPv4 and IPv6, as a value: a packet from inside opens a flow, and only
// packets of a flow get in (RFC 6092 §3). In nftables: policy drop, invalid drop, established accept, inside accept. It
// knows no hosts or routes. Packets are never changed.
//
// Not modelled: ICMP messages other than errors, which never get in; protocols other than UDP, TCP and ICMP.
class StatefulFilter {
 public:
  // REQUIRES: IsValid(profile).
  explicit StatefulFilter(const FilterProfile& profile);

  // The verdict on a packet from inside. kOutside: the packet passes. Otherwise kDrop, kReject with one of RFC 792's
  // codes of destination unreachable, or kReset.
  Verdict FromInside(net::Instant now, const Packet& packet);
  // The verdict on a packet from outside. kInside with network 0: the packet passes. Otherwise one of the refusals of
  // FromInside().
  Verdict FromOutside(net::Instant now, const Packet& packet);

  // The instant when the filter may have to send answers to held SYNs by itself. FromInside() and FromOutside() call
  // OnTimer() themselves.
  net::Instant NextTimer() const;
  void OnTimer(net::Instant now);
  // The next answer to a held SYN, an ICMP error or a RST; nullopt: none is due. To be called after each packet and
  // after OnTimer(), until it returns nullopt.
  std::optional<NatOutput> PollOutput();

  // Forgets all flows and all held SYNs.
  void Reboot();
  // The state of a connection; kNone: no such connection is known.
  TcpTrackerState StateOf(net::Instant now, const net::SocketAddress& inside, const net::SocketAddress& remote);

 private:
  struct Key {
    net::SocketAddress inside, remote;
    bool tcp = false;
    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H state, const Key& key) {
      return H::combine(std::move(state), net::StableHash(key.inside), net::StableHash(key.remote), key.tcp);
    }
  };
  struct Flow {
    nat::Timer timer;    // for UDP; TCP uses only `expires`
    TcpTracker tracker;  // TCP only; the inside host is the original side
  };

  Flow* Find(net::Instant now, const Key& key);
  void Add(net::Instant now, const Key& key, const Flow& flow);
  Verdict Refuse(net::Instant now, const Packet& packet, Rule rule);
  Verdict Hold(net::Instant now, const Packet& packet, const Verdict& answer);
  Verdict JudgeTcp(net::Instant now, const Key& key, Flow* flow, TcpTracker::Way way, const Packet& packet);

  FilterProfile profile_;
  UdpBehavior udp_;  // how flows are refreshed
  absl::flat_hash_map<Key, Flow> flows_;
  std::size_t sweep_at_ = 64;
  nat::HeldSyns held_;
  std::list<NatOutput> outputs_;
};

}  // namespace pinhole::sim
