#include "sim/world.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "sim/program.h"
#include "sim/wire.h"

namespace pinhole::sim {

World::World(std::uint64_t seed, const WorldOptions& options)
    : seed_(seed), options_(options), drops_(options.drop_log_limit), packets_(payloads_) {
  nodes_.reserve(16);
  attachments_.reserve(16);
  links_.reserve(16);
}

World::~World() = default;

Node* World::FindNode(absl::string_view name) {
  for (const std::unique_ptr<Node>& node : nodes_) {
    if (node->name() == name) return node.get();
  }
  return nullptr;
}

std::uint32_t World::Attach(Node& node, int interface) {
  std::uint32_t& attachment = node.attachments_[interface];
  if (attachment == Node::kNotAttached) {
    attachment = static_cast<std::uint32_t>(attachments_.size());
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
    if (end->node->interfaces()[end->interface].kind == net::InterfaceKind::kLoopback) {
      return absl::InvalidArgumentError(absl::StrCat(end->node->name(), ": a loopback interface has no link"));
    }
  }
  const auto name_of = [](const LinkEnd& end) {
    std::string name = end.node->name();
    name += '.';
    name += end.node->interfaces()[end.interface].name;
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
  const std::uint32_t first = static_cast<std::uint32_t>(links_.size());
  const std::string name_a = name_of(a);
  const std::string name_b = name_of(b);
  links_.push_back({end_a, end_b, LinkDirection(a_to_b, seed_, name_a, name_b)});
  links_.push_back({end_b, end_a, LinkDirection(b_to_a, seed_, name_b, name_a)});
  attachments_[end_a].out.push_back(first);
  attachments_[end_b].out.push_back(first + 1);
  a.node->interfaces_[a.interface].mtu_bytes = LinkMtu(*a.node, a.interface);
  b.node->interfaces_[b.interface].mtu_bytes = LinkMtu(*b.node, b.interface);
  networks_built_ = false;
  return LinkId{first / 2};
}

absl::Status World::Check() {
  BuildNetworks();
  if (bridge_loop_) {
    const Attachment& at = attachments_[*bridge_loop_];
    return absl::InvalidArgumentError(absl::StrCat("links and bridges form a loop through ", nodes_[at.node]->name(),
                                                   ".", nodes_[at.node]->interfaces()[at.interface].name));
  }
  std::vector<std::pair<net::IpAddress, std::uint32_t>> held;
  for (const Network& network : networks_) {
    held.clear();
    for (std::uint32_t i = network.begin; i < network.end; ++i) {
      const Attachment& at = attachments_[members_[i]];
      for (const net::InterfaceAddress& address : nodes_[at.node]->interfaces()[at.interface].addresses) {
        held.emplace_back(address.address, members_[i]);
      }
    }
    std::sort(held.begin(), held.end());
    for (std::size_t i = 1; i < held.size(); ++i) {
      if (held[i].first != held[i - 1].first) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          held[i].first.ToString(), " twice on one network: ", nodes_[attachments_[held[i - 1].second].node]->name(),
          " and ", nodes_[attachments_[held[i].second].node]->name()));
    }
  }
  return absl::OkStatus();
}

net::Host& World::AddProgram(HostNode& node, absl::string_view name) {
  const std::uint32_t index = static_cast<std::uint32_t>(node.programs_.size());
  node.programs_.push_back(std::make_unique<Program>(node, index, name));
  return *node.programs_.back();
}

void World::Start(net::Host& host, net::App& app, net::Instant at) {
  Program& program = static_cast<Program&>(host);
  program.SetApp(app);
  events_.Schedule(std::max(at, now()),
                   {static_cast<std::uint32_t>(program.node().id()), EventKind::kProgramStart, program.index()});
}

