#include "scenarios/run/cell_run.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "apps/referral/referral_client.h"
#include "net/contract.h"
#include "sim/boxes/firewall.h"
#include "sim/boxes/nat_box.h"
#include "sim/boxes/router.h"
#include "sim/boxes/switch.h"
#include "sim/host/host_node.h"
#include "sim/host/program.h"

namespace pinhole::scenarios {
namespace {

CandidateType ToCandidateType(ice::CandidateType type) {
  switch (type) {
    case ice::CandidateType::kHost:
      return CandidateType::kHost;
    case ice::CandidateType::kPeerReflexive:
      return CandidateType::kPeerReflexive;
    case ice::CandidateType::kServerReflexive:
      return CandidateType::kServerReflexive;
    case ice::CandidateType::kRelayed:
      return CandidateType::kRelayed;
  }
  net::CannotHappen();
}

SideOutcome OutcomeOfSide(const apps::IceEndpoint& endpoint, const std::optional<ice::PairView>& pair) {
  SideOutcome side;
  side.connected = endpoint.state() == apps::EndpointState::kConnected;
  if (pair) {
    side.local_type = ToCandidateType(pair->mapped ? pair->mapped->type : pair->local.type);
    side.remote_type = ToCandidateType(pair->remote.type);
    side.ipv6 = pair->remote.address.address().is_v6();
    side.tcp = ice::IsTcp(pair->local.transport);
  }
  const apps::EndpointTimes& times = endpoint.times();
  side.gathered = times.gathered;
  side.first_valid = times.first_valid;
  side.nominated = times.nominated;
  side.first_data = times.first_data;
  side.connected_at = times.connected;
  if (!side.connected) side.failure = endpoint.Failure();
  return side;
}

// Where the peer sees the local end of this pair.
const net::SocketAddress& SeenAt(const ice::PairView& pair) {
  return pair.mapped ? pair.mapped->address : pair.local.address;
}

}  // namespace

bool AreOnePath(const ice::PairView& a, bool a_connected, const ice::PairView& b, bool b_connected) {
  return (a_connected || a.remote.address == SeenAt(b)) && (b_connected || b.remote.address == SeenAt(a));
}

int RelayTraversals(const sim::Lineage& lineage, net::PacketTag tag) {
  // Endpoints send data of their own accord, so whatever was sent because of another packet was sent by a relay.
  int traversals = 0;
  sim::PacketId id{static_cast<std::uint32_t>(tag.value)};
  while (id != sim::PacketId::kNone) {
    const sim::Lineage::Entry& entry = lineage.at(id);
    if (entry.relation == sim::Relation::kCausedBy) ++traversals;
    id = entry.parent;
  }
  return traversals;
}

CellRun::CellRun(const CellPlan& plan, std::uint64_t seed, const Options& options)
    : plan_(plan), options_(options), world_(seed, options.world), trials_(plan) {}

CellRun::~CellRun() = default;

absl::Status CellRun::Run() {
  if (absl::Status status = Build(); !status.ok()) {
    return absl::Status(absl::StatusCode::kInternal, absl::StrCat("world: ", status.message()));
  }
  StartPrograms();
  const net::Instant end = net::Instant(plan_.virtual_time_max);
  const bool over = world_.RunUntil(end, [this] {
    if (world_.events_run() >= plan_.events_max) out_of_events_ = true;
    return out_of_events_ || Over();
  });
  net::Duration hold{};
  for (const PlannedSession& session : plan_.sessions) hold = std::max(hold, session.hold);
  if (over && !out_of_events_ && hold > net::Duration::zero()) {
    world_.RunUntil(std::min(end, world_.now() + hold), [this] {
      if (world_.events_run() >= plan_.events_max) out_of_events_ = true;
      return out_of_events_;
    });
  }
  return absl::OkStatus();
}

absl::Status CellRun::Build() {
  if (options_.tracer != nullptr) world_.SetTracer(options_.tracer);
  if (!plan_.punchings.empty()) world_.SetTracer(&segments_.emplace(options_.tracer));
  if (absl::Status status = BuildNodes(); !status.ok()) return status;
  for (const PlannedLink& link : plan_.links) {
    const auto end = [this](const PlannedLink::End& one) {
      return sim::LinkEnd{nodes_[one.node], first_interface_[one.node] + static_cast<int>(one.interface)};
    };
    const absl::StatusOr<sim::LinkId> connected = world_.Connect(end(link.a), end(link.b), link.a_to_b, link.b_to_a);
    if (!connected.ok()) return connected.status();
  }
  for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
    for (const sim::Route& planned : plan_.nodes[i].routes) {
      sim::Route route = planned;
      route.interface += first_interface_[i];
      if (absl::Status status = hosts_[i]->AddRoute(route); !status.ok()) return status;
    }
  }
  if (options_.measure_peaks) {
    for (const sim::Node* node : nodes_) world_.MeasurePeak(*node);
  }
  return absl::OkStatus();
}

