#include "scenarios/language/check_cell.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "net/ip_address.h"
#include "scenarios/conversion/agent_conversion.h"
#include "scenarios/conversion/firewall_conversion.h"
#include "scenarios/conversion/nat_conversion.h"
#include "scenarios/language/topology.h"
#include "scenarios/language/trials.h"
#include "scenarios/language/way.h"

namespace pinhole::scenarios {
namespace {

using net::Family;
using net::IpAddress;
using net::IpPrefix;

constexpr std::size_t kUserNameBytesMax = 508;  // RFC 8489 §14.3
constexpr std::size_t kRealmBytesMax = 127;     // RFC 8489 §14.9

class Checker {
 public:
  Checker(const ResolvedCell& cell, CellProblems* problems)
      : cell_(cell.file()), file_(cell.file().topology()), topology_(cell.topology()), problems_(problems) {}

  void CheckAll() {
    CheckNodes();
    CheckAddresses();
    CheckNats();
    CheckFirewalls();
    CheckServers();
    CheckHosts();
    CheckTrials(cell_, topology_, problems_);
    CheckSessions();
    CheckPunchings();
    // Follows packets only if the network has no other mistake so far.
    if (!problems_->found() && cell_.session_size() > 0) CheckWaysToReferral();
  }

 private:
  void CheckNodes() {
    std::map<std::string, const TopologyNode*> by_name;
    for (const TopologyNode& node : topology_.nodes()) {
      const auto [it, added] = by_name.emplace(node.name, &node);
      if (!added) {
        problems_->Add(node.path(), absl::StrCat(node.Called(), " has the name of ", it->second->Called(), " (",
                                                 problems_->PlaceOf(it->second->path()), ")"));
      }
      if (node.interfaces.empty() || (node.nat != nullptr && node.interfaces.size() < 2)) {
        problems_->Add(node.path(), absl::StrCat(node.Called(), node.nat != nullptr ? " has no inside interface"
                                                                                    : " has no interface"));
      }
      const bool addressed =
          std::any_of(node.interfaces.begin(), node.interfaces.end(),
                      [](const TopologyInterface& interface) { return !interface.addresses.empty(); });
      if (!addressed && !node.interfaces.empty())
        problems_->Add(node.path(), absl::StrCat(node.Called(), " has no address"));
    }
  }

  // Returns the number of the domain of each network. Networks between which packets of the address family travel
  // without translation are one domain.
  std::vector<std::uint32_t> Domains(Family family) const {
    std::vector<std::uint32_t> domain(topology_.networks().size());
    std::iota(domain.begin(), domain.end(), 0);
    const auto join = [&](std::uint32_t a, std::uint32_t b) {
      const std::uint32_t from = domain[b];
      const std::uint32_t to = domain[a];
      std::replace(domain.begin(), domain.end(), from, to);
    };
    for (const TopologyNode& node : topology_.nodes()) {
      if (node.is_host()) continue;
      const TopologyInterface* first = nullptr;
      for (const TopologyInterface& interface : node.interfaces) {
        if (node.nat != nullptr && family == Family::kIpv6 && node.nat->ipv6() == proto::Nat::DROP) continue;
        if (node.nat != nullptr && family == Family::kIpv4) {
          if (interface.outside || !node.nat->routes_between_inside_networks()) continue;
        }
        if (first == nullptr) {
          first = &interface;
        } else {
          join(first->network, interface.network);
        }
      }
    }
    return domain;
  }

