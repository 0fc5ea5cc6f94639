#pragma once

#include <vector>

#include "net/ip_address.h"

namespace pinhole::ice {

// Where an agent lets itself be sent by TCP. Whoever writes the peer's candidates chooses what we connect to, so a
// hostile list would make a scanner of our machine and our network of us.
class TcpTargets {
 public:
  // How many private addresses in all (RFC 1918, RFC 4193, shared and link-local ones), and whether loopback is a
  // network like any other.
  TcpTargets(int private_limit, bool include_loopback)
      : private_limit_(private_limit), include_loopback_(include_loopback) {}

  // One of this machine's: never connected to, unless it is loopback and that is included.
  void AddOwn(const net::IpAddress& address) { own_.push_back(address); }

  // Never connected to, however many private addresses are left.
  bool Forbids(const net::IpAddress& address) const;
  // Whether Allow() would say yes.
  bool WouldAllow(const net::IpAddress& address) const;
  // Whether a connection may be made that is about to be. A private address that gets a yes counts, and gets one ever
  // after.
  bool Allow(const net::IpAddress& address);

  int private_addresses() const { return static_cast<int>(private_.size()); }

 private:
  int private_limit_;
  bool include_loopback_;
  std::vector<net::IpAddress> own_;
  std::vector<net::IpAddress> private_;
};

}  // namespace pinhole::ice
