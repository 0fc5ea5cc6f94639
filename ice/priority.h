#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ice/candidate.h"
#include "ice/options.h"
#include "net/contract.h"

namespace pinhole::ice {

// RFC 8445 §5.1.2.2: 126 host, 110 peer-reflexive, 100 server-reflexive, 0 relayed. Over TCP 90, 80 and 70: every
// direct UDP candidate before every TCP one, and relayed ones last of all (RFC 6544 §4.2).
constexpr std::uint32_t TypePreference(CandidateType type, Transport transport = Transport::kUdp) {
  const bool tcp = IsTcp(transport);
  switch (type) {
    case CandidateType::kHost:
      return tcp ? 90 : 126;
    case CandidateType::kPeerReflexive:
      return tcp ? 80 : 110;
    case CandidateType::kServerReflexive:
      return tcp ? 70 : 100;
    case CandidateType::kRelayed:
      return 0;
  }
  net::CannotHappen();
}

// RFC 8445 §5.1.2.1. REQUIRES: local_preference <= 65535, component 1 to 256.
constexpr std::uint32_t CandidatePriority(CandidateType type, std::uint32_t local_preference, int component,
                                          Transport transport = Transport::kUdp) {
  PINHOLE_REQUIRES(local_preference <= 65535 && component >= 1 && component <= 256);
  return (TypePreference(type, transport) << 24) | (local_preference << 8) |
         (256 - static_cast<std::uint32_t>(component));
}

// What a check carries in PRIORITY: the priority of `local`, were it peer-reflexive (RFC 8445 §7.1.1).
constexpr std::uint32_t PeerReflexivePriority(std::uint32_t local_priority, Transport transport = Transport::kUdp) {
  return (TypePreference(CandidateType::kPeerReflexive, transport) << 24) | (local_priority & 0x00FFFFFF);
}

// RFC 8445 §6.1.2.3: G is the controlling agent's candidate, D the controlled agent's. The same on both sides.
constexpr std::uint64_t PairPriority(std::uint32_t g, std::uint32_t d) {
  const std::uint64_t low = g < d ? g : d;
  const std::uint64_t high = g < d ? d : g;
  return (low << 32) + 2 * high + (g > d ? 1 : 0);
}

// The addresses that candidates are gathered from, without those that RFC 8445 §5.1.1.1 leaves out, most
// preferred first. RFC 8421: within reliable interfaces IPv6 goes first and an IPv4 address follows each
// (N4 + N6) / N4 IPv6 ones; addresses of tunnels (VPN) come after all others, not intermingled. Before that,
// wired precedes Wi-Fi and Wi-Fi cellular, preferred precedes deprecated, temporary precedes permanent
// (RFC 6724), and otherwise the caller's order stays.
std::vector<LocalAddress> RankAddresses(std::span<const LocalAddress> addresses, bool include_loopback);

// RFC 6544 §4.2. REQUIRES: IsTcp(transport).
constexpr std::uint32_t DirectionPreference(CandidateType type, Transport transport) {
  PINHOLE_REQUIRES(IsTcp(transport));
  const bool reflexive = type == CandidateType::kServerReflexive;
  switch (transport) {
    case Transport::kUdp:
      break;
    case Transport::kTcpActive:
      return reflexive ? 4 : 6;
    case Transport::kTcpPassive:
      return reflexive ? 2 : 4;
    case Transport::kTcpSimultaneousOpen:
      return reflexive ? 6 : 2;
  }
  net::CannotHappen();
}

// The local preference of a candidate from the address of this rank and the server of this index: unique among
// the candidates of one type, 65535 for the first.
constexpr std::uint32_t LocalPreference(int rank, int server, int servers) {
  const int place = rank * (servers < 1 ? 1 : servers) + server;
  return place > 65535 ? 0 : static_cast<std::uint32_t>(65535 - place);
}

// Of a TCP candidate: 2^13 * direction-pref + other-pref, 8191 for the first (RFC 6544 §4.2).
constexpr std::uint32_t TcpLocalPreference(CandidateType type, Transport transport, int rank, int server, int servers) {
  const int place = rank * (servers < 1 ? 1 : servers) + server;
  const std::uint32_t other = place > 8191 ? 0 : static_cast<std::uint32_t>(8191 - place);
  return (DirectionPreference(type, transport) << 13) + other;
}

}  // namespace pinhole::ice
