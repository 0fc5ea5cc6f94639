#include "scenarios/language/resolve.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"
#include "net/ip_address.h"
#include "scenarios/conversion/nat_conversion.h"
#include "scenarios/language/field_path.h"
#include "scenarios/language/trials.h"

namespace pinhole::scenarios {
namespace {

// An interface and its place in the topology.
struct Attached {
  std::string path;        // "topology.host[alice].interface[eth0]"
  std::string owner_path;  // "topology.host[alice]"
  absl::string_view node;
  proto::Interface* interface;
  bool offers_gateway;  // a NAT's inside interface, or any interface of a router
  bool wants_gateway;   // every interface except a NAT's inside
};

// All interfaces of a topology, in the order of the schema. Paths are filled only with `with_paths`.
std::vector<Attached> Interfaces(proto::Topology* topology, bool with_paths) {
  std::vector<Attached> all;
  const auto add = [&](const char* kind, const std::string& node, const char* list, proto::Interface* interface,
                       bool offers, bool wants) {
    Attached attached{"", "", node, interface, offers, wants};
    if (with_paths) {
      attached.owner_path = absl::StrCat("topology.", kind, "[", node, "]");
      attached.path = interface->has_name() && absl::string_view(list) != "outside"
                          ? absl::StrCat(attached.owner_path, ".", list, "[", interface->name(), "]")
                          : absl::StrCat(attached.owner_path, ".", list);
    }
    all.push_back(std::move(attached));
  };
  for (proto::Host& host : *topology->mutable_host()) {
    for (proto::Interface& interface : *host.mutable_interface()) {
      add("host", host.name(), "interface", &interface, false, true);
    }
  }
  for (proto::Nat& nat : *topology->mutable_nat()) {
    if (!nat.outside().has_name()) nat.mutable_outside()->set_name("wan");
    add("nat", nat.name(), "outside", nat.mutable_outside(), false, true);
    for (proto::Interface& inside : *nat.mutable_inside()) add("nat", nat.name(), "inside", &inside, true, false);
  }
  for (proto::Router& router : *topology->mutable_router()) {
    for (proto::Interface& interface : *router.mutable_interface()) {
      add("router", router.name(), "interface", &interface, true, true);
    }
  }
  return all;
}

const proto::Network* FindNetwork(const proto::Topology& topology, absl::string_view name) {
  for (const proto::Network& network : topology.network()) {
    if (network.name() == name) return &network;
  }
  return nullptr;
}

template <typename List>
std::vector<std::string> NamesOf(const List& list) {
  std::vector<std::string> names;
  for (const auto& element : list) names.push_back(element.name());
  return names;
}

template <typename List>
auto* FindNamed(List& list, absl::string_view name) {
  for (auto& element : list) {
    if (element.name() == name) return &element;
  }
  return decltype(&*list.begin()){nullptr};
}

// Overrides fields of `link` with the fields that `over` sets.
void LayOver(const proto::Link& over, proto::Link* link) {
  if (over.outage_size() > 0) link->clear_outage();
  link->MergeFrom(over);
}

// The name of a field that both messages set, or "".
std::string SaidTwice(const proto::Link& both, const proto::Link& one) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  one.GetReflection()->ListFields(one, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    const bool in_both = field->is_repeated() ? both.GetReflection()->FieldSize(both, field) > 0
                                              : both.GetReflection()->HasField(both, field);
    if (in_both) return field->name();
  }
  return "";
}

void ResolveLinks(const Attached& attached, const proto::Network& network, CellProblems* problems) {
  proto::Interface& interface = *attached.interface;
  if (problems != nullptr && interface.has_link()) {
    for (const auto& [direction, link] :
         {std::pair<const char*, const proto::Link*>{"up", &interface.up()}, {"down", &interface.down()}}) {
      const std::string field = SaidTwice(interface.link(), *link);
      if (!field.empty()) {
        problems->Add(absl::StrCat(attached.path, ".", direction, ".", field),
                      absl::StrCat("\"", field, "\" is said in link and in ", direction, "; which of them?"));
      }
    }
  }
  proto::Link up = network.link();
  if (interface.has_link()) LayOver(interface.link(), &up);
  proto::Link down = up;
  if (interface.has_up()) LayOver(interface.up(), &up);
  if (interface.has_down()) LayOver(interface.down(), &down);
  *interface.mutable_up() = std::move(up);
  *interface.mutable_down() = std::move(down);
  interface.clear_link();
}

// Adds the prefix length to each address. Returns false if an address cannot be parsed.
bool ResolveAddresses(const Attached& attached, const proto::Network& network, CellProblems* problems) {
  bool sound = true;
  for (int i = 0; i < attached.interface->address_size(); ++i) {
    std::string& text = *attached.interface->mutable_address(i);
    const auto wrong = [&](absl::string_view what) {
      sound = false;
      if (problems != nullptr) {
        problems->Add(absl::StrCat(attached.path, ".address[", i, "]"), absl::StrCat("\"", text, "\" ", what));
      }
    };
    if (const std::optional<net::IpAddress> bare = net::IpAddress::Parse(text)) {
      if (network.kind() == proto::Network::LAN) {
        wrong(absl::StrCat("needs a prefix length on a LAN, such as \"", text, bare->is_v4() ? "/24\"" : "/64\""));
      } else {
        absl::StrAppend(&text, bare->is_v4() ? "/32" : "/128");
      }
    } else if (!net::IpPrefix::Parse(text)) {
      wrong("is no address with prefix length, such as \"192.168.1.10/24\" or \"2001:db8::1/64\"");
    }
  }
  return sound;
}

// The prefix of the interface that contains `address`.
std::optional<net::IpPrefix> OnLink(const proto::Interface& interface, const net::IpAddress& address) {
  for (const std::string& text : interface.address()) {
    const std::optional<net::IpPrefix> prefix = net::IpPrefix::Parse(text);
    if (prefix && prefix->address().family() == address.family() && prefix->Contains(address)) return prefix;
  }
  return std::nullopt;
}

void ResolveGateways(const std::vector<Attached>& all, const Attached& attached, const proto::Network& network,
                     CellProblems* problems) {
  proto::Interface& interface = *attached.interface;
  if (!attached.wants_gateway || !interface.default_route() || network.kind() == proto::Network::INTERNET) {
    if (problems != nullptr && interface.gateway_size() > 0) {
      problems->Add(absl::StrCat(attached.path, ".gateway"),
                    !attached.wants_gateway      ? "a NAT's inside interface has no default route, so no gateway"
                    : !interface.default_route() ? "default_route is false, so there is no gateway"
                                                 : "on an INTERNET network the core is the gateway");
    }
    interface.clear_gateway();
    return;
  }
  if (interface.gateway_size() > 0) {
    if (problems == nullptr) return;
    for (int i = 0; i < interface.gateway_size(); ++i) {
      const std::optional<net::IpAddress> gateway = net::IpAddress::Parse(interface.gateway(i));
      const std::string path = absl::StrCat(attached.path, ".gateway[", i, "]");
      if (!gateway) {
        problems->Add(path, absl::StrCat("\"", interface.gateway(i), "\" is no address"));
      } else if (!OnLink(interface, *gateway)) {
        problems->Add(path, absl::StrCat("gateway ", interface.gateway(i), " is in no subnet of the interface"));
      }
    }
    return;
  }
  for (const net::Family family : {net::Family::kIpv4, net::Family::kIpv6}) {
    std::vector<std::string> offers;
    for (const Attached& other : all) {
      if (!other.offers_gateway || other.node == attached.node || other.interface->network() != interface.network()) {
        continue;
      }
      for (const std::string& text : other.interface->address()) {
        const std::optional<net::IpPrefix> offer = net::IpPrefix::Parse(text);
        if (offer && offer->address().family() == family && OnLink(interface, offer->address())) {
          offers.push_back(offer->address().ToString());
          break;
        }
      }
    }
    if (offers.size() > 1 && problems != nullptr) {
      problems->Add(attached.path,
                    absl::StrCat("\"", attached.node, "\" has several gateways on \"", interface.network(), "\" (",
                                 offers[0], ", ", offers[1], "); say which: gateway, or default_route: false"));
    }
    if (offers.size() == 1) interface.add_gateway(offers[0]);
  }
}

void ResolveNat(const NatProfiles& profiles, CellProblems* problems, proto::Nat* nat) {
  if (nat->has_profile()) {
    const proto::NatProfile* profile = profiles.Find(nat->profile());
    if (profile == nullptr) {
      if (problems != nullptr) {
        problems->Add(absl::StrCat("topology.nat[", nat->name(), "].profile"),
                      absl::StrCat("nat \"", nat->name(), "\": no profile \"", nat->profile(), "\"",
                                   Suggestion(nat->profile(), profiles.names())));
      }
      return;
    }
    // These messages contain no lists, so protobuf's own merge is enough.
    const auto lay = [](const auto& under, bool has_over, auto* over) {
      if (!has_over) {
        *over = under;
        return;
      }
      auto merged = under;
      merged.MergeFrom(*over);
      *over = std::move(merged);
    };
    const bool has_udp = nat->has_udp();
    const bool has_tcp = nat->has_tcp();
    const bool has_icmp = nat->has_icmp();
    const bool has_pool = nat->has_pool();
    const bool has_limits = nat->has_limits();
    lay(profile->udp(), has_udp, nat->mutable_udp());
    lay(profile->tcp(), has_tcp, nat->mutable_tcp());
    lay(profile->icmp(), has_icmp, nat->mutable_icmp());
    lay(profile->pool(), has_pool, nat->mutable_pool());
    lay(profile->limits(), has_limits, nat->mutable_limits());
  }
  FillDependentDefaults(nat->mutable_udp());
  FillDependentDefaults(nat->mutable_tcp());
}

void ResolveServer(CellProblems* problems, proto::Topology* topology, proto::Server* server) {
  if (!server->has_host()) server->set_host(server->name());
  const std::string path = absl::StrCat("topology.server[", server->name(), "]");
  const proto::Host* host = FindNamed(topology->host(), server->host());
  if (host == nullptr) {
    if (problems != nullptr) {
      problems->Add(absl::StrCat(path, ".host"),
                    absl::StrCat("server \"", server->name(), "\": no host \"", server->host(), "\"",
                                 Suggestion(server->host(), NamesOf(topology->host()))));
    }
    return;
  }
  if (server->address_size() == 0) {
    for (const proto::Interface& interface : host->interface()) {
      for (const std::string& text : interface.address()) {
        if (const std::optional<net::IpPrefix> prefix = net::IpPrefix::Parse(text)) {
          server->add_address(prefix->address().ToString());
        }
      }
    }
  }
  if (server->relay_address_size() == 0 && server->turn()) {
    for (const net::Family family : {net::Family::kIpv4, net::Family::kIpv6}) {
      for (const std::string& text : server->address()) {
        const std::optional<net::IpAddress> address = net::IpAddress::Parse(text);
        if (address && address->family() == family) {
          server->add_relay_address(text);
          break;
        }
      }
    }
  }
  if (server->user_size() == 0) {
    proto::User* user = server->add_user();
    user->set_name("pinhole");
    user->set_password("pinhole");
  }
}

// Checks the servers that a session or a peer lists itself, so that a mistake is reported once, where it was made.
template <typename Lists>
void CheckServers(const proto::Topology& topology, const std::string& path, const std::string& who, const Lists& lists,
                  CellProblems* problems) {
  for (const auto* list : {&lists.stun_server(), &lists.turn_server()}) {
    const bool turn = list == &lists.turn_server();
    const std::string field = absl::StrCat(path, turn ? ".turn_server" : ".stun_server");
    for (const std::string& name : *list) {
      const proto::Server* server = FindNamed(topology.server(), name);
      if (server == nullptr) {
        problems->Add(field,
                      absl::StrCat(who, ": no server \"", name, "\"", Suggestion(name, NamesOf(topology.server()))));
      } else if (turn && !server->turn()) {
        problems->Add(field, absl::StrCat(who, ": server \"", name, "\" has turn: false"));
      }
    }
  }
}

void ResolvePeer(const proto::Topology& topology, const proto::Session& session, int index, CellProblems* problems,
                 proto::Peer* peer) {
  const std::string path = absl::StrCat("session[", session.name(), "].peer[", peer->name(), "]");
  const std::string who = absl::StrCat("session \"", session.name(), "\", peer \"", peer->name(), "\"");
  if (!peer->has_host()) peer->set_host(peer->name());
  if (problems != nullptr && FindNamed(topology.host(), peer->host()) == nullptr) {
    problems->Add(absl::StrCat(path, ".host"), absl::StrCat(who, ": no host \"", peer->host(), "\"",
                                                            Suggestion(peer->host(), NamesOf(topology.host()))));
  }
  if (session.has_agent()) {
    proto::Agent agent = session.agent();
    agent.MergeFrom(peer->agent());
    *peer->mutable_agent() = std::move(agent);
  }
  if (!peer->agent().has_role()) {
    peer->mutable_agent()->set_role(index == 0 ? proto::Agent::CONTROLLING : proto::Agent::CONTROLLED);
  }
  if (problems != nullptr) CheckServers(topology, path, who, *peer, problems);
  if (peer->stun_server_size() == 0) *peer->mutable_stun_server() = session.stun_server();
  if (peer->turn_server_size() == 0) *peer->mutable_turn_server() = session.turn_server();
  const proto::Session::Turn mine = index == 0 ? proto::Session::A : proto::Session::B;
  if (session.turn() != proto::Session::BOTH && session.turn() != mine) peer->clear_turn_server();
  if (peer->turn_server_size() == 0) return;
  const proto::Server* server = FindNamed(topology.server(), peer->turn_server(0));
  if (server == nullptr || server->user_size() == 0) return;
  if (!peer->has_turn_user()) peer->set_turn_user(server->user(0).name());
  if (!peer->has_turn_password()) {
    const proto::User* user = FindNamed(server->user(), peer->turn_user());
    if (user == nullptr && problems != nullptr) {
      problems->Add(absl::StrCat(path, ".turn_user"),
                    absl::StrCat(who, ": server \"", server->name(), "\" has no user \"", peer->turn_user(),
                                 "\"; say turn_password to try all the same"));
    }
    peer->set_turn_password(user == nullptr ? "" : user->password());
  }
}

}  // namespace