  void CheckAddresses() {
    struct Use {
      const TopologyNode* node;
      const TopologyInterface* interface;
      std::size_t index;  // of the address
      std::string path() const { return absl::StrCat(node->PathOf(*interface), ".address[", index, "]"); }
    };
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      const std::vector<std::uint32_t> domains = Domains(family);
      std::map<std::pair<std::uint32_t, IpAddress>, Use> used;
      for (const TopologyNode& node : topology_.nodes()) {
        for (const TopologyInterface& interface : node.interfaces) {
          for (std::size_t i = 0; i < interface.addresses.size(); ++i) {
            const IpAddress& address = interface.addresses[i].address();
            if (address.family() != family) continue;
            const Use use{&node, &interface, i};
            if (address.IsUnspecified() || address.IsMulticast() || address.IsLoopback()) {
              problems_->Add(use.path(), absl::StrCat(address.ToString(), " cannot be an interface's address"));
              continue;
            }
            const auto [it, added] = used.try_emplace({domains[interface.network], address}, use);
            if (!added) {
              problems_->Add(use.path(), absl::StrCat(node.Called(), " has address ", address.ToString(), ", which ",
                                                      it->second.node->Called(), " has in the same routing domain (",
                                                      problems_->PlaceOf(it->second.path()), ")"));
            }
          }
        }
      }
    }
    for (std::size_t n = 0; n < topology_.networks().size(); ++n) {
      const proto::Network& network = *topology_.networks()[n].file;
      if (!network.has_core_address()) continue;
      const std::string path = absl::StrCat("topology.network[", network.name(), "].core_address");
      const std::optional<IpAddress>& address = topology_.networks()[n].core_address;
      const TopologyNode* owner = address ? topology_.FindOwner(static_cast<std::uint32_t>(n), *address) : nullptr;
      if (network.kind() != proto::Network::INTERNET) {
        problems_->Add(path, absl::StrCat("network \"", network.name(), "\" is a LAN, which has no core"));
      } else if (!address || address->IsUnspecified() || address->IsMulticast() || address->IsLoopback()) {
        problems_->Add(path, absl::StrCat("\"", network.core_address(), "\" cannot be a router's address"));
      } else if (owner != nullptr) {
        problems_->Add(path, absl::StrCat(owner->Called(), " has address ", network.core_address(), " too"));
      }
    }
    for (const TopologyNode& node : topology_.nodes()) {
      for (const TopologyInterface& interface : node.interfaces) {
        for (std::size_t i = 0; i < interface.gateways.size(); ++i) {
          const IpAddress& gateway = interface.gateways[i];
          if (topology_.FindOwner(interface.network, gateway) != nullptr) continue;
          problems_->Add(absl::StrCat(node.PathOf(interface), ".gateway[", i, "]"),
                         absl::StrCat("nobody on \"", topology_.NetworkOf(interface).file->name(),
                                      "\" has the gateway's address ", gateway.ToString()));
        }
      }
    }
  }

