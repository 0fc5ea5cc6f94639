#include "sim/host/host_node.h"

#include <algorithm>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "sim/host/program.h"
#include "sim/host/source_selection.h"
#include "sim/host/tcp_sockets.h"
#include "sim/packet/wire.h"
#include "sim/world.h"

namespace pinhole::sim {

HostNode::HostNode(const NodeInit& init, const HostOptions& options) : Node(init), options_(options) {
  AddInterface("lo", net::InterfaceKind::kLoopback);
  net::Interface& loopback = interfaces_[kLoopbackInterface];
  loopback.mtu_bytes = 65535;
  loopback.addresses.reserve(2);
  loopback.addresses.push_back({.address = net::IpAddress::Loopback(net::Family::kIpv4), .prefix_length = 8});
  loopback.addresses.push_back({.address = net::IpAddress::Loopback(net::Family::kIpv6), .prefix_length = 128});
}

HostNode::~HostNode() = default;

void HostNode::RebuildLocal() const {
  local_built_ = true;
  local_.clear();
  std::size_t count = 0;
  for (const net::Interface& interface : interfaces_) count += interface.addresses.size();
  local_.reserve(count);
  for (const net::Interface& interface : interfaces_) {
    for (const net::InterfaceAddress& address : interface.addresses) {
      if (address.life == net::AddressLife::kTentative) continue;
      local_.push_back({AddressBits(address.address), static_cast<int>(interface.id)});
    }
  }
  if (local_.size() > kScanAddressesMax) std::sort(local_.begin(), local_.end(), ComesBefore);
}

void HostNode::InterfacesChanged() {
  local_built_ = false;
  world().InterfacesChanged();
  for (std::uint32_t i = 0; i < programs_.size(); ++i) {
    if (programs_[i]->watches_interfaces()) ScheduleEvent(world().now(), i, ProgramEvent::kInterfacesChanged);
  }
}

Program& HostNode::AddProgram(absl::string_view name) {
  const std::uint32_t index = static_cast<std::uint32_t>(programs_.size());
  programs_.push_back(std::make_unique<Program>(*this, index, name));
  return *programs_.back();
}

net::Host& HostNode::StartProgram(absl::string_view name, net::App& app, net::Instant at) {
  Program& program = AddProgram(name);
  program.Start(app, at);
  return program;
}

EventId HostNode::ScheduleEvent(net::Instant at, std::uint32_t program, ProgramEvent event) {
  return world().Schedule(at, *this, program * kProgramEvents + static_cast<std::uint32_t>(event));
}

void HostNode::OnEvent(std::uint32_t argument) {
  Program& program = *programs_[argument / kProgramEvents];
  switch (ProgramEvent{argument % kProgramEvents}) {
    case ProgramEvent::kStart:
      program.OnStart();
      return;
    case ProgramEvent::kAlarm:
      program.OnAlarm();
      return;
    case ProgramEvent::kInterfacesChanged:
      program.app().OnInterfacesChanged();
      return;
  }
}

absl::Status HostNode::AddAddress(int interface, const net::InterfaceAddress& address) {
  if (interface <= kLoopbackInterface || interface >= static_cast<int>(interfaces_.size())) {
    return absl::InvalidArgumentError(absl::StrCat(name(), ": no interface ", interface));
  }
  const int bits = address.address.is_v4() ? 32 : 128;
  if (address.prefix_length < 0 || address.prefix_length > bits) {
    return absl::InvalidArgumentError(
        absl::StrCat(name(), ": ", address.address.ToString(), "/", address.prefix_length, ": no such prefix"));
  }
  for (const net::Interface& other : interfaces_) {
    for (const net::InterfaceAddress& held : other.addresses) {
      if (held.address == address.address) {
        return absl::InvalidArgumentError(
            absl::StrCat(name(), ": ", address.address.ToString(), " twice, on ", other.name, " already"));
      }
    }
  }
  mutable_interface_at(interface).addresses.push_back(address);
  if (address.prefix_length < bits) {
    sim::Route route;
    route.prefix = net::IpPrefix(address.address, address.prefix_length);
    route.interface = interface;
    route.connected = true;
    routes_.Add(route);
  }
  world().NoteState(*this, StateKind::kAddressAdded, static_cast<std::uint64_t>(interface),
                    net::StableHash(address.address));
  InterfacesChanged();
  return absl::OkStatus();
}

absl::Status HostNode::RemoveAddress(int interface, const net::IpAddress& address) {
  if (interface <= kLoopbackInterface || interface >= static_cast<int>(interfaces_.size())) {
    return absl::NotFoundError(absl::StrCat(name(), ": no interface ", interface));
  }
  std::vector<net::InterfaceAddress>& addresses = mutable_interface_at(interface).addresses;
  const auto found = std::find_if(addresses.begin(), addresses.end(),
                                  [&](const net::InterfaceAddress& held) { return held.address == address; });
  if (found == addresses.end()) return absl::NotFoundError(absl::StrCat(name(), ": no ", address.ToString()));
  const net::IpPrefix prefix(address, found->prefix_length);
  addresses.erase(found);
  const bool prefix_stays = std::any_of(addresses.begin(), addresses.end(), [&](const net::InterfaceAddress& held) {
    return held.prefix_length == prefix.length() && prefix.Contains(held.address);
  });
  if (!prefix_stays) routes_.Remove(prefix, interface);
  world().NoteState(*this, StateKind::kAddressRemoved, static_cast<std::uint64_t>(interface), net::StableHash(address));
  InterfacesChanged();
  return absl::OkStatus();
}

absl::Status HostNode::SetInterfaceUp(int interface, bool up) {
  if (interface <= kLoopbackInterface || interface >= static_cast<int>(interfaces_.size())) {
    return absl::NotFoundError(absl::StrCat(name(), ": no interface ", interface));
  }
  if (interface_at(interface).up == up) return absl::OkStatus();
  mutable_interface_at(interface).up = up;
  world().NoteState(*this, StateKind::kInterfaceUp, static_cast<std::uint64_t>(interface), up ? 1 : 0);
  InterfacesChanged();
  return absl::OkStatus();
}

absl::Status HostNode::AddRoute(const sim::Route& route) {
  if (route.interface <= kLoopbackInterface || route.interface >= static_cast<int>(interfaces_.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat(name(), ": route to ", route.prefix.ToString(), ": no interface ", route.interface));
  }
  if (route.gateway && route.gateway->family() != route.prefix.address().family()) {
    return absl::InvalidArgumentError(
        absl::StrCat(name(), ": route to ", route.prefix.ToString(), ": its gateway is of another family"));
  }
  routes_.Add(route);
  world().NoteState(*this, StateKind::kRouteAdded, static_cast<std::uint64_t>(route.interface),
                    net::StableHash(route.prefix.address()) + static_cast<std::uint64_t>(route.prefix.length()));
  return absl::OkStatus();
}

absl::Status HostNode::AddDefaultRoute(int interface, const net::IpAddress& gateway) {
  sim::Route route;
  route.prefix = net::IpPrefix(net::IpAddress::Unspecified(gateway.family()), 0);
  route.interface = interface;
  route.gateway = gateway;
  return AddRoute(route);
}

void HostNode::RemoveRoute(const net::IpPrefix& prefix, int interface) {
  routes_.Remove(prefix, interface);
  world().NoteState(*this, StateKind::kRouteRemoved, static_cast<std::uint64_t>(interface),
                    net::StableHash(prefix.address()) + static_cast<std::uint64_t>(prefix.length()));
}

const HostNode::LocalAddress* HostNode::FindLocal(const net::IpAddress& address) const {
  if (!local_built_) RebuildLocal();
  LocalAddress wanted;
  wanted.bits = AddressBits(address);
  if (local_.size() > kScanAddressesMax) {
    const auto found = std::lower_bound(local_.begin(), local_.end(), wanted, ComesBefore);
    if (found != local_.end() && found->bits == wanted.bits) return &*found;
  } else {
    for (const LocalAddress& local : local_) {
      if (local.bits == wanted.bits) return &local;
    }
  }
  // All of 127/8 belongs to this machine.
  if (!address.is_v4() || !address.IsLoopback()) return nullptr;
  return FindLocal(net::IpAddress::Loopback(net::Family::kIpv4));
}

bool HostNode::IsLocal(const net::IpAddress& address) const { return FindLocal(address) != nullptr; }

const net::IpAddress* HostNode::AddressOf(int interface, net::Family family) const {
  if (interface < 0 || interface >= static_cast<int>(interfaces_.size())) return nullptr;
  for (const net::InterfaceAddress& held : interface_at(interface).addresses) {
    if (held.address.family() == family && held.life != net::AddressLife::kTentative) return &held.address;
  }
  return nullptr;
}

const sim::Route* HostNode::RouteFrom(const net::IpAddress& source, const net::IpAddress& destination) const {
  if (options_.routes_by_source && interfaces_.size() > 2 && !source.IsUnspecified()) {
    const LocalAddress* local = FindLocal(source);
    if (local != nullptr && local->interface != kLoopbackInterface) {
      const sim::Route* own = routes_.Find(destination, local->interface);
      if (own != nullptr) return own;
    }
  }
  return routes_.Find(destination);
}

std::optional<net::IpAddress> HostNode::SourceVia(int interface, const net::IpAddress& destination) const {
  absl::InlinedVector<SourceCandidate, 8> candidates;
  for (const net::InterfaceAddress& held : interface_at(interface).addresses) candidates.push_back({held, interface});
  const SourceCandidate* best =
      SelectSource(destination, std::span<const SourceCandidate>(candidates.data(), candidates.size()), interface);
  if (best != nullptr) return best->address.address;
  // An interface without an address of its own (RFC 1812 §2.2.7) borrows one.
  candidates.clear();
  for (const net::Interface& other : interfaces_) {
    if (other.kind == net::InterfaceKind::kLoopback) continue;
    for (const net::InterfaceAddress& held : other.addresses) {
      candidates.push_back({held, static_cast<int>(other.id)});
    }
  }
  best = SelectSource(destination, std::span<const SourceCandidate>(candidates.data(), candidates.size()), interface);
  if (best == nullptr) return std::nullopt;
  return best->address.address;
}

std::optional<net::IpAddress> HostNode::SourceFor(const net::IpAddress& destination) const {
  if (IsLocal(destination)) return destination;
  const sim::Route* route = routes_.Find(destination);
  if (route == nullptr || !interface_at(route->interface).up) return std::nullopt;
  return SourceVia(route->interface, destination);
}

net::SendStatus HostNode::FindWay(const net::IpAddress& source, const net::IpAddress& destination, Way& way) const {
  way.source = source;
  if (IsLocal(destination)) {
    if (source.IsUnspecified()) way.source = destination;
    return net::SendStatus::kSent;
  }
  if (source.IsLoopback()) return net::SendStatus::kBadAddress;
  way.route = RouteFrom(source, destination);
  if (way.route == nullptr || !interface_at(way.route->interface).up) return net::SendStatus::kNoRoute;
  if (source.IsUnspecified()) {
    const std::optional<net::IpAddress> chosen = SourceVia(way.route->interface, destination);
    if (!chosen) return net::SendStatus::kNoRoute;
    way.source = *chosen;
  }
  return net::SendStatus::kSent;
}

std::uint32_t HostNode::RandomPortOffset(std::uint32_t count) {
  if (!port_random_) {
    port_random_ = std::make_unique<net::SeededRandom>(world().seed(), absl::StrCat("host/", name(), "/ports"));
  }
  return static_cast<std::uint32_t>(port_random_->Below(count));
}

PacketPtr HostNode::NewPacket(PacketId parent, Relation relation) {
  PacketPtr packet = world().packets().New();
  packet->parent = parent;
  packet->id = world().NewPacketId(parent, relation);
  packet->ttl = options_.ttl;
  packet->ip_id = next_ip_id_++;
  return packet;
}

void HostNode::OnPacket(int interface, PacketPtr packet) {
  if (IsLocal(packet->destination.address())) {
    Input(interface, std::move(packet));
  } else {
    Forward(interface, std::move(packet));
  }
}

void HostNode::Forward(int interface, PacketPtr packet) {
  (void)interface;
  world().Drop(*this, std::move(packet), Rule::kNotForwarding);
}

void HostNode::Input(int interface, PacketPtr packet) {
  // RFC 1122 §3.2.1.3 (g): loopback addresses never come from outside.
  if (interface != kLoopbackInterface &&
      (packet->destination.address().IsLoopback() || packet->source.address().IsLoopback())) {
    world().Drop(*this, std::move(packet), Rule::kMartian);
    return;
  }
  if (packet->is_udp()) {
    UdpInput(interface, std::move(packet));
  } else if (packet->is_tcp()) {
    TcpInput(interface, std::move(packet));
  } else if (packet->is_icmp()) {
    IcmpInput(interface, std::move(packet));
  } else {
    world().Drop(*this, std::move(packet), Rule::kNoProtocol);
  }
}

bool HostNode::StepTtl(int interface, PacketPtr& packet) {
  if (packet->ttl > 1) {
    --packet->ttl;
    return true;
  }
  if (options_.reports_unforwardable) SendUnreachable(interface, *packet, Unreachable::kTimeExceeded);
  world().Drop(*this, std::move(packet), Rule::kTtlExceeded);
  return false;
}

void HostNode::RouteOut(int in, PacketPtr packet, int out) {
  const net::IpAddress& destination = packet->destination.address();
  const sim::Route* route = routes_.Find(destination, out);
  if (route == nullptr) {
    if (in != kOwn && options_.reports_unforwardable) SendUnreachable(in, *packet, Unreachable::kNet);
    DropState state;
    state.endpoint = packet->destination;
    world().Drop(*this, std::move(packet), Rule::kNoRoute, state);
    return;
  }
  Transmit(in, route->interface, route->gateway ? *route->gateway : destination, route->gateway || route->connected,
           std::move(packet));
}

void HostNode::Transmit(int in, int out, const net::IpAddress& next_hop, bool strict, PacketPtr packet) {
  // `next_hop` may be a reference into the packet, which Emit() may free.
  const net::IpAddress hop = next_hop;
  const Rule rule = world().Emit(*this, out, hop, strict, packet);
  if (rule == Rule::kNone || packet == nullptr) return;
  DropState state;
  const bool reports = in != kOwn && options_.reports_unforwardable;
  switch (rule) {
    case Rule::kTooBig:
    case Rule::kNeedsFragments: {
      const std::uint32_t mtu = world().LinkMtu(*this, out);
      state.number = WireSize(*packet);
      state.limit = mtu;
      // A packet that must not be fragmented is reported (RFC 1191 §3, RFC 4443 §3.2). A packet that might be
      // fragmented is dropped without an ICMP error.
      if (reports && rule == Rule::kTooBig) {
        const bool v4 = packet->is_v4();
        SendIcmpError(in, *packet, v4 ? 3 : 2, v4 ? 4 : 0, mtu);
      }
      break;
    }
    case Rule::kNoNeighbour:
      state.endpoint = net::SocketAddress(hop, 0);
      if (reports) SendUnreachable(in, *packet, Unreachable::kHost);
      break;
    default:
      if (reports) SendUnreachable(in, *packet, Unreachable::kNet);
      break;
  }
  world().Drop(*this, std::move(packet), rule, state);
}

}  // namespace pinhole::sim