void ResolveCell(const NatProfiles& profiles, CellProblems* problems, proto::Scenario* cell) {
  proto::Topology* topology = cell->mutable_topology();
  const std::vector<Attached> all = Interfaces(topology, problems != nullptr);
  for (const Attached& attached : all) {
    const proto::Network* network = FindNetwork(*topology, attached.interface->network());
    if (network == nullptr) {
      if (problems != nullptr) {
        problems->Add(absl::StrCat(attached.path, ".network"),
                      absl::StrCat("\"", attached.node, "\": no network \"", attached.interface->network(), "\"",
                                   Suggestion(attached.interface->network(), NamesOf(topology->network()))));
      }
      continue;
    }
    ResolveLinks(attached, *network, problems);
    ResolveAddresses(attached, *network, problems);
  }
  for (const Attached& attached : all) {
    const proto::Network* network = FindNetwork(*topology, attached.interface->network());
    if (network != nullptr) ResolveGateways(all, attached, *network, problems);
  }
  for (proto::Network& network : *topology->mutable_network()) network.clear_link();
  for (proto::Nat& nat : *topology->mutable_nat()) ResolveNat(profiles, problems, &nat);
  for (proto::Server& server : *topology->mutable_server()) ResolveServer(problems, topology, &server);
  if (topology->has_referral() && problems != nullptr &&
      FindNamed(topology->host(), topology->referral().host()) == nullptr) {
    problems->Add("topology.referral.host",
                  absl::StrCat("referral: no host \"", topology->referral().host(), "\"",
                               Suggestion(topology->referral().host(), NamesOf(topology->host()))));
  }
  for (proto::Session& session : *cell->mutable_session()) {
    if (problems != nullptr) {
      CheckServers(*topology, absl::StrCat("session[", session.name(), "]"),
                   absl::StrCat("session \"", session.name(), "\""), session, problems);
    }
    for (int i = 0; i < session.peer_size(); ++i) {
      ResolvePeer(*topology, session, i, problems, session.mutable_peer(i));
    }
    session.clear_agent();
    session.clear_stun_server();
    session.clear_turn_server();
  }
  FillTrialHosts(cell);
}

}  // namespace pinhole::scenarios
