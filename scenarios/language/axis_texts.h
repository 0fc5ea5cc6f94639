#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "scenarios/language/nat_profiles.h"
#include "scenarios/scenario.pb.h"

// Finds the values of an axis that has no choices, as texts. An axis lists its values, counts through a range, takes
// the values of another axis, or takes the names of all NAT profiles. The last two exist so that no list of names has
// to be written twice.
namespace pinhole::scenarios {

// Returns the fields that give the values of an axis and are set: any of values, range, values_of, all_profiles and
// choice. A correct axis has exactly one of them.
std::vector<const google::protobuf::FieldDescriptor*> ValueFieldsOf(const proto::Axis& axis);

// Clears the fields that give the values of the axis, except those in `kept`. If `kept` is empty, nothing is changed.
// It is used when a file is merged over its base: the file's field for the values replaces the base's, also if it is
// another field.
void KeepValueFields(const std::vector<const google::protobuf::FieldDescriptor*>& kept, proto::Axis* axis);

class AxisTexts {
 public:
  // Receives a mistake: the field of the axis that is wrong, such as "all_profiles.except[0]", and the reason.
  using Report = absl::FunctionRef<void(const std::string& field, const std::string& why)>;

  // `sweep` and `profiles` must outlive this.
  AxisTexts(const proto::Sweep& sweep, const NatProfiles& profiles);

  // Returns the values of `axis`. REQUIRES: `axis` belongs to the sweep, and has exactly one of the fields of
  // ValueFieldsOf(), which is not `choice`. Returns nullopt if the values are wrong. A mistake of this axis is given to
  // `report`. A mistake of the axis that values_of names is not, because it is reported for that axis.
  std::optional<std::vector<std::string>> Of(const proto::Axis& axis, Report report) const;

 private:
  std::optional<std::vector<std::string>> OfOther(const proto::Axis& axis, Report report) const;
  std::optional<std::vector<std::string>> OfProfiles(const proto::AllProfiles& all, Report report) const;

  std::map<absl::string_view, const proto::Axis*> axes_;
  const NatProfiles& profiles_;
};

}  // namespace pinhole::scenarios
