#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/oracle/outcome.h"

// The result of the oracle for one session or punching, before it runs. judge/verdict.h compares it with the outcome.
//
// The rule: every outcome and every kind of path that the model allows is listed. If one outcome is listed, the cell
// must have it. If several are listed, the outcome depends on something outside the model, and each of them passes. An
// outcome or a path that is not listed means that the simulator or the oracle is wrong.
namespace pinhole::scenarios {

enum class Existence : std::uint8_t { kNever, kAlways, kDepends };

// Why several outcomes are possible.
enum class DependsOn : std::uint8_t {
  kNothing,
  kOrder,   // whose packets are first
  kTiming,  // whether an agent finds a better pair before it stops waiting for one
  kChance,  // loss, or which port or address a NAT draws
};

// A kind of path: the types that each side gives to its own end and to the other end.
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
  // The share of random draws of external addresses that give a direct path: `of` out of `in`. Absent if no closed form
  // gives it.
  struct Share {
    int of = 0;
    int in = 0;
  };
  std::optional<Share> direct_share;
  // The kinds of path that the two sides may select, sorted, each once. A session that connects over any other kind
  // contradicts the oracle.
  std::vector<PathKind> direct_paths;
  std::vector<PathKind> relayed_paths;
  // For a trial that only tests: which tests pass, in the order of TrialOutcome::tests. Otherwise empty.
  std::vector<bool> tests;
  // The outcomes that do not contradict the oracle, best first. With one element the outcome is determined; with
  // several depends() is true.
  std::vector<Outcome> outcomes;
  // Explanation for people, such as "home_b filters by port and home_a maps by port". Never empty.
  std::string reason;

  bool depends() const { return outcomes.size() > 1; }
  bool Allows(Outcome outcome) const {
    for (Outcome allowed : outcomes) {
      if (allowed == outcome) return true;
    }
    return false;
  }
};

const char* ToString(DependsOn depends_on);
// Names the types that side A gives to its own end and to the other end, such as "srflx-prflx".
std::string ToString(const PathKind& path);
// Text such as "DIRECT", "RELAYED", "FAILED" or "depends on order: DIRECT or FAILED".
std::string Summary(const Prediction& prediction);

}  // namespace pinhole::scenarios
