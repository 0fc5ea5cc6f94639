#pragma once

#include <optional>
#include <vector>

#include "ice/candidate.h"
#include "ice/description.h"
#include "ice/foundation.h"
#include "net/socket_address.h"

namespace pinhole::ice {

struct RemoteCandidate {
  Candidate candidate;
  FoundationId foundation = 0;
  std::optional<int> learned_on;  // base on which a check from it came first; nullopt: the peer told it
};

// The peer's candidates: those it told, and peer-reflexive ones learned from its checks (RFC 8445 §7.3.1.3).
// No two of a component and transport have the same address.
class RemoteCandidates {
 public:
  const RemoteCandidate& operator[](int index) const { return all_[static_cast<std::size_t>(index)]; }
  int size() const { return static_cast<int>(all_.size()); }
  const std::vector<RemoteCandidate>& all() const { return all_; }

  // -1 if there is none.
  int Find(int stream, int component, Transport transport, const net::SocketAddress& address) const;

  // Adds a candidate that the peer told and gives its index. One that was learned before takes on what the
  // peer says of it. -1: it cannot be used (no port, unspecified, multicast), is known, or one too many.
  int Add(const Candidate& candidate);

  // How many were learned on `base` from this IP address.
  int CountLearned(int base, const net::IpAddress& address) const;
  // Adds a peer-reflexive candidate of this transport, in the place of the one at `replaces` if that is not -1.
  int Learn(int stream, int component, Transport transport, int base, const net::SocketAddress& from,
            std::uint32_t priority, int replaces);

  // The peer is at another address now: over TCP with each connection that it opens.
  void Move(int remote, const net::SocketAddress& to) { all_[static_cast<std::size_t>(remote)].candidate.address = to; }

 private:
  std::vector<RemoteCandidate> all_;
  RemoteFoundations foundations_;
  int told_ = 0;
};

}  // namespace pinhole::ice
