#pragma once

#include <cstdint>
#include <optional>

#include "ice/views.h"
#include "net/packet_class.h"
#include "net/time.h"

namespace pinhole::ice {

// A local base and a remote candidate of one component (RFC 8445 §6.1.2). The local candidate of a pair on a
// checklist is never reflexive: it has been replaced by its base (RFC 8445 §6.1.2.4). The valid pair that a check makes
// (RFC 8445 §7.2.5.3.2), whose local candidate is the mapped address, is kept with the pair that it sends like.
struct CandidatePair {
  int stream = 0;
  int component = 1;
  int base = 0;
  int local = -1;  // the local candidate that gave the priority; -1: the base's own, withheld from the peer
  int remote = 0;
  std::uint32_t foundation = 0;  // PairFoundation()
  std::uint64_t priority = 0;
  std::uint32_t check_priority = 0;  // PRIORITY of its checks
  bool tcp = false;

  PairState state = PairState::kFrozen;
  PairEnd end = PairEnd::kNone;
  Nomination nomination = Nomination::kNone;
  bool listed = true;             // on the checklist; not after its component concluded on another
  bool needs_permission = false;  // a check waits until the TURN server lets the peer in (RFC 8445 §7.2.1)
  bool needs_attempt = false;     // a check waits until fewer connections are being made to there (RFC 6544 §12)
  int check = -1;                 // the open transaction, while In-Progress
  net::PacketTag cause;           // the request that triggered its next check

  // The valid pair.
  bool valid = false;
  bool answered = false;  // a check of it has succeeded: the peer is there
  int mapped = -1;        // local candidate
  int generator = -1;     // the pair whose check made this one valid; mostly itself
  std::uint64_t valid_priority = 0;

  // For the record.
  int error_code = 0;
  std::optional<ConnectionEnd> connection_end;
  std::optional<net::SocketAddress> connected_from;  // the local end of its last TCP connection
  int checks = 0;
  int sends = 0;
  int cancelled = 0;  // transactions no longer retransmitted that may yet be answered
  int icmp_errors = 0;
  std::optional<net::IcmpError::Kind> last_icmp;
  std::optional<net::SendStatus> last_refused_send;
  std::optional<net::Instant> first_check;
  std::optional<net::Instant> valid_since;
  std::optional<net::Instant> nominated_at;
  std::optional<net::Duration> round_trip;
  net::Instant last_success{};          // consent lasts from here (RFC 7675 §5)
  net::Instant last_sent{};             // anything; for keepalives
  std::optional<net::Instant> lost_at;  // selected: when its TCP connection broke, until there is another
  bool carries_data = false;
};

// Still to be checked or being checked.
constexpr bool IsOpen(PairState state) { return state != PairState::kSucceeded && state != PairState::kFailed; }

}  // namespace pinhole::ice
