#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/time.h"
#include "sim/event_queue.h"
#include "sim/fabric.h"
#include "sim/link.h"
#include "sim/node.h"
#include "sim/packet/packet_pool.h"
#include "sim/packet/payload_pool.h"
#include "sim/record/counters.h"
#include "sim/record/digest.h"
#include "sim/record/drop_log.h"
#include "sim/record/lineage.h"
#include "sim/record/tracer.h"

namespace pinhole::sim {

// Index of a link in its world, in the order connected.
enum class LinkId : std::uint32_t {};

// One end of a link.
struct LinkEnd {
  Node* node = nullptr;
  int interface = 0;
};

struct WorldOptions {
  std::size_t drop_log_limit = 65536;  // the most drop records that are kept
  bool digests = true;
};

// One simulated internet and its virtual time, which begins at 0. A world runs on one thread. Worlds share nothing, so
// many may run at once. The same calls with the same seed give the same run, to the last bit, on every machine.
//
// The world is the kernel: it owns nodes and links, runs the events, and records the run. It knows nodes only as Node,
// so hosts and boxes are built on it (host/, boxes/) and not the other way round. The fabric knows which nodes are
// neighbours.
//
//     World world(seed);
//     HostNode& alice = world.AddNode<HostNode>("alice");
//     HostNode& bob = world.AddNode<HostNode>("bob");
//     const int a = alice.AddInterface("eth0"), b = bob.AddInterface("eth0");
//     alice.AddAddress(a, {.address = V4(192, 0, 2, 1), .prefix_length = 24});
//     bob.AddAddress(b, {.address = V4(192, 0, 2, 2), .prefix_length = 24});
//     world.Connect({&alice, a}, {&bob, b}, {.delay = 10ms});
//     net::Host& machine = alice.StartProgram("ping", ping);
//     world.RunUntil(Instant(5s));
class World {
 public:
  explicit World(std::uint64_t seed, const WorldOptions& options = {});
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  // Adds a node, which lives as long as the world. A name is for random streams, traces and messages, so each node has
  // a different one. `arguments` are those of the node's constructor after its NodeInit.
  template <typename NodeType, typename... Arguments>
  NodeType& AddNode(absl::string_view name, Arguments&&... arguments) {
    const NodeId id{static_cast<std::uint32_t>(nodes_.size())};
    auto node = std::make_unique<NodeType>(NodeInit{*this, id, name}, std::forward<Arguments>(arguments)...);
    NodeType& added = *node;
    nodes_.emplace_back().node = std::move(node);
    return added;
  }

  // Adds a link between two interfaces. InvalidArgument: an interface that does not exist, a loopback interface, an
  // interface linked to itself, or a profile that Validate() refuses.
  absl::StatusOr<LinkId> Connect(const LinkEnd& a, const LinkEnd& b, const LinkProfile& a_to_b,
                                 const LinkProfile& b_to_a);
  absl::StatusOr<LinkId> Connect(const LinkEnd& a, const LinkEnd& b, const LinkProfile& both_ways) {
    return Connect(a, b, both_ways, both_ways);
  }
  // Checks all networks. InvalidArgument, naming the nodes: an address twice on one network, or a loop of bridges.
  absl::Status Check();

  // The name of an invariant that does not hold between two events, or nullptr. For tests and fuzzers.
  const char* BrokenInvariant() const;

  // Step() runs the next event. It returns false, and runs nothing, if no event is due at `limit` or before.
  net::Instant now() const { return events_.now(); }
  bool Step(net::Instant limit = net::Instant::max());
  // Runs all events up to and including `until`; then now() == until.
  void RunUntil(net::Instant until);
  // Runs until `done()` is true, which is asked after each event. False if `until` came first; then now() == until.
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

  // SetLinkProfile() replaces the profile of one direction of a link during a run, from the next packet on.
  enum class Direction : std::uint8_t { kAToB, kBToA };
  void SetLinkProfile(LinkId link, Direction direction, const LinkProfile& profile);
  const LinkDirection& link(LinkId link, Direction direction) const;
  std::size_t link_count() const { return links_.size() / 2; }

  // The nodes of the world, and what was recorded of the run so far.
  const Node& node(NodeId id) const { return *nodes_[static_cast<std::uint32_t>(id)].node; }
  Node& node(NodeId id) { return *nodes_[static_cast<std::uint32_t>(id)].node; }
  std::size_t node_count() const { return nodes_.size(); }
  Node* FindNode(absl::string_view name);
  std::uint64_t wire_digest() const { return digest_.wire(); }
  std::uint64_t full_digest() const { return digest_.full(); }
  TrafficCounters interface_counters(const Node& node, int interface) const;
  TrafficCounters node_counters(const Node& node) const;
  // The most traffic that was sent in any second (PeakMeter). Zero for nodes for which MeasurePeak() was not called.
  Traffic interface_peak(const Node& node, int interface) const;
  Traffic node_peak(const Node& node) const;
  // Measures, from now on, the peaks of this node and of those of its interfaces that have a link already.
  void MeasurePeak(const Node& node);
  const DropLog& drops() const { return drops_; }
  const Lineage& lineage() const { return lineage_; }
  std::uint64_t packet_hops() const { return packet_hops_; }

