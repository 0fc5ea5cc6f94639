#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "net/contract.h"
#include "net/time.h"

// What a session came to, in the few facts that are judged. The runner fills a SessionOutcome from both
// sides' reports; expectations and the oracle's prediction are held against it (verdict.h). Everything else that
// was measured is in RunResult.
namespace pinhole::scenarios {

enum class Outcome : std::uint8_t {
  kUndecided,  // virtual_time_max_us came first; always a fail
  kDirect,     // both sides connected, the selected path crosses no relay
  kRelayed,    // both sides connected, the selected path crosses at least one relay
  kFailed,     // at least one side gave up, or connected without the other
};

// Candidate type as one agent knows it (RFC 8445 §4). The two sides may name one path differently: a peer behind a
// NAT that maps per endpoint is `prflx` here and `host` or `srflx` there.
enum class CandidateType : std::uint8_t { kHost, kServerReflexive, kPeerReflexive, kRelayed };
inline constexpr int kCandidateTypeCount = 4;

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

// One side's end of the session. A field without value: it never happened.
struct SideOutcome {
  bool connected = false;  // nominated on every component, and a datagram each way accepted on the selected pair
  // The selected pair of the first component as this side names it.
  std::optional<CandidateType> local_type;
  std::optional<CandidateType> remote_type;
  bool ipv6 = false;  // family of the selected pair
  bool tcp = false;   // its transport
  // Times since the run began, not since this side's start.
  std::optional<net::Instant> gathered;
  std::optional<net::Instant> first_valid;
  std::optional<net::Instant> nominated;
  std::optional<net::Instant> first_data;  // first datagram of the other accepted
  std::optional<net::Instant> connected_at;
  std::string failure;  // empty when connected; else phase, and the node and rule that dropped the last hope
};

// What ended a session or a punching: a node, a rule by name, and what kind of behaviour that is (killer.h).
struct KilledBy {
  std::string node;
  std::string rule;
  std::string kind;
  bool tcp = false;
};

struct SessionOutcome {
  Outcome outcome = Outcome::kUndecided;
  SideOutcome a;  // the session's first participant
  SideOutcome b;
  // Each side's selected remote address is the one under which the other's selected local candidate is seen.
  bool agree = false;
  // Relays that a data packet crosses on the selected path, counted by traversals. 0 when direct.
  int relay_hops = 0;
  std::optional<KilledBy> killed;  // of a punching that failed
  // Counts that expectations may bound; absent is not zero.
  std::optional<std::int64_t> packets;
  std::optional<std::int64_t> wire_bytes;
};

}  // namespace pinhole::scenarios
