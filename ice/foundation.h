#pragma once

#include <cstdint>
#include <vector>

#include "ice/candidate.h"
#include "net/ip_address.h"

namespace pinhole::ice {

// A foundation as a number: two foundations are equal if their numbers are equal. Local and remote foundations are
// numbered separately.
using FoundationId = std::uint16_t;

// Numbers the foundations of local candidates (RFC 8445 §5.1.1.3). Candidates have the same foundation if their type,
// transport, base IP address and server IP address are the same, whatever their ports. Each tcptype counts as a
// transport of its own, because a check of one says nothing about the others.
class LocalFoundations {
 public:
  // `server` is unspecified for host candidates.
  FoundationId Of(CandidateType type, const net::IpAddress& base, const net::IpAddress& server,
                  Transport transport = Transport::kUdp);
  // The text of a foundation; "1" for the first.
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

// Numbers the foundations of remote candidates, whose texts the peer has chosen.
class RemoteFoundations {
 public:
  FoundationId Of(const Foundation& text);
  // A foundation that equals no other, for a peer-reflexive candidate (RFC 8445 §7.3.1.3).
  FoundationId Unique();

 private:
  // An empty text stands for a foundation from Unique(), because a text of the peer has at least one character.
  std::vector<Foundation> texts_;
};

// The foundation of a pair (RFC 8445 §6.1.2.6).
constexpr std::uint32_t PairFoundation(FoundationId local, FoundationId remote) {
  return (std::uint32_t{local} << 16) | remote;
}

}  // namespace pinhole::ice
