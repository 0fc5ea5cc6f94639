// What a resolved cell has to be so that it can be built and run. Names are known to lead somewhere (resolve.cc).
#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "net/ip_address.h"
#include "scenarios/nat_conversion.h"
#include "scenarios/resolve.h"

namespace pinhole::scenarios {
namespace {

using net::Family;
using net::IpAddress;
using net::IpPrefix;

struct Port {
  const proto::Interface* interface;
  std::string path;
  int network;
  bool outside;  // of a NAT
  std::vector<IpPrefix> addresses;
};

struct Node {
  std::string kind;  // "host", "nat", "router"
  std::string name;
  std::string path;
  const proto::Nat* nat = nullptr;
  std::vector<Port> ports;

  bool Owns(const IpAddress& address) const {
    for (const Port& port : ports) {
      for (const IpPrefix& own : port.addresses) {
        if (own.address() == address) return true;
      }
    }
    return false;
  }
  std::string Called() const { return absl::StrCat(kind, " \"", name, "\""); }
};

constexpr std::size_t kUserNameBytesMax = 508;  // RFC 8489 §14.3
constexpr std::size_t kRealmBytesMax = 127;     // RFC 8489 §14.9

bool IsUnroutable(const IpAddress& address) { return address.IsPrivate() || address.IsShared(); }

class Checker {
 public:
  Checker(const proto::Scenario& cell, CellProblems* problems)
      : cell_(cell), topology_(cell.topology()), problems_(problems) {
    for (const proto::Host& host : topology_.host()) {
      Node& node = AddNode("host", host.name());
      for (const proto::Interface& interface : host.interface()) AddPort(interface, "interface", false, &node);
    }
    for (const proto::Nat& nat : topology_.nat()) {
      Node& node = AddNode("nat", nat.name());
      node.nat = &nat;
      AddPort(nat.outside(), "outside", true, &node);
      for (const proto::Interface& interface : nat.inside()) AddPort(interface, "inside", false, &node);
    }
    for (const proto::Router& router : topology_.router()) {
      Node& node = AddNode("router", router.name());
      for (const proto::Interface& interface : router.interface()) AddPort(interface, "interface", false, &node);
    }
  }

  void CheckAll() {
    CheckNodes();
    CheckAddresses();
    CheckNats();
    CheckServers();
    CheckSessions();
    // A way is looked for only in a network that makes sense so far.
    if (!problems_->found()) CheckWaysToReferral();
  }

 private:
  Node& AddNode(const char* kind, const std::string& name) {
    nodes_.emplace_back();
    nodes_.back().kind = kind;
    nodes_.back().name = name;
    nodes_.back().path = absl::StrCat("topology.", kind, "[", name, "]");
    return nodes_.back();
  }

  void AddPort(const proto::Interface& interface, const char* list, bool outside, Node* node) {
    Port port{&interface, "", 0, outside, {}};
    port.path =
        outside ? absl::StrCat(node->path, ".", list) : absl::StrCat(node->path, ".", list, "[", interface.name(), "]");
    for (int i = 0; i < topology_.network_size(); ++i) {
      if (topology_.network(i).name() == interface.network()) port.network = i;
    }
    for (const std::string& text : interface.address()) {
      if (const std::optional<IpPrefix> prefix = IpPrefix::Parse(text)) port.addresses.push_back(*prefix);
    }
    node->ports.push_back(std::move(port));
  }

  const proto::Network& NetworkOf(const Port& port) const { return topology_.network(port.network); }
  bool IsInternet(const Port& port) const { return NetworkOf(port).kind() == proto::Network::INTERNET; }

  void CheckNodes() {
    std::map<std::string, const Node*> by_name;
    for (const Node& node : nodes_) {
      const auto [it, added] = by_name.emplace(node.name, &node);
      if (!added) {
        problems_->Add(node.path, absl::StrCat(node.Called(), " has the name of ", it->second->Called(), " (",
                                               problems_->PlaceOf(it->second->path), ")"));
      }
      if (node.ports.empty() || (node.nat != nullptr && node.ports.size() < 2)) {
        problems_->Add(node.path, absl::StrCat(node.Called(),
                                               node.nat != nullptr ? " has no inside interface" : " has no interface"));
      }
      const bool addressed =
          std::any_of(node.ports.begin(), node.ports.end(), [](const Port& port) { return !port.addresses.empty(); });
      if (!addressed && !node.ports.empty()) problems_->Add(node.path, absl::StrCat(node.Called(), " has no address"));
    }
  }

