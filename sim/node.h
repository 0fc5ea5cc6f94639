#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "net/contract.h"
#include "net/host.h"
#include "net/time.h"
#include "sim/packet/node_id.h"
#include "sim/packet/packet.h"

namespace pinhole::sim {

class World;

// The argument that World::AddNode() adds in front of the arguments of a node's constructor. Only the world makes
// nodes.
struct NodeInit {
  World& world;
  NodeId id;
  absl::string_view name;
};

// A box of the simulated internet: packets come in by its interfaces, any number of packets go out.
//
// The world calls OnPacket(), OnEvent() and OnTimer(), one at a time and never from inside a call that the node makes.
// After each of these calls the world reads NextTimer(), and calls OnTimer() at that instant.
// A node belongs to its world and lives as long as its world.
class Node {
 public:
  // The loopback interface of a node with an IP stack, and the interface by which World::Loop() brings a packet in.
  static constexpr int kLoopbackInterface = 0;

  explicit Node(const NodeInit& init) : world_(init.world), id_(init.id), name_(init.name) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node() = default;

  NodeId id() const { return id_; }
  const std::string& name() const { return name_; }
  World& world() const { return world_; }

  // The interfaces in the order added. The index of an interface in this list is its net::InterfaceId.
  const std::vector<net::Interface>& interfaces() const { return interfaces_; }
  // The interface of an index. REQUIRES: the node has it.
  const net::Interface& interface_at(int index) const {
    PINHOLE_REQUIRES(index >= 0 && index < static_cast<int>(interfaces_.size()));
    return interfaces_[static_cast<std::size_t>(index)];
  }
  // Adds an interface that is up and has no addresses and an MTU of 1500 bytes. Gives its index. An interface that is
  // connected to several links bridges them, without a TTL step. So a home router with a LAN is one node, and a switch
  // is a node with one such interface.
  int AddInterface(absl::string_view name, net::InterfaceKind kind = net::InterfaceKind::kEthernet);
  // Called by the world when the links of an interface give it another MTU.
  void SetMtu(int interface, std::uint32_t mtu_bytes) { mutable_interface_at(interface).mtu_bytes = mtu_bytes; }

  // A packet has come in by interfaces()[interface]. On one network (links joined by bridges) a node gets
  // only packets sent to its own interface.
  virtual void OnPacket(int interface, PacketPtr packet) = 0;
  // The instant of an event that the node scheduled (World::Schedule) has come. `argument` is the value that the node
  // gave to World::Schedule().
  virtual void OnEvent(std::uint32_t argument) { (void)argument; }
  // When OnTimer() should be called; net::kNever: not at all. Only asked of a node that called UseTimer().
  virtual net::Instant NextTimer() const { return net::kNever; }
  // Early and repeated calls are harmless.
  virtual void OnTimer() {}
  bool uses_timer() const { return uses_timer_; }

 protected:
  // To be called by a node that has a timer, before NextTimer() is anything but net::kNever for the first time.
  void UseTimer() { uses_timer_ = true; }

  net::Interface& mutable_interface_at(int index) { return const_cast<net::Interface&>(interface_at(index)); }

  std::vector<net::Interface> interfaces_;

 private:
  World& world_;
  NodeId id_;
  std::string name_;
  bool uses_timer_ = false;
};

}  // namespace pinhole::sim
