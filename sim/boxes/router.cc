#include "sim/boxes/router.h"

#include "sim/world.h"

namespace pinhole::sim {

Router::Router(const NodeInit& init, const RouterOptions& options) : HostNode(init, options.host), options_(options) {}

void Router::FilterSourcesFrom(int interface) {
  const std::size_t index = static_cast<std::size_t>(interface);
  if (filters_sources_.size() <= index) filters_sources_.resize(index + 1, false);
  filters_sources_[index] = true;
}

void Router::Forward(int interface, PacketPtr packet) {
  if (static_cast<std::size_t>(interface) < filters_sources_.size() &&
      filters_sources_[static_cast<std::size_t>(interface)]) {
    const Route* back = routes().Find(packet->source.address());
    if (back == nullptr || back->interface != interface) {
      const net::SocketAddress source = packet->source;
      world().Drop(*this, std::move(packet), Rule::kSourceFiltered, {.endpoint = source});
      return;
    }
  }
  const net::IpAddress& destination = packet->destination.address();
  // Packets to these addresses must never leave their machine or network (RFC 1812 §5.3.7, RFC 4291 §2.5.6).
  if (destination.IsMulticast() || destination.IsLoopback() || destination.IsLinkLocal() ||
      destination.IsUnspecified()) {
    world().Drop(*this, std::move(packet), Rule::kMartian);
    return;
  }
  if (!options_.forwards_private && (destination.IsPrivate() || destination.IsShared())) {
    world().Drop(*this, std::move(packet), Rule::kPrivateInCore);
    return;
  }
  if (!StepTtl(interface, packet)) return;
  RouteOut(interface, std::move(packet));
}

}  // namespace pinhole::sim
