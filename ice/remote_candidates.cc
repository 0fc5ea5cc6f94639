#include "ice/remote_candidates.h"

namespace pinhole::ice {

std::optional<int> RemoteCandidates::Find(int stream, int component, Transport transport,
                                          const net::SocketAddress& address) const {
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const Candidate& candidate = all_[i].candidate;
    if (candidate.address == address && candidate.transport == transport && candidate.stream == stream &&
        candidate.component == component) {
      return static_cast<int>(i);
    }
  }
  return std::nullopt;
}

std::optional<int> RemoteCandidates::Add(const Candidate& candidate) {
  const net::IpAddress& ip = candidate.address.address();
  if (candidate.address.port() == 0 || ip.IsUnspecified() || ip.IsMulticast()) return std::nullopt;
  if (told_ >= Description::kCandidatesMax) return std::nullopt;
  const FoundationId foundation =
      candidate.foundation.text().empty() ? foundations_.Unique() : foundations_.Of(candidate.foundation);
  const std::optional<int> known = Find(candidate.stream, candidate.component, candidate.transport, candidate.address);
  if (!known) {
    all_.push_back({candidate, foundation, std::nullopt});
    ++told_;
    return size() - 1;
  }
  RemoteCandidate& old = all_[static_cast<std::size_t>(*known)];
  if (!old.learned_on) return std::nullopt;
  ++told_;
  old = {candidate, foundation, std::nullopt};
  return known;
}

int RemoteCandidates::CountLearned(int base, const net::IpAddress& address) const {
  int count = 0;
  for (const RemoteCandidate& remote : all_) {
    count += remote.learned_on == base && remote.candidate.address.address() == address;
  }
  return count;
}

int RemoteCandidates::Learn(int stream, int component, Transport transport, int base, const net::SocketAddress& from,
                            std::uint32_t priority, std::optional<int> replaces) {
  Candidate candidate;
  candidate.stream = stream;
  candidate.component = component;
  candidate.type = CandidateType::kPeerReflexive;
  candidate.transport = transport;
  candidate.priority = priority;
  candidate.address = from;
  if (replaces) {  // The foundation of the old candidate is already unique.
    RemoteCandidate& old = all_[static_cast<std::size_t>(*replaces)];
    old = {candidate, old.foundation, base};
    return *replaces;
  }
  all_.push_back({candidate, foundations_.Unique(), base});
  return size() - 1;
}

}  // namespace pinhole::ice
