// The bookkeeping of transactions, and the change of role. The client's part of the checks is in checks_client.cc, the
// server's part in checks_server.cc.
#include "ice/connectivity_checks.h"

#include <algorithm>

namespace pinhole::ice {
namespace {

std::uint64_t KeyOf(const stun::TransactionId& id) { return net::LoadU64(id.bytes.data()) | 1; }

}  // namespace

std::optional<int> ConnectivityChecks::FindCheck(const stun::TransactionId& id) const {
  const std::uint64_t key = KeyOf(id);
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i] == key && checks_[i].transaction->id() == id) return static_cast<int>(i);
  }
  return std::nullopt;
}

int ConnectivityChecks::NewCheck() {
  if (free_.empty()) {
    if (checks_.empty()) {
      constexpr std::size_t kUsual = 8;
      keys_.reserve(kUsual);
      deadlines_.reserve(kUsual);
      free_.reserve(kUsual);
    }
    checks_.emplace_back();
    keys_.push_back(0);
    deadlines_.push_back(net::kNever);
    return static_cast<int>(checks_.size()) - 1;
  }
  const int check = free_.back();
  free_.pop_back();
  return check;
}

void ConnectivityChecks::Free(int check) {
  const auto at = static_cast<std::size_t>(check);
  CandidatePair& pair = session_.lists.pair(checks_[at].pair);
  if (pair.checks.open == check) {
    pair.checks.open.reset();
  } else {
    --pair.checks.cancelled;
  }
  checks_[at].transaction.reset();
  keys_[at] = 0;
  deadlines_[at] = net::kNever;
  free_.push_back(check);
}

void ConnectivityChecks::UpdateDeadline(int check) {
  const auto at = static_cast<std::size_t>(check);
  keys_[at] = KeyOf(checks_[at].transaction->id());
  deadlines_[at] = checks_[at].transaction->NextTimer();
}

// True: this is the open transaction of its pair, not a cancelled one.
bool ConnectivityChecks::IsActive(int check) const {
  return session_.lists.pair(checks_[static_cast<std::size_t>(check)].pair).checks.open == check;
}

void ConnectivityChecks::ForgetOldestCancelled(int pair) {
  std::optional<std::size_t> oldest;
  for (std::size_t i = 0; i < checks_.size(); ++i) {
    if (keys_[i] == 0 || checks_[i].pair != pair || IsActive(static_cast<int>(i))) continue;
    if (!oldest || checks_[i].started < checks_[*oldest].started) oldest = i;
  }
  if (oldest) Free(static_cast<int>(*oldest));
}

void ConnectivityChecks::Cancel(net::Instant now, int index) {
  PairChecks& checks = session_.lists.pair(index).checks;
  if (!checks.open) return;
  const int check = *checks.open;
  checks.open.reset();
  ++checks.cancelled;
  checks_[static_cast<std::size_t>(check)].transaction->StopRetransmitting(now);
  UpdateDeadline(check);
  if (checks.cancelled > kCancelledMax) ForgetOldestCancelled(index);
}

void ConnectivityChecks::Clear() {
  for (std::size_t i = 0; i < checks_.size(); ++i) {
    if (keys_[i] != 0) Free(static_cast<int>(i));
  }
  early_.clear();
}

net::Instant ConnectivityChecks::NextTimer() const {
  net::Earliest earliest;
  for (const net::Instant deadline : deadlines_) earliest.Add(deadline);
  return earliest.at();
}

void ConnectivityChecks::SwitchRole() {
  session_.role = Opposite(session_.role);
  ++session_.counters.role_switches;
  // A nomination that this agent has begun belongs to its old role and is given up. A nomination by the peer that this
  // agent has accepted stays.
  for (int i = 0; i < session_.lists.pair_count(); ++i) {
    CandidatePair& pair = session_.lists.pair(i);
    if (pair.nomination == Nomination::kChosen) pair.nomination = Nomination::kNone;
  }
  for (int stream = 0; stream < session_.lists.list_count(); ++stream) {
    for (ComponentStatus& component : session_.lists.list(stream).components) component.chosen.reset();
  }
  session_.RecomputePriorities();
}

}  // namespace pinhole::ice
