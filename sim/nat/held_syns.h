#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "net/socket_address.h"
#include "net/time.h"
#include "sim/nat/verdict.h"
#include "sim/packet/tcp_header.h"

namespace pinhole::sim::nat {

// Whether `segment` is a SYN that opens a connection, not a SYN,ACK that answers one.
inline bool IsOpeningSyn(const TcpHeader& segment) {
  return (segment.flags & (kTcpSyn | kTcpAck | kTcpRst | kTcpFin)) == kTcpSyn;
}

// Unsolicited SYNs from outside that a NAT or firewall holds: it drops them, but sends the RST or ICMP error only after
// a while (RFC 5382 §4.3 REQ-4, RFC 6092 §3.3.1 REC-34). If the inside host sends a SYN to the same remote endpoint in
// the meantime, no answer is sent. Every SYN is held for the same time.
class HeldSyns {
 public:
  // The most SYNs held at once. One more is dropped without an answer. RFC 5382 §4.3 REQ-4 and RFC 6092 §3.3.1 REC-34
  // name no bound.
  static constexpr std::size_t kMax = 1024;

  // The destination and the source of a held SYN, as in the packet outside the NAT.
  struct Ends {
    net::SocketAddress to, remote;
    friend bool operator==(const Ends&, const Ends&) = default;
    template <typename H>
    friend H AbslHashValue(H state, const Ends& ends) {
      return H::combine(std::move(state), net::StableHash(ends.to), net::StableHash(ends.remote));
    }
  };

  // Holds `packet` until `until`. Then its source gets a RST if `resets`, else an ICMP error with `icmp_code`. A
  // retransmitted SYN, with the same `ends`, changes nothing. Returns false, and holds nothing, if kMax SYNs are held
  // already.
  // REQUIRES: `until` is not earlier than the `until` of any SYN that is held.
  bool Hold(const Ends& ends, const Packet& packet, net::Instant until, bool resets, std::uint8_t icmp_code);
  // To be called when the inside host has sent a SYN to ends.remote: the held SYN is forgotten without an answer.
  void Cancel(const Ends& ends) {
    if (!numbers_.empty()) numbers_.erase(ends);
  }
  void Clear();

  // The instant at which PopDue() may have an answer; net::kNever: no SYN is held.
  net::Instant NextTimer() const;
  // Takes out the next answer that is due at `now`; nullopt: none is due.
  std::optional<NatOutput> PopDue(net::Instant now);

 private:
  struct Held {
    net::Instant until;
    std::uint64_t number = 0;
    Ends ends;
    NatOutput answer;
  };

  std::list<Held> held_;                              // by `until`, cancelled SYNs included
  absl::flat_hash_map<Ends, std::uint64_t> numbers_;  // the numbers of the SYNs that are not cancelled
  std::uint64_t next_ = 1;
};

}  // namespace pinhole::sim::nat
