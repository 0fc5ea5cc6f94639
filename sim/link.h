#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "net/packet_class.h"
#include "net/random.h"
#include "net/time.h"
#include "sim/packet/rule.h"

namespace pinhole::sim {

// Bursts of loss (Gilbert 1960, Elliott 1963): a Markov chain with a good and a bad state, which begins in the good
// one. Before each packet the chain takes one step. Then the packet is lost with the probability of the new state. All
// probabilities are in parts per million.
struct BurstLoss {
  std::uint32_t good_to_bad_ppm = 0;
  std::uint32_t bad_to_good_ppm = 0;
  std::uint32_t loss_good_ppm = 0;
  std::uint32_t loss_bad_ppm = 1'000'000;
};

// The link is down from `from` until just before `until`. Packets sent in this time are lost. Packets that are on their
// way already arrive.
struct Outage {
  net::Instant from;
  net::Instant until;
};

// Loses the `nth` (from 1) packet of a class, or of all packets, that is sent.
struct LossFault {
  std::optional<net::PacketClass> packet_class;
  std::uint64_t nth = 1;
};

// The properties of one direction of a link. The default is an ideal link: no delay, no loss, no limit of rate. Random
// numbers are drawn only for the fields that are set.
struct LinkProfile {
  net::Duration delay{};  // propagation
  // Added to each packet's delay, uniform in [0, jitter]. Jitter does not let a packet overtake another.
  net::Duration jitter{};
  std::uint32_t loss_ppm = 0;
  std::optional<BurstLoss> burst_loss;
  std::uint32_t duplicate_ppm = 0;  // share of packets that arrive twice; each copy has its own jitter
  // This share of packets takes `reorder_delay` longer, and others may overtake it.
  std::uint32_t reorder_ppm = 0;
  net::Duration reorder_delay{};
  std::uint64_t rate_bps = 0;  // bits of IP packet per second; 0: no limit
  // The most bytes that may wait for transmission, the rest of the packet being transmitted included. An empty queue
  // takes a packet of any size. Used only with a rate.
  std::uint32_t queue_bytes = 256 * 1024;
  std::uint32_t mtu_bytes = 1500;
  std::vector<Outage> outages;  // in order of time, without overlap
  std::vector<LossFault> faults;
};

// InvalidArgument: a negative delay, a share above a million, an MTU that IP does not allow, outages that
// overlap or are out of order.
absl::Status Validate(const LinkProfile& profile);

// The fate of one packet that was given to a link.
struct Transit {
  Rule rule = Rule::kNone;  // kNone: arrives
  DropState state;
  net::Instant arrival;
  std::optional<net::Instant> duplicate_arrival;
};

// One direction of a link with its state: the queue, the transmission, the losses and the delay.
//
//     Send --outage--> fault --> tail drop --> transmission at the rate --> loss --> delay --> arrival
//
// Time is an argument and must not run backwards.
class LinkDirection {
 public:
  // `from` and `to` are the names of the two ends, such as "alice.eth0". They also name the random stream.
  LinkDirection(LinkProfile profile, std::uint64_t seed, std::string from, std::string to);

  Transit Send(net::Instant now, std::uint32_t size_bytes, net::PacketClass packet_class);

  const LinkProfile& profile() const { return profile_; }
  // Replaces the profile, for a change of the link during a run. Packets that were sent before are not affected.
  void set_profile(LinkProfile profile);
  // Time to put this many bytes on the line, rounded up to a nanosecond.
  net::Duration TransmissionTime(std::uint32_t size_bytes) const;
  // The bytes that wait or are being transmitted, at the present rate, rounded up.
  std::uint64_t QueuedBytes(net::Instant now) const;
  // The number of faults of the profile that have lost their packet so far.
  int faults_fired() const { return faults_fired_; }

 private:
  net::SeededRandom& random();
  bool IsLost();
  net::Instant ArrivalOf(net::Instant sent);

  net::Instant busy_until_{};
  net::Instant last_arrival_{};
  std::uint64_t sent_ = 0;
  bool bad_ = false;    // Gilbert-Elliott state
  bool ideal_ = false;  // nothing but delay and rate
  LinkProfile profile_;
  std::uint64_t seed_;
  std::string from_;
  std::string to_;
  std::unique_ptr<net::SeededRandom> random_;  // made when first drawn from
  std::vector<std::uint64_t> sent_by_class_;   // only with faults
  std::size_t next_outage_ = 0;
  int faults_fired_ = 0;
  mutable std::uint32_t timed_bytes_ = 0;  // the size whose transmission time is kept
  mutable net::Duration timed_{};
};

}  // namespace pinhole::sim
