#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "ice/options.h"
#include "net/time.h"

namespace pinhole::ice {

// The smallest RTO that RFC 8445 §14.3 allows.
inline constexpr net::Duration kRtoMin = std::chrono::milliseconds(500);

// The RTO of a gathering request: MAX(500 ms, Ta * number of server-reflexive and relayed candidates).
constexpr net::Duration GatheringRto(net::Duration ta, int candidates) {
  return std::max(kRtoMin, ta * std::int64_t{candidates});
}

// The load on which the RTO of a check depends: MAX(500 ms, Ta * N * (waiting + in progress)). The new check itself is
// counted as in progress. RtoPolicy defines N.
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
