#pragma once

#include <cstdint>
#include <optional>

#include "ice/views.h"
#include "net/packet_class.h"
#include "net/time.h"

namespace pinhole::ice {

// The reason why a Waiting pair is not checked although its turn has come.
enum class CheckWait : std::uint8_t {
  kNone,
  kPermission,  // until the TURN server grants a permission for the peer (RFC 8445 §7.2.1); relayed bases only
  kConnection,  // until fewer connections to the remote address are being opened (RFC 6544 §12); TCP only
};

// The checks of one pair (RFC 8445 §7.2): the open transaction, and a record of all transactions.
struct PairChecks {
  std::optional<int> open;  // the open transaction while the pair is In-Progress; nullopt: none
  int cancelled = 0;        // transactions that are no longer retransmitted, but whose response still counts
  CheckWait wait = CheckWait::kNone;
  net::PacketTag cause;   // the received request that triggered the next check
  bool answered = false;  // true: a check of this pair has succeeded
  int started = 0;        // transactions
  int sends = 0;          // requests, retransmissions included
  int error_code = 0;     // of the error response that made the pair fail; 0: none
  int icmp_errors = 0;
  std::optional<net::IcmpError::Kind> last_icmp;
  std::optional<net::SendStatus> last_refused_send;
  std::optional<net::Instant> first;
};

// The valid pair that a check makes (RFC 8445 §7.2.5.3.2). Its local candidate is the mapped address.
struct ValidPair {
  bool on_valid_list = true;  // false: a check failed later, and the pair may not be used
  // Index of the local candidate; nullopt: the base's own candidate, which is withheld from the peer.
  std::optional<int> mapped;
  int generator = 0;  // the pair whose check made this one valid; mostly the pair itself
  std::uint64_t priority = 0;
  net::Instant since{};
  std::optional<net::Duration> round_trip;  // of the latest check whose request was sent only once
  net::Instant last_success{};              // time of the last successful check or consent check (RFC 7675 §5)
  bool carries_data = false;
};

// The TCP connections of a pair (RFC 6544 §7).
struct PairConnection {
  std::optional<ConnectionEnd> end;         // why the last connection ended, if this agent did not close it
  std::optional<net::SocketAddress> local;  // the local end of the last connection
  // Selected pairs only: when the connection broke; empty again when there is a new one.
  std::optional<net::Instant> lost_at;
};

// A local base and a remote candidate of one component (RFC 8445 §6.1.2). The checks of the pair are sent from the
// base: pair formation replaces a reflexive local candidate by its base (RFC 8445 §6.1.2.4).
struct CandidatePair {
  // The identity of the pair. Of these fields only `priority` changes later, when this agent changes its role.
  int stream = 0;
  int component = 1;
  int base = 0;
  // Index of the local candidate that gave the priority; nullopt: the base's own candidate, which is withheld from the
  // peer.
  std::optional<int> local;
  int remote = 0;
  std::uint32_t foundation = 0;  // PairFoundation()
  std::uint64_t priority = 0;
  std::uint32_t check_priority = 0;  // the PRIORITY attribute of its checks

  // The progress of the pair on its checklist (RFC 8445 §6.1.2.6) and towards nomination.
  PairState state = PairState::kFrozen;
  PairEnd end = PairEnd::kNone;
  // True: on the checklist. False after the pair was discarded, or another pair of its component was nominated.
  bool listed = true;
  Nomination nomination = Nomination::kNone;
  std::optional<net::Instant> nominated_at;
  net::Instant last_sent{};  // when anything was last sent on the pair, checks included; keepalives count from it

  PairChecks checks;
  // Set when a check has made the pair valid; kept when the pair is no longer valid.
  std::optional<ValidPair> valid_pair;
  std::optional<PairConnection> connection;  // set for every TCP pair, and for no other pair

  bool tcp() const { return connection.has_value(); }
  bool valid() const { return valid_pair.has_value() && valid_pair->on_valid_list; }
  // nullopt if the pair was never valid.
  std::optional<int> mapped() const { return valid_pair.has_value() ? valid_pair->mapped : std::nullopt; }
  std::optional<int> generator() const {
    return valid_pair.has_value() ? std::optional(valid_pair->generator) : std::nullopt;
  }
};

// True: the pair is still to be checked, or is being checked.
constexpr bool IsOpen(PairState state) { return state != PairState::kSucceeded && state != PairState::kFailed; }

}  // namespace pinhole::ice