  // Networks between which packets of a family travel with their addresses as they are.
  std::vector<int> Domains(Family family) const {
    std::vector<int> domain(topology_.network_size());
    std::iota(domain.begin(), domain.end(), 0);
    const auto join = [&](int a, int b) {
      const int from = domain[b];
      const int to = domain[a];
      std::replace(domain.begin(), domain.end(), from, to);
    };
    for (const Node& node : nodes_) {
      if (node.kind == "host") continue;
      const Port* first = nullptr;
      for (const Port& port : node.ports) {
        if (node.nat != nullptr && family == Family::kIpv6 && node.nat->ipv6() == proto::Nat::DROP) continue;
        if (node.nat != nullptr && family == Family::kIpv4) {
          if (port.outside || !node.nat->routes_between_inside_networks()) continue;
        }
        if (first == nullptr) {
          first = &port;
        } else {
          join(first->network, port.network);
        }
      }
    }
    return domain;
  }

  void CheckAddresses() {
    struct Use {
      const Node* node;
      std::string path;
    };
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      const std::vector<int> domains = Domains(family);
      std::map<std::pair<int, IpAddress>, Use> used;
      for (const Node& node : nodes_) {
        for (const Port& port : node.ports) {
          for (std::size_t i = 0; i < port.addresses.size(); ++i) {
            const IpAddress& address = port.addresses[i].address();
            if (address.family() != family) continue;
            const std::string path = absl::StrCat(port.path, ".address[", i, "]");
            if (address.IsUnspecified() || address.IsMulticast() || address.IsLoopback()) {
              problems_->Add(path, absl::StrCat(address.ToString(), " cannot be an interface's address"));
              continue;
            }
            const auto [it, added] = used.try_emplace({domains[port.network], address}, Use{&node, path});
            if (!added) {
              problems_->Add(path, absl::StrCat(node.Called(), " has address ", address.ToString(), ", which ",
                                                it->second.node->Called(), " has in the same routing domain (",
                                                problems_->PlaceOf(it->second.path), ")"));
            }
          }
        }
      }
    }
    for (const Node& node : nodes_) {
      for (const Port& port : node.ports) {
        for (int i = 0; i < port.interface->gateway_size(); ++i) {
          const std::optional<IpAddress> gateway = IpAddress::Parse(port.interface->gateway(i));
          if (gateway && FindOwner(port.network, *gateway) == nullptr) {
            problems_->Add(absl::StrCat(port.path, ".gateway[", i, "]"),
                           absl::StrCat("nobody on \"", NetworkOf(port).name(), "\" has the gateway's address ",
                                        gateway->ToString()));
          }
        }
      }
    }
  }

  void CheckNats() {
    for (const Node& node : nodes_) {
      if (node.nat == nullptr || node.ports.empty()) continue;
      const Port& outside = node.ports[0];
      const bool has_v4 = std::any_of(outside.addresses.begin(), outside.addresses.end(),
                                      [](const IpPrefix& own) { return own.address().is_v4(); });
      if (!has_v4) {
        problems_->Add(outside.path, absl::StrCat(node.Called(), " has no IPv4 address outside, so nothing to map to"));
      }
      for (const Port& port : node.ports) {
        if (&port != &outside && port.network == outside.network) {
          problems_->Add(port.path, absl::StrCat(node.Called(), " has network \"", NetworkOf(port).name(),
                                                 "\" inside and outside"));
        }
      }
      bool sound = true;
      const auto check_address = [&](absl::string_view list, int i, const std::string& text, absl::string_view field) {
        const std::optional<IpAddress> address = IpAddress::Parse(text);
        if (address && address->is_v4()) return;
        sound = false;
        problems_->Add(absl::StrCat(node.path, ".", list, "[", i, "].", field),
                       absl::StrCat("\"", text, "\" is no IPv4 address"));
      };
      for (int i = 0; i < node.nat->static_forward_size(); ++i) {
        check_address("static_forward", i, node.nat->static_forward(i).address(), "address");
      }
      for (int i = 0; i < node.nat->one_to_one_size(); ++i) {
        check_address("one_to_one", i, node.nat->one_to_one(i).external(), "external");
        check_address("one_to_one", i, node.nat->one_to_one(i).inside(), "inside");
      }
      if (!sound) continue;
      if (const std::optional<Contradiction> found = FindContradiction(*node.nat)) {
        problems_->Add(absl::StrCat(node.path, ".", found->field),
                       absl::StrCat(node.Called(), ": contradictory profile: ", found->field, ": ", found->why));
      }
    }
  }

