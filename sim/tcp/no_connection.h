#pragma once

#include <cstdint>
#include <optional>

#include "sim/packet/rule.h"
#include "sim/packet/tcp_header.h"

namespace pinhole::sim {

// The answers of a port to segments that belong to no connection.

// The answer of a port with neither a connection nor a listener, which is in the state CLOSED (RFC 9293 §3.10.7.1): a
// RST that the sender of `segment` will accept. nullopt: `segment` is itself a RST.
std::optional<TcpHeader> TcpResetFor(const TcpHeader& segment, std::uint32_t payload_bytes);

// The answer of a listener, which is in the state LISTEN, to a segment (RFC 9293 §3.10.7.2).
struct TcpListenVerdict {
  bool open = false;               // make a connection: TcpConnection::OpenPassive()
  std::optional<TcpHeader> reset;  // the answer, if there is one
  Rule rule = Rule::kNone;         // why not `open`
};
TcpListenVerdict TcpListen(const TcpHeader& segment);

}  // namespace pinhole::sim
