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

// Which values an axis without choices has, as texts. An axis lists them, counts through a range, takes those of
// another axis, or has the names of all NAT profiles, so that no list of names has to stand twice.
namespace pinhole::scenarios {

// The fields of an axis that say its values (values, range, values_of, all_profiles, choice), as far as they are set.
// An axis that is right has exactly one of them.
std::vector<const google::protobuf::FieldDescriptor*> ValueFieldsOf(const proto::Axis& axis);

// Clears those of these fields that are not among `kept`; an empty `kept` changes nothing. A file that says the values
// of an axis in one way then replaces a base that says them in another way.
void KeepValueFields(const std::vector<const google::protobuf::FieldDescriptor*>& kept, proto::Axis* axis);

class AxisTexts {
 public:
  // Gets the field of the axis that is wrong, such as "all_profiles.except[0]", and why.
  using Report = absl::FunctionRef<void(const std::string& field, const std::string& why)>;

  // `sweep` and `profiles` must outlive this.
  AxisTexts(const proto::Sweep& sweep, const NatProfiles& profiles);

  // REQUIRES: `axis` is one of the sweep, with one of ValueFieldsOf(), and that is not `choice`. nullopt: what is wrong
  // with this axis has gone to `report`. What is wrong with an axis that values_of names has not.
  std::optional<std::vector<std::string>> Of(const proto::Axis& axis, Report report) const;

 private:
  std::optional<std::vector<std::string>> OfOther(const proto::Axis& axis, Report report) const;
  std::optional<std::vector<std::string>> OfProfiles(const proto::AllProfiles& all, Report report) const;

  std::map<absl::string_view, const proto::Axis*> axes_;
  const NatProfiles& profiles_;
};

}  // namespace pinhole::scenarios
