#pragma once

#include <cstdint>

#include "net/socket_address.h"
#include "sim/packet/packet.h"
#include "sim/packet/rule.h"

namespace pinhole::sim {

// The decision of a Nat or firewall about a packet. With kOutside and kInside the packet was rewritten where needed; a
// packet between inside networks needs no rewriting. In all other cases the packet is unchanged.
struct Verdict {
  enum class Action : std::uint8_t {
    kOutside,  // send it to the outside
    kInside,   // send it into inside network `network`
    kInput,    // it is for the box itself
    kLeak,     // send it to the outside as it is, untranslated; `rule` says why
    kDrop,     // drop it, by `rule`, because of `state`
    kReject,   // drop it, and send its sender ICMP type 3 with `icmp_code`
    kReset,    // drop it, and send its sender a RST (RFC 9293 §3.10.7.1)
  };
  Action action = Action::kDrop;
  std::int16_t network = 0;
  Rule rule = Rule::kNone;
  std::uint8_t icmp_code = 0;
  DropState state;

  static Verdict Drop(Rule rule, const net::SocketAddress& judged_by) {
    return {.action = Action::kDrop, .rule = rule, .state = {.endpoint = judged_by}};
  }
  static Verdict Inside(int network) {
    return {.action = Action::kInside, .network = static_cast<std::int16_t>(network)};
  }
};

// A packet that a Nat or firewall sends by itself, later than the packet that caused it.
struct NatOutput {
  static constexpr std::int16_t kToOutside = -1;
  enum class Kind : std::uint8_t {
    kIcmpError,  // type 3 with `icmp_code` to the sender of `packet`, which came from outside or was to be hairpinned
    kReset,      // a RST to the sender of such a packet
    kSegment,    // `packet` itself, to `network` or to the outside
  };
  Kind kind = Kind::kSegment;
  std::int16_t network = kToOutside;
  std::uint8_t icmp_code = 0;
  Packet packet;  // without payload
};

}  // namespace pinhole::sim
