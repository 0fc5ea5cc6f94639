// How a datagram travels. Walk() repeats these steps until the datagram is received or lost.
//
//   1. A socket with the destination is in the same domain: received, if a relay has a permission for the source.
//   2. A host has the destination address: lost, because nothing listens.
//   3. A box has the destination as an external address: it enters the box from outside (In()), or pauses before it.
//   4. IPv6 only: a box routes to the destination: it passes without translation.
//   5. Otherwise the gateway routes it to another inside network, hairpins it, or translates it on its way out (Out()).
//   6. Without a gateway it is lost.
//
// Out() follows RFC 4787 §4.1: static forward, then session, then mapping, then a new mapping. In() applies the
// mapping, then the filter (RFC 4787 §5), then the rule for SYNs that cross (RFC 5382 §4.2 REQ-2). NATs that track each
// tuple have their own two functions.

#include "scenarios/oracle/passage.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/contract.h"

namespace pinhole::scenarios::oracle {
namespace {

using net::IpAddress;
using net::SocketAddress;

// A datagram that passes more boxes than this goes in a loop.
constexpr int kBoxesMax = 16;

bool Alike(Dependence dependence, const SocketAddress& x, const SocketAddress& y) {
  switch (dependence) {
    case Dependence::kEndpointIndependent:
      return true;
    case Dependence::kAddressDependent:
      return x.address() == y.address();
    case Dependence::kAddressAndPortDependent:
      return x == y;
  }
  net::CannotHappen();
}

bool Has(const std::vector<IpAddress>& addresses, const IpAddress& address) {
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

std::size_t At(int index) { return static_cast<std::size_t>(index); }

}  // namespace

std::string Describe(const Model& model, const Loss& loss, Traffic traffic) {
  const auto box = [&](absl::string_view does) {
    return absl::StrCat(model.boxes[At(loss.place)].name, loss.hairpinned ? " hairpins but " : " ", does);
  };
  const auto network = [&] { return model.networks[At(loss.place)].name; };
  switch (loss.kind) {
    case Loss::Kind::kNone:
      return "";
    case Loss::Kind::kNoListener:
      return absl::StrCat("nobody listens there on ", network());
    case Loss::Kind::kNoWayOn:
      return absl::StrCat("no way on from ", network());
    case Loss::Kind::kNotAttached:
      return box("is not there");
    case Loss::Kind::kNoMapping:
      return box("has no mapping there");
    case Loss::Kind::kFiltered:
      return box(
          absl::StrCat("filters by ", ToString(traffic == Traffic::kTcp ? model.boxes[At(loss.place)].tcp.nat.filtering
                                                                        : model.boxes[At(loss.place)].nat.filtering)));
    case Loss::Kind::kCrossingRefused:
      return box("refuses simultaneous open");
    case Loss::Kind::kTakenEarlier:
      return box("took the other's packet for itself before its own host had sent");
    case Loss::Kind::kTakenByBox:
      return box("takes unknown packets for itself");
    case Loss::Kind::kNoHairpin:
      return box("does not hairpin");
    case Loss::Kind::kNotRouted:
      return box("does not route between its inside networks");
    case Loss::Kind::kNoIpv6:
      return box("passes no IPv6");
    case Loss::Kind::kNoRoute:
      return box("has no route");
    case Loss::Kind::kBlocked:
      return box(traffic == Traffic::kTcp ? "blocks TCP" : "blocks UDP");
    case Loss::Kind::kNoPermission:
      return absl::StrCat("a relay on ", network(), " has no permission for an address that its owner does not know");
    case Loss::Kind::kLoop:
      return "it goes in circles";
  }
  net::CannotHappen();
}

Told ToldOf(const Model& model, const Loss& loss) {
  const Box* box = &model.boxes[At(loss.place)];
  switch (loss.kind) {
    case Loss::Kind::kNoListener:
      return {.refusal = Refusal::kReset};
    case Loss::Kind::kNoMapping:
    case Loss::Kind::kFiltered:
    case Loss::Kind::kCrossingRefused:
      return {.refusal = box->tcp.unsolicited, .hold = loss.hairpinned ? net::Duration{} : box->tcp.hold};
    case Loss::Kind::kNoHairpin:
      return {.refusal = box->tcp.unsolicited};
    case Loss::Kind::kBlocked:
      return {.refusal = box->tcp_exit.told};
    default:
      return {};
  }
}

Passage::Passage(const Model& model, Pooling pooling, Traffic traffic)
    : model_(model), pooling_(pooling), traffic_(traffic), memory_(model.boxes.size()) {}

bool Passage::LetsOut(const Box& box, const SocketAddress& destination) const {
  if (!LetsIn(box)) return false;
  const std::vector<std::uint16_t>& ports = traffic_ == Traffic::kTcp ? box.tcp_exit.ports : box.udp_exit.ports;
  return traffic_ == Traffic::kSignalling || ports.empty() ||
         std::find(ports.begin(), ports.end(), destination.port()) != ports.end();
}

bool Passage::LetsIn(const Box& box) const {
  return traffic_ == Traffic::kSignalling || !(traffic_ == Traffic::kTcp ? box.tcp_exit : box.udp_exit).blocked;
}

int Passage::AddSocket(const Socket& socket) {
  sockets_.push_back(socket);
  permissions_.emplace_back();
  return static_cast<int>(sockets_.size()) - 1;
}

int Passage::AddSocket(const Interface& interface, SocketAddress address) {
  Socket socket;
  socket.address = address;
  socket.network = interface.network;
  socket.gateway = interface.gateway;
  socket.up = interface.up;
  socket.down = interface.down;
  return AddSocket(socket);
}

Arrival Passage::Send(int from, const SocketAddress& destination, bool pause) {
  return Launch(from, destination, false, pause);
}

Arrival Passage::Open(int from, const SocketAddress& destination, bool pause) {
  return Launch(from, destination, true, pause);
}

Arrival Passage::Launch(int from, const SocketAddress& destination, bool opens, bool pause) {
  const Socket& sender = sockets_[At(from)];
  if (sender.relay && !Has(permissions_[At(from)], destination.address())) {
    permissions_[At(from)].push_back(destination.address());
    ++knowledge_;
  }
  Datagram datagram;
  datagram.source = sender.address;
  datagram.destination = destination;
  datagram.network = sender.network;
  datagram.gateway = sender.gateway;
  datagram.delay = sender.up;
  datagram.opens = opens;
  return Walk(datagram, pause);
}

Arrival Passage::Resume(const Datagram& datagram) { return Walk(datagram, false); }

Arrival Passage::Walk(Datagram datagram, bool pause) {
  Arrival arrival;
  const auto lost = [&](Loss::Kind kind, int place) {
    arrival.loss.kind = kind;
    arrival.loss.place = place;
    arrival.datagram = datagram;
    return arrival;
  };
  for (int boxes = 0; boxes <= kBoxesMax; ++boxes) {
    const IpAddress& to = datagram.destination.address();
    if (const std::optional<int> found = SocketAt(datagram.network, datagram.destination)) {
      const Socket& socket = sockets_[At(*found)];
      if (socket.relay && !Has(permissions_[At(*found)], datagram.source.address())) {
        return lost(Loss::Kind::kNoPermission, datagram.network);
      }
      datagram.delay += socket.down;
      arrival.socket = found;
      arrival.datagram = datagram;
      return arrival;
    }
    if (HostAt(datagram.network, to)) return lost(Loss::Kind::kNoListener, datagram.network);

    // Inwards: from outside into a box.
    if (const std::optional<int> box_index = BoxWithExternal(datagram.network, to)) {
      if (pause) {
        arrival.paused = true;
        arrival.datagram = datagram;
        return arrival;
      }
      const Box& box = model_.boxes[At(*box_index)];
      datagram.delay += box.outside.down;
      arrival.into_box = datagram.delay;
      if (!LetsIn(box)) return lost(Loss::Kind::kBlocked, *box_index);
      const std::optional<Inside> inside =
          In(*box_index, datagram.destination, datagram.source, datagram.opens, &arrival.loss);
      if (!inside) return lost(arrival.loss.kind, *box_index);
      datagram.destination = inside->address;
      datagram.network = inside->network;
      for (const Interface& interface : box.inside) {
        if (interface.network == inside->network) datagram.delay += interface.up;
      }
      datagram.gateway.reset();
      continue;
    }
    if (to.is_v6()) {
      if (const std::optional<int> box_index = BoxRoutingTo(datagram.network, to)) {
        const Box& box = model_.boxes[At(*box_index)];
        if (!box.passes_ipv6) return lost(Loss::Kind::kNoIpv6, *box_index);
        if (!LetsIn(box)) return lost(Loss::Kind::kBlocked, *box_index);
        const std::optional<int> inside = OtherInside(box, std::nullopt, to);
        if (!inside) return lost(Loss::Kind::kNoRoute, *box_index);
        datagram.delay += box.outside.down;
        datagram.network = *inside;
        datagram.gateway.reset();
        continue;
      }
    }

    // Outwards: out of the domain through the gateway of the datagram.
    if (!datagram.gateway) return lost(Loss::Kind::kNoWayOn, datagram.network);
    const int gateway = *datagram.gateway;
    const Box& box = model_.boxes[At(gateway)];
    const Interface* from = nullptr;
    for (const Interface& interface : box.inside) {
      if (Domain(interface.network) == Domain(datagram.network)) from = &interface;
    }
    if (from == nullptr) return lost(Loss::Kind::kNotAttached, gateway);
    datagram.delay += from->down;
    if (const std::optional<int> other = OtherInside(box, from->network, to)) {
      if (!box.routes_between_inside) return lost(Loss::Kind::kNotRouted, gateway);
      datagram.network = *other;
      datagram.gateway.reset();
      continue;
    }
    const bool hairpins = to.is_v4() && Has(box.outside.addresses, to);
    if (!hairpins && !LetsOut(box, datagram.destination)) return lost(Loss::Kind::kBlocked, gateway);
    if (to.is_v6()) {
      if (!box.passes_ipv6) return lost(Loss::Kind::kNoIpv6, gateway);
    } else {
      const Inside inside{from->network, datagram.source};
      if (datagram.opens) {
        arrival.steps.push_back({gateway, inside.network, inside.address, datagram.destination, datagram.delay});
      }
      if (hairpins) {
        if (NatOf(box).hairpinning == Hairpinning::kNone) return lost(Loss::Kind::kNoHairpin, gateway);
        const SocketAddress mapped = Out(gateway, inside, datagram.destination);
        const std::optional<Inside> target = In(gateway, datagram.destination, mapped, datagram.opens, &arrival.loss);
        if (!target) {
          arrival.loss.hairpinned = true;
          return lost(arrival.loss.kind, gateway);
        }
        if (NatOf(box).hairpinning == Hairpinning::kExternalSource) datagram.source = mapped;
        datagram.destination = target->address;
        datagram.network = target->network;
        datagram.gateway.reset();
        for (const Interface& interface : box.inside) {
          if (interface.network == target->network) datagram.delay += interface.up;
        }
        continue;
      }
      datagram.source = Out(gateway, inside, datagram.destination);
    }
    datagram.network = box.outside.network;
    datagram.gateway = box.outside.gateway;
    datagram.delay += box.outside.up;
  }
  return lost(Loss::Kind::kLoop, 0);
}

bool Passage::Carries(int from_network, int to_network, const IpAddress& address) const {
  if (Domain(from_network) != Domain(to_network)) return false;
  if (from_network == to_network && !model_.networks[At(to_network)].drops_private) return true;
  if (!address.IsPrivate() && !address.IsShared()) return true;
  for (const Network& network : model_.networks) {
    if (network.domain == Domain(to_network) && network.drops_private) return false;
  }
  return true;
}

std::optional<int> Passage::SocketAt(int network, const SocketAddress& address) const {
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    if (sockets_[i].address == address && Carries(network, sockets_[i].network, address.address())) {
      return static_cast<int>(i);
    }
  }
  return std::nullopt;
}

bool Passage::HostAt(int network, const IpAddress& address) const {
  for (const Host& host : model_.hosts) {
    for (const Interface& interface : host.interfaces) {
      if (Has(interface.addresses, address) && Carries(network, interface.network, address)) return true;
    }
  }
  return false;
}

std::optional<int> Passage::BoxWithExternal(int network, const IpAddress& address) const {
  if (address.is_v6()) return std::nullopt;
  for (std::size_t i = 0; i < model_.boxes.size(); ++i) {
    const Interface& outside = model_.boxes[i].outside;
    if (Has(outside.addresses, address) && Carries(network, outside.network, address)) return static_cast<int>(i);
  }
  return std::nullopt;
}

std::optional<int> Passage::BoxRoutingTo(int network, const IpAddress& address) const {
  for (std::size_t i = 0; i < model_.boxes.size(); ++i) {
    const Box& box = model_.boxes[i];
    if (Domain(box.outside.network) == Domain(network) && OtherInside(box, std::nullopt, address))
      return static_cast<int>(i);
  }
  return std::nullopt;
}

std::optional<int> Passage::OtherInside(const Box& box, std::optional<int> network, const IpAddress& address) const {
  for (const Interface& interface : box.inside) {
    if (network && Domain(interface.network) == Domain(*network)) continue;
    if (HostAt(interface.network, address) || BoxWithExternal(interface.network, address)) return interface.network;
    if (address.is_v6() && BoxRoutingTo(interface.network, address)) return interface.network;
  }
  return std::nullopt;
}

void Passage::Remember(std::vector<SentTo>& list, const SentTo& entry) {
  for (const SentTo& old : list) {
    if (old.inside == entry.inside && old.external == entry.external && old.remote == entry.remote) return;
  }
  list.push_back(entry);
  ++knowledge_;
}

IpAddress Passage::ExternalAddress(int box_index, const Inside& inside) {
  const Box& box = model_.boxes[At(box_index)];
  if (!NatOf(box).arbitrary_pooling || pooling_ == Pooling::kAlwaysFirst || box.outside.addresses.size() < 2) {
    // An inside address always gets the same external address. Which one it gets does not matter, so it is the first.
    (void)inside;
    return box.outside.addresses.empty() ? IpAddress() : box.outside.addresses.front();
  }
  Memory& memory = memory_[At(box_index)];
  const std::size_t next = memory.next_address++;
  return box.outside.addresses[next % box.outside.addresses.size()];
}

SocketAddress Passage::Out(int box_index, const Inside& inside, const SocketAddress& remote) {
  const Box& box = model_.boxes[At(box_index)];
  const NatBehavior& nat = NatOf(box);
  for (const Forward& forward : box.forwards) {
    if (forward.inside == inside.address) {
      return SocketAddress(ExternalAddress(box_index, inside), forward.external_port);
    }
  }
  if (nat.per_tuple) return OutPerTuple(box_index, inside, remote);
  Memory& memory = memory_[At(box_index)];
  if (nat.inbound_sessions) {
    for (const SentTo& session : memory.sessions) {
      if (session.inside == inside && session.remote == remote) {
        Remember(memory.sent, session);
        return session.external;
      }
    }
  }
  for (const Mapping& mapping : memory.mappings) {
    if (mapping.inside == inside && Alike(nat.mapping, mapping.remote, remote)) {
      Remember(memory.sent, {inside, mapping.external, remote});
      return mapping.external;
    }
  }
  const IpAddress address = ExternalAddress(box_index, inside);
  const SocketAddress external(address, memory.next_port++);
  memory.mappings.push_back({inside, remote, external});
  Remember(memory.sent, {inside, external, remote});
  return external;
}

std::optional<Passage::Inside> Passage::In(int box_index, const SocketAddress& external, const SocketAddress& remote,
                                           bool opens, Loss* why) {
  const Box& box = model_.boxes[At(box_index)];
  const NatBehavior& nat = NatOf(box);
  for (const Forward& forward : box.forwards) {
    if (forward.external_port != external.port()) continue;
    for (const Interface& interface : box.inside) {
      if (HostAt(interface.network, forward.inside.address())) return Inside{interface.network, forward.inside};
    }
  }
  if (nat.per_tuple) return InPerTuple(box_index, external, remote, opens, why);
  Memory& memory = memory_[At(box_index)];
  const Mapping* mapping = nullptr;
  for (const Mapping& candidate : memory.mappings) {
    if (candidate.external == external) mapping = &candidate;
  }
  if (mapping == nullptr) {
    why->kind = Loss::Kind::kNoMapping;
    return std::nullopt;
  }
  const Inside inside = mapping->inside;
  bool passes = nat.filtering == Dependence::kEndpointIndependent;
  for (const SentTo& sent : memory.sent) {
    if (sent.inside == inside && (nat.memory == FilterMemory::kPerEndpoint || sent.external == external) &&
        Alike(nat.filtering, sent.remote, remote)) {
      passes = true;
    }
  }
  if (!passes) {
    why->kind = Loss::Kind::kFiltered;
    return std::nullopt;
  }
  if (opens && !box.tcp.simultaneous_open) {
    for (const SentTo& sent : memory.sent) {
      if (sent.inside != inside || sent.remote != remote) continue;
      why->kind = Loss::Kind::kCrossingRefused;
      return std::nullopt;
    }
  }
  if (nat.inbound_sessions) {
    const SentTo session{inside, external, remote};
    for (SentTo& old : memory.sessions) {
      if (old.inside == inside && old.remote == remote) {
        if (old.external != external) ++knowledge_;
        old.external = external;
        return inside;
      }
    }
    memory.sessions.push_back(session);
    ++knowledge_;
  }
  return inside;
}

SocketAddress Passage::OutPerTuple(int box_index, const Inside& inside, const SocketAddress& remote) {
  const Box& box = model_.boxes[At(box_index)];
  const NatBehavior& nat = NatOf(box);
  Memory& memory = memory_[At(box_index)];
  for (const Tuple& tuple : memory.tuples) {
    if (!tuple.local && tuple.inside == inside && tuple.remote == remote) return tuple.external;
  }
  const auto free = [&](const SocketAddress& external) {
    for (const Tuple& tuple : memory.tuples) {
      if (tuple.external == external && tuple.remote == remote) return false;
    }
    return true;
  };
  std::optional<SocketAddress> external;
  if (nat.keeps_port) {
    const auto newest = std::find_if(memory.tuples.rbegin(), memory.tuples.rend(),
                                     [&](const Tuple& tuple) { return !tuple.local && tuple.inside == inside; });
    if (newest != memory.tuples.rend() && free(newest->external)) {
      external = newest->external;
    } else {
      const SocketAddress kept(ExternalAddress(box_index, inside), inside.address.port());
      if (free(kept)) external = kept;
    }
  }
  if (!external) {
    const IpAddress address = ExternalAddress(box_index, inside);
    external = SocketAddress(address, memory.next_port++);
  }
  memory.tuples.push_back({inside, *external, remote, false});
  ++knowledge_;
  return *external;
}

std::optional<Passage::Inside> Passage::InPerTuple(int box_index, const SocketAddress& external,
                                                   const SocketAddress& remote, bool opens, Loss* why) {
  const Box& box = model_.boxes[At(box_index)];
  const NatBehavior& nat = NatOf(box);
  Memory& memory = memory_[At(box_index)];
  for (const Tuple& tuple : memory.tuples) {
    if (tuple.external != external || tuple.remote != remote) continue;
    if (opens && !box.tcp.simultaneous_open) {
      why->kind = Loss::Kind::kCrossingRefused;
      return std::nullopt;
    }
    if (!tuple.local) return tuple.inside;
    why->kind = Loss::Kind::kTakenEarlier;
    return std::nullopt;
  }
  if (nat.filtering != Dependence::kAddressAndPortDependent) {
    for (const Tuple& tuple : memory.tuples) {
      if (tuple.local || tuple.external != external || !Alike(nat.filtering, tuple.remote, remote)) continue;
      const Inside inside = tuple.inside;
      memory.tuples.push_back({inside, external, remote, false});
      ++knowledge_;
      return inside;
    }
  }
  if (nat.claims_tuple) {
    memory.tuples.push_back({{}, external, remote, true});
    ++knowledge_;
    why->kind = Loss::Kind::kTakenByBox;
    return std::nullopt;
  }
  why->kind = Loss::Kind::kFiltered;
  return std::nullopt;
}

void Passage::Refuse(const std::vector<Step>& steps, Refusal refusal) {
  for (const Step& step : steps) {
    const TcpBehavior& tcp = model_.boxes[At(step.box)].tcp;
    if (!(refusal == Refusal::kReset ? tcp.reset_forgets : tcp.icmp_forgets)) continue;
    Memory& memory = memory_[At(step.box)];
    const Inside inside{step.network, step.inside};
    const auto about = [&](const auto& entry) { return entry.inside == inside && entry.remote == step.remote; };
    const std::size_t before = memory.sent.size() + memory.tuples.size();
    std::erase_if(memory.sent, about);
    std::erase_if(memory.sessions, about);
    std::erase_if(memory.tuples, about);
    // A mapping is deleted when no entry in `sent` uses it any more.
    std::erase_if(memory.mappings, [&](const Mapping& mapping) {
      return std::none_of(memory.sent.begin(), memory.sent.end(),
                          [&](const SentTo& sent) { return sent.external == mapping.external; });
    });
    if (memory.sent.size() + memory.tuples.size() != before) ++knowledge_;
  }
}

}  // namespace pinhole::scenarios::oracle
