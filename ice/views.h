#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ice/candidate.h"
#include "ice/options.h"
#include "ice/output.h"
#include "net/host.h"
#include "net/time.h"

// What an agent shows of itself when asked. Copies; making them may allocate.
namespace pinhole::ice {

// RFC 8445 §6.1.2.6.
enum class PairState : std::uint8_t { kFrozen, kWaiting, kInProgress, kSucceeded, kFailed };
const char* ToString(PairState state);

// RFC 8445 §6.1.2.1.
enum class CheckListState : std::uint8_t { kRunning, kCompleted, kFailed };

// How far a pair is on its way to being the one for its component (RFC 8445 §7.2.5.3.4, §7.3.1.5).
enum class Nomination : std::uint8_t {
  kNone,
  kChosen,     // controlling: the check with USE-CANDIDATE is to be sent or has been
  kRequested,  // controlled: USE-CANDIDATE has come, our own check is still open
  kNominated,
};
const char* ToString(Nomination nomination);

// Why a pair is no longer checked.
enum class PairEnd : std::uint8_t {
  kNone,               // it still is, or it succeeded
  kTimeout,            // no answer (RFC 8445 §7.2.5.2.3)
  kIntegrityViolated,  // only answers that the peer's password did not vouch for (RFC 8489 §9.1.4)
  kNotSymmetric,       // the answer came from or to another address (RFC 8445 §7.2.5.2.1)
  kErrorResponse,      // refused: see error_code (RFC 8445 §7.2.5.2.4)
  kIcmpError,          // with icmp_fails_pairs (RFC 8445 §7.2.5.2.2)
  kSendRefused,        // by this machine, with icmp_fails_pairs
  kPermissionRefused,  // the TURN server gave no permission
  kRelayLost,          // the allocation is gone
  kConnectionFailed,   // no TCP connection came about (RFC 6544 §7.1): see connection_end
  kConnectionLost,     // it broke before the answer, or after it: see connection_end
  kNotStun,            // what answered over TCP was not the peer (RFC 6544 §7.1)
  kDiscarded,          // to make room for a UDP pair at pair_limit
  kConcluded,          // another pair of the component was nominated (RFC 8445 §8.1.2)
};
const char* ToString(PairEnd end);

struct PairView {
  int stream = 0;
  int component = 1;
  Candidate local;          // whose base the checks leave from
  net::SocketAddress base;  // of an active TCP candidate the end of its last connection, once there was one
  Candidate remote;
  std::uint64_t priority = 0;
  PairState state = PairState::kFrozen;
  PairEnd end = PairEnd::kNone;
  Nomination nomination = Nomination::kNone;
  bool valid = false;
  std::optional<Candidate> mapped;              // the local candidate of the valid pair: what the peer sees
  int error_code = 0;                           // kErrorResponse
  std::optional<ConnectionEnd> connection_end;  // of its last TCP connection, if that ended by itself
  int checks = 0;                               // transactions started
  int sends = 0;                                // requests sent, retransmissions included
  int icmp_errors = 0;
  std::optional<net::IcmpError::Kind> last_icmp;
  std::optional<net::SendStatus> last_refused_send;
  std::optional<net::Instant> first_check;
  std::optional<net::Instant> valid_since;
  std::optional<net::Instant> nominated_at;
  std::optional<net::Duration> round_trip;  // of the check that succeeded, if it was sent once
};

// When things happened first, on the agent's clock.
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

// What the agent did and saw, counted.
struct AgentCounters {
  int role_switches = 0;
  int requests_refused = 0;   // checks from outside answered with an error
  int datagrams_ignored = 0;  // garbage, strangers, forged or late answers
  int prflx_remote_learned = 0;
  int prflx_remote_refused = 0;  // past prflx_port_limit or the pair limit
  int pairs_discarded = 0;       // past pair_limit (RFC 8445 §6.1.2.5)
  int prflx_pairs_replaced = 0;  // by newer ones, at the pair limit
  int transactions = 0;          // new STUN and TURN transactions
  int consent_checks = 0;
  int consent_answers = 0;
  int keepalives = 0;
  // TCP connections between agents.
  int connections_opened = 0;    // attempts, repeated ones included
  int connections_made = 0;      // of these
  int connections_accepted = 0;  // by listeners
  int checks_held_back = 0;      // until fewer connections were being made to the same address (TcpConnections)
  int targets_refused = 0;       // candidates of the peer that we do not connect to (TcpTargets)
};

// A gathering request that got no candidate.
struct UnansweredRequest {
  net::SocketAddress server;
  net::SocketAddress base;
  bool turn = false;
  int error_code = 0;  // what the server said; 0: nothing until the deadline
};

}  // namespace pinhole::ice
