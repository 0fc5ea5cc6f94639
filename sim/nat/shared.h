#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "net/ip_address.h"
#include "net/random.h"
#include "net/time.h"
#include "sim/nat/binding_table.h"
#include "sim/nat/endpoint.h"
#include "sim/nat/profile.h"
#include "sim/nat/subscribers.h"
#include "sim/packet/rule.h"

namespace pinhole::sim {

// A destination range that lies on an inside network.
struct InsidePrefix {
  net::IpPrefix prefix;
  int network = 0;  // as for Nat::FromInside()
};

// What a Nat has done since it was made.
struct NatCounters {
  std::uint64_t mappings_made = 0;     // RFC 4787 mappings; with conntrack, sessions
  std::uint64_t mappings_evicted = 0;  // to make room, or taken over
  std::uint64_t reboots = 0;
};

namespace nat {

// What the UDP half and the TCP half of one Nat have in common: its profile and addresses, and limits that count the
// mappings of both.
struct Shared {
  Shared(NatProfile nat_profile, const std::vector<net::IpAddress>& external, std::vector<InsidePrefix> inside_prefixes,
         net::RandomSource* random_source);

  NatProfile profile;
  std::vector<std::uint32_t> pool;
  std::vector<InsidePrefix> inside;
  net::RandomSource* random;
  bool keeps_subscribers;
  Subscribers subscribers;
  // The address that the next subscriber gets, as Subscriber::pool_index.
  std::array<int, 2> next_pool_index = {};
  NatCounters counters;
  std::array<BindingTable*, 2> tables = {};  // of UDP and TCP; null: not made yet
  // A limit was reached, and the profile then wants all to be forgotten.
  bool wants_reboot = false;

  std::optional<int> NetworkOf(std::uint32_t address) const;
  bool IsExternal(std::uint32_t address) const;
  const OneToOne* OneToOneInside(std::uint32_t address) const;
  const OneToOne* OneToOneExternal(std::uint32_t address) const;

  // Live mappings that the profile did not make.
  int CountDynamic(net::Instant now);
  // kNone if one more binding of `inside` is within the limits, after what the profile does when it is not.
  Rule MakeRoom(net::Instant now, Endpoint inside);
};

}  // namespace nat
}  // namespace pinhole::sim
