#pragma once

#include <cstdint>
#include <vector>

#include "ice/candidate.h"
#include "net/ip_address.h"

namespace pinhole::ice {

// A foundation as a number: equal numbers, equal foundations. Local and remote ones are counted apart.
using FoundationId = std::uint16_t;

// Foundations of local candidates (RFC 8445 §5.1.1.3): the same for the same type, transport, base IP
// address and IP address of the server, whatever the ports. Of TCP each tcptype counts as a transport of its own: a
// check of one says nothing of the others.
class LocalFoundations {
 public:
  // `server` is unspecified for host candidates.
  FoundationId Of(CandidateType type, const net::IpAddress& base, const net::IpAddress& server,
                  Transport transport = Transport::kUdp);
  // "1" for the first.
  static Foundation Text(FoundationId id);

 private:
  struct Key {
    CandidateType type;
    Transport transport;
    net::IpAddress base;
    net::IpAddress server;
    friend bool operator==(const Key&, const Key&) = default;
  };
  std::vector<Key> keys_;
};

// Foundations of remote candidates: whatever strings the peer chose.
class RemoteFoundations {
 public:
  FoundationId Of(const Foundation& text);
  // One that equals no other (RFC 8445 §7.3.1.3).
  FoundationId Unique();

 private:
  std::vector<Foundation> texts_;  // An empty one is unique: the peer's have a character at least.
};

// The foundation of a pair (RFC 8445 §6.1.2.6).
constexpr std::uint32_t PairFoundation(FoundationId local, FoundationId remote) {
  return (std::uint32_t{local} << 16) | remote;
}

}  // namespace pinhole::ice
