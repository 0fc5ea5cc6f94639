#include "scenarios/run/cell_run.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sim/boxes/firewall.h"
#include "sim/boxes/nat_box.h"
#include "sim/boxes/router.h"
#include "sim/boxes/switch.h"
#include "sim/host/program.h"

namespace pinhole::scenarios {

CellRun::CellRun(const CellPlan& plan, std::uint64_t seed, const Options& options)
    : plan_(plan), options_(options), world_(seed, options.world) {}

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
  for (const std::unique_ptr<Trial>& trial : trials_) hold = std::max(hold, trial->hold());
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

// Adds a node of the plan to the world. The node must not be a switch.
sim::HostNode* CellRun::AddNode(const PlannedNode& planned) {
  if (const PlannedNat* nat = std::get_if<PlannedNat>(&planned.part)) {
    return &world_.AddNode<sim::NatBox>(planned.name, sim::NatBoxOptions{.host = planned.host,
                                                                         .profile = nat->profile,
                                                                         .passes_ipv6 = nat->passes_ipv6,
                                                                         .ipv6_filter = nat->ipv6_filter,
                                                                         .egress = nat->egress});
  }
  if (const PlannedFirewall* firewall = std::get_if<PlannedFirewall>(&planned.part)) {
    return &world_.AddNode<sim::Firewall>(planned.name,
                                          sim::FirewallOptions{.host = planned.host,
                                                               .profile = firewall->filter,
                                                               .egress = firewall->egress,
                                                               .outside = static_cast<int>(firewall->outside) + 1});
  }
  if (const PlannedCore* core = std::get_if<PlannedCore>(&planned.part)) {
    return &world_.AddNode<sim::Router>(
        planned.name, sim::RouterOptions{.host = planned.host, .forwards_private = core->forwards_private});
  }
  if (std::holds_alternative<PlannedRouter>(planned.part)) {
    return &world_.AddNode<sim::Router>(planned.name,
                                        sim::RouterOptions{.host = planned.host, .forwards_private = true});
  }
  return &world_.AddNode<sim::HostNode>(planned.name, planned.host);
}

absl::Status CellRun::BuildNodes() {
  nodes_.reserve(plan_.nodes.size());
  hosts_.reserve(plan_.nodes.size());
  first_interface_.reserve(plan_.nodes.size());
  for (const PlannedNode& planned : plan_.nodes) {
    if (std::holds_alternative<PlannedSwitch>(planned.part)) {
      nodes_.push_back(&world_.AddNode<sim::Switch>(planned.name));
      hosts_.push_back(nullptr);
      first_interface_.push_back(0);
      continue;
    }
    sim::HostNode* const host = AddNode(planned);
    nodes_.push_back(host);
    hosts_.push_back(host);
    std::optional<int> first;
    for (const PlannedInterface& interface : planned.interfaces) {
      const int index = host->AddInterface(interface.name, interface.kind);
      if (!first) first = index;
      for (const net::InterfaceAddress& address : interface.addresses) {
        if (absl::Status status = host->AddAddress(index, address); !status.ok()) return status;
      }
    }
    first_interface_.push_back(first.value_or(0));
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
  if (plan_.referral) {
    sim::Program& machine = hosts_[plan_.referral->node]->AddProgram("referral");
    apps::ReferralServer::Options options;
    for (const net::SocketAddress& address : plan_.referral->addresses) {
      const net::SocketAddress any(net::IpAddress::Unspecified(address.family()), address.port());
      if (std::find(options.listen.begin(), options.listen.end(), any) == options.listen.end()) {
        options.listen.push_back(any);
      }
    }
    options.restarts = plan_.referral->restarts;
    referral_ = std::make_unique<apps::ReferralServer>(machine, std::move(options));
    machine.Start(*referral_);
  }
  pacers_.resize(plan_.nodes.size());
  const Trial::Stage stage = {.plan = plan_, .hosts = hosts_, .pacers = pacers_};
  trials_.reserve(plan_.trials.size());
  for (const std::shared_ptr<const PlannedTrial>& planned : plan_.trials) {
    trials_.push_back(planned->Make());
    trials_.back()->Start(stage);
  }
}

bool CellRun::Over() const {
  return std::all_of(trials_.begin(), trials_.end(), [](const std::unique_ptr<Trial>& trial) { return trial->Over(); });
}

std::uint64_t CellRun::nat_bindings() const {
  std::uint64_t bindings = 0;
  for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
    if (plan_.nodes[i].is_nat()) {
      bindings += static_cast<const sim::NatBox&>(*nodes_[i]).nat().counters().mappings_made;
    }
  }
  return bindings;
}

sim::Traffic SentByParticipants(const CellRun& run, const PlannedTrial& trial) {
  sim::Traffic sent;
  std::vector<std::uint32_t> counted;
  for (const PlannedParticipant& participant : trial.participants()) {
    if (std::find(counted.begin(), counted.end(), participant.node) != counted.end()) continue;
    counted.push_back(participant.node);
    sent += sim::Sum(run.world().node_counters(run.host(participant.node)).sent);
  }
  return sent;
}

}  // namespace pinhole::scenarios
