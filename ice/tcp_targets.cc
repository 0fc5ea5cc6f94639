#include "ice/tcp_targets.h"

#include <algorithm>

namespace pinhole::ice {
namespace {

bool Contains(const std::vector<net::IpAddress>& addresses, const net::IpAddress& address) {
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

// IPv4 in IPv6 clothes would be judged by the clothes (RFC 4291 §2.5.5): no peer needs them.
bool IsDisguised(const net::IpAddress& address) { return address.IsV4Mapped() || address.IsV4Compatible(); }

}  // namespace

bool TcpTargets::Allow(const net::IpAddress& address) {
  if (address.IsUnspecified() || address.IsMulticast() || IsDisguised(address)) return false;
  if (address.IsLoopback()) return include_loopback_;
  if (Contains(own_, address)) return false;
  if (!address.IsPrivate() && !address.IsShared() && !address.IsLinkLocal() && !address.IsSiteLocal()) return true;
  if (Contains(private_, address)) return true;
  if (private_addresses() >= private_limit_) return false;
  private_.push_back(address);
  return true;
}

}  // namespace pinhole::ice
