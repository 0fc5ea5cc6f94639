#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/packet/packet.h"

namespace pinhole::sim {

// The packets that hosts behind a box may send to the outside, by transport and port, as in an office or hotel network.
// The policy knows no flows: it judges each UDP packet and each TCP SYN, so TCP answers to connections from outside
// pass. ICMP always passes.
struct EgressPolicy {
  struct Transport {
    bool blocked = false;  // nothing passes, in either direction
    // The destination ports that are allowed; empty: all.
    std::vector<std::uint16_t> ports = {};
    friend bool operator==(const Transport&, const Transport&) = default;
  };
  // The answer that an inside host gets when the policy refuses its packet.
  enum class Answer : std::uint8_t {
    kDrop,
    kAdminProhibited,  // ICMP
    kReset,            // TCP: a RST; UDP: ICMP port unreachable
  };
  Transport udp;
  Transport tcp;
  Answer answer = Answer::kDrop;

  bool LetsAllPass() const { return !udp.blocked && !tcp.blocked && udp.ports.empty() && tcp.ports.empty(); }
  bool LetsOut(const Packet& packet) const {
    if (packet.is_icmp()) return true;
    const Transport& rules = packet.is_tcp() ? tcp : udp;
    if (rules.blocked) return false;
    if (rules.ports.empty()) return true;
    if (packet.is_tcp() && (packet.tcp.flags & (kTcpSyn | kTcpAck)) != kTcpSyn) return true;
    return std::find(rules.ports.begin(), rules.ports.end(), packet.destination.port()) != rules.ports.end();
  }
  bool LetsIn(const Packet& packet) const { return packet.is_icmp() || !(packet.is_tcp() ? tcp : udp).blocked; }
  friend bool operator==(const EgressPolicy&, const EgressPolicy&) = default;
};

}  // namespace pinhole::sim
