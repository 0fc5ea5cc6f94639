#include "sim/link.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pinhole::sim {
namespace {

// More bytes than any queue holds. Adding a packet's size to this number does not overflow.
constexpr std::uint64_t kQueuedBytesMax = ~std::uint64_t{0} >> 1;

}  // namespace

LinkDirection::LinkDirection(LinkProfile profile, std::uint64_t seed, std::string from, std::string to)
    : seed_(seed), from_(std::move(from)), to_(std::move(to)) {
  set_profile(std::move(profile));
}

void LinkDirection::set_profile(LinkProfile profile) {
  profile_ = std::move(profile);
  next_outage_ = 0;
  timed_bytes_ = 0;
  faults_fired_ = 0;
  if (!profile_.faults.empty()) {
    sent_by_class_.assign(net::kPacketClassCount + 1, 0);
  } else {
    sent_by_class_.clear();
  }
  ideal_ = profile_.jitter == net::Duration{} && profile_.loss_ppm == 0 && !profile_.burst_loss &&
           profile_.duplicate_ppm == 0 && profile_.reorder_ppm == 0 && profile_.outages.empty() &&
           profile_.faults.empty();
}

net::SeededRandom& LinkDirection::random() {
  if (!random_) random_ = std::make_unique<net::SeededRandom>(seed_, absl::StrCat("link/", from_, "/", to_));
  return *random_;
}

net::Duration LinkDirection::TransmissionTime(std::uint32_t size_bytes) const {
  if (profile_.rate_bps == 0) return net::Duration{};
  if (size_bytes != timed_bytes_) {
    const std::uint64_t bit_nanoseconds = std::uint64_t{size_bytes} * 8 * 1'000'000'000;
    timed_ = net::Duration(static_cast<std::int64_t>((bit_nanoseconds + profile_.rate_bps - 1) / profile_.rate_bps));
    timed_bytes_ = size_bytes;
  }
  return timed_;
}

std::uint64_t LinkDirection::QueuedBytes(net::Instant now) const {
  if (busy_until_ <= now || profile_.rate_bps == 0) return 0;
  const std::uint64_t wait = static_cast<std::uint64_t>((busy_until_ - now).count());
  constexpr std::uint64_t kByteNanoseconds = 8'000'000'000;
  // So long a wait can only come from packets that were sent under an earlier profile with a lower rate. The queue is
  // then longer than any limit.
  if (wait > (~std::uint64_t{0} - kByteNanoseconds) / profile_.rate_bps) return kQueuedBytesMax;
  return (wait * profile_.rate_bps + kByteNanoseconds - 1) / kByteNanoseconds;
}

bool LinkDirection::IsLost() {
  bool lost = false;
  if (profile_.burst_loss) {
    const BurstLoss& burst = *profile_.burst_loss;
    const bool switches = random().OneInMillion(bad_ ? burst.bad_to_good_ppm : burst.good_to_bad_ppm);
    if (switches) bad_ = !bad_;
    lost = random().OneInMillion(bad_ ? burst.loss_bad_ppm : burst.loss_good_ppm);
  }
  // Drawn also for a packet that burst loss has taken, so that the two loss processes do not shift each other's random
  // numbers.
  if (profile_.loss_ppm != 0 && random().OneInMillion(profile_.loss_ppm)) lost = true;
  return lost;
}

net::Instant LinkDirection::ArrivalOf(net::Instant sent) {
  net::Instant arrival = sent + profile_.delay;
  if (profile_.jitter > net::Duration{}) {
    arrival += net::Duration(
        static_cast<std::int64_t>(random().Below(static_cast<std::uint64_t>(profile_.jitter.count()) + 1)));
  }
  arrival = std::max(arrival, last_arrival_);
  if (profile_.reorder_ppm != 0 && random().OneInMillion(profile_.reorder_ppm)) {
    return arrival + profile_.reorder_delay;
  }
  last_arrival_ = arrival;
  return arrival;
}

