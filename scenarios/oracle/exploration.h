#pragma once

#include <cstdint>
#include <vector>

#include "net/socket_address.h"
#include "scenarios/oracle/model.h"
#include "scenarios/oracle/passage.h"
#include "scenarios/oracle/prediction.h"
#include "scenarios/oracle/reachability.h"

// The common base class of the two explorations: over UDP (reachability.cc) and over TCP (tcp_reachability.cc). It
// opens the sockets of the servers, lists the addresses of both sides, and names the types of candidates of a path.
//
// The rule for types: a side names an address by the candidate that it knows. It knows its own candidates, and those of
// the other side that were signalled. An address that is no such candidate is learned from a check, and is
// peer-reflexive (RFC 8445 §7.2.5.3.1 and §7.3.1.3). A candidate that its owner withholds from signalling may be known
// to the owner under its own type or as peer-reflexive, so both types are possible.
namespace pinhole::scenarios::oracle {

// A candidate of one side.
struct ExploredCandidate {
  enum class Transport : std::uint8_t { kUdp, kTcpPassive, kTcpSimultaneousOpen };
  net::SocketAddress address;
  CandidateType type;
  Transport transport = Transport::kUdp;
  bool withheld = false;  // not signalled to the other side
};

class Exploration {
 protected:
  // REQUIRES: `model` outlives the Exploration.
  Exploration(const Model& model, Order order, Pooling pooling, Traffic traffic);
  ~Exploration() = default;

  // An address that a host may send from.
  struct LocalAddress {
    const Interface& interface;
    const net::IpAddress& address;
  };
  // All addresses of the peer's host except loopback and link-local ones, in the order of the interfaces.
  std::vector<LocalAddress> AddressesOf(const Peer& peer) const;
  // The interface of the host that has the address, or nullptr.
  const Interface* InterfaceOf(int host, const net::IpAddress& address) const;

  const Peer& PeerOf(int side) const { return side == 0 ? model_.a : model_.b; }

  // The types under which `side` may know its own address `mapped`. For a withheld candidate these are its own type and
  // peer-reflexive.
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
