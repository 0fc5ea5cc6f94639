#pragma once

#include <cstdint>
#include <optional>

#include "ice/views.h"
#include "net/packet_class.h"
#include "net/time.h"

namespace pinhole::ice {

// A Waiting pair whose turn has come may have to wait for something else.
enum class CheckWait : std::uint8_t {
  kNone,
  kPermission,  // until the TURN server lets the peer in (RFC 8445 §7.2.1); relayed bases only
  kConnection,  // until fewer connections are being made to the remote address (RFC 6544 §12); TCP only
};

// The checks of a pair (RFC 8445 §7.2): the open one, and the record of all.
struct PairChecks {
  int open = -1;      // the transaction, while the pair is In-Progress; -1: none
  int cancelled = 0;  // transactions that are no longer retransmitted, and may yet be answered
  CheckWait wait = CheckWait::kNone;
  net::PacketTag cause;   // the request that triggered the next check
  bool answered = false;  // one has succeeded: the peer is there
  int started = 0;        // transactions
  int sends = 0;          // requests, retransmissions included
  int error_code = 0;     // of the error response that the pair failed by; 0: none
  int icmp_errors = 0;
  std::optional<net::IcmpError::Kind> last_icmp;
  std::optional<net::SendStatus> last_refused_send;
  std::optional<net::Instant> first;
};

// The valid pair that a check makes (RFC 8445 §7.2.5.3.2). Its local candidate is the mapped address.
struct ValidPair {
  bool on_valid_list = true;  // false: a check failed later, and the pair may not be used
  int mapped = -1;            // local candidate; -1: the base's own, withheld from the peer
  int generator = -1;         // the pair whose check made this one valid; mostly the pair itself
  std::uint64_t priority = 0;
  net::Instant since{};
  std::optional<net::Duration> round_trip;  // of the latest check that was sent only once
  net::Instant last_success{};              // consent lasts from here (RFC 7675 §5)
  bool carries_data = false;
};

// The TCP connections of a pair (RFC 6544 §7).
struct PairConnection {
  std::optional<ConnectionEnd> end;         // of the last one, if it ended by itself
  std::optional<net::SocketAddress> local;  // the local end of the last one
  std::optional<net::Instant> lost_at;      // of a selected pair: when its connection broke, until there is another
};

// A local base and a remote candidate of one component (RFC 8445 §6.1.2). The local candidate of a pair on a
// checklist is never reflexive: it has been replaced by its base (RFC 8445 §6.1.2.4).
struct CandidatePair {
  // The pair itself. Only the priority changes, with our role.
  int stream = 0;
  int component = 1;
  int base = 0;
  int local = -1;  // the local candidate that gave the priority; -1: the base's own, withheld from the peer
  int remote = 0;
  std::uint32_t foundation = 0;  // PairFoundation()
  std::uint64_t priority = 0;
  std::uint32_t check_priority = 0;  // PRIORITY of its checks

  // Its place on the checklist (RFC 8445 §6.1.2.6) and on the way to being the pair of its component.
  PairState state = PairState::kFrozen;
  PairEnd end = PairEnd::kNone;
  bool listed = true;  // on the checklist; not after its component concluded on another
  Nomination nomination = Nomination::kNone;
  std::optional<net::Instant> nominated_at;
  net::Instant last_sent{};  // anything on the pair, checks too; keepalives count from here

  PairChecks checks;
  std::optional<ValidPair> valid_pair;       // once a check has made it; kept when the pair is valid no more
  std::optional<PairConnection> connection;  // of every TCP pair, and of no other

  bool tcp() const { return connection.has_value(); }
  bool valid() const { return valid_pair.has_value() && valid_pair->on_valid_list; }
  // -1 if the pair was never valid.
  int mapped() const { return valid_pair.has_value() ? valid_pair->mapped : -1; }
  int generator() const { return valid_pair.has_value() ? valid_pair->generator : -1; }
};

// Still to be checked or being checked.
constexpr bool IsOpen(PairState state) { return state != PairState::kSucceeded && state != PairState::kFailed; }

}  // namespace pinhole::ice