  void CheckNats() {
    for (const TopologyNode& node : topology_.nodes()) {
      if (node.nat == nullptr || node.interfaces.empty()) continue;
      const TopologyInterface& outside = node.interfaces[0];
      const bool has_v4 = std::any_of(outside.addresses.begin(), outside.addresses.end(),
                                      [](const IpPrefix& own) { return own.address().is_v4(); });
      if (!has_v4) {
        problems_->Add(node.PathOf(outside),
                       absl::StrCat(node.Called(), " has no IPv4 address outside, so nothing to map to"));
      }
      for (const TopologyInterface& interface : node.interfaces) {
        if (&interface != &outside && interface.network == outside.network) {
          problems_->Add(node.PathOf(interface),
                         absl::StrCat(node.Called(), " has network \"", topology_.NetworkOf(interface).file->name(),
                                      "\" inside and outside"));
        }
      }
      bool sound = true;
      const auto check_address = [&](absl::string_view list, int i, const std::string& text, absl::string_view field) {
        const std::optional<IpAddress> address = IpAddress::Parse(text);
        if (address && address->is_v4()) return;
        sound = false;
        problems_->Add(absl::StrCat(node.path(), ".", list, "[", i, "].", field),
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
        problems_->Add(absl::StrCat(node.path(), ".", found->field),
                       absl::StrCat(node.Called(), ": contradictory profile: ", found->field, ": ", found->why));
      }
    }
  }

  void CheckFirewalls() {
    const auto report = [&](const char* kind, const std::string& name, const std::optional<Contradiction>& found) {
      if (!found) return;
      problems_->Add(absl::StrCat("topology.", kind, "[", name, "].firewall.", found->field),
                     absl::StrCat(kind, " \"", name, "\": firewall.", found->field, ": ", found->why));
    };
    for (const proto::Nat& nat : file_.nat()) {
      if (nat.has_firewall()) report("nat", nat.name(), FindFirewallContradiction(nat));
    }
    for (const proto::Router& router : file_.router()) report("router", router.name(), FindContradiction(router));
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
    std::set<std::pair<IpAddress, std::uint32_t>> listening_tcp;
    for (const TopologyServer& one : topology_.servers()) {
      if (!one.node) continue;
      const TopologyNode& host = topology_.nodes()[*one.node];
      const proto::Server& server = *one.file;
      const std::string path = absl::StrCat("topology.server[", server.name(), "]");
      CheckCredentials(server, path);
      const auto owns = [&](const IpAddress& address, const std::string& text, const std::string& where) {
        if (host.Owns(address)) return true;
        problems_->Add(where,
                       absl::StrCat("server \"", server.name(), "\": ", text, " is no address of ", host.Called()));
        return false;
      };
      for (std::size_t i = 0; i < one.addresses.size(); ++i) {
        const IpAddress& address = one.addresses[i];
        if (!owns(address, server.address(static_cast<int>(i)), absl::StrCat(path, ".address[", i, "]"))) continue;
        if (server.has_tcp_port() && !listening_tcp.emplace(address, server.tcp_port()).second) {
          problems_->Add(path, absl::StrCat("server \"", server.name(), "\": another one listens on ",
                                            address.ToString(), " TCP port ", server.tcp_port()));
        }
        const auto [it, added] = listening.emplace(std::pair(address, server.port()), server.name());
        if (!added) {
          problems_->Add(path, absl::StrCat("servers \"", it->second, "\" and \"", server.name(), "\" both listen on ",
                                            address.ToString(), " port ", server.port()));
        }
      }
      for (std::size_t i = 0; i < one.relay_addresses.size(); ++i) {
        // The relay addresses are by default the server's addresses, which were checked above.
        const std::string& text = server.relay_address(static_cast<int>(i));
        if (std::find(server.address().begin(), server.address().end(), text) != server.address().end()) continue;
        owns(one.relay_addresses[i], text, absl::StrCat(path, ".relay_address[", i, "]"));
      }
    }
  }

  void CheckTcp(const proto::Peer& peer, const std::string& path) {
    const proto::Agent& agent = peer.agent();
    const proto::Tcp& tcp = agent.tcp();
    const bool any = tcp.active() || tcp.passive() || tcp.simultaneous_open();
    if (!any && (tcp.has_head_start_us() || tcp.has_on_reset() || tcp.has_private_address_limit())) {
      problems_->Add(absl::StrCat(path, ".tcp"), "tcp has no effect without a type of candidate");
    }
    if (tcp.has_retry_pause_us() && tcp.on_reset() != proto::Tcp::OnReset::RETRY) {
      problems_->Add(absl::StrCat(path, ".tcp.retry_pause_us"),
                     "retry_pause_us has no effect unless on_reset is RETRY");
    }
    const bool turn_over_tcp = agent.turn_over() != proto::Agent::TurnOver::UDP;
    if (agent.withhold_udp() && !any && !turn_over_tcp) {
      problems_->Add(absl::StrCat(path, ".withhold_udp"),
                     absl::StrCat("peer \"", peer.name(), "\" has neither UDP nor TCP"));
    }
    if (!turn_over_tcp) return;
    for (const std::string& name : peer.turn_server()) {
      for (const proto::Server& server : file_.server()) {
        if (server.name() != name || server.has_tcp_port()) continue;
        problems_->Add(absl::StrCat(path, ".turn_over"),
                       absl::StrCat("server \"", name, "\" has no tcp_port to be reached over TCP"));
      }
    }
  }

  void CheckHosts() {
    for (const proto::Host& host : file_.host()) {
      if (host.ephemeral_port_first() > host.ephemeral_port_last()) {
        problems_->Add(absl::StrCat("topology.host[", host.name(), "].ephemeral_port_first"),
                       absl::StrCat("host \"", host.name(), "\": there is no port from ", host.ephemeral_port_first(),
                                    " to ", host.ephemeral_port_last()));
      }
    }
  }

  // Checks the agent's options by the rules of the ICE engine, unless another mistake of the cell is known already.
  void CheckByEngine(const proto::Peer& peer, const std::string& path) {
    if (problems_->found()) return;
    ice::AgentOptions options = ToAgentOptions(peer.agent());
    if (peer.turn_server_size() > 0 && peer.agent().turn_over() != proto::Agent::TurnOver::UDP) {
      options.turn_servers.push_back({.transport = stun::Transport::kTcp});
    }
    if (const absl::Status status = ice::Validate(options); !status.ok()) {
      problems_->Add(path, absl::StrCat("peer \"", peer.name(), "\": ", status.message()));
    }
  }

  void CheckSessions() {
    for (const proto::Session& session : cell_.session()) {
      const std::string path = absl::StrCat("session[", session.name(), "]");
      if (session.peer_size() != 2) continue;
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
        CheckTcp(peer, agent_path);
        if (agent.withhold_host() && agent.withhold_srflx() && agent.withhold_relay()) {
          problems_->Add(agent_path, absl::StrCat("peer \"", peer.name(), "\" withholds every type of candidate"));
        }
        CheckByEngine(peer, agent_path);
      }
    }
  }

