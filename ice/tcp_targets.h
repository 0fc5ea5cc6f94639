#pragma once

#include <vector>

#include "net/ip_address.h"

namespace pinhole::ice {

// Decides to which addresses an agent opens TCP connections. Whoever writes the peer's candidates chooses these
// addresses, so a hostile list could make the agent scan its own machine and its own network.
class TcpTargets {
 public:
  // `private_limit` is the number of private addresses that are allowed in all (RFC 1918, RFC 4193, shared and
  // link-local ones). `include_loopback`: loopback addresses are treated like any others.
  TcpTargets(int private_limit, bool include_loopback)
      : private_limit_(private_limit), include_loopback_(include_loopback) {}

  // Adds an address of this machine. The agent never connects to it, except to a loopback address if loopback is
  // included.
  void AddOwn(const net::IpAddress& address) { own_.push_back(address); }

  // True: the agent never connects to this address, however many private addresses are left.
  bool Forbids(const net::IpAddress& address) const;
  // Whether Allow() would return true.
  bool WouldAllow(const net::IpAddress& address) const;
  // Whether the agent may open a connection to this address now. A private address that is allowed counts against the
  // limit, and stays allowed from then on.
  bool Allow(const net::IpAddress& address);

  int private_addresses() const { return static_cast<int>(private_.size()); }

 private:
  int private_limit_;
  bool include_loopback_;
  std::vector<net::IpAddress> own_;
  std::vector<net::IpAddress> private_;
};

}  // namespace pinhole::ice
