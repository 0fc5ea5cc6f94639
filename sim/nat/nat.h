#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/ip_address.h"
#include "net/random.h"
#include "net/time.h"
#include "sim/nat/binding_table.h"
#include "sim/nat/endpoint.h"
#include "sim/nat/filtering.h"
#include "sim/nat/flat_map.h"
#include "sim/nat/port_allocation.h"
#include "sim/nat/profile.h"
#include "sim/nat/subscribers.h"
#include "sim/packet.h"
#include "sim/rule.h"

namespace pinhole::sim {

// What is to be done with a packet that a Nat has seen. Only kOutside and kInside come with a packet that was
// rewritten (or, routed inside, was not meant to be); in all other cases it is as it came.
struct Verdict {
  enum class Action : std::uint8_t {
    kOutside,  // send it to the outside
    kInside,   // send it into inside network `network`
    kInput,    // it is for the box itself
    kDrop,     // by `rule`, judged by `state`
    kReject,   // the same, and its sender gets ICMP type 3 with `icmp_code`
  };
  Action action = Action::kDrop;
  std::int16_t network = 0;
  Rule rule = Rule::kNone;
  std::uint8_t icmp_code = 0;
  DropState state;

  static Verdict Drop(Rule rule, const net::SocketAddress& judged_by) {
    return {.action = Action::kDrop, .rule = rule, .state = {.endpoint = judged_by}};
  }
};

// A destination range that lies on an inside network.
struct InsidePrefix {
  net::IpPrefix prefix;
  int network = 0;  // as for FromInside()
};

// What a Nat has done since it was made.
struct NatCounters {
  std::uint64_t mappings_made = 0;     // RFC 4787 mappings; with conntrack, sessions
  std::uint64_t mappings_evicted = 0;  // to make room, or taken over
  std::uint64_t reboots = 0;
};

// One translator (NAPT and basic NAT, RFC 3022) for IPv4 UDP and the ICMP errors about it. It knows no hosts,
// interfaces or links: a packet is handed in with the time and the side it came from, and comes back rewritten
// with a verdict. Routing and TTL are its box's business (sim/nat_box.h).
//
// Deterministic: the same packets at the same times, and the same random source, give the same verdicts. Entries
// expire exactly, without anyone calling: one whose time is over has no effect any more.
class Nat {
 public:
  // REQUIRES: Validate(profile) is OK; `external` are IPv4, none twice, none in profile.one_to_one. `random` must
  // outlive this.
  Nat(NatProfile profile, const std::vector<net::IpAddress>& external, std::vector<InsidePrefix> inside,
      net::RandomSource* random);
  Nat(const Nat&) = delete;
  Nat& operator=(const Nat&) = delete;

  // A packet from inside network `network`, not addressed to the box's inside addresses.
  Verdict FromInside(net::Instant now, int network, Packet& packet);
  // A packet that came in on the outside.
  Verdict FromOutside(net::Instant now, Packet& packet);

  // When an entry must act by itself. There is none that must.
  std::optional<net::Instant> NextTimer() const { return std::nullopt; }
  void OnTimer(net::Instant now) { (void)now; }

  // Forgets all mappings and sessions but those of the profile, as when power was cut.
  void Reboot();

  bool IsExternal(const net::IpAddress& address) const;
  const NatProfile& profile() const { return profile_; }
  const NatCounters& counters() const { return counters_; }
  // Live mappings that the profile did not make.
  int CountMappings(net::Instant now) { return bindings_.CountDynamic(now); }

 private:
  using Endpoint = nat::Endpoint;
  using Binding = nat::Binding;

  // A session that a packet from outside has made: what `inside` sends to `remote` leaves by this binding.
  struct InboundSession {
    std::uint32_t binding = 0;
    std::uint64_t serial = 0;
    nat::Timer timer;
  };
  // What became of one half of a packet's way.
  struct Outcome {
    Binding* binding = nullptr;  // null: refused by `rule`
    Rule rule = Rule::kNone;
    bool for_box = false;  // null, because the tuple is the box's own
  };
  struct Allocation {
    std::optional<Endpoint> external;
    bool takes_over = false;
  };

  // nat.cc: the two ways through.
  Outcome Outbound(net::Instant now, Endpoint inside, Endpoint remote);
  Outcome Inbound(net::Instant now, Endpoint external, Endpoint remote);
  Outcome InboundNew(net::Instant now, Endpoint external, Endpoint remote);
  Verdict PassHairpin(net::Instant now, Endpoint inside, Packet& packet);
  Verdict AnswerUnsolicited(net::Instant now, Endpoint external, Endpoint remote, const Outcome& why);
  Verdict Refused(net::Instant now, Endpoint inside, Rule rule);
  Binding* FindOutbound(net::Instant now, Endpoint inside, Endpoint remote, bool counts);
  Binding* FindInbound(net::Instant now, Endpoint external, Endpoint remote);
  void NoteInboundSession(net::Instant now, Binding& binding, Endpoint remote);
  bool Claimed(net::Instant now, Endpoint external, Endpoint remote) const;
  void Claim(net::Instant now, Endpoint external, Endpoint remote);

  // nat_icmp.cc: RFC 5508.
  Verdict IcmpFromInside(net::Instant now, int network, Packet& packet);
  Verdict IcmpFromOutside(net::Instant now, Packet& packet);

  // nat_allocate.cc: new bindings.
  Outcome MakeOutbound(net::Instant now, Endpoint inside, Endpoint remote);
  Outcome AddBinding(net::Instant now, Endpoint inside, Endpoint scope, Endpoint external, bool from_outside);
  Rule MakeRoom(net::Instant now, Endpoint inside);
  Allocation Allocate(net::Instant now, Endpoint inside, Endpoint scope, Endpoint remote);
  Allocation AllocateOn(int pool_index, net::Instant now, Endpoint inside, Endpoint scope, Endpoint remote);
  int PoolIndexFor(Endpoint inside, Endpoint remote);
  bool IsFree(net::Instant now, Endpoint external, Endpoint scope, Endpoint remote);
  std::optional<std::uint16_t> Neighbour(net::Instant now, Endpoint inside, Endpoint scope, std::uint32_t address);
  std::optional<Endpoint> EvictForPort(net::Instant now, Endpoint inside, Endpoint scope, std::uint32_t address);

  // The external ports that mappings of `inside` can have on one address.
  int PortsFor(Endpoint inside) const;
  Endpoint ScopeFor(Endpoint inside, Endpoint remote) const;
  nat::Owner OwnerOf(const Binding& binding) const;
  std::optional<int> NetworkOf(std::uint32_t address) const;
  bool IsExternal(std::uint32_t address) const;
  const OneToOne* OneToOneInside(std::uint32_t address) const;
  const OneToOne* OneToOneExternal(std::uint32_t address) const;
  void AddStatics();

  NatProfile profile_;
  std::vector<std::uint32_t> pool_;
  std::vector<InsidePrefix> inside_;
  net::RandomSource* random_;
  bool shared_externals_;
  bool notes_sessions_;  // keeps InboundSessions

  nat::Subscribers subscribers_;
  bool keeps_subscribers_;
  nat::BindingTable bindings_;
  nat::SentTo sent_to_;
  nat::PortAllocator ports_;
  nat::FlatMap<InboundSession> sessions_;  // by inside and remote endpoint
  nat::FlatMap<net::Instant> claims_;      // when it ends, by external and remote endpoint
  int next_pool_index_ = 0;
  NatCounters counters_;
};

}  // namespace pinhole::sim
