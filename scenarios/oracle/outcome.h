#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/contract.h"
#include "net/time.h"

// The outcome of a trial (a session, a punching or a NAT check), reduced to the facts that are judged. All other
// measures are in RunResult. The oracle and the simulation share these types and nothing else, because they must be
// able to contradict each other. The runner fills a TrialOutcome from the reports of both sides. judge/verdict.h
// compares it with the expectations of the scenario and with the oracle's prediction.
//
// The rule: a trial is DIRECT or RELAYED only if both sides are connected. It is RELAYED if the selected path crosses
// a relay on either side. It is FAILED if both sides have finished and at least one of them has not connected.
namespace pinhole::scenarios {

enum class Outcome : std::uint8_t {
  kUndecided,  // the run ended at its limit before both sides had finished; fails unless it is expected
  kDirect,     // both sides connected, and the selected path crosses no relay
  kRelayed,    // both sides connected, and the selected path crosses at least one relay
  kFailed,     // both sides have finished, and at least one of them has not connected
};

// A candidate type as one agent knows it (RFC 8445 §4). The two sides may give the same endpoint different types:
// behind a NAT with endpoint-dependent mapping, an endpoint that the remote side knows as `prflx` may be `host` or
// `srflx` for its owner.
enum class CandidateType : std::uint8_t { kHost, kServerReflexive, kPeerReflexive, kRelayed };

inline const char* ToString(Outcome outcome) {
  switch (outcome) {
    case Outcome::kUndecided:
      return "UNDECIDED";
    case Outcome::kDirect:
      return "DIRECT";
    case Outcome::kRelayed:
      return "RELAYED";
    case Outcome::kFailed:
      return "FAILED";
  }
  net::CannotHappen();
}

inline const char* ToString(CandidateType type) {
  switch (type) {
    case CandidateType::kHost:
      return "host";
    case CandidateType::kServerReflexive:
      return "srflx";
    case CandidateType::kPeerReflexive:
      return "prflx";
    case CandidateType::kRelayed:
      return "relay";
  }
  net::CannotHappen();
}

// The result of one side of a trial. A field without a value means that the event did not happen.
struct SideOutcome {
  std::string name;        // of the session's peer, by which an expectation selects it; empty in other trials
  bool connected = false;  // nominated on every component, and a datagram was accepted each way on the selected pair
  // Candidate types of the selected pair of the first component, as this side names them.
  std::optional<CandidateType> local_type;
  std::optional<CandidateType> remote_type;
  bool ipv6 = false;  // the selected pair uses IPv6
  bool tcp = false;   // the selected pair uses TCP
  // Times are counted from the start of the run, not from the start of this side.
  std::optional<net::Instant> gathered;
  std::optional<net::Instant> first_valid;
  std::optional<net::Instant> nominated;
  std::optional<net::Instant> first_data;  // this side accepted the first datagram of the other side
  std::optional<net::Instant> connected_at;
  std::string failure;  // empty if connected; else the phase, and the node and rule of the last drop
};

// The drop that made a trial fail: the node, the name of the rule, and the kind of behavior (the table of drop rules).
struct KilledBy {
  std::string node;
  std::string rule;
  std::string kind;
  bool tcp = false;
};

// The result of one test of a trial that only tests, such as "UDP hairpin" of a NAT check.
struct TestOutcome {
  const char* name = "";
  std::optional<bool> passed;  // absent: not run
};

// A number that was counted in a trial. The bound on it is the field of proto::Bounds that has its name and "_max".
struct CountOutcome {
  const char* name = "";  // such as "packets"
  std::uint64_t value = 0;
};

struct TrialOutcome {
  Outcome outcome = Outcome::kUndecided;
  SideOutcome a;  // the participant that the trial names first
  SideOutcome b;
  // Each side's selected remote address is the address at which it sees the other side's selected local candidate.
  bool agree = false;
  // How often a data packet on the selected path is relayed. 0 on a direct path.
  int relay_hops = 0;
  std::optional<KilledBy> killed;  // only for a punching that failed
  // The results of a trial that only tests, such as a NAT check, in the order of the oracle's Prediction::tests. The
  // outcome of such a trial has no meaning.
  std::vector<TestOutcome> tests;
  std::string row;  // the row of a table in which `tests` count
  // The counts that expectations can bound. A count that is not in the list was not measured, which is not 0.
  std::vector<CountOutcome> counts;
};

}  // namespace pinhole::scenarios