  // The bytes of a packet's payload. A tracer needs them.
  net::ByteView payload(const Packet& packet) const { return payloads_.bytes(packet.payload); }
  // `tracer` sees every packet event from now on, and outlives the runs that it sees. nullptr: nobody sees them.
  void SetTracer(Tracer* tracer) { tracer_ = tracer; }

  // The rest is for nodes and their tests only: the operations by which a node acts on the world.
  std::uint64_t seed() const { return seed_; }
  PacketPool& packets() { return packets_; }
  PayloadPool& payloads() { return payloads_; }
  // Gives `packet` a new id. The old id becomes its parent. A translator does this to a packet that it rewrites.
  void Rename(Packet& packet, Relation relation) {
    packet.parent = packet.id;
    packet.id = lineage_.Add(packet.parent, relation);
  }
  PacketId NewPacketId(PacketId parent, Relation relation) { return lineage_.Add(parent, relation); }
  // Sets the class of a new packet. kOther stands for the class of its parent, so a relayed packet keeps its class.
  void Classify(Packet& packet, net::PacketClass packet_class) {
    if (packet_class != net::PacketClass::kOther) lineage_.SetPacketClass(packet.id, packet_class);
    packet.packet_class = lineage_.at(packet.id).packet_class;
  }
  // Ends a packet, and records the node that dropped it, the rule and the state. Sends no ICMP error or other answer.
  void Drop(const Node& node, PacketPtr packet, Rule rule, const DropState& state = {});
  // Sends a packet by `interface` to the neighbour that holds the address `next_hop`. `strict`: see
  // Fabric::FindNeighbour().
  //   kNone                                       the packet is on its way
  //   kInterfaceDown, kNoNeighbour,
  //   kTooBig, kNeedsFragments                    the packet did not leave, and is still the caller's
  //   any other rule                              the link took the packet and lost it
  Rule Emit(Node& node, int interface, const net::IpAddress& next_hop, bool strict, PacketPtr& packet);
  // Gives a packet to the node itself: OnPacket() by the loopback interface, at this instant, after the events that are
  // scheduled for this instant already.
  void Loop(Node& node, PacketPtr packet);
  // The largest packet, in bytes, that every link of `interface` takes; 0: it has no link.
  std::uint32_t LinkMtu(const Node& node, int interface) const;
  // Calls node.OnEvent(argument) at `at`, after the events that are scheduled for that instant already.
  // REQUIRES: at >= now().
  EventId Schedule(net::Instant at, const Node& node, std::uint32_t argument) {
    return events_.Schedule(at, {static_cast<std::uint32_t>(node.id()), EventKind::kNodeEvent, argument});
  }
  // Cancels an event that Schedule() gave. No effect if the event has happened.
  void Cancel(EventId event) { events_.Cancel(event); }
  // To be called by a node whose NextTimer() has changed outside of a call by the world.
  void UpdateTimer(const Node& node) {
    if (node.uses_timer()) UpdateTimer(nodes_[static_cast<std::uint32_t>(node.id())]);
  }
  // To be called by a node whose interfaces gained or lost an address, or went up or down: neighbours find it by its
  // addresses.
  void InterfacesChanged() { fabric_.InterfacesChanged(); }
  // Records a change of state of a node in the `full` digest.
  void NoteState(const Node& node, StateKind kind, std::uint64_t a, std::uint64_t b = 0) {
    if (options_.digests) digest_.AddState(now(), static_cast<std::uint32_t>(node.id()), kind, a, b);
  }
  // Tells the world that a packet was given to a program.
  void NoteDelivery(const Node& node, int interface, const Packet& packet);

 private:
  // A node, and the world's records about it.
  struct Resident {
    std::unique_ptr<Node> node;
    net::Instant timer_at = net::kNever;
    EventId timer = EventId::kNone;                     // at `timer_at`
    absl::InlinedVector<std::uint32_t, 4> attachments;  // by interface; may be shorter than the list of interfaces
    std::unique_ptr<PeakMeter> peak;                    // nullptr without MeasurePeak()
  };
  // An interface that has a link, by its number in the fabric.
  struct Attachment {
    std::uint32_t node = 0;
    std::uint32_t interface = 0;
    TrafficCounters counters;
    std::unique_ptr<PeakMeter> peak;
  };

  const Resident& resident(const Node& node) const { return nodes_[static_cast<std::uint32_t>(node.id())]; }
  Resident& resident(const Node& node) { return nodes_[static_cast<std::uint32_t>(node.id())]; }
  // The attachment of an interface; Fabric::kNone: it has no link.
  std::uint32_t AttachmentOf(const Node& node, int interface) const {
    const auto& attachments = resident(node).attachments;
    const std::size_t index = static_cast<std::size_t>(interface);
    return index < attachments.size() ? attachments[index] : Fabric::kNone;
  }
  std::uint32_t Attach(const Node& node, int interface);
  void UpdateMtu(Node& node, int interface);
  Rule SendOn(std::uint32_t direction, PacketPtr& packet);
  void Arrive(std::uint32_t packet_index);
  void UpdateTimer(Resident& resident);
  // Shows an event to the tracer, if there is one. `far_end`: the attachment at the other end of the link.
  void Trace(TraceKind kind, const Attachment& at, std::uint32_t far_end, net::Instant arrival, const Packet& packet);
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
  std::vector<Resident> nodes_;
  std::vector<Attachment> attachments_;
  Fabric fabric_;
  std::vector<LinkDirection> links_;  // by direction of the fabric
};

}  // namespace pinhole::sim
