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

// What a stateful firewall lets in, and what it says to the rest.
struct FilterProfile {
  // A mapping's times, for flows: each is open to the one remote endpoint it was sent to (RFC 6092 §3.2: address and
  // port-dependent).
  UdpTimeouts udp_timeouts = {.first = std::nullopt,
                              .unreplied = std::chrono::seconds(30),
                              .replied = std::chrono::seconds(30),
                              .assured = std::chrono::seconds(120),
                              .assured_after = std::chrono::seconds(2)};
  // `invalid` may be kDrop or kReset, `idle` only kSilent.
  TcpTracking tcp;
  // The answer to segments that are new from outside. Not kInput.
  Unsolicited unsolicited = Unsolicited::kAdminProhibited;
  // A SYN gets it so long after it came, unless the inside host's own to that remote endpoint goes out before
  // (RFC 6092 §3.3.1 REC-34). Zero: at once.
  net::Duration unsolicited_hold = std::chrono::seconds(6);
  // The answer to datagrams that are. kReset: port unreachable. Not kInput.
  Unsolicited unsolicited_udp = Unsolicited::kDrop;
  // ICMP errors get in if they quote a packet of a flow (RFC 6092 §3.3.1 REC-36; nftables' `ct state related`). Never
  // end it.
  bool icmp_errors = true;
};

// The first field that describes no firewall that could be, by the name that it has in a NatProfile. nullopt: none.
std::optional<NatContradiction> FindContradiction(const FilterProfile& profile);
inline bool IsValid(const FilterProfile& profile) { return !FindContradiction(profile).has_value(); }

// A stateful firewall without translation, IPv4 and IPv6, as a value: what is sent from inside opens a flow, and only
// what belongs to a flow gets in (RFC 6092 §3). In nftables: policy drop, invalid drop, established accept, inside
// accept. It knows no hosts or routes. Packets are never changed.
//
// Not modelled: ICMP that is no error, of which nothing gets in; protocols that are none of these.
class StatefulFilter {
 public:
  // REQUIRES: IsValid(profile).
  explicit StatefulFilter(const FilterProfile& profile);

  // kOutside: it may go on. Otherwise kDrop, kReject (code 3, port, or 13, prohibited, of RFC 792's) or kReset.
  Verdict FromInside(net::Instant now, const Packet& packet);
  // kInside (network 0), or the same answers.
  Verdict FromOutside(net::Instant now, const Packet& packet);

  // When it may have something to send by itself: answers to SYNs that were held. OnTimer() is part of the above.
  net::Instant NextTimer() const;
  void OnTimer(net::Instant now);
  // As Nat's; none is a kSegment.
  std::optional<NatOutput> PollOutput();

  // Forgets all flows and what is held.
  void Reboot();
  // The state of a connection; kNone: none is known.
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
    nat::Timer timer;    // UDP's; TCP uses only `expires`
    TcpTracker tracker;  // TCP only; the inside host is the original one
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
