#include "scenarios/run/session_plan.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "scenarios/conversion/agent_conversion.h"
#include "scenarios/oracle/extract.h"
#include "scenarios/run/session_trial.h"

namespace pinhole::scenarios {
namespace {

using std::chrono::microseconds;

// How long a side waits for the other side's description. The later start offset of the two is added to it.
constexpr net::Duration kExchangePatience = std::chrono::seconds(60);

// Returns the agent's options, with the addresses of the STUN and TURN servers that the peer uses.
ice::AgentOptions AgentOf(const proto::Peer& peer, const CellPlan& plan) {
  ice::AgentOptions agent = ToAgentOptions(peer.agent());
  // The first address of each family on which the server listens, like the addresses that DNS gives for a name.
  const auto addresses_of = [&plan](const std::string& name, std::vector<net::SocketAddress> PlannedServer::*over) {
    std::vector<net::SocketAddress> addresses;
    for (const PlannedServer& server : plan.servers) {
      if (server.name != name) continue;
      for (const net::SocketAddress& listens : server.*over) {
        const bool have = std::any_of(addresses.begin(), addresses.end(), [&](const net::SocketAddress& address) {
          return address.family() == listens.family();
        });
        if (!have) addresses.push_back(listens);
      }
    }
    return addresses;
  };
  for (const std::string& name : peer.stun_server()) {
    for (const net::SocketAddress& address : addresses_of(name, &PlannedServer::listens)) {
      agent.stun_servers.push_back(address);
    }
    if (!peer.agent().tcp().server_reflexive() || (!agent.tcp.passive && !agent.tcp.simultaneous_open)) continue;
    for (const net::SocketAddress& address : addresses_of(name, &PlannedServer::listens_tcp)) {
      agent.tcp.stun_servers.push_back(address);
    }
  }
  for (const std::string& name : peer.turn_server()) {
    if (peer.agent().turn_over() != proto::Agent::TurnOver::TCP) {
      for (const net::SocketAddress& address : addresses_of(name, &PlannedServer::listens)) {
        agent.turn_servers.push_back({.address = address,
                                      .username = peer.turn_user(),
                                      .password = peer.turn_password(),
                                      .transport = stun::Transport::kUdp});
      }
    }
    if (peer.agent().turn_over() == proto::Agent::TurnOver::UDP) continue;
    for (const net::SocketAddress& address : addresses_of(name, &PlannedServer::listens_tcp)) {
      agent.turn_servers.push_back({.address = address,
                                    .username = peer.turn_user(),
                                    .password = peer.turn_password(),
                                    .transport = stun::Transport::kTcp});
    }
  }
  return agent;
}

}  // namespace

PlannedSession::PlannedSession(const ResolvedCell& cell, int session, const CellPlan& plan)
    : PlannedTrial(cell.file().session(session).name()), session_(session) {
  const proto::Session& file = cell.file().session(session);
  hold_ = microseconds(file.hold_us());
  const net::Duration latest = microseconds(std::max(file.peer(0).start_offset_us(), file.peer(1).start_offset_us()));
  for (int side = 0; side < 2; ++side) {
    const proto::Peer& peer = file.peer(side);
    Peer& planned = peers_[side];
    planned.name = peer.name();
    planned.node = *cell.topology().HostIndex(peer.host());
    participants_.push_back({planned.name, planned.node});
    apps::IceEndpoint::Options& options = planned.endpoint;
    options.name = peer.name();
    options.agent = AgentOf(peer, plan);
    options.start_offset = microseconds(peer.start_offset_us());
    options.exchange_patience = kExchangePatience + latest;
    // The endpoint must give up before the agent does, because the endpoint reports the reason.
    options.agent.exchange_wait = std::max(options.agent.exchange_wait, options.exchange_patience);
    options.data.datagrams = file.data().datagrams();
    options.data.payload_bytes = file.data().payload_bytes();
    options.data.interval = microseconds(file.data().interval_us());
    options.data.hold = file.hold_us() > 0;
  }
}

std::unique_ptr<Trial> PlannedSession::Make() const { return std::make_unique<SessionTrial>(*this); }

absl::StatusOr<Prediction> PlannedSession::Predict(const proto::Scenario& cell) const {
  return scenarios::Predict(cell, session_);
}

}  // namespace pinhole::scenarios
