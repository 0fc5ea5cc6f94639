#include "scenarios/conversion/technique_conversion.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "net/contract.h"

namespace pinhole::scenarios {

apps::PunchingTechnique ToTechnique(proto::Punching::Technique technique) {
  const std::optional<apps::PunchingTechnique> found =
      apps::PunchingTechniqueOf(absl::AsciiStrToLower(proto::Punching::Technique_Name(technique)));
  if (!found) net::CannotHappen();
  return *found;
}

}  // namespace pinhole::scenarios