  const Node* FindHost(const std::string& name) const {
    for (const Node& node : nodes_) {
      if (node.kind == "host" && node.name == name) return &node;
    }
    return nullptr;
  }

  void CheckCredentials(const proto::Server& server, const std::string& path) {
    if (server.realm().empty() || server.realm().size() > kRealmBytesMax) {
      problems_->Add(absl::StrCat(path, ".realm"), absl::StrCat("a realm has 1 to ", kRealmBytesMax, " bytes"));
    }
    for (const proto::User& user : server.user()) {
      if (user.name().empty() || user.name().size() > kUserNameBytesMax) {
        problems_->Add(absl::StrCat(path, ".user[", user.name(), "]"),
                       absl::StrCat("a user name has 1 to ", kUserNameBytesMax, " bytes"));
      }
    }
  }

  void CheckServers() {
    std::map<std::pair<IpAddress, std::uint32_t>, std::string> listening;
    for (const proto::Server& server : topology_.server()) {
      const Node* host = FindHost(server.host());
      if (host == nullptr) continue;
      const std::string path = absl::StrCat("topology.server[", server.name(), "]");
      CheckCredentials(server, path);
      const auto check = [&](const std::string& text, const std::string& where) -> std::optional<IpAddress> {
        const std::optional<IpAddress> address = IpAddress::Parse(text);
        if (address && host->Owns(*address)) return address;
        problems_->Add(where,
                       absl::StrCat("server \"", server.name(), "\": ", text, " is no address of ", host->Called()));
        return std::nullopt;
      };
      for (int i = 0; i < server.address_size(); ++i) {
        const std::optional<IpAddress> address = check(server.address(i), absl::StrCat(path, ".address[", i, "]"));
        if (!address) continue;
        const auto [it, added] = listening.emplace(std::pair(*address, server.port()), server.name());
        if (!added) {
          problems_->Add(path, absl::StrCat("servers \"", it->second, "\" and \"", server.name(), "\" both listen on ",
                                            address->ToString(), " port ", server.port()));
        }
      }
      for (int i = 0; i < server.relay_address_size(); ++i) {
        // By default they are taken from the addresses, which have been looked at.
        const auto& own = server.address();
        if (std::find(own.begin(), own.end(), server.relay_address(i)) != own.end()) continue;
        check(server.relay_address(i), absl::StrCat(path, ".relay_address[", i, "]"));
      }
    }
  }

