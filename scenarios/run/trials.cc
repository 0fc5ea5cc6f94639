#include "scenarios/run/trials.h"

#include "absl/strings/str_cat.h"
#include "sim/host/host_node.h"
#include "sim/host/program.h"

namespace pinhole::scenarios {

void Trials::Start(std::span<sim::HostNode* const> hosts) {
  for (const PlannedPunching& planned : plan_.punchings) {
    sim::Program& meeting = hosts[planned.rendezvous_node]->AddProgram(absl::StrCat(planned.name, "/rendezvous"));
    apps::PunchingRendezvous::Options options;
    options.listen = planned.rendezvous;
    rendezvous_.push_back(std::make_unique<apps::PunchingRendezvous>(meeting, options));
    meeting.Start(*rendezvous_.back());
    for (const PlannedPunching::Peer& peer : planned.peers) {
      sim::Program& machine = hosts[peer.node]->AddProgram(absl::StrCat(planned.name, "/", peer.name));
      peers_.push_back(std::make_unique<apps::TcpPunching>(machine, peer.options));
      machine.Start(*peers_.back());
    }
  }
  for (const PlannedNatCheck& planned : plan_.nat_checks) {
    for (int i = 0; i < 3; ++i) {
      sim::Program& machine = hosts[planned.server_nodes[i]]->AddProgram(absl::StrCat(planned.name, "/server"));
      apps::NatCheckServer::Options options;
      options.number = i + 1;
      options.listen = planned.client.servers[i];
      options.server_3 = planned.client.servers[2];
      servers_.push_back(std::make_unique<apps::NatCheckServer>(machine, options));
      machine.Start(*servers_.back());
    }
    sim::Program& machine = hosts[planned.client_node]->AddProgram(absl::StrCat(planned.name, "/client"));
    clients_.push_back(std::make_unique<apps::NatCheckClient>(machine, planned.client));
    machine.Start(*clients_.back());
  }
}

bool Trials::Over() const {
  for (const std::unique_ptr<apps::TcpPunching>& peer : peers_) {
    if (!peer->finished()) return false;
  }
  for (const std::unique_ptr<apps::NatCheckClient>& client : clients_) {
    if (!client->finished()) return false;
  }
  return true;
}

}  // namespace pinhole::scenarios