bool World::Step(net::Instant limit) {
  Event event;
  if (!events_.Pop(limit, event)) return false;
  ++events_run_;
  switch (event.kind) {
    case EventKind::kArrival:
      Arrive(event.argument);
      return true;
    case EventKind::kLoopback: {
      Node& node = *nodes_[event.node];
      node.OnPacket(HostNode::kLoopbackInterface, packets_.Take(event.argument));
      AfterCall(node);
      return true;
    }
    case EventKind::kNodeTimer: {
      Node& node = *nodes_[event.node];
      node.timer_at_ = net::kNever;
      node.OnTimer();
      AfterCall(node);
      return true;
    }
    case EventKind::kProgramStart:
    case EventKind::kProgramAlarm:
    case EventKind::kInterfacesChanged: {
      HostNode& node = static_cast<HostNode&>(*nodes_[event.node]);
      Program& program = *node.programs_[event.argument];
      if (event.kind == EventKind::kProgramStart) {
        program.Start();
      } else if (event.kind == EventKind::kProgramAlarm) {
        program.OnAlarm();
      } else {
        program.app().OnInterfacesChanged();
      }
      AfterCall(node);
      return true;
    }
  }
  return true;
}

void World::RunUntil(net::Instant until) {
  while (Step(until)) {
  }
  if (until > now()) events_.AdvanceTo(until);
}

void World::AfterCall(Node& node) {
  if (!node.uses_timer_) return;
  const net::Instant next = std::max(node.NextTimer(), now());
  if (next == node.timer_at_) return;
  if (node.timer_at_ != net::kNever) events_.Cancel(EventId{node.timer_event_});
  node.timer_at_ = next;
  if (next == net::kNever) return;
  const EventId event = events_.Schedule(next, {static_cast<std::uint32_t>(node.id()), EventKind::kNodeTimer, 0});
  node.timer_event_ = static_cast<std::uint64_t>(event);
}

// ---- Networks ----------------------------------------------------------------------------------------------

void World::BuildNetworks() {
  if (networks_built_) return;
  networks_built_ = true;
  networks_.clear();
  members_.clear();
  network_indices_.clear();
  bridge_loop_.reset();
  networks_.reserve(attachments_.size());
  members_.reserve(attachments_.size());
  for (Attachment& attachment : attachments_) {
    attachment.up = nodes_[attachment.node]->interfaces_[attachment.interface].up;
    attachment.network = kNone;
    attachment.last_neighbour = kNone;
  }
  for (std::uint32_t root = 0; root < attachments_.size(); ++root) {
    if (attachments_[root].network != kNone) continue;
    const std::uint32_t number = static_cast<std::uint32_t>(networks_.size());
    Network network;
    network.begin = static_cast<std::uint32_t>(members_.size());
    attachments_[root].network = number;
    attachments_[root].root_side = kNone;
    attachments_[root].towards_root = kNone;
    members_.push_back(root);
    for (std::uint32_t next = network.begin; next < members_.size(); ++next) {
      const std::uint32_t from = members_[next];
      for (const std::uint32_t direction : attachments_[from].out) {
        if (direction == attachments_[from].towards_root) continue;
        const std::uint32_t to = links_[direction].to;
        if (attachments_[to].network != kNone) {
          bridge_loop_ = to;
          continue;
        }
        attachments_[to].network = number;
        attachments_[to].root_side = from;
        attachments_[to].towards_root = direction ^ 1;
        members_.push_back(to);
      }
    }
    network.end = static_cast<std::uint32_t>(members_.size());
    networks_.push_back(network);
  }
}

