#include "sim/nat/binding_table.h"

#include <algorithm>

#include "net/contract.h"

namespace pinhole::sim::nat {

Binding* BindingTable::IfAlive(const std::uint32_t* index, net::Instant now) {
  if (index == nullptr) return nullptr;
  Binding& binding = slab_[*index];
  if (binding.timer.Alive(now)) return &binding;
  Remove(binding);
  return nullptr;
}

Binding* BindingTable::FindFromInside(Endpoint inside, Endpoint scope, net::Instant now) {
  return IfAlive(from_inside_.Find({inside.bits(), scope.bits()}), now);
}

Binding* BindingTable::FindFromOutside(Endpoint external, Endpoint scope, net::Instant now) {
  return IfAlive(from_outside_.Find(OutsideKey(external, scope)), now);
}

Binding* BindingTable::FindStatic(Endpoint external) {
  if (static_count_ == 0) return nullptr;
  const std::uint32_t* index = from_outside_.Find({external.bits(), kStaticMark});
  return index == nullptr ? nullptr : &slab_[*index];
}

Binding* BindingTable::Get(std::uint32_t index, std::uint64_t serial, net::Instant now) {
  if (index >= slab_.size() || slab_[index].serial != serial) return nullptr;
  return IfAlive(&index, now);
}

Binding* BindingTable::NewestOfInside(Endpoint inside, net::Instant now) {
  PINHOLE_REQUIRES(track_newest_);
  while (const std::uint32_t* index = newest_.Find({inside.bits(), kMark})) {
    const std::uint32_t newest = *index - 1;
    if (Binding* binding = IfAlive(&newest, now)) return binding;
  }
  return nullptr;
}

int BindingTable::CountDynamic(net::Instant now) {
  Sweep(now);
  return dynamic_count_;
}

std::uint32_t BindingTable::NewSlot(const Binding& binding) {
  std::uint32_t index;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(slab_.size());
    if (slab_.empty()) slab_.reserve(8);
    slab_.push_back(binding);
  } else {
    index = free_.back();
    free_.pop_back();
    slab_[index] = binding;
  }
  slab_[index].serial = next_serial_++;
  return index;
}

Binding& BindingTable::Add(const Binding& binding) {
  // A binding with the same keys, even if expired, would be overwritten in the indices but stay on the lists.
  PINHOLE_REQUIRES(from_inside_.Find(InsideKey(binding)) == nullptr);
  PINHOLE_REQUIRES(from_outside_.Find(OutsideKey(binding.external, binding.scope)) == nullptr);
  const std::uint32_t index = NewSlot(binding);
  Binding& added = slab_[index];
  from_inside_.FindOrAdd(InsideKey(added)) = index;
  from_outside_.FindOrAdd(OutsideKey(added.external, added.scope)) = index;
  if (shared_externals_) ++users_.FindOrAdd({added.external.bits(), kMark});
  if (track_newest_ && !added.from_outside) {
    std::uint32_t& newest = newest_.FindOrAdd({added.inside.bits(), kMark});
    if (newest != 0) {
      added.older_of_inside = newest - 1;
      slab_[newest - 1].newer_of_inside = index;
    }
    newest = index + 1;
  }
  added.older = latest_;
  added.newer = kNone;
  (latest_ == kNone ? oldest_ : slab_[latest_].newer) = index;
  latest_ = index;
  ++dynamic_count_;
  if (subscribers_ != nullptr) subscribers_->OnBindingAdded(added.inside);
  NoteExpiry(added.timer.expires);
  return added;
}

Binding& BindingTable::AddStatic(Endpoint inside, Endpoint external, bool from_inside) {
  const std::uint32_t index =
      NewSlot({.inside = inside, .external = external, .timer = {.expires = net::Instant::max()}, .is_static = true});
  Binding& added = slab_[index];
  const Key inside_key = InsideKey(added);
  if (from_inside && from_inside_.Find(inside_key) == nullptr) from_inside_.FindOrAdd(inside_key) = index;
  from_outside_.FindOrAdd({external.bits(), kStaticMark}) = index;
  ++static_count_;
  return added;
}

void BindingTable::Remove(Binding& binding) {
  const std::uint32_t index = IndexOf(binding);
  from_inside_.Erase(InsideKey(binding));
  from_outside_.Erase(OutsideKey(binding.external, binding.scope));
  if (shared_externals_) {
    const Key key{binding.external.bits(), kMark};
    if (--users_.FindOrAdd(key) == 0) users_.Erase(key);
  }
  if (track_newest_ && !binding.from_outside) {
    if (binding.older_of_inside != kNone) slab_[binding.older_of_inside].newer_of_inside = binding.newer_of_inside;
    if (binding.newer_of_inside != kNone) {
      slab_[binding.newer_of_inside].older_of_inside = binding.older_of_inside;
    } else if (binding.older_of_inside != kNone) {
      newest_.FindOrAdd({binding.inside.bits(), kMark}) = binding.older_of_inside + 1;
    } else {
      newest_.Erase({binding.inside.bits(), kMark});
    }
  }
  (binding.older == kNone ? oldest_ : slab_[binding.older].newer) = binding.newer;
  (binding.newer == kNone ? latest_ : slab_[binding.newer].older) = binding.older;
  --dynamic_count_;
  const Endpoint inside = binding.inside;
  binding = Binding();
  free_.push_back(index);
  if (subscribers_ != nullptr) subscribers_->OnBindingRemoved(inside);
}

void BindingTable::Sweep(net::Instant now) {
  if (now < earliest_expiry_) return;
  earliest_expiry_ = net::Instant::max();
  for (std::uint32_t index = oldest_; index != kNone;) {
    Binding& binding = slab_[index];
    index = binding.newer;
    if (binding.timer.Alive(now))
      NoteExpiry(binding.timer.expires);
    else
      Remove(binding);
  }
}

Binding* BindingTable::Oldest(net::Instant now, absl::FunctionRef<bool(const Binding&)> matches) {
  Sweep(now);
  for (std::uint32_t index = oldest_; index != kNone; index = slab_[index].newer) {
    if (matches(slab_[index])) return &slab_[index];
  }
  return nullptr;
}

void BindingTable::RemoveDynamic() {
  while (oldest_ != kNone) Remove(slab_[oldest_]);
}

}  // namespace pinhole::sim::nat
