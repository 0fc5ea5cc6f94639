#include "sim/host/source_selection.h"

#include <algorithm>
#include <array>
#include <bit>

namespace pinhole::sim {
namespace {

// Whether `a` is a better source than `b`. The first rule of RFC 6724 §5 that prefers one of them decides.
bool IsBetter(const SourceCandidate& a, const SourceCandidate& b, const net::IpAddress& destination,
              int outgoing_interface) {
  const net::IpAddress& address_a = a.address.address;
  const net::IpAddress& address_b = b.address.address;
  // RFC 6724 §5, rule 1: prefer same address.
  if (address_a == destination) return true;
  if (address_b == destination) return false;
  // RFC 6724 §5, rule 2: prefer appropriate scope.
  const Scope scope_a = ScopeOf(address_a);
  const Scope scope_b = ScopeOf(address_b);
  const Scope scope_destination = ScopeOf(destination);
  if (scope_a < scope_b) return scope_a >= scope_destination;
  if (scope_b < scope_a) return scope_b < scope_destination;
  // RFC 6724 §5, rule 3: avoid deprecated addresses.
  const bool deprecated_a = a.address.life == net::AddressLife::kDeprecated;
  const bool deprecated_b = b.address.life == net::AddressLife::kDeprecated;
  if (deprecated_a != deprecated_b) return deprecated_b;
  // RFC 6724 §5, rule 5: prefer outgoing interface.
  const bool outgoing_a = a.interface == outgoing_interface;
  const bool outgoing_b = b.interface == outgoing_interface;
  if (outgoing_a != outgoing_b) return outgoing_a;
  // RFC 6724 §5, rule 6: prefer matching label.
  const int label = LabelOf(destination);
  const bool labelled_a = LabelOf(address_a) == label;
  const bool labelled_b = LabelOf(address_b) == label;
  if (labelled_a != labelled_b) return labelled_a;
  // RFC 6724 §5, rule 7: prefer temporary addresses.
  if (a.address.temporary != b.address.temporary) return a.address.temporary;
  // RFC 6724 §5, rule 8: use longest matching prefix.
  return CommonPrefixLength(address_a, a.address.prefix_length, destination) >
         CommonPrefixLength(address_b, b.address.prefix_length, destination);
}

}  // namespace

const SourceCandidate* SelectSource(const net::IpAddress& destination, std::span<const SourceCandidate> candidates,
                                    int outgoing_interface) {
  const SourceCandidate* best = nullptr;
  for (const SourceCandidate& candidate : candidates) {
    if (candidate.address.address.family() != destination.family()) continue;
    if (candidate.address.life == net::AddressLife::kTentative) continue;
    if (best == nullptr || IsBetter(candidate, *best, destination, outgoing_interface)) best = &candidate;
  }
  return best;
}

Scope ScopeOf(const net::IpAddress& address) {
  if (address.is_v6() && address.IsMulticast()) return Scope{static_cast<std::uint8_t>(address.bytes()[1] & 0x0f)};
  // RFC 6724 §3.2 counts 127/8 and 169.254/16 as link-local, and RFC 6724 §3.1 counts ::1 as link-local.
  if (address.IsLinkLocal() || address.IsLoopback()) return Scope::kLinkLocal;
  if (address.IsSiteLocal()) return Scope::kSiteLocal;
  return Scope::kGlobal;
}

int LabelOf(const net::IpAddress& address) {
  if (address.is_v4()) return 4;  // ::ffff:0:0/96
  struct Row {
    std::array<std::uint8_t, 16> prefix;
    int length;
    int label;
  };
  // The default policy table of RFC 6724 §2.1, longest prefix first.
  static constexpr Row kPolicyTable[] = {
      {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 0},       // ::1/128
      {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}, 96, 4},  // ::ffff:0:0/96
      {{}, 96, 3},                                                      // ::/96
      {{0x20, 0x01}, 32, 5},                                            // 2001::/32
      {{0x20, 0x02}, 16, 2},                                            // 2002::/16
      {{0x3f, 0xfe}, 16, 12},                                           // 3ffe::/16
      {{0xfe, 0xc0}, 10, 11},                                           // fec0::/10
      {{0xfc}, 7, 13},                                                  // fc00::/7
      {{}, 0, 1},                                                       // ::/0
  };
  for (const Row& row : kPolicyTable) {
    if (CommonPrefixLength(net::IpAddress::V6(row.prefix), row.length, address) == row.length) return row.label;
  }
  return 1;
}

int CommonPrefixLength(const net::IpAddress& source, int source_prefix_length, const net::IpAddress& destination) {
  const net::ByteView a = source.bytes();
  const net::ByteView b = destination.bytes();
  int length = 0;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    const std::uint8_t difference = a[i] ^ b[i];
    length += std::countl_zero(difference);
    if (difference != 0) break;
  }
  return std::min(length, source_prefix_length);
}

}  // namespace pinhole::sim
