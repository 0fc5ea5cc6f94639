// How the model of a session is made. Networks come first, because everything else refers to them by index. A router
// only joins its networks to one domain; the model has no routers. Then hosts, NATs, servers and the two peers follow.
//
// An interface gets the NAT that is its gateway, directly or behind routers, and the delays on the way to it. Loss and
// outages of links become `chance`; only the first of them is kept. A NAT becomes a NatBehavior for UDP and a
// TcpBehavior. A table that is too small or a lifetime that is too short for a session becomes the text `forgetful`.
//
// A name that refers to no element becomes the status that is returned in place of the model.

#include "scenarios/oracle/extract.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "net/contract.h"
#include "net/server_patience.h"
#include "scenarios/oracle/predict.h"

namespace pinhole::scenarios::oracle {
namespace {

using net::Duration;
using net::IpAddress;
using std::chrono::microseconds;
using std::chrono::seconds;

// A mapping or a remembered destination with a shorter life may be gone between two checks of one pair.
constexpr std::uint64_t kShortLifeUs = 5'000'000;
// A STUN server closes an idle connection after a time (net/server_patience.h). This is the same time less the time for
// gathering, which is under 10 s.
constexpr microseconds kServerPatience = std::chrono::duration_cast<microseconds>(net::kStunTcpIdleMax) - seconds(10);
// A filter that remembers fewer destinations, or a table with room for fewer mappings, may drop one that a session
// needs.
constexpr std::uint32_t kFewEntries = 24;

Duration Micros(std::uint64_t us) { return microseconds(static_cast<std::int64_t>(us)); }

absl::Status Missing(absl::string_view what, absl::string_view name) {
  return absl::InvalidArgumentError(absl::StrCat("oracle: no ", what, " \"", name, "\""));
}

std::optional<IpAddress> AddressOf(const std::string& text) {
  return IpAddress::Parse(absl::string_view(text).substr(0, text.find('/')));
}

class Extraction {
 public:
  explicit Extraction(const proto::Topology& topology) : topology_(topology) {}

  absl::StatusOr<Model> Run(const proto::Session& session) {
    AddNetworks();
    for (const proto::Host& host : topology_.host()) {
      Host& added = model_.hosts.emplace_back();
      added.name = host.name();
      for (const proto::Interface& interface : host.interface()) {
        added.interfaces.push_back(InterfaceOf(interface, host.name()));
      }
    }
    for (const proto::Nat& nat : topology_.nat()) AddBox(nat, session);
    for (const proto::Router& router : topology_.router()) {
      for (const proto::Interface& interface : router.interface()) NoteLinks(interface, router.name());
      // The state of a stateful firewall is left out, because two peers that send to each other pass it. A router that
      // blocks UDP is not modelled; its effect counts as chance.
      const bool blocks = router.firewall().block_udp() || router.firewall().udp_port_size() > 0;
      if (blocks && model_.chance.empty()) model_.chance = absl::StrCat(router.name(), " blocks UDP");
    }
    for (const proto::Server& server : topology_.server()) {
      if (absl::Status status = AddServer(server); !status.ok()) return status;
    }
    if (topology_.has_referral()) model_.referral_host = HostIndex(topology_.referral().host());
    if (session.peer_size() != 2) return Missing("second peer in session", session.name());
    for (int i = 0; i < 2; ++i) {
      if (absl::Status status = FillPeer(session.peer(i), i == 0, i == 0 ? model_.a : model_.b); !status.ok()) {
        return status;
      }
    }
    if (!status_.ok()) return status_;
    return std::move(model_);
  }

 private:
  void AddNetworks() {
    for (const proto::Network& network : topology_.network()) {
      Network& added = model_.networks.emplace_back();
      added.name = network.name();
      added.domain = static_cast<int>(model_.networks.size()) - 1;
      added.drops_private = network.kind() == proto::Network::INTERNET && !network.routes_private_addresses();
    }
    // The networks that a router joins form one domain.
    for (const proto::Router& router : topology_.router()) {
      for (int i = 1; i < router.interface_size(); ++i) {
        const std::optional<int> from = NetworkIndex(router.interface(i).network());
        const std::optional<int> to = NetworkIndex(router.interface(0).network());
        if (!from || !to) continue;
        const int old_domain = model_.networks[static_cast<std::size_t>(*from)].domain;
        const int new_domain = model_.networks[static_cast<std::size_t>(*to)].domain;
        for (Network& network : model_.networks) {
          if (network.domain == old_domain) network.domain = new_domain;
        }
      }
    }
  }