  void CheckSessions() {
    if (cell_.session_size() == 0) problems_->Add("session", "there is no session, so nothing to run");
    for (const proto::Host& host : topology_.host()) {
      if (host.ephemeral_port_first() > host.ephemeral_port_last()) {
        problems_->Add(absl::StrCat("topology.host[", host.name(), "].ephemeral_port_first"),
                       absl::StrCat("host \"", host.name(), "\": there is no port from ", host.ephemeral_port_first(),
                                    " to ", host.ephemeral_port_last()));
      }
    }
    for (const proto::Session& session : cell_.session()) {
      const std::string path = absl::StrCat("session[", session.name(), "]");
      if (session.peer_size() != 2) {
        problems_->Add(path, absl::StrCat("session \"", session.name(), "\" has ", session.peer_size(),
                                          session.peer_size() == 1 ? " peer" : " peers", "; it takes two"));
        continue;
      }
      if (session.peer(0).host() == session.peer(1).host()) {
        problems_->Add(path, absl::StrCat("session \"", session.name(), "\": both peers are on host \"",
                                          session.peer(0).host(), "\""));
      }
      for (const proto::Peer& peer : session.peer()) {
        const proto::Agent& agent = peer.agent();
        const std::string agent_path = absl::StrCat(path, ".peer[", peer.name(), "].agent");
        if (peer.turn_server_size() > 0 && (peer.turn_user().empty() || peer.turn_user().size() > kUserNameBytesMax)) {
          problems_->Add(absl::StrCat(path, ".peer[", peer.name(), "].turn_user"),
                         absl::StrCat("a user name has 1 to ", kUserNameBytesMax, " bytes"));
        }
        if (agent.has_rto_us() && agent.rto() != proto::Agent::Rto::FIXED) {
          problems_->Add(absl::StrCat(agent_path, ".rto_us"), "rto_us has no effect unless rto is FIXED");
        }
        if ((agent.has_direct_mark_us() || agent.has_relayed_mark_us()) &&
            agent.nomination() != proto::Agent::Nomination::BEST_AFTER) {
          problems_->Add(absl::StrCat(agent_path, agent.has_direct_mark_us() ? ".direct_mark_us" : ".relayed_mark_us"),
                         "nomination marks have no effect unless nomination is BEST_AFTER");
        }
        if (agent.relayed_mark_us() < agent.direct_mark_us()) {
          problems_->Add(absl::StrCat(agent_path, agent.has_relayed_mark_us() ? ".relayed_mark_us" : ".direct_mark_us"),
                         absl::StrCat("the relayed mark (", agent.relayed_mark_us(), " us) is before the direct one (",
                                      agent.direct_mark_us(), " us)"));
        }
        if (agent.consent() && agent.consent_timeout_us() <= agent.consent_interval_us()) {
          problems_->Add(absl::StrCat(agent_path, ".consent_timeout_us"),
                         "consent is lost before the next check for it: the timeout must be longer than the interval");
        }
        if (agent.withhold_host() && agent.withhold_srflx() && agent.withhold_relay()) {
          problems_->Add(agent_path, absl::StrCat("peer \"", peer.name(), "\" withholds every type of candidate"));
        }
      }
    }
  }

  const Node* FindOwner(int network, const IpAddress& address) const {
    for (const Node& node : nodes_) {
      for (const Port& port : node.ports) {
        if (port.network != network) continue;
        for (const IpPrefix& own : port.addresses) {
          if (own.address() == address) return &node;
        }
      }
    }
    return nullptr;
  }

  // Whether the core knows that `to` lies behind a node attached to `network`.
  const Node* FindBehind(int network, const IpAddress& to) const {
    for (const Node& node : nodes_) {
      if (node.kind == "host" || (node.nat != nullptr && (to.is_v4() || node.nat->ipv6() == proto::Nat::DROP)))
        continue;
      const bool attached =
          std::any_of(node.ports.begin(), node.ports.end(), [&](const Port& port) { return port.network == network; });
      if (!attached) continue;
      for (const Port& port : node.ports) {
        if (port.network == network) continue;
        for (const IpPrefix& own : port.addresses) {
          if (own.address().family() == to.family() && own.Contains(to)) return &node;
        }
      }
    }
    return nullptr;
  }