std::uint32_t World::FindNeighbour(std::uint32_t from, const net::IpAddress& address, bool strict) {
  constexpr std::uint32_t kScanMax = 8;
  Network& network = networks_[attachments_[from].network];
  const std::uint32_t size = network.end - network.begin;
  if (size == 2 && !strict)
    return members_[network.begin] == from ? members_[network.begin + 1] : members_[network.begin];
  if (size <= kScanMax) {
    for (std::uint32_t i = network.begin; i < network.end; ++i) {
      const std::uint32_t member = members_[i];
      if (member == from) continue;
      const Attachment& at = attachments_[member];
      for (const net::InterfaceAddress& held : nodes_[at.node]->interfaces_[at.interface].addresses) {
        if (held.address == address) return member;
      }
    }
  } else {
    if (network.index == kNone) {
      network.index = static_cast<std::uint32_t>(network_indices_.size());
      AddressIndex& index = network_indices_.emplace_back();
      index.reserve(size);
      for (std::uint32_t i = network.begin; i < network.end; ++i) {
        const Attachment& at = attachments_[members_[i]];
        for (const net::InterfaceAddress& held : nodes_[at.node]->interfaces_[at.interface].addresses) {
          index.emplace(held.address, members_[i]);
        }
      }
    }
    const AddressIndex& index = network_indices_[network.index];
    const auto found = index.find(address);
    if (found != index.end() && found->second != from) return found->second;
  }
  return kNone;
}

// From `from` to `destination` along the tree: down if it is below, else up.
std::uint32_t World::NextDirection(std::uint32_t from, std::uint32_t destination) const {
  for (std::uint32_t at = destination; at != kNone; at = attachments_[at].root_side) {
    if (attachments_[at].root_side == from) return attachments_[at].towards_root ^ 1;
  }
  return attachments_[from].towards_root;
}

std::uint32_t World::LinkMtu(const Node& node, int interface) const {
  const std::uint32_t at = node.attachments_[interface];
  if (at == Node::kNotAttached) return 0;
  std::uint32_t mtu = 65535;
  for (const std::uint32_t direction : attachments_[at].out) {
    mtu = std::min(mtu, links_[direction].line.profile().mtu_bytes);
  }
  return mtu;
}

// ---- Packets -----------------------------------------------------------------------------------------------

Rule World::Emit(Node& node, int interface, const net::IpAddress& next_hop, bool strict, PacketPtr& packet) {
  BuildNetworks();
  const std::uint32_t at = node.attachments_[interface];
  if (at == Node::kNotAttached) return Rule::kInterfaceDown;
  Attachment& from = attachments_[at];
  if (!from.up) return Rule::kInterfaceDown;
  const AddressBits hop(next_hop);
  if (from.last_neighbour == kNone || from.last_hop != hop) {
    const std::uint32_t found = FindNeighbour(at, next_hop, strict);
    if (found == kNone) return Rule::kNoNeighbour;
    // A network of two without `strict` holds every address, but only for the routes that say so.
    from.last_neighbour = strict ? found : kNone;
    from.last_hop = hop;
    packet->link_destination = found;
  } else {
    packet->link_destination = from.last_neighbour;
  }
  const std::uint32_t destination = packet->link_destination;
  return SendOn(from.out.size() == 1 ? from.out[0] : NextDirection(at, destination), packet);
}