absl::Status CellRun::BuildNodes() {
  nodes_.reserve(plan_.nodes.size());
  hosts_.reserve(plan_.nodes.size());
  first_interface_.reserve(plan_.nodes.size());
  for (const PlannedNode& planned : plan_.nodes) {
    sim::HostNode* host = nullptr;
    switch (planned.kind) {
      case PlannedNodeKind::kHost:
        host = &world_.AddNode<sim::HostNode>(planned.name, planned.host);
        break;
      case PlannedNodeKind::kRouter:
      case PlannedNodeKind::kCore:
        host = &world_.AddNode<sim::Router>(
            planned.name, sim::RouterOptions{.host = planned.host, .forwards_private = planned.forwards_private});
        break;
      case PlannedNodeKind::kNat:
        host = &world_.AddNode<sim::NatBox>(planned.name, sim::NatBoxOptions{.host = planned.host,
                                                                             .profile = planned.nat,
                                                                             .passes_ipv6 = planned.passes_ipv6,
                                                                             .ipv6_filter = planned.filter,
                                                                             .egress = planned.egress});
        break;
      case PlannedNodeKind::kFirewall:
        host = &world_.AddNode<sim::Firewall>(planned.name,
                                              sim::FirewallOptions{.host = planned.host,
                                                                   .profile = *planned.filter,
                                                                   .egress = planned.egress,
                                                                   .outside = static_cast<int>(planned.outside) + 1});
        break;
      case PlannedNodeKind::kSwitch:
        nodes_.push_back(&world_.AddNode<sim::Switch>(planned.name));
        hosts_.push_back(nullptr);
        first_interface_.push_back(0);
        continue;
    }
    nodes_.push_back(host);
    hosts_.push_back(host);
    int first = -1;
    for (const PlannedInterface& interface : planned.interfaces) {
      const int index = host->AddInterface(interface.name, interface.kind);
      if (first < 0) first = index;
      for (const net::InterfaceAddress& address : interface.addresses) {
        if (absl::Status status = host->AddAddress(index, address); !status.ok()) return status;
      }
    }
    first_interface_.push_back(std::max(first, 0));
    for (std::size_t i = 0; i < planned.interfaces.size(); ++i) {
      if (!planned.interfaces[i].filters_sources) continue;
      static_cast<sim::Router*>(host)->FilterSourcesFrom(first_interface_.back() + static_cast<int>(i));
    }
  }
  return absl::OkStatus();
}

