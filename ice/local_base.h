#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ice/candidate.h"
#include "ice/foundation.h"
#include "ice/options.h"
#include "ice/output.h"

namespace pinhole::ice {

// A base (RFC 8445 §4): the place from which an agent sends. For UDP it is a socket of this machine, or an address on a
// TURN server that is reached through such a socket. For TCP it is a listener together with the connections from its
// port. The base of an active TCP candidate is only an address, from which connections are opened.
struct LocalBase {
  enum class State : std::uint8_t { kOpening, kOpen, kClosed };

  int stream = 0;
  int component = 1;
  State state = State::kOpening;
  SocketTag tag{};           // the socket, also behind a relayed base
  int rank = 0;              // place of the address in the order of RankAddresses() (priority.h)
  std::optional<int> relay;  // index into Relays; nullopt: a socket of this machine
  // Index of `self` among the local candidates; nullopt: withheld from the peer.
  std::optional<int> candidate;
  Candidate self;  // the host or relayed candidate that is this base
  FoundationId foundation = 0;

  const net::SocketAddress& address() const { return self.address; }
  Transport transport() const { return self.transport; }
  // Whether the base has a socket or listener of its own.
  bool has_socket() const { return !relay && self.transport != Transport::kTcpActive; }
  bool open() const { return state == State::kOpen; }
};

// The base and the foundation of a local candidate.
struct LocalCandidate {
  int base = 0;  // index into the bases
  FoundationId foundation = 0;
};

}  // namespace pinhole::ice
