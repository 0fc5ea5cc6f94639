#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/oracle/outcome.h"

// What the oracle says of a session before it runs.
namespace pinhole::scenarios {

enum class Existence : std::uint8_t { kNever, kAlways, kDepends };

// On what an outcome hangs that the topology does not settle.
enum class DependsOn : std::uint8_t {
  kNothing,
  kOrder,   // who is first
  kTiming,  // whether a better pair is found before the agent stops to wait for it
  kChance,  // loss, or a draw of port or address
};

// A path by the names that each side gives its own end and the other's.
struct PathKind {
  CandidateType a_local = CandidateType::kHost;
  CandidateType a_remote = CandidateType::kHost;
  CandidateType b_local = CandidateType::kHost;
  CandidateType b_remote = CandidateType::kHost;
  int relay_hops = 0;
  bool ipv6 = false;
  bool tcp = false;
  friend auto operator<=>(const PathKind&, const PathKind&) = default;
};

struct Prediction {
  Existence direct = Existence::kNever;
  Existence relayed = Existence::kNever;
  DependsOn depends_on = DependsOn::kNothing;
  // Of draws, how many give a direct path, where that has a closed form: numerator and denominator.
  struct Share {
    int of = 0;
    int in = 0;
  };
  std::optional<Share> direct_share;
  // Kinds of path that the two sides may come to select, sorted, without repetition. A session that connects by
  // any other contradicts the oracle.
  std::vector<PathKind> direct_paths;
  std::vector<PathKind> relayed_paths;
  // Outcomes that do not contradict the oracle, best first. One: determined. Several: it `depends`.
  std::vector<Outcome> outcomes;
  // Why, for people: "home_b filters by port and home_a maps by address and port". Never empty.
  std::string reason;

  bool depends() const { return outcomes.size() > 1; }
  bool Allows(Outcome outcome) const {
    for (Outcome allowed : outcomes) {
      if (allowed == outcome) return true;
    }
    return false;
  }
};

const char* ToString(Existence existence);
const char* ToString(DependsOn depends_on);
// "srflx-prflx": what A calls its own end and the other's.
std::string ToString(const PathKind& path);
// "DIRECT", "RELAYED", "FAILED", or "depends on order: DIRECT or FAILED".
std::string Summary(const Prediction& prediction);

}  // namespace pinhole::scenarios
