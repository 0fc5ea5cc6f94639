#pragma once

#include <optional>
#include <span>

#include "net/host.h"
#include "net/ip_address.h"

namespace pinhole::sim {

// A local address that may become the source of a packet.
struct SourceCandidate {
  net::InterfaceAddress address;
  int interface = 0;
};

// Default address selection, source side (RFC 6724 §5) for a packet to `destination` that leaves by
// `outgoing_interface`. nullptr: no candidate has the destination's family and is no longer tentative.
//
// The rules that apply: 1 same address, 2 scope, 3 not deprecated, 5 outgoing interface, 6 label, 7 temporary
// address, 8 longest matching prefix; then the first in order. Not modelled: home addresses (rule 4) and
// prefixes by next hop (rule 5.5).
const SourceCandidate* SelectSource(const net::IpAddress& destination, std::span<const SourceCandidate> candidates,
                                    int outgoing_interface);

// The scope of an address (RFC 6724 §3.1 and §3.2), with the values of RFC 4291 §2.7.
enum class Scope : std::uint8_t {
  kInterfaceLocal = 1,
  kLinkLocal = 2,
  kAdminLocal = 4,
  kSiteLocal = 5,
  kOrganisationLocal = 8,
  kGlobal = 14
};
Scope ScopeOf(const net::IpAddress& address);

// The label of `address` in the default policy table (RFC 6724 §2.1). An IPv4 address has the label of its IPv4-mapped
// form.
int LabelOf(const net::IpAddress& address);

// RFC 6724 §2.2: the number of leading bits that `destination` shares with `source`, at most the length of the source's
// prefix.
int CommonPrefixLength(const net::IpAddress& source, int source_prefix_length, const net::IpAddress& destination);

}  // namespace pinhole::sim
