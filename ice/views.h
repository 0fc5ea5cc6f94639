#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ice/candidate.h"
#include "ice/options.h"
#include "ice/output.h"
#include "net/host.h"
#include "net/time.h"

// Views of an agent's state for its owner. They are copies; making one may allocate memory.
namespace pinhole::ice {

// The state of a candidate pair (RFC 8445 §6.1.2.6).
enum class PairState : std::uint8_t { kFrozen, kWaiting, kInProgress, kSucceeded, kFailed };
const char* ToString(PairState state);

// The state of a checklist (RFC 8445 §6.1.2.1).
enum class CheckListState : std::uint8_t { kRunning, kCompleted, kFailed };

// The progress of a pair towards nomination (RFC 8445 §7.2.5.3.4, §7.3.1.5).
enum class Nomination : std::uint8_t {
  kNone,
  kChosen,     // controlling agent: the check with USE-CANDIDATE will be sent or has been sent
  kRequested,  // controlled agent: USE-CANDIDATE has come, and this agent's own check is still open
  kNominated,
};
const char* ToString(Nomination nomination);

// The reason why a pair is no longer checked.
enum class PairEnd : std::uint8_t {
  kNone,               // the pair is still to be checked, or it succeeded
  kTimeout,            // no answer (RFC 8445 §7.2.5.2.3)
  kIntegrityViolated,  // every response failed the integrity check with the peer's password (RFC 8489 §9.1.4)
  kNotSymmetric,       // the response came from or to another address than the request (RFC 8445 §7.2.5.2.1)
  kErrorResponse,      // the peer sent an error response: see error_code (RFC 8445 §7.2.5.2.4)
  kIcmpError,          // a hard ICMP error came; only with icmp_fails_pairs (RFC 8445 §7.2.5.2.2)
  kSendRefused,        // this machine refused to send; only with icmp_fails_pairs
  kPermissionRefused,  // the TURN server gave no permission
  kRelayLost,          // the allocation of the relayed base has ended
  kConnectionFailed,   // no TCP connection could be established (RFC 6544 §7.1): see connection_end
  kConnectionLost,     // the TCP connection broke, before or after the response: see connection_end
  kNotStun,            // the program that answered over TCP does not speak STUN (RFC 6544 §7.1)
  kDiscarded,          // to make room for a UDP pair at pair_limit
  kConcluded,          // another pair of the component was nominated (RFC 8445 §8.1.2)
};
const char* ToString(PairEnd end);

struct PairView {
  int stream = 0;
  int component = 1;
  Candidate local;          // the checks are sent from its base
  net::SocketAddress base;  // for an active TCP candidate the local end of its last connection, once there was one
  Candidate remote;
  std::uint64_t priority = 0;
  PairState state = PairState::kFrozen;
  PairEnd end = PairEnd::kNone;
  Nomination nomination = Nomination::kNone;
  bool valid = false;
  std::optional<Candidate> mapped;              // the local candidate of the valid pair: the address that the peer sees
  int error_code = 0;                           // the code of the error response, for kErrorResponse
  std::optional<ConnectionEnd> connection_end;  // why its last TCP connection ended, if this agent did not close it
  int checks = 0;                               // transactions started
  int sends = 0;                                // requests sent, retransmissions included
  int icmp_errors = 0;
  std::optional<net::IcmpError::Kind> last_icmp;
  std::optional<net::SendStatus> last_refused_send;
  std::optional<net::Instant> first_check;
  std::optional<net::Instant> valid_since;
  std::optional<net::Instant> nominated_at;
  std::optional<net::Duration> round_trip;  // of the check that succeeded, if its request was sent only once
};

// The first time of each event, on the agent's clock.
struct AgentTimes {
  std::optional<net::Instant> gathering_started;
  std::optional<net::Instant> gathered;
  std::optional<net::Instant> remote_known;
  std::optional<net::Instant> checks_started;
  std::optional<net::Instant> first_check;
  std::optional<net::Instant> first_valid;
  std::optional<net::Instant> connected;  // all components nominated
  std::optional<net::Instant> failed;
  std::optional<net::Instant> consent_lost;
};

// Counts of what an agent has done and seen.
struct AgentCounters {
  int role_switches = 0;
  int requests_refused = 0;   // checks of the peer that were answered with an error
  int datagrams_ignored = 0;  // malformed, from an unknown sender, or a forged or late response
  int prflx_remote_learned = 0;
  int prflx_remote_refused = 0;  // not learned because of prflx_port_limit or pair_limit
  int pairs_discarded = 0;       // because of pair_limit (RFC 8445 §6.1.2.5)
  int prflx_pairs_replaced = 0;  // replaced by newer pairs at the pair limit
  int transactions = 0;          // new STUN and TURN transactions
  int consent_checks = 0;
  int consent_answers = 0;
  int keepalives = 0;
  // TCP connections between agents.
  int connections_opened = 0;    // attempts, repeated ones included
  int connections_made = 0;      // those of connections_opened that were established
  int connections_accepted = 0;  // accepted by listeners
  int checks_held_back = 0;      // because too many connections to the same address were being opened (TcpConnections)
  int targets_refused = 0;       // candidates of the peer to which the agent does not connect (TcpTargets)
};

// A gathering request that yielded no candidate.
struct UnansweredRequest {
  net::SocketAddress server;
  net::SocketAddress base;
  bool turn = false;
  int error_code = 0;  // of the server's error response; 0: no response came before the deadline
};

}  // namespace pinhole::ice