  std::optional<int> NetworkIndex(const std::string& name) {
    for (int i = 0; i < topology_.network_size(); ++i) {
      if (topology_.network(i).name() == name) return i;
    }
    status_ = Missing("network", name);
    return std::nullopt;
  }

  std::optional<int> HostIndex(const std::string& name) {
    for (int i = 0; i < topology_.host_size(); ++i) {
      if (topology_.host(i).name() == name) return i;
    }
    status_ = Missing("host", name);
    return std::nullopt;
  }

  // A NAT, and the delays in both directions that the routers on the way to the NAT add.
  struct WayToBox {
    int box = 0;
    net::Duration up{};
    net::Duration down{};
  };

  // Finds the NAT that has the address of a next hop. If a router has that address, the search goes on at the router's
  // gateways.
  std::optional<WayToBox> BoxBehind(const std::string& network, const std::string& next_hop, int depth = 0) {
    const std::optional<IpAddress> wanted = AddressOf(next_hop);
    if (!wanted || depth > topology_.router_size()) return std::nullopt;
    const auto is_there = [&](const proto::Interface& interface) {
      if (interface.network() != network) return false;
      for (const std::string& address : interface.address()) {
        if (AddressOf(address) == wanted) return true;
      }
      return false;
    };
    for (int i = 0; i < topology_.nat_size(); ++i) {
      for (const proto::Interface& interface : topology_.nat(i).inside()) {
        if (is_there(interface)) return WayToBox{.box = i};
      }
    }
    for (const proto::Router& router : topology_.router()) {
      const auto in = std::find_if(router.interface().begin(), router.interface().end(), is_there);
      if (in == router.interface().end()) continue;
      for (const proto::Interface& out : router.interface()) {
        for (const std::string& further : out.gateway()) {
          std::optional<WayToBox> way = BoxBehind(out.network(), further, depth + 1);
          if (!way) continue;
          way->up += DelayOf(in->down()) + DelayOf(out.up());
          way->down += DelayOf(out.down()) + DelayOf(in->up());
          return way;
        }
      }
    }
    return std::nullopt;
  }

  static net::Duration DelayOf(const proto::Link& link) { return Micros(link.delay_us() + link.jitter_us()); }

  // Records loss, outages and jitter of the links of an interface.
  void NoteLinks(const proto::Interface& interface, absl::string_view node) {
    for (const proto::Link* link : {&interface.up(), &interface.down()}) {
      model_.jitter += Micros(link->jitter_us());
      if (!model_.chance.empty()) continue;
      const proto::BurstLoss& burst = link->burst_loss();
      const bool bursts = link->has_burst_loss() && (burst.loss_in_good_ppm() > 0 || burst.good_to_bad_ppm() > 0);
      if (link->loss_ppm() > 0 || bursts) {
        model_.chance = absl::StrCat(node, ".", interface.name(), " loses packets");
      } else if (link->outage_size() > 0) {
        model_.chance = absl::StrCat(node, ".", interface.name(), " has outages");
      }
    }
  }

  Interface InterfaceOf(const proto::Interface& interface, absl::string_view node) {
    Interface added;
    added.network = NetworkIndex(interface.network()).value_or(0);
    for (const std::string& text : interface.address()) {
      if (const std::optional<IpAddress> address = AddressOf(text)) added.addresses.push_back(*address);
    }
    added.up = DelayOf(interface.up());
    added.down = DelayOf(interface.down());
    for (const std::string& next_hop : interface.gateway()) {
      const std::optional<WayToBox> way = BoxBehind(interface.network(), next_hop);
      if (!way || added.gateway) continue;
      added.gateway = way->box;
      added.up += way->up;
      added.down += way->down;
    }
    NoteLinks(interface, node);
    return added;
  }

  static Dependence DependenceOf(proto::Filtering::Kind filtering) {
    switch (filtering) {
      case proto::Filtering::ENDPOINT_INDEPENDENT:
        return Dependence::kEndpointIndependent;
      case proto::Filtering::ADDRESS_DEPENDENT:
        return Dependence::kAddressDependent;
      case proto::Filtering::ADDRESS_AND_PORT_DEPENDENT:
        return Dependence::kAddressAndPortDependent;
    }
    net::CannotHappen();
  }