Transit LinkDirection::Send(net::Instant now, std::uint32_t size_bytes, net::PacketClass packet_class) {
  Transit transit;
  ++sent_;
  if (!ideal_) {
    while (next_outage_ < profile_.outages.size() && profile_.outages[next_outage_].until <= now) ++next_outage_;
    if (next_outage_ < profile_.outages.size() && profile_.outages[next_outage_].from <= now) {
      transit.rule = Rule::kLinkDown;
      return transit;
    }
  }
  net::Instant sent = now;
  if (profile_.rate_bps != 0) {
    const std::uint64_t queued = QueuedBytes(now);
    if (queued != 0 && queued + size_bytes > profile_.queue_bytes) {
      transit.rule = Rule::kQueueFull;
      transit.state.number = static_cast<std::int64_t>(queued);
      transit.state.limit = profile_.queue_bytes;
      return transit;
    }
    sent = std::max(now, busy_until_) + TransmissionTime(size_bytes);
    busy_until_ = sent;
  }
  if (ideal_) {
    transit.arrival = std::max(sent + profile_.delay, last_arrival_);
    last_arrival_ = transit.arrival;
    return transit;
  }
  if (!profile_.faults.empty()) {
    const std::uint64_t of_all = ++sent_by_class_.back();
    const std::uint64_t of_class = ++sent_by_class_[static_cast<std::size_t>(packet_class)];
    for (const LossFault& fault : profile_.faults) {
      const bool concerned = !fault.packet_class || *fault.packet_class == packet_class;
      if (concerned && (fault.packet_class ? of_class : of_all) == fault.nth) {
        ++faults_fired_;
        transit.rule = Rule::kFault;
        transit.state.number = static_cast<std::int64_t>(fault.nth);
        return transit;
      }
    }
  }
  if (IsLost()) {
    transit.rule = Rule::kLinkLoss;
    transit.state.number = static_cast<std::int64_t>(sent_);
    return transit;
  }
  const bool duplicated = profile_.duplicate_ppm != 0 && random().OneInMillion(profile_.duplicate_ppm);
  transit.arrival = ArrivalOf(sent);
  if (duplicated) transit.duplicate_arrival = ArrivalOf(sent);
  return transit;
}

absl::Status Validate(const LinkProfile& profile) {
  constexpr std::uint32_t kAlways = 1'000'000;
  if (profile.delay < net::Duration{} || profile.jitter < net::Duration{} || profile.reorder_delay < net::Duration{}) {
    return absl::InvalidArgumentError("a delay is negative");
  }
  if (profile.loss_ppm > kAlways || profile.duplicate_ppm > kAlways || profile.reorder_ppm > kAlways) {
    return absl::InvalidArgumentError("a share is above 1000000 ppm");
  }
  if (profile.burst_loss) {
    const BurstLoss& burst = *profile.burst_loss;
    if (std::max({burst.good_to_bad_ppm, burst.bad_to_good_ppm, burst.loss_good_ppm, burst.loss_bad_ppm}) > kAlways) {
      return absl::InvalidArgumentError("a share of the burst loss is above 1000000 ppm");
    }
  }
  if (profile.mtu_bytes < 68 || profile.mtu_bytes > 65535) {  // RFC 791 §3.2
    return absl::InvalidArgumentError("the MTU is not within 68..65535 bytes");
  }
  if (profile.rate_bps > 1'000'000'000'000) return absl::InvalidArgumentError("the rate is above 1 Tbit/s");
  for (std::size_t i = 0; i < profile.outages.size(); ++i) {
    if (profile.outages[i].from >= profile.outages[i].until) {
      return absl::InvalidArgumentError("an outage ends before it begins");
    }
    if (i > 0 && profile.outages[i].from < profile.outages[i - 1].until) {
      return absl::InvalidArgumentError("outages overlap or are not in order");
    }
  }
  for (const LossFault& fault : profile.faults) {
    if (fault.nth == 0) return absl::InvalidArgumentError("faults count packets from 1");
  }
  return absl::OkStatus();
}

}  // namespace pinhole::sim
