#pragma once

#include <vector>

#include "sim/host/host_node.h"

namespace pinhole::sim {

struct RouterOptions {
  HostOptions host;
  // Whether packets to private (RFC 1918, fc00::/7) and shared (RFC 6598) addresses are forwarded. If false, they are
  // dropped without an ICMP error, as in the public core.
  bool forwards_private = false;
};

// A router: forwards by longest prefix and takes one off the TTL. It is also a host.
class Router final : public HostNode {
 public:
  explicit Router(const NodeInit& init, const RouterOptions& options = {});

  // Drops packets that come in by `interface`, unless the route to their source leaves by `interface` (RFC 3704 §2.2,
  // strict).
  void FilterSourcesFrom(int interface);

 protected:
  void Forward(int interface, PacketPtr packet) override;

 private:
  RouterOptions options_;
  std::vector<bool> filters_sources_;  // by interface; an interface beyond the end does not filter
};

}  // namespace pinhole::sim
