// The constructor opens a socket for each address on which a server that is up listens: the TCP addresses for an
// exploration over TCP, otherwise the UDP addresses. A server that is not up has no socket, so that requests to it find
// no listener.
//
// LocalTypes() and RemoteType() search the candidates in the order in which they were gathered. The first candidate
// with the address that is not withheld decides. If there is none, the type is peer-reflexive.

#include "scenarios/oracle/exploration.h"

#include <algorithm>

namespace pinhole::scenarios::oracle {

Exploration::Exploration(const Model& model, Order order, Pooling pooling, Traffic traffic)
    : model_(model), order_(order), passage_(model, pooling, traffic) {
  for (const Server& server : model.servers) {
    server_sockets_.emplace_back();
    for (const net::SocketAddress& address : traffic == Traffic::kTcp ? server.listens_tcp : server.listens) {
      const Interface* interface = InterfaceOf(server.host, address.address());
      if (interface == nullptr || !server.up) continue;
      server_sockets_.back().push_back(passage_.AddSocket(*interface, address));
    }
  }
}

std::vector<Exploration::LocalAddress> Exploration::AddressesOf(const Peer& peer) const {
  std::vector<LocalAddress> addresses;
  for (const Interface& interface : model_.hosts[static_cast<std::size_t>(peer.host)].interfaces) {
    for (const net::IpAddress& address : interface.addresses) {
      if (!address.IsLoopback() && !address.IsLinkLocal()) addresses.push_back({interface, address});
    }
  }
  return addresses;
}

const Interface* Exploration::InterfaceOf(int host, const net::IpAddress& address) const {
  for (const Interface& interface : model_.hosts[static_cast<std::size_t>(host)].interfaces) {
    const std::vector<net::IpAddress>& own = interface.addresses;
    if (std::find(own.begin(), own.end(), address) != own.end()) return &interface;
  }
  return nullptr;
}

std::vector<CandidateType> Exploration::LocalTypes(int side, const net::SocketAddress& mapped) const {
  std::vector<CandidateType> types;
  for (const ExploredCandidate& candidate : candidates_[side]) {
    if (candidate.address != mapped) continue;
    types.push_back(candidate.type);
    if (!candidate.withheld) return types;
  }
  types.push_back(CandidateType::kPeerReflexive);
  return types;
}

CandidateType Exploration::RemoteType(int side, const net::SocketAddress& remote) const {
  for (const ExploredCandidate& candidate : candidates_[1 - side]) {
    if (candidate.address == remote && !candidate.withheld) return candidate.type;
  }
  return CandidateType::kPeerReflexive;
}

}  // namespace pinhole::scenarios::oracle
