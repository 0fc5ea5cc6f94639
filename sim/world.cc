#include "sim/world.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "sim/packet/wire.h"

namespace pinhole::sim {

World::World(std::uint64_t seed, const WorldOptions& options)
    : seed_(seed), options_(options), drops_(options.drop_log_limit), packets_(payloads_) {
  nodes_.reserve(16);
  attachments_.reserve(16);
  links_.reserve(16);
}

World::~World() = default;

Node* World::FindNode(absl::string_view name) {
  for (const Resident& resident : nodes_) {
    if (resident.node->name() == name) return resident.node.get();
  }
  return nullptr;
}

std::uint32_t World::Attach(const Node& node, int interface) {
  auto& attachments = resident(node).attachments;
  const std::size_t index = static_cast<std::size_t>(interface);
  if (attachments.size() <= index) attachments.resize(index + 1, Fabric::kNone);
  std::uint32_t& attachment = attachments[index];
  if (attachment == Fabric::kNone) {
    attachment = fabric_.Attach(node.interfaces(), index);
    Attachment& added = attachments_.emplace_back();
    added.node = static_cast<std::uint32_t>(node.id());
    added.interface = static_cast<std::uint32_t>(interface);
  }
  return attachment;
}

absl::StatusOr<LinkId> World::Connect(const LinkEnd& a, const LinkEnd& b, const LinkProfile& a_to_b,
                                      const LinkProfile& b_to_a) {
  for (const LinkEnd* end : {&a, &b}) {
    if (end->interface < 0 || end->interface >= static_cast<int>(end->node->interfaces().size())) {
      return absl::InvalidArgumentError(absl::StrCat(end->node->name(), ": no interface ", end->interface));
    }
    if (end->node->interface_at(end->interface).kind == net::InterfaceKind::kLoopback) {
      return absl::InvalidArgumentError(absl::StrCat(end->node->name(), ": a loopback interface has no link"));
    }
  }
  const auto name_of = [](const LinkEnd& end) {
    std::string name = end.node->name();
    name += '.';
    name += end.node->interface_at(end.interface).name;
    return name;
  };
  if (a.node == b.node && a.interface == b.interface) {
    return absl::InvalidArgumentError(absl::StrCat(name_of(a), ": linked to itself"));
  }
  for (const LinkProfile* profile : {&a_to_b, &b_to_a}) {
    const absl::Status status = Validate(*profile);
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(name_of(a), " - ", name_of(b), ": ", status.message()));
    }
  }
  const std::uint32_t end_a = Attach(*a.node, a.interface);
  const std::uint32_t end_b = Attach(*b.node, b.interface);
  const std::uint32_t first = fabric_.Connect(end_a, end_b);
  const std::string name_a = name_of(a);
  const std::string name_b = name_of(b);
  links_.emplace_back(a_to_b, seed_, name_a, name_b);
  links_.emplace_back(b_to_a, seed_, name_b, name_a);
  UpdateMtu(*a.node, a.interface);
  UpdateMtu(*b.node, b.interface);
  return LinkId{first / 2};
}

absl::Status World::Check() {
  if (const std::optional<std::uint32_t> loop = fabric_.FindLoop()) {
    const Attachment& at = attachments_[*loop];
    return absl::InvalidArgumentError(
        absl::StrCat("links and bridges form a loop through ", nodes_[at.node].node->name(), ".",
                     nodes_[at.node].node->interface_at(static_cast<int>(at.interface)).name));
  }
  if (const std::optional<Fabric::SharedAddress> shared = fabric_.FindSharedAddress()) {
    return absl::InvalidArgumentError(absl::StrCat(
        shared->address.ToString(), " twice on one network: ", nodes_[attachments_[shared->first].node].node->name(),
        " and ", nodes_[attachments_[shared->second].node].node->name()));
  }
  return absl::OkStatus();
}

bool World::Step(net::Instant limit) {
  Event event;
  if (!events_.Pop(limit, event)) return false;
  ++events_run_;
  if (event.kind == EventKind::kArrival) {
    Arrive(event.argument);
    return true;
  }
  Node& node = *nodes_[event.node].node;
  switch (event.kind) {
    case EventKind::kArrival:
      break;
    case EventKind::kLoopback:
      node.OnPacket(Node::kLoopbackInterface, packets_.Take(event.argument));
      break;
    case EventKind::kNodeTimer:
      nodes_[event.node].timer_at = net::kNever;
      node.OnTimer();
      break;
    case EventKind::kNodeEvent:
      node.OnEvent(event.argument);
      break;
  }
  UpdateTimer(node);
  return true;
}

void World::RunUntil(net::Instant until) {
  while (Step(until)) {
  }
  if (until > now()) events_.AdvanceTo(until);
}

