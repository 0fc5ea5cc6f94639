// The texts of the oracle: its enums and results in words. The judge puts Summary() into verdicts, and the reasons of a
// prediction contain the names of paths.
//
// A path is named by the two types that side A knows, the local one first. The types that side B knows are not part of
// the name. IPv6 and TCP are added to the name; IPv4 and UDP are not.
//
// The words for Dependence fit into sentences such as "home_b filters by port" (RFC 4787 §4.1 and §5).

#include "scenarios/oracle/prediction.h"

#include "absl/strings/str_cat.h"
#include "net/contract.h"
#include "scenarios/oracle/model.h"

namespace pinhole::scenarios {

const char* ToString(DependsOn depends_on) {
  switch (depends_on) {
    case DependsOn::kNothing:
      return "nothing";
    case DependsOn::kOrder:
      return "order";
    case DependsOn::kTiming:
      return "timing";
    case DependsOn::kChance:
      return "chance";
  }
  net::CannotHappen();
}

std::string ToString(const PathKind& path) {
  return absl::StrCat(ToString(path.a_local), "-", ToString(path.a_remote), path.ipv6 ? " (IPv6)" : "",
                      path.tcp ? " (TCP)" : "");
}

std::string Summary(const Prediction& prediction) {
  std::string text;
  if (prediction.depends()) text = absl::StrCat("depends on ", ToString(prediction.depends_on), ": ");
  for (std::size_t i = 0; i < prediction.outcomes.size(); ++i) {
    const bool last = i + 1 == prediction.outcomes.size();
    absl::StrAppend(&text, i == 0 ? "" : last ? " or " : ", ", ToString(prediction.outcomes[i]));
  }
  return text;
}

namespace oracle {

const char* ToString(Dependence dependence) {
  switch (dependence) {
    case Dependence::kEndpointIndependent:
      return "nothing";
    case Dependence::kAddressDependent:
      return "address";
    case Dependence::kAddressAndPortDependent:
      return "port";
  }
  net::CannotHappen();
}

}  // namespace oracle
}  // namespace pinhole::scenarios
