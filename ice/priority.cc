#include "ice/priority.h"

#include <algorithm>

#include "net/contract.h"
#include "net/ip_address.h"

namespace pinhole::ice {
namespace {

// The rules of RFC 8445 §5.1.1.1 that look at one address alone.
bool MayBeCandidate(const LocalAddress& local, bool include_loopback) {
  const net::IpAddress& address = local.address;
  if (address.IsUnspecified() || address.IsMulticast()) return false;
  if (local.life == net::AddressLife::kTentative) return false;
  const bool loopback = address.IsLoopback() || local.kind == net::InterfaceKind::kLoopback;
  if (loopback) return include_loopback;
  return !address.IsV4Compatible() && !address.IsSiteLocal() && !address.IsV4Mapped();
}

// True: a candidate with this IPv6 address would reveal the location of the host, which a temporary address hides
// (RFC 8445 §5.1.1.1). A permanent address is not used beside a temporary one of the same prefix, and a link-local
// address not beside any temporary one.
bool GivesAwayLocation(const LocalAddress& local, std::span<const LocalAddress> addresses) {
  if (!local.address.is_v6() || local.temporary || local.address.IsLoopback()) return false;
  for (const LocalAddress& other : addresses) {
    if (!other.temporary || !other.address.is_v6() || other.life == net::AddressLife::kTentative) continue;
    if (local.address.IsLinkLocal()) return true;
    if (other.interface == local.interface &&
        net::IpPrefix(other.address, other.prefix_length).Contains(local.address)) {
      return true;
    }
  }
  return false;
}

int KindRank(net::InterfaceKind kind) {
  switch (kind) {
    case net::InterfaceKind::kEthernet:
      return 0;
    case net::InterfaceKind::kWifi:
      return 1;
    case net::InterfaceKind::kCellular:
      return 2;
    case net::InterfaceKind::kVpn:
      return 3;
    case net::InterfaceKind::kLoopback:
      return 4;
  }
  net::CannotHappen();
}

bool IsUnreliable(const LocalAddress& local) { return local.kind == net::InterfaceKind::kVpn; }

bool AddressPrecedes(const LocalAddress& a, const LocalAddress& b) {
  const bool a_deprecated = a.life == net::AddressLife::kDeprecated;
  const bool b_deprecated = b.life == net::AddressLife::kDeprecated;
  if (a_deprecated != b_deprecated) return b_deprecated;
  if (a.kind != b.kind) return KindRank(a.kind) < KindRank(b.kind);
  return a.temporary && !b.temporary;
}

// Appends the addresses with both families intermingled (RFC 8421 §4). `addresses` are in order of preference.
void AppendIntermingled(std::span<const LocalAddress> addresses, std::vector<LocalAddress>& result) {
  const auto is_v4 = [](const LocalAddress& local) { return local.address.is_v4(); };
  const auto n4 = std::count_if(addresses.begin(), addresses.end(), is_v4);
  const auto n6 = static_cast<std::ptrdiff_t>(addresses.size()) - n4;
  const auto head_start = n4 == 0 ? n6 : (n4 + n6) / n4;
  auto next4 = std::find_if(addresses.begin(), addresses.end(), is_v4);
  auto next6 = std::find_if_not(addresses.begin(), addresses.end(), is_v4);
  while (next4 != addresses.end() || next6 != addresses.end()) {
    for (std::ptrdiff_t i = 0; i < head_start && next6 != addresses.end(); ++i) {
      result.push_back(*next6);
      next6 = std::find_if_not(next6 + 1, addresses.end(), is_v4);
    }
    if (next4 != addresses.end()) {
      result.push_back(*next4);
      next4 = std::find_if(next4 + 1, addresses.end(), is_v4);
    }
  }
}

}  // namespace

std::vector<LocalAddress> RankAddresses(std::span<const LocalAddress> addresses, bool include_loopback) {
  std::vector<LocalAddress> kept;
  kept.reserve(addresses.size());
  for (const LocalAddress& local : addresses) {
    if (!MayBeCandidate(local, include_loopback) || GivesAwayLocation(local, addresses)) continue;
    const bool known = std::any_of(kept.begin(), kept.end(), [&](const LocalAddress& other) {
      return other.address == local.address && other.interface == local.interface;
    });
    if (!known) kept.push_back(local);
  }
  if (kept.size() < 2) return kept;
  std::stable_sort(kept.begin(), kept.end(), AddressPrecedes);
  std::stable_partition(kept.begin(), kept.end(), [](const LocalAddress& local) { return !IsUnreliable(local); });
  const auto reliable = static_cast<std::size_t>(
      std::count_if(kept.begin(), kept.end(), [](const LocalAddress& local) { return !IsUnreliable(local); }));
  std::vector<LocalAddress> result;
  result.reserve(kept.size());
  AppendIntermingled(std::span(kept).first(reliable), result);
  AppendIntermingled(std::span(kept).subspan(reliable), result);
  return result;
}

}  // namespace pinhole::ice
