#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ice/candidate.h"
#include "ice/foundation.h"
#include "ice/options.h"
#include "ice/output.h"

namespace pinhole::ice {

// What an agent sends from (RFC 8445 §4 "base"): a socket of this machine, or an address on a TURN server
// that is reached through such a socket. Of TCP a listener and the connections from its port; or, if active, no more
// than the address that connections leave from.
struct LocalBase {
  enum class State : std::uint8_t { kOpening, kOpen, kClosed };

  int stream = 0;
  int component = 1;
  State state = State::kOpening;
  SocketTag tag{};           // the socket, also behind a relayed base
  int rank = 0;              // of the address among those gathered from (priority.h)
  std::optional<int> relay;  // index into Relays; nullopt: a socket of this machine
  int candidate = -1;        // index of `self` among the local candidates; -1: withheld from the peer
  Candidate self;            // the host or relayed candidate that is this base
  FoundationId foundation = 0;

  const net::SocketAddress& address() const { return self.address; }
  Transport transport() const { return self.transport; }
  // Whether it is a socket or listener of its own.
  bool has_socket() const { return !relay && self.transport != Transport::kTcpActive; }
  bool open() const { return state == State::kOpen; }
};

// A local candidate and how it was come by.
struct LocalCandidate {
  int base = 0;  // index into the bases
  FoundationId foundation = 0;
};

}  // namespace pinhole::ice
