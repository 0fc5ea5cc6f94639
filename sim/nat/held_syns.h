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

// A SYN that asks for a connection, as against those that answer one.
inline bool IsOpeningSyn(const TcpHeader& segment) {
  return (segment.flags & (kTcpSyn | kTcpAck | kTcpRst | kTcpFin)) == kTcpSyn;
}

// SYNs from outside that nobody has asked for, whose answers wait in case that somebody does (RFC 5382 §4.3 REQ-4,
// RFC 6092 §3.3.1 REC-34). Every one waits equally long.
class HeldSyns {
 public:
  // At once; one more is dropped without an answer (neither RFC names a bound).
  static constexpr std::size_t kMax = 1024;

  // To whom a SYN goes and from whom it comes, as the inside host behind `to` would answer it.
  struct Ends {
    net::SocketAddress to, remote;
    friend bool operator==(const Ends&, const Ends&) = default;
    template <typename H>
    friend H AbslHashValue(H state, const Ends& ends) {
      return H::combine(std::move(state), net::StableHash(ends.to), net::StableHash(ends.remote));
    }
  };

  // Holds `packet` until `until`, when its source gets a RST, or ICMP with `icmp_code`. One for each pair of ends: a
  // retransmission changes nothing. False: there is no room for one more.
  // REQUIRES: `until` is not before that of any other.
  bool Hold(const Ends& ends, const Packet& packet, net::Instant until, bool resets, std::uint8_t icmp_code);
  // The inside host has sent a SYN itself: the one that is held is dropped silently.
  void Cancel(const Ends& ends) {
    if (!numbers_.empty()) numbers_.erase(ends);
  }
  void Clear();

  // When the next answer may be due.
  net::Instant NextTimer() const;
  // The next answer that is due; nullopt: none.
  std::optional<NatOutput> PopDue(net::Instant now);

 private:
  struct Held {
    net::Instant until;
    std::uint64_t number = 0;
    Ends ends;
    NatOutput answer;
  };

  std::list<Held> held_;                              // by `until`, cancelled ones included
  absl::flat_hash_map<Ends, std::uint64_t> numbers_;  // of those that are not cancelled
  std::uint64_t next_ = 1;
};

}  // namespace pinhole::sim::nat