const char* World::BrokenInvariant() const {
  if (const char* broken = events_.BrokenInvariant()) return broken;
  std::size_t timers = 0;
  for (const Resident& resident : nodes_) {
    if (resident.timer_at == net::kNever) continue;
    ++timers;
    if (resident.timer_at < now()) return "a timer that is still to come is not past";
  }
  if (timers != events_.CountPending(EventKind::kNodeTimer)) return "a node with a timer has one event for it";
  if (packets_.in_use() != events_.CountPending(EventKind::kArrival) + events_.CountPending(EventKind::kLoopback)) {
    return "every packet is on its way to somewhere";
  }
  return nullptr;
}

void World::UpdateTimer(Resident& resident) {
  const net::Instant next = std::max(resident.node->NextTimer(), now());
  if (next == resident.timer_at) return;
  if (resident.timer_at != net::kNever) events_.Cancel(resident.timer);
  resident.timer_at = next;
  if (next == net::kNever) return;
  const std::uint32_t index = static_cast<std::uint32_t>(resident.node->id());
  resident.timer = events_.Schedule(next, {index, EventKind::kNodeTimer, 0});
}

// ---- Links ------------------------------------------------------------------------------------------------

std::uint32_t World::LinkMtu(const Node& node, int interface) const {
  const std::uint32_t at = AttachmentOf(node, interface);
  if (at == Fabric::kNone) return 0;
  std::uint32_t mtu = 65535;
  for (const std::uint32_t direction : fabric_.Out(at)) {
    mtu = std::min(mtu, links_[direction].profile().mtu_bytes);
  }
  return mtu;
}

void World::UpdateMtu(Node& node, int interface) { node.SetMtu(interface, LinkMtu(node, interface)); }

// ---- Packets -----------------------------------------------------------------------------------------------

Rule World::Emit(Node& node, int interface, const net::IpAddress& next_hop, bool strict, PacketPtr& packet) {
  const std::uint32_t at = AttachmentOf(node, interface);
  if (at == Fabric::kNone || !fabric_.IsUp(at)) return Rule::kInterfaceDown;
  const std::uint32_t neighbour = fabric_.FindNeighbour(at, next_hop, strict);
  if (neighbour == Fabric::kNone) return Rule::kNoNeighbour;
  packet->link_destination = neighbour;
  return SendOn(fabric_.NextDirection(at, neighbour), packet);
}

Rule World::SendOn(std::uint32_t direction, PacketPtr& packet) {
  LinkDirection& link = links_[direction];
  const std::uint32_t size = WireSize(*packet);
  if (size > link.profile().mtu_bytes) {
    return packet->is_v4() && !packet->dont_fragment ? Rule::kNeedsFragments : Rule::kTooBig;
  }
  Attachment& from = attachments_[fabric_.From(direction)];
  const Resident& sender = nodes_[from.node];
  const Transit transit = link.Send(now(), size, packet->packet_class);
  if (transit.rule == Rule::kLinkDown || transit.rule == Rule::kQueueFull) {
    Drop(*sender.node, std::move(packet), transit.rule, transit.state);
    return transit.rule;
  }
  packet->link = direction;
  packet->link_bytes = size;
  Traffic& sent = from.counters.sent[static_cast<std::size_t>(packet->packet_class)];
  ++sent.packets;
  sent.bytes += size;
  if (from.peak != nullptr) {
    from.peak->Add(now(), size);
    sender.peak->Add(now(), size);
  }
  if (options_.digests) digest_.AddPacket(now(), direction, *packet, payloads_.Hash(packet->payload));
  if (tracer_ != nullptr) Trace(TraceKind::kSend, from, fabric_.To(direction), transit.arrival, *packet);
  if (transit.rule != Rule::kNone) {
    Drop(*sender.node, std::move(packet), transit.rule, transit.state);
    return transit.rule;
  }
  PacketPtr duplicate;
  if (transit.duplicate_arrival) {
    duplicate = packets_.Copy(*packet);
    Rename(*duplicate, Relation::kDuplicated);
  }
  events_.Schedule(transit.arrival, {0, EventKind::kArrival, packets_.Keep(std::move(packet))});
  if (duplicate) {
    events_.Schedule(*transit.duplicate_arrival, {0, EventKind::kArrival, packets_.Keep(std::move(duplicate))});
  }
  return Rule::kNone;
}

void World::Arrive(std::uint32_t packet_index) {
  PacketPtr packet = packets_.Take(packet_index);
  const std::uint32_t to = fabric_.To(packet->link);
  Attachment& at = attachments_[to];
  Node& node = *nodes_[at.node].node;
  ++packet_hops_;
  Traffic& received = at.counters.received[static_cast<std::size_t>(packet->packet_class)];
  ++received.packets;
  received.bytes += packet->link_bytes;
  if (tracer_ != nullptr) Trace(TraceKind::kReceive, at, fabric_.From(packet->link), now(), *packet);
  if (!fabric_.IsUp(to)) {
    Drop(node, std::move(packet), Rule::kInterfaceDown);
    return;
  }
  if (packet->link_destination != to) {
    const Rule rule = SendOn(fabric_.NextDirection(to, packet->link_destination), packet);
    if (packet != nullptr) {
      DropState state;
      state.number = packet->link_bytes;
      state.limit = LinkMtu(node, static_cast<int>(at.interface));
      Drop(node, std::move(packet), rule, state);
    }
    return;
  }
  node.OnPacket(static_cast<int>(at.interface), std::move(packet));
  UpdateTimer(node);
}

