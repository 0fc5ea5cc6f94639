#pragma once

#include <cstdint>
#include <vector>

#include "net/socket_address.h"
#include "scenarios/oracle/model.h"
#include "scenarios/oracle/passage.h"
#include "scenarios/oracle/prediction.h"
#include "scenarios/oracle/reachability.h"

// What the two explorations have in common: over UDP (reachability.cc) and over TCP (tcp_reachability.cc). Both open
// the servers' sockets, walk over the addresses of both sides, and say by which types of candidate a path is known.
namespace pinhole::scenarios::oracle {

struct ExploredCandidate {
  enum class Transport : std::uint8_t { kUdp, kTcpPassive, kTcpSimultaneousOpen };
  net::SocketAddress address;
  CandidateType type;
  Transport transport = Transport::kUdp;
  bool withheld = false;  // the other side is not told
};

class Exploration {
 protected:
  // REQUIRES: `model` outlives it.
  Exploration(const Model& model, Order order, Pooling pooling, Traffic traffic);
  ~Exploration() = default;

  // An address that a host may send from.
  struct LocalAddress {
    const Interface& interface;
    const net::IpAddress& address;
  };
  // All but loopback and link-local ones, interface by interface.
  std::vector<LocalAddress> AddressesOf(const Peer& peer) const;
  // The interface of the host that has the address, or nullptr.
  const Interface* InterfaceOf(int host, const net::IpAddress& address) const;

  const Peer& PeerOf(int side) const { return side == 0 ? model_.a : model_.b; }

  // The types under which `side` may know one of its own addresses. A withheld candidate may be known or found anew.
  std::vector<CandidateType> LocalTypes(int side, const net::SocketAddress& mapped) const;
  // The type under which `side` knows an address of the other side.
  CandidateType RemoteType(int side, const net::SocketAddress& remote) const;

  const Model& model_;
  const Order order_;
  Passage passage_;
  std::vector<std::vector<int>> server_sockets_;  // by server; empty if it is not up
  std::vector<ExploredCandidate> candidates_[2];  // by side: 0 is A, 1 is B
  std::uint16_t next_port_ = 50000;
};

}  // namespace pinhole::scenarios::oracle
