#pragma once

#include <cstdint>
#include <optional>

#include "ice/session.h"

namespace pinhole::ice {

// How good a path is by the types of its ends, best first. Both reflexive types count the same: which one a
// candidate turns out to be depends on which message came first. Over TCP all direct ones do: an active end is
// peer-reflexive even without a NAT.
enum class PathClass : std::uint8_t { kHost, kReflexive, kTcp, kOneRelay, kTwoRelays };

PathClass ClassOf(CandidateType local, CandidateType remote, bool tcp);

struct NominationDecision {
  std::optional<int> pair;                // a valid pair to nominate now
  net::Instant look_again = net::kNever;  // kNever: when the policy's patience ends, if anything waits for it
};

// What the controlling agent's policy says of a component that has no nominated pair yet (RFC 8445 §8.1.1).
NominationDecision DecideNomination(const Session& session, net::Instant now, int stream, int component);

// The valid pair of a component that is best by class and then priority, for data before there is a selected
// pair (RFC 8445 §12.1); -1 if none is valid.
int BestValidPair(const Session& session, int stream, int component);

}  // namespace pinhole::ice
