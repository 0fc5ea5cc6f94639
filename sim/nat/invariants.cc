// The invariants of a translator, which hold between any two packets. Fuzzers and tests check them after each packet.
#include <map>

#include "sim/nat/nat.h"

namespace pinhole::sim {
namespace nat {

const char* BindingTable::BrokenInvariant() const {
  int dynamic = 0;
  std::uint32_t older = kNone;
  std::map<std::uint64_t, std::uint32_t> users, newest;
  for (std::uint32_t index = oldest_; index != kNone; index = slab_[index].newer) {
    if (index >= slab_.size() || ++dynamic > dynamic_count_) return "the list of bindings ends";
    const Binding& one = slab_[index];
    if (one.serial == 0 || one.is_static) return "the list of bindings has those that packets have made";
    if (one.older != older) return "the list of bindings is the same from both ends";
    older = index;
    const std::uint32_t* by_inside = from_inside_.Find(InsideKey(one));
    if (by_inside == nullptr || *by_inside != index) return "a binding is found from inside";
    const std::uint32_t* by_outside = from_outside_.Find(OutsideKey(one.external, one.scope));
    if (by_outside == nullptr || *by_outside != index) return "a binding is found from outside";
    if (one.timer.expires < earliest_expiry_) return "no binding expires before the earliest";
    ++users[one.external.bits()];
    if (one.from_outside) continue;
    const auto known = newest.find(one.inside.bits());
    if (track_newest_ && one.older_of_inside != (known == newest.end() ? kNone : known->second)) {
      return "the sessions of an inside endpoint are a list in the order made";
    }
    newest[one.inside.bits()] = index;
  }
  if (latest_ != older || dynamic != dynamic_count_) return "bindings are counted";
  if (slab_.size() != free_.size() + static_cast<std::size_t>(dynamic_count_ + static_count_)) {
    return "a slot is free, of the profile or of a packet";
  }
  if (shared_externals_) {
    if (users_.size() != users.size()) return "an external endpoint without bindings has no count";
    for (const auto& [external, count] : users) {
      const std::uint32_t* known = users_.Find({external, kMark});
      if (known == nullptr || *known != count) return "bindings of an external endpoint are counted";
    }
  }
  if (track_newest_) {
    if (newest_.size() != newest.size()) return "only an inside endpoint with sessions has a newest one";
    for (const auto& [inside, index] : newest) {
      const std::uint32_t* known = newest_.Find({inside, kMark});
      if (known == nullptr || *known != index + 1) return "the newest session of an inside endpoint is known";
    }
  }
  return nullptr;
}

void BindingTable::CountByInside(std::map<std::uint64_t, int>& counts) const {
  for (std::uint32_t index = oldest_; index != kNone; index = slab_[index].newer) {
    ++counts[slab_[index].inside.AddressOnly().bits()];
  }
}

const char* TcpTranslator::BrokenInvariant() const {
  std::size_t kept = 0;
  std::map<std::uint64_t, std::size_t> of_inside;
  for (std::uint32_t index = 0; index < sessions_.size(); ++index) {
    const Session& one = sessions_[index];
    if (one.serial == 0) continue;
    ++kept;
    ++of_inside[one.inside.bits()];
    const std::uint32_t* known = by_ends_.Find({one.inside.bits(), one.remote.bits()});
    if (known == nullptr || *known != index) return "a session is found by its ends";
    if (one.older != kNone && sessions_[one.older].newer != index) return "sessions of one inside endpoint are a list";
    if (one.newer != kNone && sessions_[one.newer].older != index) return "sessions of one inside endpoint are a list";
    if (one.newer == kNone) {
      const std::uint32_t* newest = newest_.Find({one.inside.bits(), kMark});
      if (newest == nullptr || *newest != index + 1) return "the list of an inside endpoint begins at the newest";
    }
    if (one.expires < earliest_expiry_ && tracking().idle == TcpIdle::kResetBoth) {
      return "a session that is reset when idle has a timer";
    }
  }
  if (kept != sessions_kept() || by_ends_.size() != kept) return "sessions are counted";
  if (newest_.size() != of_inside.size()) return "an inside endpoint without sessions is forgotten";
  return nullptr;
}

}  // namespace nat

const char* Nat::BrokenInvariant() const {
  std::map<std::uint64_t, int> bindings;
  for (const nat::BindingTable* table : shared_.tables) {
    if (table == nullptr) continue;
    if (const char* broken = table->BrokenInvariant()) return broken;
    table->CountByInside(bindings);
  }
  if (shared_.keeps_subscribers) {
    for (const auto& [inside, count] : bindings) {
      const nat::Subscriber* known = shared_.subscribers.Find(inside);
      if (known == nullptr || known->bindings != count) return "the bindings of an inside address are counted";
    }
  }
  return tcp_ ? tcp_->BrokenInvariant() : nullptr;
}

}  // namespace pinhole::sim
