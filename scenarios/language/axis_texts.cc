#include "scenarios/language/axis_texts.h"

#include <algorithm>
#include <cstdint>
#include <set>

#include "absl/strings/str_cat.h"
#include "scenarios/language/problem.h"

namespace pinhole::scenarios {
namespace {

using Texts = std::optional<std::vector<std::string>>;

constexpr std::int64_t kAxisValuesMax = 100000;
constexpr int kValuesOfDepthMax = 8;

constexpr int kValueFields[] = {proto::Axis::kValuesFieldNumber, proto::Axis::kRangeFieldNumber,
                                proto::Axis::kValuesOfFieldNumber, proto::Axis::kAllProfilesFieldNumber,
                                proto::Axis::kChoiceFieldNumber};

Texts OfRange(const proto::NumberRange& range, AxisTexts::Report report) {
  if (range.step() < 1) return std::nullopt;  // CheckAgainstSchema() has reported it
  if (range.to() < range.from()) {
    report("range", absl::StrCat("the range from ", range.from(), " to ", range.to(), " is empty"));
    return std::nullopt;
  }
  const std::uint64_t span = static_cast<std::uint64_t>(range.to()) - static_cast<std::uint64_t>(range.from());
  if (span / static_cast<std::uint64_t>(range.step()) >= kAxisValuesMax) {
    report("range", absl::StrCat("the range has more than ", kAxisValuesMax, " values"));
    return std::nullopt;
  }
  std::vector<std::string> texts;
  const std::uint64_t count = span / static_cast<std::uint64_t>(range.step()) + 1;
  for (std::uint64_t i = 0; i < count; ++i) {
    texts.push_back(absl::StrCat(range.from() + static_cast<std::int64_t>(i) * range.step()));
  }
  return texts;
}

}  // namespace

std::vector<const google::protobuf::FieldDescriptor*> ValueFieldsOf(const proto::Axis& axis) {
  const google::protobuf::Reflection& reflection = *axis.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> set;
  for (const int number : kValueFields) {
    const google::protobuf::FieldDescriptor* field = axis.GetDescriptor()->FindFieldByNumber(number);
    const bool is_set = field->is_repeated() ? reflection.FieldSize(axis, field) > 0 : reflection.HasField(axis, field);
    if (is_set) set.push_back(field);
  }
  return set;
}

void KeepValueFields(const std::vector<const google::protobuf::FieldDescriptor*>& kept, proto::Axis* axis) {
  if (kept.empty()) return;
  for (const int number : kValueFields) {
    const google::protobuf::FieldDescriptor* field = axis->GetDescriptor()->FindFieldByNumber(number);
    if (std::find(kept.begin(), kept.end(), field) == kept.end()) axis->GetReflection()->ClearField(axis, field);
  }
}

AxisTexts::AxisTexts(const proto::Sweep& sweep, const NatProfiles& profiles) : profiles_(profiles) {
  for (const proto::Axis& axis : sweep.axis()) axes_.emplace(axis.name(), &axis);
}

Texts AxisTexts::Of(const proto::Axis& axis, Report report) const {
  if (axis.has_range()) return OfRange(axis.range(), report);
  if (axis.has_values_of()) return OfOther(axis, report);
  if (axis.has_all_profiles()) return OfProfiles(axis.all_profiles(), report);
  return std::vector<std::string>(axis.values().begin(), axis.values().end());
}

Texts AxisTexts::OfOther(const proto::Axis& axis, Report report) const {
  const proto::Axis* source = &axis;
  for (int depth = 0; source->has_values_of(); ++depth) {
    if (depth == kValuesOfDepthMax) {
      report("values_of",
             absl::StrCat("values_of goes through more than ", kValuesOfDepthMax, " axes; does it go in a circle?"));
      return std::nullopt;
    }
    const auto next = axes_.find(source->values_of());
    if (next == axes_.end()) {
      if (source != &axis) return std::nullopt;  // it is reported for that axis
      std::vector<std::string> names;
      for (const auto& [name, other] : axes_) {
        if (other != &axis) names.emplace_back(name);
      }
      report("values_of",
             absl::StrCat("values_of: no axis \"", axis.values_of(), "\"", Suggestion(axis.values_of(), names)));
      return std::nullopt;
    }
    source = next->second;
  }
  if (source->choice_size() > 0) {
    report("values_of",
           absl::StrCat("values_of: axis \"", source->name(), "\" has choices, which have paths of their own"));
    return std::nullopt;
  }
  // A mistake of the other axis is reported for that axis, so it is not reported here.
  if (ValueFieldsOf(*source).size() != 1) return std::nullopt;
  return Of(*source, [](const std::string&, const std::string&) {});
}

Texts AxisTexts::OfProfiles(const proto::AllProfiles& all, Report report) const {
  std::set<std::string> excepted;
  bool known = true;
  for (int i = 0; i < all.except_size(); ++i) {
    if (const proto::NatProfile* profile = profiles_.Find(all.except(i))) {
      excepted.insert(profile->name());
      continue;
    }
    known = false;
    report(absl::StrCat("all_profiles.except[", i, "]"),
           absl::StrCat("no profile \"", all.except(i), "\"", Suggestion(all.except(i), profiles_.names())));
  }
  if (!known) return std::nullopt;
  std::vector<std::string> texts;
  for (const proto::NatProfile& profile : profiles_.all()) {
    if (!excepted.contains(profile.name())) texts.push_back(profile.name());
  }
  if (texts.empty()) {
    report("all_profiles", "all_profiles: every profile is excepted");
    return std::nullopt;
  }
  return texts;
}

}  // namespace pinhole::scenarios
