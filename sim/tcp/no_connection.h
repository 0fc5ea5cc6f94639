#pragma once

#include <cstdint>
#include <optional>

#include "sim/packet/rule.h"
#include "sim/packet/tcp_header.h"

namespace pinhole::sim {

// What a port answers to segments that belong to no connection.

// No socket at all, the state CLOSED: the RST that the sender of `segment` will accept, nullopt if it is itself a RST
// (RFC 9293 §3.10.7.1).
std::optional<TcpHeader> TcpResetFor(const TcpHeader& segment, std::uint32_t payload_bytes);

// A listener, the state LISTEN (RFC 9293 §3.10.7.2).
struct TcpListenVerdict {
  bool open = false;               // make a connection: TcpConnection::OpenPassive()
  std::optional<TcpHeader> reset;  // answer with this
  Rule rule = Rule::kNone;         // why not `open`
};
TcpListenVerdict TcpListen(const TcpHeader& segment);

}  // namespace pinhole::sim