  void CheckPunchings() {
    for (const proto::Punching& punching : cell_.punching()) {
      // With SYN_THEN_LISTEN, B starts when A says that it is ready, and not half a round trip later. So an error in
      // ppm of the round trip has no meaning, and B can only be late.
      if (punching.technique() != proto::Punching::SYN_THEN_LISTEN) continue;
      const std::string path = absl::StrCat("punching[", punching.name(), "]");
      const std::string who = absl::StrCat("punching \"", punching.name(), "\"");
      if (punching.timing_error_ppm() != 0) {
        problems_->Add(absl::StrCat(path, ".timing_error_ppm"),
                       absl::StrCat(who, " by SYN_THEN_LISTEN times nothing by the round trip; say timing_error_us"));
      }
      if (punching.timing_error_us() < 0) {
        problems_->Add(absl::StrCat(path, ".timing_error_us"),
                       absl::StrCat(who, " by SYN_THEN_LISTEN: B cannot act before A has told it to"));
      }
    }
  }

  void CheckWaysToReferral() {
    if (!file_.has_referral()) {
      problems_->Add("topology", "there is no referral server (topology.referral), so peers cannot find each other");
      return;
    }
    if (!topology_.referral_node()) return;
    const TopologyNode& referral = topology_.nodes()[*topology_.referral_node()];
    std::uint64_t up_since = 0;
    for (int i = 0; i < file_.referral().restart_size(); ++i) {
      const proto::Referral::Restart& restart = file_.referral().restart(i);
      if (restart.at_us() < up_since) {
        problems_->Add(absl::StrCat("topology.referral.restart[", i, "].at_us"),
                       absl::StrCat("referral: the server is not up again before ", up_since, " us"));
      }
      up_since = restart.at_us() + restart.down_us();
    }
    std::set<std::string> asked;
    for (const proto::Session& session : cell_.session()) {
      for (const proto::Peer& peer : session.peer()) {
        const TopologyNode* host = topology_.FindHost(peer.host());
        if (host == nullptr || !asked.insert(peer.host()).second) continue;
        std::string first_why;
        bool has_way = false;
        for (const TopologyInterface& interface : referral.interfaces) {
          for (const IpPrefix& address : interface.addresses) {
            const std::string why =
                has_way ? "" : WhyNoWay(topology_, *host, address.address(), file_.referral().port());
            has_way = has_way || why.empty();
            if (first_why.empty()) first_why = absl::StrCat(address.address().ToString(), ": ", why);
          }
        }
        if (!has_way) {
          problems_->Add(host->path(), absl::StrCat(host->Called(), " has no way to the referral server on ",
                                                    referral.Called(), " (", first_why, ")"));
        }
      }
    }
  }

  const proto::Scenario& cell_;
  const proto::Topology& file_;
  const Topology& topology_;
  CellProblems* problems_;
};

}  // namespace

void CheckCell(const ResolvedCell& cell, CellProblems* problems) { Checker(cell, problems).CheckAll(); }

}  // namespace pinhole::scenarios
