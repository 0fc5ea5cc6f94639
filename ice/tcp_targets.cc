#include "ice/tcp_targets.h"

#include <algorithm>

namespace pinhole::ice {
namespace {

bool Contains(const std::vector<net::IpAddress>& addresses, const net::IpAddress& address) {
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

// An IPv4 address inside an IPv6 address would be judged by the rules for IPv6 (RFC 4291 §2.5.5). No peer needs such an
// address.
bool IsDisguised(const net::IpAddress& address) { return address.IsV4Mapped() || address.IsV4Compatible(); }

bool IsOfSomeNetwork(const net::IpAddress& address) {
  return address.IsPrivate() || address.IsShared() || address.IsLinkLocal() || address.IsSiteLocal();
}

}  // namespace

bool TcpTargets::Forbids(const net::IpAddress& address) const {
  if (address.IsUnspecified() || address.IsMulticast() || address.IsReserved() || IsDisguised(address)) return true;
  if (address.IsLoopback()) return !include_loopback_;
  return Contains(own_, address);
}

bool TcpTargets::WouldAllow(const net::IpAddress& address) const {
  if (Forbids(address)) return false;
  return !IsOfSomeNetwork(address) || Contains(private_, address) || private_addresses() < private_limit_;
}

bool TcpTargets::Allow(const net::IpAddress& address) {
  if (!WouldAllow(address)) return false;
  if (IsOfSomeNetwork(address) && !Contains(private_, address)) private_.push_back(address);
  return true;
}

}  // namespace pinhole::ice
