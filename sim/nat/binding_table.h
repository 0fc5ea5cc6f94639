#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "net/contract.h"
#include "net/time.h"
#include "sim/nat/endpoint.h"
#include "sim/nat/flat_map.h"
#include "sim/nat/refresh.h"
#include "sim/nat/subscribers.h"

namespace pinhole::sim::nat {

// One entry of the translation table (RFC 6146 §3.1's BIB): an inside endpoint and the external endpoint that
// stands for it, towards the remote endpoints of its scope.
struct Binding {
  Endpoint inside;
  Endpoint scope;  // ScopeOf(); zero: every remote endpoint
  Endpoint external;
  Timer timer;
  std::uint64_t serial = 0;   // never used again; also the Owner of the filter memory of this binding
  bool is_static = false;     // from the profile: never expires
  bool from_outside = false;  // made by a packet from outside, so the answers go out

  // For the table only: the indices of the neighbours in two lists in the order made, of all bindings and of the
  // bindings with the same inside endpoint.
  std::uint32_t older = 0xffffffff, newer = 0xffffffff;
  std::uint32_t older_of_inside = 0xffffffff, newer_of_inside = 0xffffffff;
};

// All bindings of one transport of a NAT. A binding is found from inside by (inside, scope), and from outside by its
// external endpoint, or by (external, scope) where external endpoints are shared. An expired binding is removed when a
// lookup finds it, so no function returns an expired binding. A pointer to a binding is valid until the next Add() or
// Remove().
class BindingTable {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  // `shared_externals`: SharesExternalEndpoints(). `track_newest`: keeps the list for NewestOfInside(). `subscribers`,
  // if not null, counts every dynamic binding, and must outlive the table.
  BindingTable(bool shared_externals, bool track_newest, Subscribers* subscribers)
      : shared_externals_(shared_externals), track_newest_(track_newest), subscribers_(subscribers) {}

  // The number of live dynamic bindings: those that packets have made, not the profile.
  int CountDynamic(net::Instant now);

  Binding* FindFromInside(Endpoint inside, Endpoint scope, net::Instant now);
  // `scope` matters only where external endpoints are shared.
  Binding* FindFromOutside(Endpoint external, Endpoint scope, net::Instant now);
  // The static binding of `external`, which holds for every scope; nullptr: there is none.
  Binding* FindStatic(Endpoint external);
  bool has_static() const { return static_count_ > 0; }
  // The binding at this index; nullptr if it has expired, or has another serial and so is another binding.
  Binding* Get(std::uint32_t index, std::uint64_t serial, net::Instant now);
  // The newest live binding that a packet of `inside` has made. REQUIRES: track_newest.
  Binding* NewestOfInside(Endpoint inside, net::Instant now);
  // Whether any binding has this external endpoint, expired ones included. REQUIRES: shared_externals.
  bool AnyWithExternal(Endpoint external) const {
    PINHOLE_REQUIRES(shared_externals_);
    return users_.Find({external.bits(), kMark}) != nullptr;
  }

  // Adds a dynamic binding; sets its serial and its places in the lists. REQUIRES: the table has no binding with the
  // same keys.
  Binding& Add(const Binding& binding);
  // Adds a static binding. It is found from inside only if `from_inside`, and only if it is the first with this inside
  // endpoint.
  Binding& AddStatic(Endpoint inside, Endpoint external, bool from_inside);
  void Remove(Binding& binding);
  std::uint32_t IndexOf(const Binding& binding) const { return static_cast<std::uint32_t>(&binding - slab_.data()); }
  // To be called when a timer was set to an earlier end than before.
  void NoteExpiry(net::Instant expires) {
    if (expires < earliest_expiry_) earliest_expiry_ = expires;
  }

  // Removes all expired bindings. Cheap when none can have expired.
  void Sweep(net::Instant now);
  // The oldest dynamic binding for which `matches` is true, or nullptr.
  Binding* Oldest(net::Instant now, absl::FunctionRef<bool(const Binding&)> matches);
  // Forgets all dynamic bindings.
  void RemoveDynamic();

  // The name of an invariant that does not hold, or nullptr. For tests and fuzzers.
  const char* BrokenInvariant() const;
  // Adds how many dynamic bindings each inside address has, by Endpoint::AddressOnly().bits().
  void CountByInside(std::map<std::uint64_t, int>& counts) const;

 private:
  static constexpr std::uint64_t kMark = ~std::uint64_t{0} - 1;
  static constexpr std::uint64_t kStaticMark = ~std::uint64_t{0} - 2;

  Key InsideKey(const Binding& b) const { return {b.inside.bits(), b.scope.bits()}; }
  Key OutsideKey(Endpoint external, Endpoint scope) const {
    return {external.bits(), shared_externals_ ? scope.bits() : 0};
  }
  Binding* IfAlive(const std::uint32_t* index, net::Instant now);
  std::uint32_t NewSlot(const Binding& binding);

  bool shared_externals_;
  bool track_newest_;
  Subscribers* subscribers_;
  std::vector<Binding> slab_;
  std::vector<std::uint32_t> free_;
  FlatMap<std::uint32_t> from_inside_;
  FlatMap<std::uint32_t> from_outside_;
  FlatMap<std::uint32_t> newest_;  // index + 1, by inside endpoint, with kMark
  FlatMap<std::uint32_t> users_;   // how many bindings, by external endpoint, with kMark
  std::uint32_t oldest_ = kNone, latest_ = kNone;
  int dynamic_count_ = 0;  // expired ones included
  int static_count_ = 0;
  std::uint64_t next_serial_ = 1;
  net::Instant earliest_expiry_ = net::Instant::max();  // no binding expires before this instant
};

}  // namespace pinhole::sim::nat
