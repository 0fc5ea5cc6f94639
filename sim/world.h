#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/host.h"
#include "net/time.h"
#include "sim/counters.h"
#include "sim/digest.h"
#include "sim/drop_log.h"
#include "sim/event_queue.h"
#include "sim/host_node.h"
#include "sim/lineage.h"
#include "sim/link.h"
#include "sim/node.h"
#include "sim/packet_pool.h"
#include "sim/payload_pool.h"
#include "sim/router.h"
#include "sim/tracer.h"

namespace pinhole::sim {

// Index of a link in its world, in the order connected.
enum class LinkId : std::uint32_t {};

// One end of a link.
struct LinkEnd {
  Node* node = nullptr;
  int interface = 0;
};

struct WorldOptions {
  std::size_t drop_log_limit = 65536;  // records kept
  bool digests = true;
};

// One simulated internet and its virtual time, from 0. One thread; worlds share nothing, so many may run at
// once. The same calls with the same seed give the same run, to the last bit, on every machine.
//
//     World world(seed);
//     HostNode& alice = world.AddHost("alice");
//     HostNode& bob = world.AddHost("bob");
//     const int a = alice.AddInterface("eth0"), b = bob.AddInterface("eth0");
//     alice.AddAddress(a, {.address = V4(192, 0, 2, 1), .prefix_length = 24});
//     bob.AddAddress(b, {.address = V4(192, 0, 2, 2), .prefix_length = 24});
//     world.Connect({&alice, a}, {&bob, b}, {.delay = 10ms});
//     net::Host& machine = world.StartProgram(alice, "ping", ping);
//     world.RunUntil(Instant(5s));
class World {
 public:
  explicit World(std::uint64_t seed, const WorldOptions& options = {});
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  // Building. Nodes live as long as the world. Names are for random streams, traces and messages: different
  // for each node.
  template <typename NodeType, typename... Arguments>
  NodeType& AddNode(absl::string_view name, Arguments&&... arguments) {
    const NodeId id{static_cast<std::uint32_t>(nodes_.size())};
    auto node = std::make_unique<NodeType>(NodeInit{*this, id, name}, std::forward<Arguments>(arguments)...);
    NodeType& added = *node;
    nodes_.push_back(std::move(node));
    return added;
  }
  HostNode& AddHost(absl::string_view name, const HostOptions& options = {}) {
    return AddNode<HostNode>(name, options);
  }
  Router& AddRouter(absl::string_view name, const RouterOptions& options = {}) {
    return AddNode<Router>(name, options);
  }
  Switch& AddSwitch(absl::string_view name) { return AddNode<Switch>(name); }

  // InvalidArgument: an interface that is not there, a loopback, an end linked to itself, or a profile that
  // Validate() refuses.
  absl::StatusOr<LinkId> Connect(const LinkEnd& a, const LinkEnd& b, const LinkProfile& a_to_b,
                                 const LinkProfile& b_to_a);
  absl::StatusOr<LinkId> Connect(const LinkEnd& a, const LinkEnd& b, const LinkProfile& both_ways) {
    return Connect(a, b, both_ways, both_ways);
  }
  // What is wrong with what was built: an address twice on one network, a loop of bridges. Names the nodes.
  absl::Status Check();

  // A program on a machine, one of any number. `app` gets OnStart() at `at` (or at once if that is past) and
  // outlives the world's runs. The host that it sees lives as long as the world. `name` is different for
  // each program of a node.
  net::Host& StartProgram(HostNode& node, absl::string_view name, net::App& app, net::Instant at = {}) {
    net::Host& host = AddProgram(node, name);
    Start(host, app, at);
    return host;
  }
  // The same in two steps, for a program that is made with its host. `host`: what AddProgram() of this world gave.
  net::Host& AddProgram(HostNode& node, absl::string_view name);
  void Start(net::Host& host, net::App& app, net::Instant at = {});

  // Running. `Step` runs one event: false if there is none, or none until `limit`.
  net::Instant now() const { return events_.now(); }
  bool Step(net::Instant limit = net::Instant::max());
  // Runs all events up to `until`, which is included; then now() == until.
  void RunUntil(net::Instant until);
  // Runs until `done()`, asked after each event, is true; false if `until` came first (then now() == until).
  template <typename Done>
  bool RunUntil(net::Instant until, Done done) {
    while (!done()) {
      if (!Step(until)) {
        if (until > now()) events_.AdvanceTo(until);
        return false;
      }
    }
    return true;
  }
  std::uint64_t events_run() const { return events_run_; }

  // Changing links while the run lasts: takes hold with the next packet sent.
  enum class Direction : std::uint8_t { kAToB, kBToA };
  void SetLinkProfile(LinkId link, Direction direction, const LinkProfile& profile);
  const LinkDirection& link(LinkId link, Direction direction) const;
  std::size_t link_count() const { return links_.size() / 2; }

  // Results.
  const Node& node(NodeId id) const { return *nodes_[static_cast<std::uint32_t>(id)]; }
  Node& node(NodeId id) { return *nodes_[static_cast<std::uint32_t>(id)]; }
  std::size_t node_count() const { return nodes_.size(); }
  Node* FindNode(absl::string_view name);
  std::uint64_t wire_digest() const { return digest_.wire(); }
  std::uint64_t full_digest() const { return digest_.full(); }
  TrafficCounters interface_counters(const Node& node, int interface) const;
  TrafficCounters node_counters(const Node& node) const;
  // The most that was sent in any second (PeakMeter). Zero for nodes without MeasurePeak().
  Traffic interface_peak(const Node& node, int interface) const;
  Traffic node_peak(const Node& node) const;
  // Keeps peaks for this node and the interfaces that are linked so far, from now on.
  void MeasurePeak(const Node& node);
  const DropLog& drops() const { return drops_; }
  const Lineage& lineage() const { return lineage_; }
  std::uint64_t packet_hops() const { return packet_hops_; }

