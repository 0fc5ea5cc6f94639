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
  std::optional<int> learned_on;  // the base on which its first check came; nullopt: the peer told it
};

// The peer's candidates: those that the peer told, and peer-reflexive ones that were learned from its checks
// (RFC 8445 §7.3.1.3). No two candidates of one component and transport have the same address.
class RemoteCandidates {
 public:
  const RemoteCandidate& operator[](int index) const { return all_[static_cast<std::size_t>(index)]; }
  int size() const { return static_cast<int>(all_.size()); }
  const std::vector<RemoteCandidate>& all() const { return all_; }

  // The index of the candidate; nullopt: there is none.
  std::optional<int> Find(int stream, int component, Transport transport, const net::SocketAddress& address) const;

  // Adds a candidate that the peer told, and returns its index. If its address was learned before, the told candidate
  // replaces the learned one at the same index. nullopt: the candidate cannot be used (no port, an unspecified or
  // multicast address), was told before, or exceeds the limit.
  std::optional<int> Add(const Candidate& candidate);

  // The number of candidates that were learned on `base` from this IP address.
  int CountLearned(int base, const net::IpAddress& address) const;
  // Adds a peer-reflexive candidate and returns its index. If `replaces` is given, the new candidate takes the place
  // of the one at that index.
  int Learn(int stream, int component, Transport transport, int base, const net::SocketAddress& from,
            std::uint32_t priority, std::optional<int> replaces);

  // Gives the candidate a new address. Over TCP the peer has a new address with each connection that it opens.
  void Move(int remote, const net::SocketAddress& to) { all_[static_cast<std::size_t>(remote)].candidate.address = to; }

 private:
  std::vector<RemoteCandidate> all_;
  RemoteFoundations foundations_;
  int told_ = 0;
};

}  // namespace pinhole::ice
