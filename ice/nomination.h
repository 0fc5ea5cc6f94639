#pragma once

#include <cstdint>
#include <optional>

#include "ice/session.h"

namespace pinhole::ice {

// The quality of a path, judged by the types of its two candidates, best first. Both reflexive types are in one class,
// because the order of the messages decides which of them a candidate becomes. All direct paths over TCP are in one
// class, because an active candidate becomes peer-reflexive even without a NAT.
enum class PathClass : std::uint8_t { kHost, kReflexive, kTcp, kOneRelay, kTwoRelays };

PathClass ClassOf(CandidateType local, CandidateType remote, bool tcp);

struct NominationDecision {
  std::optional<int> pair;                // a valid pair to nominate now
  net::Instant look_again = net::kNever;  // when to decide again if no input comes before; kNever: only after an input
};

// The decision of the controlling agent's policy about a component that has no nominated pair yet (RFC 8445 §8.1.1).
NominationDecision DecideNomination(const Session& session, net::Instant now, int stream, int component);

// The best valid pair of a component: by class, then by priority. Data is sent on it before a pair is selected
// (RFC 8445 §12.1). nullopt: no pair is valid.
std::optional<int> BestValidPair(const Session& session, int stream, int component);

}  // namespace pinhole::ice