  // The fields that UDP and TCP share in the schema.
  template <typename TransportNat>
  static NatBehavior TranslationOf(const TransportNat& transport, const proto::AddressPool& pool) {
    NatBehavior behavior;
    switch (transport.mapping()) {
      case proto::Mapping::ENDPOINT_INDEPENDENT:
        behavior.mapping = Dependence::kEndpointIndependent;
        break;
      case proto::Mapping::ADDRESS_DEPENDENT:
        behavior.mapping = Dependence::kAddressDependent;
        break;
      case proto::Mapping::ADDRESS_AND_PORT_DEPENDENT:
        behavior.mapping = Dependence::kAddressAndPortDependent;
        break;
      case proto::Mapping::PER_TUPLE:
        behavior.per_tuple = true;
        break;
    }
    behavior.filtering = DependenceOf(transport.filtering());
    behavior.memory = transport.filter_memory() == proto::FilterMemory::PER_MAPPING ? FilterMemory::kPerMapping
                                                                                    : FilterMemory::kPerEndpoint;
    behavior.inbound_sessions = transport.inbound_sessions();
    behavior.keeps_port = transport.ports().policy() == proto::PortAllocation::PRESERVE ||
                          transport.ports().policy() == proto::PortAllocation::PRESERVE_WITH_OVERLOADING;
    // PRESERVE_WITH_OVERLOADING keeps the inside port towards every destination. With one mapping per destination this
    // looks like one mapping for all destinations, which is what per_tuple models.
    if (transport.ports().policy() == proto::PortAllocation::PRESERVE_WITH_OVERLOADING &&
        behavior.mapping != Dependence::kEndpointIndependent) {
      behavior.per_tuple = true;
    }
    switch (transport.hairpin()) {
      case proto::Hairpin::NONE:
        behavior.hairpinning = Hairpinning::kNone;
        break;
      case proto::Hairpin::INTERNAL_SOURCE:
        behavior.hairpinning = Hairpinning::kInternalSource;
        break;
      case proto::Hairpin::EXTERNAL_SOURCE:
        behavior.hairpinning = Hairpinning::kExternalSource;
        break;
    }
    behavior.arbitrary_pooling = pool.pooling() == proto::AddressPool::ARBITRARY;
    return behavior;
  }

  static NatBehavior BehaviorOf(const proto::Nat& nat, std::uint64_t start_difference_us) {
    NatBehavior behavior = TranslationOf(nat.udp(), nat.pool());
    behavior.claims_tuple = nat.udp().unsolicited_claims_tuple();
    behavior.answers_icmp = nat.udp().unsolicited() != proto::Unsolicited::DROP;
    behavior.forgetful = WhyForgetful(nat, start_difference_us);
    return behavior;
  }

  static TcpBehavior TcpBehaviorOf(const proto::Nat& nat, std::uint64_t start_difference_us) {
    const proto::TcpNat& tcp = nat.tcp();
    TcpBehavior behavior;
    behavior.nat = TranslationOf(tcp, nat.pool());
    behavior.nat.forgetful = WhyForgetfulOfTcp(nat, start_difference_us);
    switch (tcp.unsolicited()) {
      case proto::Unsolicited::DROP:
      case proto::Unsolicited::ICMP_HOST_UNREACHABLE:  // a soft error
        break;
      case proto::Unsolicited::ICMP_PORT_UNREACHABLE:
      case proto::Unsolicited::ICMP_ADMIN_PROHIBITED:
        behavior.unsolicited = Refusal::kIcmp;
        break;
      case proto::Unsolicited::TCP_RST:
      case proto::Unsolicited::INPUT:  // nothing listens on the box
        behavior.unsolicited = Refusal::kReset;
        break;
    }
    // With INPUT, the TCP of the box itself answers, and it answers at once.
    behavior.hold = tcp.unsolicited() == proto::Unsolicited::INPUT ? Duration{} : Micros(tcp.unsolicited_hold_us());
    behavior.simultaneous_open = tcp.simultaneous_open() || tcp.tracking() == proto::TcpTracking::ADDRESSES;
    behavior.reset_forgets = tcp.tracking() != proto::TcpTracking::ADDRESSES &&
                             (tcp.on_reset() == proto::TcpReset::CLOSES || tcp.on_reset() == proto::TcpReset::DELETES);
    behavior.icmp_forgets = nat.icmp().errors_close_mapping();
    behavior.passes_icmp = nat.icmp().errors_translated();
    behavior.tracks_numbers = tcp.tracking() >= proto::TcpTracking::WINDOW && !tcp.liberal();
    return behavior;
  }