  // Follows a packet from `start` to `to` as routers would. False, with the reason, if it does not get there or an
  // answer could not come back.
  bool HasWay(const Node& start, const IpAddress& to, std::string* why) const {
    const Node* at = &start;
    int came_by = -1;  // network
    std::optional<IpAddress> source;
    for (int hops = 0; hops < 32; ++hops) {
      if (at->Owns(to)) return true;
      const Port* out = nullptr;
      const Node* next = nullptr;
      // On a LAN of its own, else by the first default route.
      for (const Port& port : at->ports) {
        if (IsInternet(port) || out != nullptr) continue;
        for (const IpPrefix& own : port.addresses) {
          if (own.address().family() == to.family() && own.Contains(to)) {
            out = &port;
            next = FindOwner(port.network, to);
          }
        }
      }
      if (out != nullptr && next == nullptr) {
        *why = absl::StrCat("nobody on \"", NetworkOf(*out).name(), "\" has that address");
        return false;
      }
      for (const Port& port : at->ports) {
        if (out != nullptr || port.network == came_by) continue;
        const bool has_family = std::any_of(port.addresses.begin(), port.addresses.end(),
                                            [&](const IpPrefix& own) { return own.address().family() == to.family(); });
        if (!has_family || !port.interface->default_route()) continue;
        if (IsInternet(port)) {
          out = &port;
          continue;
        }
        for (const std::string& text : port.interface->gateway()) {
          const std::optional<IpAddress> gateway = IpAddress::Parse(text);
          if (gateway && gateway->family() == to.family()) {
            out = &port;
            next = FindOwner(port.network, *gateway);
          }
        }
      }
      if (out == nullptr) {
        *why = absl::StrCat(at->Called(), " has no route to it");
        return false;
      }
      for (const IpPrefix& own : out->addresses) {
        if (own.address().family() != to.family()) continue;
        if (!source || (at->nat != nullptr && to.is_v4() && out->outside)) source = own.address();
        break;
      }
      if (at->nat != nullptr && to.is_v6() && at->nat->ipv6() == proto::Nat::DROP) {
        *why = absl::StrCat(at->Called(), " drops IPv6");
        return false;
      }
      if (at->nat != nullptr && to.is_v4() && !out->outside && at != &start &&
          !at->nat->routes_between_inside_networks()) {
        *why = absl::StrCat(at->Called(), " does not route between its inside networks");
        return false;
      }
      if (IsInternet(*out)) {
        const proto::Network& internet = NetworkOf(*out);
        next = FindOwner(out->network, to);
        if (next == nullptr) next = FindBehind(out->network, to);
        if (next == nullptr) {
          *why = absl::StrCat("\"", internet.name(), "\" knows no way to it");
          return false;
        }
        if (!internet.routes_private_addresses() && IsUnroutable(to)) {
          *why = absl::StrCat("\"", internet.name(), "\" drops packets to private addresses");
          return false;
        }
        if (!internet.routes_private_addresses() && source && IsUnroutable(*source)) {
          *why = absl::StrCat("\"", internet.name(), "\" drops the answers to ", source->ToString());
          return false;
        }
      }
      came_by = out->network;
      at = next;
      if (at == nullptr) break;
    }
    *why = "packets go round in circles";
    return false;
  }

  void CheckWaysToReferral() {
    if (!topology_.has_referral()) {
      problems_->Add("topology", "there is no referral server (topology.referral), so peers cannot find each other");
      return;
    }
    const Node* referral = FindHost(topology_.referral().host());
    if (referral == nullptr) return;
    std::set<std::string> asked;
    for (const proto::Session& session : cell_.session()) {
      for (const proto::Peer& peer : session.peer()) {
        const Node* host = FindHost(peer.host());
        if (host == nullptr || !asked.insert(peer.host()).second) continue;
        std::string first_why;
        bool has_way = false;
        for (const Port& port : referral->ports) {
          for (const IpPrefix& address : port.addresses) {
            std::string why;
            if (has_way || HasWay(*host, address.address(), &why)) {
              has_way = true;
            } else if (first_why.empty()) {
              first_why = absl::StrCat(address.address().ToString(), ": ", why);
            }
          }
        }
        if (!has_way) {
          problems_->Add(host->path, absl::StrCat(host->Called(), " has no way to the referral server on ",
                                                  referral->Called(), " (", first_why, ")"));
        }
      }
    }
  }

  const proto::Scenario& cell_;
  const proto::Topology& topology_;
  CellProblems* problems_;
  std::vector<Node> nodes_;
};

}  // namespace

void CheckCell(const proto::Scenario& cell, CellProblems* problems) { Checker(cell, problems).CheckAll(); }

}  // namespace pinhole::scenarios
