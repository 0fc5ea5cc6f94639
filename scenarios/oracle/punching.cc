#include "scenarios/oracle/punching.h"

#include "absl/strings/str_cat.h"
#include "net/contract.h"

namespace pinhole::scenarios::oracle {
namespace {

bool MapsToOne(const NatBehaviour& nat) { return nat.mapping == Dependence::kEndpointIndependent; }
bool FiltersByPort(const NatBehaviour& nat) { return nat.filtering == Dependence::kAddressAndPortDependent; }
bool MapsByPort(const NatBehaviour& nat) { return nat.mapping == Dependence::kAddressAndPortDependent; }

// What x sent to y's signalled address counts for x's own signalled address.
bool RemembersAtSignalled(const NatBehaviour& x) { return x.memory == FilterMemory::kPerEndpoint || MapsToOne(x); }

bool LetsIn(const NatBehaviour& x, const NatBehaviour& y) {
  switch (x.filtering) {
    case Dependence::kEndpointIndependent:
      return true;
    case Dependence::kAddressDependent:
      return RemembersAtSignalled(x);
    case Dependence::kAddressAndPortDependent:
      return RemembersAtSignalled(x) && MapsToOne(y);
  }
  net::CannotHappen();
}

bool Settles(const NatBehaviour& x, const NatBehaviour& y) {
  if (x.inbound_sessions || MapsToOne(x)) return true;
  if (FiltersByPort(y)) return false;
  if (y.inbound_sessions || !MapsByPort(y)) return true;
  return !MapsByPort(x) && !FiltersByPort(x);
}

std::string Maps(absl::string_view name, const NatBehaviour& nat) {
  return absl::StrCat(name, " maps by ", ToString(nat.mapping));
}

// Why y's first packet to x leads nowhere.
std::string WhyNot(const NatBehaviour& x, absl::string_view x_name, const NatBehaviour& y, absl::string_view y_name) {
  if (!LetsIn(x, y)) {
    if (FiltersByPort(x) && !MapsToOne(y)) return absl::StrCat(x_name, " filters by port and ", Maps(y_name, y));
    return absl::StrCat(x_name, " filters by ", ToString(x.filtering), " for each mapping and ", Maps(x_name, x));
  }
  const std::string answer = absl::StrCat(Maps(x_name, x), ", so answers from another port, and ");
  if (FiltersByPort(y)) return absl::StrCat(answer, y_name, " filters by port");
  return absl::StrCat(answer, y_name, " maps by port, so they never meet");
}

}  // namespace

bool PunchingWorks(const NatBehaviour& a, const NatBehaviour& b) {
  PINHOLE_REQUIRES(!a.per_tuple && !b.per_tuple);
  return (LetsIn(a, b) && Settles(a, b)) || (LetsIn(b, a) && Settles(b, a));
}

std::string WhyPunchingFails(const NatBehaviour& a, absl::string_view a_name, const NatBehaviour& b,
                             absl::string_view b_name) {
  PINHOLE_REQUIRES(!PunchingWorks(a, b));
  const std::string into_a = WhyNot(a, a_name, b, b_name);
  const std::string into_b = WhyNot(b, b_name, a, a_name);
  return into_a == into_b ? into_a : absl::StrCat(into_a, "; ", into_b);
}

}  // namespace pinhole::scenarios::oracle