  static std::string WhyForgetful(const proto::Nat& nat, std::uint64_t start_difference_us) {
    const proto::UdpNat& udp = nat.udp();
    std::uint64_t life = udp.idle_timeout_us();
    if (udp.has_unreplied_timeout_us()) life = std::min<std::uint64_t>(life, udp.unreplied_timeout_us());
    if (udp.has_assured_timeout_us()) life = std::min<std::uint64_t>(life, udp.assured_timeout_us());
    if (udp.has_filter_timeout_us()) life = std::min<std::uint64_t>(life, udp.filter_timeout_us());
    if (life < kShortLifeUs + start_difference_us) return absl::StrCat("forgets after ", life / 1000, " ms");
    if (udp.destination_ring() > 0 && udp.destination_ring() < kFewEntries) {
      return absl::StrCat("remembers ", udp.destination_ring(), " destinations");
    }
    return WhyCrowded(nat);
  }

  // The reason why a NAT may forget a TCP entry that a session needs. The side that starts first keeps its connections
  // to the STUN server open while it waits for the other side, but the server closes idle connections, and the NAT may
  // forget them. SYNs between the peers are not affected by the wait, because they are sent only after both sides have
  // started.
  static std::string WhyForgetfulOfTcp(const proto::Nat& nat, std::uint64_t start_difference_us) {
    const proto::TcpNat& tcp = nat.tcp();
    const std::uint64_t opening =
        tcp.has_syn_sent_timeout_us() ? tcp.syn_sent_timeout_us() : tcp.transitory_timeout_us();
    if (opening < kShortLifeUs) return absl::StrCat("forgets a SYN after ", opening / 1000, " ms");
    if (Micros(start_difference_us) > kServerPatience) return "outlives what a STUN server keeps of an idle client";
    const std::uint64_t established = tcp.established_timeout_us();
    if (established < kShortLifeUs + start_difference_us) {
      return absl::StrCat("forgets a connection after ", established / 1000, " ms");
    }
    return WhyCrowded(nat);
  }

  static std::string WhyCrowded(const proto::Nat& nat) {
    for (std::uint32_t limit : {nat.limits().mappings_per_host_max(), nat.limits().mappings_max()}) {
      if (limit > 0 && limit < kFewEntries) return absl::StrCat("has room for ", limit, " mappings");
    }
    return "";
  }

  void AddBox(const proto::Nat& nat, const proto::Session& session) {
    Box& box = model_.boxes.emplace_back();
    box.name = nat.name();
    box.outside = InterfaceOf(nat.outside(), nat.name());
    for (const proto::Interface& interface : nat.inside()) box.inside.push_back(InterfaceOf(interface, nat.name()));
    // Only IPv4 addresses are external addresses, because IPv6 packets pass without translation.
    std::erase_if(box.outside.addresses, [](const IpAddress& address) { return address.is_v6(); });
    box.routes_between_inside = nat.routes_between_inside_networks();
    box.passes_ipv6 = nat.ipv6() != proto::Nat::DROP;
    const proto::Firewall& firewall = nat.firewall();
    box.udp_exit.blocked = firewall.block_udp();
    box.udp_exit.ports.assign(firewall.udp_port().begin(), firewall.udp_port().end());
    box.tcp_exit.blocked = firewall.block_tcp();
    box.tcp_exit.ports.assign(firewall.tcp_port().begin(), firewall.tcp_port().end());
    box.tcp_exit.told = firewall.blocked() == proto::Firewall::Blocked::DROP      ? Refusal::kSilent
                        : firewall.blocked() == proto::Firewall::Blocked::TCP_RST ? Refusal::kReset
                                                                                  : Refusal::kIcmp;
    std::uint64_t first = ~std::uint64_t{0}, last = 0;
    for (const proto::Peer& peer : session.peer()) {
      first = std::min<std::uint64_t>(first, peer.start_offset_us());
      last = std::max<std::uint64_t>(last, peer.start_offset_us());
    }
    box.nat = BehaviorOf(nat, last - std::min(first, last));
    box.tcp = TcpBehaviorOf(nat, last - std::min(first, last));
    for (const proto::StaticForward& forward : nat.static_forward()) {
      const std::optional<IpAddress> inside = AddressOf(forward.address());
      if (!inside) continue;
      const std::uint32_t port = forward.has_port() ? forward.port() : forward.external_port();
      box.forwards.push_back({static_cast<std::uint16_t>(forward.external_port()),
                              net::SocketAddress(*inside, static_cast<std::uint16_t>(port))});
    }
  }

