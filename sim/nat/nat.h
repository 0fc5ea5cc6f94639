#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "net/ip_address.h"
#include "net/random.h"
#include "net/time.h"
#include "sim/nat/endpoint.h"
#include "sim/nat/filtering.h"
#include "sim/nat/flat_map.h"
#include "sim/nat/profile.h"
#include "sim/nat/shared.h"
#include "sim/nat/tcp_translator.h"
#include "sim/nat/transport.h"
#include "sim/nat/verdict.h"
#include "sim/packet/packet.h"

namespace pinhole::sim {

// One translator (NAPT and basic NAT, RFC 3022) for IPv4 UDP and TCP, and the ICMP errors about them. It knows no
// hosts, interfaces or links: a packet is handed in with the time and the side it came from, and comes back rewritten
// with a verdict. The box does routing and TTL (sim/boxes/nat_box.h).
//
// Deterministic: the same packets at the same times, and the same random source, give the same verdicts. Entries expire
// exactly at their instant without a call: an expired entry has no effect. OnTimer() is for packets that the Nat sends
// by itself. After OnTimer() and after each packet, the owner drains PollOutput().
class Nat {
 public:
  // REQUIRES: IsValid(profile) (validate.h); `external` are distinct IPv4 addresses, none of them in
  // profile.one_to_one. `random` must outlive the Nat.
  Nat(NatProfile profile, const std::vector<net::IpAddress>& external, std::vector<InsidePrefix> inside,
      net::RandomSource* random);
  Nat(const Nat&) = delete;
  Nat& operator=(const Nat&) = delete;

  // A packet from inside network `network`, not addressed to the box's inside addresses.
  Verdict FromInside(net::Instant now, int network, Packet& packet);
  // A packet that arrived on the outside interface.
  Verdict FromOutside(net::Instant now, Packet& packet);

  // The instant when the Nat may have to send something by itself: answers to held SYNs, RSTs for idle connections.
  net::Instant NextTimer() const { return tcp_ ? tcp_->NextTimer() : net::kNever; }
  void OnTimer(net::Instant now) {
    if (tcp_) tcp_->OnTimer(now);
  }
  std::optional<NatOutput> PollOutput() { return tcp_ ? tcp_->PollOutput() : std::nullopt; }

  // Forgets all mappings and sessions except those of the profile, as after a power cut.
  void Reboot();

  bool IsExternal(const net::IpAddress& address) const;
  const NatProfile& profile() const { return shared_.profile; }
  const NatCounters& counters() const { return shared_.counters; }
  // The number of live mappings, without those of the profile.
  int CountMappings(net::Instant now) { return shared_.CountDynamic(now); }
  // The Nat's record of the connection between an inside and a remote endpoint; nullopt: there is none.
  std::optional<nat::TcpTranslator::Entry> FindTcp(net::Instant now, int network, const net::SocketAddress& inside,
                                                   const net::SocketAddress& remote);
  // The number of TCP sessions in the table, as TcpTranslator::sessions_kept() gives it.
  std::size_t tcp_sessions_kept() const { return tcp_ ? tcp_->sessions_kept() : 0; }
  // The name of an invariant that does not hold, or nullptr. For tests and fuzzers.
  const char* BrokenInvariant() const;

 private:
  using Endpoint = nat::Endpoint;
  using Binding = nat::Binding;

  // A session that a packet from outside has made: packets from the inside endpoint to the remote endpoint leave by
  // this binding.
  struct InboundSession {
    std::uint32_t binding = 0;
    std::uint64_t serial = 0;
    nat::Timer timer;
  };
  using Outcome = nat::Outcome;

  // nat.cc: the translation of UDP in both directions.
  Outcome Outbound(net::Instant now, Endpoint inside, Endpoint remote);
  Outcome Inbound(net::Instant now, Endpoint external, Endpoint remote);
  Outcome InboundNew(net::Instant now, Endpoint external, Endpoint remote);
  nat::TcpTranslator& Tcp();
  Verdict PassHairpin(net::Instant now, Endpoint inside, Packet& packet);
  Verdict AnswerUnsolicited(net::Instant now, Endpoint external, Endpoint remote, const Outcome& why);
  Verdict Refused(net::Instant now, Endpoint inside, Rule rule);
  Binding* FindOutbound(net::Instant now, Endpoint inside, Endpoint remote, bool counts);
  void NoteInboundSession(net::Instant now, Binding& binding, Endpoint remote);
  void Claim(net::Instant now, Endpoint external, Endpoint remote);

  // nat_icmp.cc: the translation of ICMP errors (RFC 5508 §4).
  Verdict IcmpFromInside(net::Instant now, int network, Packet& packet);
  Verdict IcmpFromOutside(net::Instant now, Packet& packet);

  nat::Shared shared_;
  bool notes_sessions_;  // keeps InboundSessions
  nat::Transport udp_;
  nat::SentTo sent_to_;
  nat::FlatMap<InboundSession> sessions_;    // by inside and remote endpoint
  std::unique_ptr<nat::TcpTranslator> tcp_;  // made for the first segment
};

}  // namespace pinhole::sim
