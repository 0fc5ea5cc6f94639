#include "sim/nat/conntrack_ports.h"

#include <algorithm>

namespace pinhole::sim::nat {
namespace {

// UniquePort() tries ports in rounds. kAttemptsMax: the largest number of ports in one round (NF_NAT_MAX_ATTEMPTS). A
// round with fewer than kAttemptsMin ports is the last.
constexpr int kAttemptsMax = 128;
constexpr int kAttemptsMin = 16;

// nf_nat_l4proto_unique_tuple(): tries up to 128 consecutive ports from a random port on, then 64 from another, and so
// on down to 8. A range of at most 128 ports is tried once as a whole.
std::optional<Endpoint> UniquePort(PortRange range, std::uint32_t address, net::RandomSource& random,
                                   absl::FunctionRef<bool(Endpoint)> is_taken) {
  int attempts = std::min(range.size(), kAttemptsMax);
  while (true) {
    const int offset = static_cast<int>(random.Below(65536));
    for (int i = 0; i < attempts; ++i) {
      const auto port = static_cast<std::uint16_t>(range.first + (offset + i) % 65536 % range.size());
      const Endpoint external{address, port};
      if (!is_taken(external)) return external;
    }
    if (attempts >= range.size() || attempts < kAttemptsMin) return std::nullopt;
    attempts /= 2;
  }
}

}  // namespace

PortRange ConntrackPortClass(std::uint16_t inside_port) {
  if (inside_port < 512) return {1, 511};
  if (inside_port < 1024) return {600, 1023};
  return {1024, 65535};
}

std::optional<Endpoint> UniqueTuple(const TransportBehavior& behavior, std::uint16_t inside_port,
                                    std::optional<Endpoint> newest_of_inside, std::uint32_t address,
                                    net::RandomSource& random, absl::FunctionRef<bool(Endpoint)> is_taken) {
  if (behavior.port_allocation != PortAllocation::kRandom) {
    const auto in_range = [&](std::uint16_t port) { return !behavior.ports || behavior.ports->Contains(port); };
    if (newest_of_inside && in_range(newest_of_inside->port) && !is_taken(*newest_of_inside)) return newest_of_inside;
    const Endpoint preserved{address, inside_port};
    // The kernel uses a range of one port even if the port is taken, and then loses the session. Here the choice fails
    // below.
    if (in_range(inside_port) && !is_taken(preserved)) return preserved;
  }
  return UniquePort(behavior.ports.value_or(ConntrackPortClass(inside_port)), address, random, is_taken);
}

}  // namespace pinhole::sim::nat
