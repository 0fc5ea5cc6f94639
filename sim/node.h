#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "net/host.h"
#include "net/time.h"
#include "sim/packet/packet.h"
#include "sim/packet/rule.h"

namespace pinhole::sim {

class World;

// Index of a node in its world, in the order added.
enum class NodeId : std::uint32_t {};

// What World::AddNode() hands to a node's constructor; nobody else makes nodes.
struct NodeInit {
  World& world;
  NodeId id;
  absl::string_view name;
};

// A box of the simulated internet: packets come in by its interfaces, any number of packets go out.
//
// The world calls OnPacket() and OnTimer(), one at a time and never from inside a call that the node makes.
// After each call it reads NextTimer() and sees to it that OnTimer() comes then.
// Owned by its World, in which it lives as long as that does.
class Node {
 public:
  // `interface` of an interface that is not connected.
  static constexpr std::uint32_t kNotAttached = 0xffffffff;

  explicit Node(const NodeInit& init) : world_(init.world), id_(init.id), name_(init.name) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node() = default;

  NodeId id() const { return id_; }
  const std::string& name() const { return name_; }
  World& world() const { return world_; }

  // In the order added; an interface's index is its net::InterfaceId. A node with an IP stack (HostNode)
  // has its loopback interface at 0.
  const std::vector<net::Interface>& interfaces() const { return interfaces_; }
  // Adds an interface without addresses, up, MTU 1500; gives its index. One that is connected to several
  // links bridges them (no TTL step): a home router with a LAN is one node, a switch is a node with one
  // such interface.
  int AddInterface(absl::string_view name, net::InterfaceKind kind = net::InterfaceKind::kEthernet);

  // A packet has come in by interfaces()[interface]. On one network (links joined by bridges) a node gets
  // only packets sent to its own interface.
  virtual void OnPacket(int interface, PacketPtr packet) = 0;
  // When OnTimer() should come; net::kNever: not at all. Only asked of a node that said UsesTimer().
  virtual net::Instant NextTimer() const { return net::kNever; }
  // Early and repeated calls are harmless.
  virtual void OnTimer() {}

 protected:
  // To be called by a node that has a NextTimer(), before it is first not net::kNever.
  void UsesTimer() { uses_timer_ = true; }
  // The node's addresses have changed: neighbours find it by the new ones.
  void AddressesChanged();

  std::vector<net::Interface> interfaces_;

 private:
  friend class World;

  World& world_;
  NodeId id_;
  std::string name_;
  std::vector<std::uint32_t> attachments_;  // by interface: index in World's attachments
  bool uses_timer_ = false;
  net::Instant timer_at_ = net::kNever;
  std::uint64_t timer_event_ = 0;
};

}  // namespace pinhole::sim
