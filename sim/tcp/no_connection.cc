#include "sim/tcp/no_connection.h"

namespace pinhole::sim {

std::optional<TcpHeader> TcpResetFor(const TcpHeader& segment, std::uint32_t payload_bytes) {
  if (segment.Has(kTcpRst)) return std::nullopt;
  if (segment.Has(kTcpAck)) return TcpHeader{.sequence = segment.acknowledgment, .flags = kTcpRst};
  return TcpHeader{.sequence = 0,
                   .acknowledgment = segment.sequence + TcpSegmentLength(segment, payload_bytes),
                   .flags = kTcpRst | kTcpAck};
}

TcpListenVerdict TcpListen(const TcpHeader& segment) {
  if (segment.Has(kTcpRst)) return {.rule = Rule::kTcpNotExpected};
  if (segment.Has(kTcpAck)) return {.reset = TcpResetFor(segment, 0), .rule = Rule::kTcpNotExpected};
  if (segment.Has(kTcpSyn)) return {.open = true};
  return {.rule = Rule::kTcpNotExpected};
}

}  // namespace pinhole::sim