  absl::Status AddServer(const proto::Server& server) {
    const std::optional<int> host = HostIndex(server.host());
    if (!host) return Missing("host", server.host());
    Server& added = model_.servers.emplace_back();
    added.name = server.name();
    added.host = *host;
    added.up = server.state() == proto::Server::UP;
    added.turn = server.turn();
    for (const std::string& text : server.address()) {
      if (const std::optional<IpAddress> address = AddressOf(text)) {
        added.listens.emplace_back(*address, static_cast<std::uint16_t>(server.port()));
        if (!server.has_tcp_port()) continue;
        added.listens_tcp.emplace_back(*address, static_cast<std::uint16_t>(server.tcp_port()));
      }
    }
    for (const std::string& text : server.relay_address()) {
      if (const std::optional<IpAddress> address = AddressOf(text)) added.relay_addresses.push_back(*address);
    }
    return absl::OkStatus();
  }

  absl::Status FindServers(const google::protobuf::RepeatedPtrField<std::string>& names, std::vector<int>& servers) {
    for (const std::string& name : names) {
      bool found = false;
      for (std::size_t i = 0; i < model_.servers.size(); ++i) {
        if (model_.servers[i].name != name) continue;
        servers.push_back(static_cast<int>(i));
        found = true;
      }
      if (!found) return Missing("server", name);
    }
    return absl::OkStatus();
  }

  absl::Status FillPeer(const proto::Peer& peer, bool first, Peer& filled) {
    const std::optional<int> host = HostIndex(peer.host());
    if (!host) return Missing("host", peer.host());
    filled.name = peer.name();
    filled.host = *host;
    if (absl::Status status = FindServers(peer.stun_server(), filled.stun_servers); !status.ok()) return status;
    std::vector<int> turn_servers;
    if (absl::Status status = FindServers(peer.turn_server(), turn_servers); !status.ok()) return status;
    const proto::Agent& agent = peer.agent();
    if (agent.turn_over() != proto::Agent::TurnOver::TCP) filled.turn_servers = turn_servers;
    if (agent.turn_over() != proto::Agent::TurnOver::UDP) filled.tcp_turn_servers = turn_servers;
    filled.udp = !agent.withhold_udp();
    const proto::Tcp& tcp = agent.tcp();
    filled.tcp = {tcp.active(), tcp.passive(), tcp.simultaneous_open()};
    if (tcp.server_reflexive()) filled.tcp_stun_servers = filled.stun_servers;
    filled.head_start = Micros(tcp.head_start_us());
    filled.retries_refused = tcp.on_reset() == proto::Tcp::OnReset::RETRY;
    filled.withhold_host = agent.withhold_host();
    filled.withhold_srflx = agent.withhold_srflx();
    filled.withhold_relay = agent.withhold_relay();
    filled.start = Micros(peer.start_offset_us());
    filled.pace = Micros(agent.ta_us());
    filled.gathering_deadline = Micros(agent.gathering_deadline_us());
    switch (agent.nomination()) {
      case proto::Agent::Nomination::FIRST_VALID:
        filled.nomination = Nomination::kFirstValid;
        break;
      case proto::Agent::Nomination::EXHAUSTIVE:
        filled.nomination = Nomination::kExhaustive;
        break;
      case proto::Agent::Nomination::BEST_AFTER:
        filled.nomination = Nomination::kBestAfter;
        break;
    }
    filled.relayed_mark = Micros(agent.relayed_mark_us());
    filled.icmp_fails_pairs = agent.icmp_fails_pairs();
    filled.controlling = agent.has_role() ? agent.role() == proto::Agent::CONTROLLING : first;
    return absl::OkStatus();
  }

  const proto::Topology& topology_;
  Model model_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<Model> ModelOf(const proto::Topology& topology, const proto::Session& session) {
  return Extraction(topology).Run(session);
}

}  // namespace pinhole::scenarios::oracle

namespace pinhole::scenarios {

absl::StatusOr<Prediction> Predict(const proto::Scenario& cell, int session) {
  PINHOLE_REQUIRES(session >= 0 && session < cell.session_size());
  const absl::StatusOr<oracle::Model> model = oracle::ModelOf(cell.topology(), cell.session(session));
  if (!model.ok()) return model.status();
  return oracle::Predict(*model);
}

}  // namespace pinhole::scenarios