void World::Loop(Node& node, PacketPtr packet) {
  const std::uint32_t index = packets_.Keep(std::move(packet));
  events_.Schedule(now(), {static_cast<std::uint32_t>(node.id()), EventKind::kLoopback, index});
}

void World::Drop(const Node& node, PacketPtr packet, Rule rule, const DropState& state) {
  DropRecord record;
  record.at = now();
  record.node = node.id();
  record.rule = rule;
  record.packet_class = packet->packet_class;
  record.protocol = packet->protocol;
  record.tcp_flags = packet->is_tcp() ? packet->tcp.flags : 0;
  record.packet = packet->id;
  record.emitted_source = packet->emitted_source;
  record.emitted_destination = packet->emitted_destination;
  record.source = packet->source;
  record.destination = packet->destination;
  record.state = state;
  drops_.Add(record);
  NoteState(node, StateKind::kDrop, static_cast<std::uint64_t>(rule), static_cast<std::uint64_t>(packet->id));
  if (tracer_ != nullptr) {
    TraceEvent event;
    event.at = now();
    event.kind = TraceKind::kDrop;
    event.node = node.id();
    event.rule = rule;
    event.state = state;
    tracer_->OnTrace(event, *packet);
  }
}

void World::NoteDelivery(const Node& node, int interface, const Packet& packet) {
  NoteState(node, StateKind::kDeliver, static_cast<std::uint64_t>(packet.id), static_cast<std::uint64_t>(interface));
  if (tracer_ != nullptr) {
    TraceEvent event;
    event.at = now();
    event.kind = TraceKind::kDeliver;
    event.node = node.id();
    event.interface = interface;
    tracer_->OnTrace(event, packet);
  }
}

void World::Trace(TraceKind kind, const Attachment& at, std::uint32_t far_end, net::Instant arrival,
                  const Packet& packet) {
  TraceEvent event;
  event.at = now();
  event.kind = kind;
  event.node = NodeId{at.node};
  event.interface = static_cast<int>(at.interface);
  event.other = NodeId{attachments_[far_end].node};
  event.arrival = arrival;
  tracer_->OnTrace(event, packet);
}

// ---- Results -----------------------------------------------------------------------------------------------

std::uint32_t World::DirectionIndex(LinkId link, Direction direction) {
  return 2 * static_cast<std::uint32_t>(link) + (direction == Direction::kAToB ? 0 : 1);
}

void World::SetLinkProfile(LinkId link, Direction direction, const LinkProfile& profile) {
  const std::uint32_t index = DirectionIndex(link, direction);
  links_[index].set_profile(profile);
  const Attachment& from = attachments_[fabric_.From(index)];
  Node& node = *nodes_[from.node].node;
  UpdateMtu(node, static_cast<int>(from.interface));
  NoteState(node, StateKind::kLinkChanged, index);
}

const LinkDirection& World::link(LinkId link, Direction direction) const {
  return links_[DirectionIndex(link, direction)];
}

TrafficCounters World::interface_counters(const Node& node, int interface) const {
  const std::uint32_t at = AttachmentOf(node, interface);
  return at == Fabric::kNone ? TrafficCounters{} : attachments_[at].counters;
}

TrafficCounters World::node_counters(const Node& node) const {
  TrafficCounters sum;
  for (const std::uint32_t at : resident(node).attachments) {
    if (at == Fabric::kNone) continue;
    for (std::size_t i = 0; i < net::kPacketClassCount; ++i) {
      sum.sent[i] += attachments_[at].counters.sent[i];
      sum.received[i] += attachments_[at].counters.received[i];
    }
  }
  return sum;
}

void World::MeasurePeak(const Node& node) {
  Resident& measured = resident(node);
  if (!measured.peak) measured.peak = std::make_unique<PeakMeter>();
  for (const std::uint32_t at : resident(node).attachments) {
    if (at != Fabric::kNone && !attachments_[at].peak) attachments_[at].peak = std::make_unique<PeakMeter>();
  }
}

Traffic World::interface_peak(const Node& node, int interface) const {
  const std::uint32_t at = AttachmentOf(node, interface);
  return at == Fabric::kNone || !attachments_[at].peak ? Traffic{} : attachments_[at].peak->peak();
}

Traffic World::node_peak(const Node& node) const {
  const PeakMeter* const peak = resident(node).peak.get();
  return peak == nullptr ? Traffic{} : peak->peak();
}

}  // namespace pinhole::sim