void CellRun::StartPrograms() {
  for (const PlannedServer& planned : plan_.servers) {
    if (planned.state == PlannedServer::State::kClosed) {
      servers_.push_back(nullptr);
      continue;
    }
    apps::StunTurnServer::Options options;
    options.listen = planned.listens;
    options.listen_tcp = planned.listens_tcp;
    options.turn = planned.turn;
    options.relay_addresses = planned.relay_addresses;
    options.realm = planned.realm;
    options.silent = planned.state == PlannedServer::State::kSilent;
    for (const PlannedServer::User& user : planned.users) options.users.push_back({user.name, user.password});
    sim::Program& machine = hosts_[planned.node]->AddProgram(planned.name);
    servers_.push_back(std::make_unique<apps::StunTurnServer>(machine, std::move(options)));
    machine.Start(*servers_.back());
  }
  if (plan_.referral_node) {
    sim::Program& machine = hosts_[*plan_.referral_node]->AddProgram("referral");
    apps::ReferralServer::Options options;
    for (const net::SocketAddress& address : plan_.referral_addresses) {
      const net::SocketAddress any(net::IpAddress::Unspecified(address.family()), address.port());
      if (std::find(options.listen.begin(), options.listen.end(), any) == options.listen.end()) {
        options.listen.push_back(any);
      }
    }
    options.restarts = plan_.referral_restarts;
    referral_ = std::make_unique<apps::ReferralServer>(machine, std::move(options));
    machine.Start(*referral_);
  }
  pacers_.resize(plan_.nodes.size());
  for (const PlannedSession& session : plan_.sessions) {
    for (const PlannedPeer& peer : session.peers) {
      sim::Program& machine = hosts_[peer.node]->AddProgram(absl::StrCat(session.name, "/", peer.name));
      auto channel = std::make_unique<apps::ReferralClient>(
          machine, apps::ReferralClient::Options{
                       .servers = plan_.referral_addresses, .session = session.name, .side = peer.name});
      endpoints_.push_back(
          std::make_unique<apps::IceEndpoint>(machine, peer.endpoint, std::move(channel), &pacers_[peer.node]));
      machine.Start(*endpoints_.back());
    }
  }
  trials_.Start(hosts_);
}

bool CellRun::Over() const {
  for (const std::unique_ptr<apps::IceEndpoint>& endpoint : endpoints_) {
    if (!endpoint->finished()) return false;
  }
  return trials_.Over();
}

const apps::IceEndpoint& CellRun::endpoint(std::size_t session, int side) const {
  return *endpoints_[2 * session + static_cast<std::size_t>(side)];
}

SessionOutcome CellRun::OutcomeOf(std::size_t session) const {
  const apps::IceEndpoint& a = endpoint(session, 0);
  const apps::IceEndpoint& b = endpoint(session, 1);
  SessionOutcome outcome;
  const std::optional<ice::PairView> a_pair = a.agent().SelectedPair(0, 1);
  const std::optional<ice::PairView> b_pair = b.agent().SelectedPair(0, 1);
  outcome.a = OutcomeOfSide(a, a_pair);
  outcome.b = OutcomeOfSide(b, b_pair);
  if (a_pair && b_pair) {
    outcome.agree = AreOnePath(*a_pair, outcome.a.connected, *b_pair, outcome.b.connected);
  }
  if (outcome.a.connected && outcome.b.connected) {
    outcome.relay_hops = std::max(RelayTraversals(world_.lineage(), a.first_data_tag()),
                                  RelayTraversals(world_.lineage(), b.first_data_tag()));
    // What comes out of a stream has no tag to be followed by: then the relays are those that the two ends own.
    const int own_relays =
        (a_pair->local.type == ice::CandidateType::kRelayed) + (b_pair->local.type == ice::CandidateType::kRelayed);
    outcome.relay_hops = std::max(outcome.relay_hops, own_relays);
    outcome.outcome = outcome.relay_hops > 0 ? Outcome::kRelayed : Outcome::kDirect;
  } else if (a.finished() && b.finished()) {
    outcome.outcome = Outcome::kFailed;
  }
  sim::Traffic sent;
  const PlannedSession& planned = plan_.sessions[session];
  sent += sim::Sum(world_.node_counters(*hosts_[planned.peers[0].node]).sent);
  if (planned.peers[1].node != planned.peers[0].node) {
    sent += sim::Sum(world_.node_counters(*hosts_[planned.peers[1].node]).sent);
  }
  outcome.packets = static_cast<std::int64_t>(sent.packets);
  outcome.wire_bytes = static_cast<std::int64_t>(sent.bytes);
  return outcome;
}

std::uint64_t CellRun::nat_bindings() const {
  std::uint64_t bindings = 0;
  for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
    if (plan_.nodes[i].kind == PlannedNodeKind::kNat) {
      bindings += static_cast<const sim::NatBox&>(*nodes_[i]).nat().counters().mappings_made;
    }
  }
  return bindings;
}

}  // namespace pinhole::scenarios
