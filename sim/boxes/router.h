#pragma once

#include <vector>

#include "sim/host/host_node.h"

namespace pinhole::sim {

struct RouterOptions {
  HostOptions host;
  // Passes packets to private (RFC 1918, fc00::/7) and shared (RFC 6598) addresses on by its routes. Without,
  // they end here in silence, as in the public core.
  bool forwards_private = false;
};

// Forwards by longest prefix, with a step of TTL. Is also a host.
class Router final : public HostNode {
 public:
  explicit Router(const NodeInit& init, const RouterOptions& options = {});

  // Drops what comes in by `interface` unless its source would be sent back by it (RFC 3704 §2.2, strict).
  void FilterSourcesFrom(int interface);

 protected:
  void Forward(int interface, PacketPtr packet) override;

 private:
  RouterOptions options_;
  std::vector<bool> filters_sources_;  // by interface; empty: none does
};

}  // namespace pinhole::sim
