#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ice/candidate.h"
#include "ice/options.h"
#include "net/contract.h"

namespace pinhole::ice {

// The type preference (RFC 8445 §5.1.2.2): 126 host, 110 peer-reflexive, 100 server-reflexive, 0 relayed. Over TCP it
// is 90, 80 and 70, so that every direct UDP candidate comes before every TCP candidate, and relayed candidates come
// last (RFC 6544 §4.2).
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

// The priority of a candidate (RFC 8445 §5.1.2.1). REQUIRES: local_preference <= 65535, component 1 to 256.
constexpr std::uint32_t CandidatePriority(CandidateType type, std::uint32_t local_preference, int component,
                                          Transport transport = Transport::kUdp) {
  PINHOLE_REQUIRES(local_preference <= 65535 && component >= 1 && component <= 256);
  return (TypePreference(type, transport) << 24) | (local_preference << 8) |
         (256 - static_cast<std::uint32_t>(component));
}

// The PRIORITY attribute of a check: the priority that the local candidate would have if it were peer-reflexive
// (RFC 8445 §7.1.1).
constexpr std::uint32_t PeerReflexivePriority(std::uint32_t local_priority, Transport transport = Transport::kUdp) {
  return (TypePreference(CandidateType::kPeerReflexive, transport) << 24) | (local_priority & 0x00FFFFFF);
}

// The priority of a pair (RFC 8445 §6.1.2.3). `g` is the priority of the controlling agent's candidate, `d` that of the
// controlled agent's. Both agents compute the same number.
constexpr std::uint64_t PairPriority(std::uint32_t g, std::uint32_t d) {
  const std::uint64_t low = g < d ? g : d;
  const std::uint64_t high = g < d ? d : g;
  return (low << 32) + 2 * high + (g > d ? 1 : 0);
}

// The addresses from which candidates are gathered, most preferred first, without those that RFC 8445 §5.1.1.1
// excludes. Preferred addresses precede deprecated ones, then wired precedes Wi-Fi and Wi-Fi precedes cellular, then
// temporary addresses precede permanent ones (RFC 6724); otherwise the caller's order stays. Addresses of tunnels (VPN)
// come after all others. Within each of these two groups the families are intermingled as in RFC 8421: IPv6 goes first,
// and one IPv4 address follows each (N4 + N6) / N4 IPv6 addresses, where N4 and N6 are the numbers of addresses.
std::vector<LocalAddress> RankAddresses(std::span<const LocalAddress> addresses, bool include_loopback);

// The direction preference of a TCP candidate (RFC 6544 §4.2). REQUIRES: IsTcp(transport).
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

// The local preference of a candidate that was gathered from the address of this rank and the server of this index. It
// is unique among the candidates of one type; the first has 65535.
constexpr std::uint32_t LocalPreference(int rank, int server, int servers) {
  const int place = rank * (servers < 1 ? 1 : servers) + server;
  return place > 65535 ? 0 : static_cast<std::uint32_t>(65535 - place);
}

// The local preference of a TCP candidate: 2^13 * direction-pref + other-pref. other-pref is 8191 for the first
// candidate (RFC 6544 §4.2).
constexpr std::uint32_t TcpLocalPreference(CandidateType type, Transport transport, int rank, int server, int servers) {
  const int place = rank * (servers < 1 ? 1 : servers) + server;
  const std::uint32_t other = place > 8191 ? 0 : static_cast<std::uint32_t>(8191 - place);
  return (DirectionPreference(type, transport) << 13) + other;
}

}  // namespace pinhole::ice
