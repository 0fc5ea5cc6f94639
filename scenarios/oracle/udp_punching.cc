// The closed form as code: LetsIn() is the condition "let in" of the header, Settles() the condition "settled", and
// UdpPunchingWorks() tries both sides as x. Each condition is a few comparisons of mapping, filtering, memory and
// sessions (RFC 4787 §4.1 and §5).
//
// The reason for a failure is taken from the first condition that fails. It is given for both directions, unless they
// have the same text.

#include "scenarios/oracle/udp_punching.h"

#include "absl/strings/str_cat.h"
#include "net/contract.h"

namespace pinhole::scenarios::oracle {
namespace {

bool MapsToOne(const NatBehavior& nat) { return nat.mapping == Dependence::kEndpointIndependent; }
bool FiltersByPort(const NatBehavior& nat) { return nat.filtering == Dependence::kAddressAndPortDependent; }
bool MapsByPort(const NatBehavior& nat) { return nat.mapping == Dependence::kAddressAndPortDependent; }

// Whether packets that x sent to y's signalled address also open x's signalled address for y.
bool RemembersAtSignalled(const NatBehavior& x) { return x.memory == FilterMemory::kPerEndpoint || MapsToOne(x); }

bool LetsIn(const NatBehavior& x, const NatBehavior& y) {
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

bool Settles(const NatBehavior& x, const NatBehavior& y) {
  if (x.inbound_sessions || MapsToOne(x)) return true;
  if (FiltersByPort(y)) return false;
  if (y.inbound_sessions || !MapsByPort(y)) return true;
  return !MapsByPort(x) && !FiltersByPort(x);
}

std::string Maps(absl::string_view name, const NatBehavior& nat) {
  return absl::StrCat(name, " maps by ", ToString(nat.mapping));
}

// Why the first packet that y sends to x does not lead to a working pair.
std::string WhyNot(const NatBehavior& x, absl::string_view x_name, const NatBehavior& y, absl::string_view y_name) {
  if (!LetsIn(x, y)) {
    if (FiltersByPort(x) && !MapsToOne(y)) return absl::StrCat(x_name, " filters by port and ", Maps(y_name, y));
    return absl::StrCat(x_name, " filters by ", ToString(x.filtering), " for each mapping and ", Maps(x_name, x));
  }
  const std::string answer = absl::StrCat(Maps(x_name, x), ", so answers from another port, and ");
  if (FiltersByPort(y)) return absl::StrCat(answer, y_name, " filters by port");
  return absl::StrCat(answer, y_name, " maps by port, so they never meet");
}

}  // namespace

bool UdpPunchingWorks(const NatBehavior& a, const NatBehavior& b) {
  PINHOLE_REQUIRES(!a.per_tuple && !b.per_tuple);
  return (LetsIn(a, b) && Settles(a, b)) || (LetsIn(b, a) && Settles(b, a));
}

std::string WhyUdpPunchingFails(const NatBehavior& a, absl::string_view a_name, const NatBehavior& b,
                                absl::string_view b_name) {
  PINHOLE_REQUIRES(!UdpPunchingWorks(a, b));
  const std::string into_a = WhyNot(a, a_name, b, b_name);
  const std::string into_b = WhyNot(b, b_name, a, a_name);
  return into_a == into_b ? into_a : absl::StrCat(into_a, "; ", into_b);
}

}  // namespace pinhole::scenarios::oracle
