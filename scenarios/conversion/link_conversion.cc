#include "scenarios/conversion/link_conversion.h"

#include <algorithm>
#include <chrono>

namespace pinhole::scenarios {
namespace {

using std::chrono::microseconds;

}  // namespace

sim::LinkProfile ToLinkProfile(const proto::Link& link) {
  sim::LinkProfile profile;
  profile.delay = microseconds(link.delay_us());
  profile.jitter = microseconds(link.jitter_us());
  profile.rate_bps = link.rate_bps();
  profile.queue_bytes = static_cast<std::uint32_t>(link.queue_bytes());
  profile.loss_ppm = link.loss_ppm();
  if (link.has_burst_loss()) {
    const proto::BurstLoss& burst = link.burst_loss();
    profile.burst_loss = sim::BurstLoss{.good_to_bad_ppm = burst.good_to_bad_ppm(),
                                        .bad_to_good_ppm = burst.bad_to_good_ppm(),
                                        .loss_good_ppm = burst.loss_in_good_ppm(),
                                        .loss_bad_ppm = burst.loss_in_bad_ppm()};
  }
  profile.duplicate_ppm = link.duplicate_ppm();
  profile.reorder_ppm = link.reorder_ppm();
  if (link.reorder_ppm() > 0) profile.reorder_delay = microseconds(link.reorder_delay_us());
  profile.mtu_bytes = link.mtu_bytes();
  for (const proto::Outage& outage : link.outage()) {
    const net::Instant from{microseconds(outage.start_us())};
    profile.outages.push_back({from, from + microseconds(outage.length_us())});
  }
  std::sort(profile.outages.begin(), profile.outages.end(),
            [](const sim::Outage& a, const sim::Outage& b) { return a.from < b.from; });
  return profile;
}

}  // namespace pinhole::scenarios