  // The bytes of a packet's payload, for a tracer.
  net::ByteView payload(const Packet& packet) const { return payloads_.bytes(packet.payload); }
  // Sees every packet event from now on; nullptr: nobody. Outlives the runs it sees.
  void SetTracer(Tracer* tracer) { tracer_ = tracer; }

  // For nodes and their tests.
  std::uint64_t seed() const { return seed_; }
  PacketPool& packets() { return packets_; }
  PayloadPool& payloads() { return payloads_; }
  // Gives `packet` a new id, whose parent is the one it had, as a translator does.
  void Rename(Packet& packet, Relation relation) {
    packet.parent = packet.id;
    packet.id = lineage_.Add(packet.parent, relation);
  }
  PacketId NewPacketId(PacketId parent, Relation relation) { return lineage_.Add(parent, relation); }
  // What a new packet is for. kOther: the same as the packet behind it, so that what a relay passes on keeps its class.
  void Classify(Packet& packet, net::PacketClass packet_class) {
    if (packet_class != net::PacketClass::kOther) lineage_.SetPacketClass(packet.id, packet_class);
    packet.packet_class = lineage_.at(packet.id).packet_class;
  }
  // Ends a packet. Nothing is sent to anyone.
  void Drop(const Node& node, PacketPtr packet, Rule rule, const DropState& state = {});
  // Puts a packet on the network of `interface`, for who holds `next_hop` there. With `strict` off, the other
  // end of a network of two takes it whoever it is for. kNone: it left. kInterfaceDown, kNoNeighbour, kTooBig
  // and kNeedsFragments: it did not, and is still the caller's. Otherwise the link took it and lost it.
  Rule Emit(Node& node, int interface, const net::IpAddress& next_hop, bool strict, PacketPtr& packet);
  // Brings a packet to the node's own input (OnPacket by the loopback interface) at this instant, after what
  // is already due.
  void Loop(Node& node, PacketPtr packet);
  // The largest packet that `interface` can send without hearing that it is too big; 0: not connected.
  std::uint32_t LinkMtu(const Node& node, int interface) const;
  // Records a change of state of a node in the `full` digest.
  void NoteState(const Node& node, StateKind kind, std::uint64_t a, std::uint64_t b = 0) {
    if (options_.digests) digest_.AddState(now(), static_cast<std::uint32_t>(node.id()), kind, a, b);
  }
  // Tells the world that a packet was given to a program.
  void NoteDelivery(const Node& node, int interface, const Packet& packet);

 private:
  friend class Node;
  friend class HostNode;
  friend class Program;

  static constexpr std::uint32_t kNone = 0xffffffff;

  // An interface as the links see it.
  struct Attachment {
    std::uint32_t node = 0;
    std::uint32_t interface = 0;
    bool up = true;  // the interface's
    // Link directions that begin here; their other directions are these with the lowest bit flipped.
    absl::InlinedVector<std::uint32_t, 2> out;
    // The network it belongs to, and the way to that network's root (itself: `towards_root` is kNone).
    std::uint32_t network = kNone;
    std::uint32_t root_side = kNone;     // next attachment towards the root
    std::uint32_t towards_root = kNone;  // link direction there
    // The next hop that was looked for last, and who holds it; kNone: nobody was looked for yet.
    AddressBits last_hop;
    std::uint32_t last_neighbour = kNone;
    TrafficCounters counters;
    std::unique_ptr<PeakMeter> peak;
  };
  struct Line {
    std::uint32_t from;
    std::uint32_t to;
    LinkDirection line;
  };
  // Attachments joined by links and bridges: a tree. Members stand together in members_.
  struct Network {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint32_t index = kNone;  // into network_indices_, for large ones
  };
  struct HashAddress {
    std::size_t operator()(const net::IpAddress& address) const { return net::StableHash(address); }
  };
  using AddressIndex = absl::flat_hash_map<net::IpAddress, std::uint32_t, HashAddress>;

  std::uint32_t Attach(Node& node, int interface);
  void BuildNetworks();
  void AddressesChanged() { networks_built_ = false; }
  std::uint32_t FindNeighbour(std::uint32_t from, const net::IpAddress& address, bool strict);
  std::uint32_t NextDirection(std::uint32_t from, std::uint32_t destination) const;
  Rule SendOn(std::uint32_t direction, PacketPtr& packet);
  void Arrive(std::uint32_t packet_index);
  void AfterCall(Node& node);
  void Trace(TraceKind kind, const Attachment& at, std::uint32_t other, net::Instant arrival, const Packet& packet);
  static std::uint32_t DirectionIndex(LinkId link, Direction direction);

  std::uint64_t seed_;
  WorldOptions options_;
  EventQueue events_;
  std::uint64_t events_run_ = 0;
  std::uint64_t packet_hops_ = 0;
  Tracer* tracer_ = nullptr;
  Digest digest_;
  Lineage lineage_;
  DropLog drops_;
  PayloadPool payloads_;
  PacketPool packets_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Attachment> attachments_;
  std::vector<Line> links_;                             // two for each link: a to b, b to a
  std::vector<std::unique_ptr<PeakMeter>> node_peaks_;  // by node, if measured

  bool networks_built_ = false;
  std::vector<Network> networks_;
  std::vector<std::uint32_t> members_;
  std::vector<AddressIndex> network_indices_;
  std::optional<std::uint32_t> bridge_loop_;  // an attachment on one
};

}  // namespace pinhole::sim
