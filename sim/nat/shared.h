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
  int network = 0;  // the number of the network, as in Nat::FromInside()
};

// Counters of a Nat since it was made.
struct NatCounters {
  std::uint64_t mappings_made = 0;     // RFC 4787 mappings; with conntrack, sessions
  std::uint64_t mappings_evicted = 0;  // to make room, or taken over
  std::uint64_t reboots = 0;
};

namespace nat {

// The state that the UDP half and the TCP half of one Nat share: the profile, the addresses, and the limits that count
// the mappings of both.
struct Shared {
  Shared(NatProfile nat_profile, const std::vector<net::IpAddress>& external, std::vector<InsidePrefix> inside_prefixes,
         net::RandomSource* random_source);

  NatProfile profile;
  std::vector<std::uint32_t> pool;
  std::vector<InsidePrefix> inside;
  net::RandomSource* random;
  bool keeps_subscribers;
  Subscribers subscribers;
  // The index in `pool` of the address that the next subscriber gets. The array has the same index as
  // Subscriber::pool_index.
  std::array<int, 2> next_pool_index = {};
  NatCounters counters;
  std::array<BindingTable*, 2> tables = {};  // of UDP and TCP; null: not made yet
  // A limit was reached, and the profile says WhenFull::kReboot.
  bool wants_reboot = false;

  std::optional<int> NetworkOf(std::uint32_t address) const;
  bool IsExternal(std::uint32_t address) const;
  const OneToOne* OneToOneInside(std::uint32_t address) const;
  const OneToOne* OneToOneExternal(std::uint32_t address) const;

  // The number of live mappings, without those of the profile.
  int CountDynamic(net::Instant now);
  // Makes room for one more binding of `inside`, if a limit is reached and the profile evicts. Returns kNone if there
  // is room now, otherwise the rule by which the packet is to be dropped.
  Rule MakeRoom(net::Instant now, Endpoint inside);
};

}  // namespace nat
}  // namespace pinhole::sim
