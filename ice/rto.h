#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "ice/options.h"
#include "net/time.h"

namespace pinhole::ice {

// RFC 8445 §14.3: agents MUST NOT use a smaller one.
inline constexpr net::Duration kRtoMin = std::chrono::milliseconds(500);

// For a request of the gathering phase: MAX(500 ms, Ta * number of server-reflexive and relayed candidates).
constexpr net::Duration GatheringRto(net::Duration ta, int candidates) {
  return std::max(kRtoMin, ta * std::int64_t{candidates});
}

// For a check: MAX(500 ms, Ta * N * (waiting + in progress)), the check itself counted. N by policy.
struct CheckLoad {
  int running_checklists = 1;
  int pairs = 0;  // in the checklist set
  int waiting = 0;
  int in_progress = 0;
};
constexpr net::Duration CheckRto(RtoPolicy policy, net::Duration fixed_rto, net::Duration ta, const CheckLoad& load) {
  if (policy == RtoPolicy::kFixed) return std::max(kRtoMin, fixed_rto);
  const std::int64_t n = policy == RtoPolicy::kAllChecks ? load.pairs : load.running_checklists;
  return std::max(kRtoMin, ta * (n * (std::int64_t{load.waiting} + load.in_progress)));
}

}  // namespace pinhole::ice