Rule World::SendOn(std::uint32_t direction, PacketPtr& packet) {
  Line& link = links_[direction];
  const std::uint32_t size = WireSize(*packet);
  if (size > link.line.profile().mtu_bytes) {
    return packet->is_v4() && !packet->dont_fragment ? Rule::kNeedsFragments : Rule::kTooBig;
  }
  Attachment& from = attachments_[link.from];
  Node& node = *nodes_[from.node];
  const Transit transit = link.line.Send(now(), size, packet->packet_class);
  if (transit.rule == Rule::kLinkDown || transit.rule == Rule::kQueueFull) {
    Drop(node, std::move(packet), transit.rule, transit.state);
    return transit.rule;
  }
  packet->link = direction;
  packet->link_bytes = size;
  Traffic& sent = from.counters.sent[static_cast<std::size_t>(packet->packet_class)];
  ++sent.packets;
  sent.bytes += size;
  if (from.peak != nullptr) {
    from.peak->Add(now(), size);
    node_peaks_[from.node]->Add(now(), size);
  }
  if (options_.digests) digest_.AddPacket(now(), direction, *packet, payloads_.Hash(packet->payload));
  if (tracer_ != nullptr) Trace(TraceKind::kSend, from, attachments_[link.to].node, transit.arrival, *packet);
  if (transit.rule != Rule::kNone) {
    Drop(node, std::move(packet), transit.rule, transit.state);
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
  const Line& link = links_[packet->link];
  Attachment& at = attachments_[link.to];
  Node& node = *nodes_[at.node];
  ++packet_hops_;
  Traffic& received = at.counters.received[static_cast<std::size_t>(packet->packet_class)];
  ++received.packets;
  received.bytes += packet->link_bytes;
  if (tracer_ != nullptr) Trace(TraceKind::kReceive, at, attachments_[link.from].node, now(), *packet);
  BuildNetworks();
  if (!at.up) {
    Drop(node, std::move(packet), Rule::kInterfaceDown);
    return;
  }
  if (packet->link_destination != link.to) {
    const Rule rule = SendOn(NextDirection(link.to, packet->link_destination), packet);
    if (packet != nullptr) {
      DropState state;
      state.number = packet->link_bytes;
      state.limit = LinkMtu(node, static_cast<int>(at.interface));
      Drop(node, std::move(packet), rule, state);
    }
    return;
  }
  node.OnPacket(static_cast<int>(at.interface), std::move(packet));
  AfterCall(node);
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

void World::Trace(TraceKind kind, const Attachment& at, std::uint32_t other, net::Instant arrival,
                  const Packet& packet) {
  TraceEvent event;
  event.at = now();
  event.kind = kind;
  event.node = NodeId{at.node};
  event.interface = static_cast<int>(at.interface);
  event.other = NodeId{other};
  event.arrival = arrival;
  tracer_->OnTrace(event, packet);
}

// ---- Results -----------------------------------------------------------------------------------------------

std::uint32_t World::DirectionIndex(LinkId link, Direction direction) {
  return 2 * static_cast<std::uint32_t>(link) + (direction == Direction::kAToB ? 0 : 1);
}

void World::SetLinkProfile(LinkId link, Direction direction, const LinkProfile& profile) {
  const std::uint32_t index = DirectionIndex(link, direction);
  links_[index].line.set_profile(profile);
  const Attachment& from = attachments_[links_[index].from];
  Node& node = *nodes_[from.node];
  node.interfaces_[from.interface].mtu_bytes = LinkMtu(node, static_cast<int>(from.interface));
  NoteState(node, StateKind::kLinkChanged, index);
}

const LinkDirection& World::link(LinkId link, Direction direction) const {
  return links_[DirectionIndex(link, direction)].line;
}

TrafficCounters World::interface_counters(const Node& node, int interface) const {
  const std::uint32_t at = node.attachments_[interface];
  return at == Node::kNotAttached ? TrafficCounters{} : attachments_[at].counters;
}

TrafficCounters World::node_counters(const Node& node) const {
  TrafficCounters sum;
  for (const std::uint32_t at : node.attachments_) {
    if (at == Node::kNotAttached) continue;
    for (std::size_t i = 0; i < net::kPacketClassCount; ++i) {
      sum.sent[i] += attachments_[at].counters.sent[i];
      sum.received[i] += attachments_[at].counters.received[i];
    }
  }
  return sum;
}

void World::MeasurePeak(const Node& node) {
  const std::size_t index = static_cast<std::size_t>(node.id());
  if (node_peaks_.size() <= index) node_peaks_.resize(nodes_.size());
  if (!node_peaks_[index]) node_peaks_[index] = std::make_unique<PeakMeter>();
  for (const std::uint32_t at : node.attachments_) {
    if (at != Node::kNotAttached && !attachments_[at].peak) attachments_[at].peak = std::make_unique<PeakMeter>();
  }
}

Traffic World::interface_peak(const Node& node, int interface) const {
  const std::uint32_t at = node.attachments_[interface];
  return at == Node::kNotAttached || !attachments_[at].peak ? Traffic{} : attachments_[at].peak->peak();
}

Traffic World::node_peak(const Node& node) const {
  const std::size_t index = static_cast<std::size_t>(node.id());
  return index < node_peaks_.size() && node_peaks_[index] ? node_peaks_[index]->peak() : Traffic{};
}

}  // namespace pinhole::sim
