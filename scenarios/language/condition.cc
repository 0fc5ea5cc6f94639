#include "scenarios/language/condition.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "net/contract.h"

namespace pinhole::scenarios {
namespace {

bool IsNumber(absl::string_view text) {
  std::int64_t number;
  return absl::SimpleAtoi(text, &number);
}

std::vector<std::string> NamesOf(const std::vector<CompiledAxis>& axes) {
  std::vector<std::string> names;
  for (const CompiledAxis& axis : axes) names.push_back(axis.name);
  return names;
}

std::vector<std::string> LabelsOf(const CompiledAxis& axis) {
  std::vector<std::string> labels;
  for (const CompiledValue& value : axis.values) labels.push_back(value.label);
  return labels;
}

std::optional<std::size_t> FindAxis(const std::vector<CompiledAxis>& axes, absl::string_view name) {
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i].name == name) return i;
  }
  return std::nullopt;
}

}  // namespace

std::optional<CompiledCondition> CompiledCondition::Compile(const proto::Condition& condition, const std::string& path,
                                                            const std::vector<CompiledAxis>& axes,
                                                            const Origins& origins, Problems* problems) {
  CompiledCondition compiled;
  bool sound = true;
  const auto add = [&](absl::string_view what) {
    sound = false;
    problems->Add(origins.Find(path), what);
  };
  const auto find_axis = [&](const std::string& name) {
    const std::optional<std::size_t> axis = FindAxis(axes, name);
    if (!axis) add(absl::StrCat("no axis \"", name, "\"", Suggestion(name, NamesOf(axes))));
    return axis;
  };
  const auto find_field = [&](const std::string& text) -> std::optional<FieldPath> {
    absl::StatusOr<FieldPath> field = FieldPath::Compile(text, *proto::Scenario::descriptor());
    if (!field.ok()) {
      add(field.status().message());
      return std::nullopt;
    }
    if (!field->is_single() || field->field().cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
      add(absl::StrCat("path \"", text, "\": only single values can be compared"));
      return std::nullopt;
    }
    return *std::move(field);
  };

  const int combinations = (condition.all_size() > 0) + (condition.any_size() > 0) + (condition.none_size() > 0);
  const bool orders = condition.has_lt() || condition.has_le() || condition.has_gt() || condition.has_ge();
  const int comparisons = condition.has_is() + condition.has_is_not() + (condition.in_size() > 0) +
                          (condition.not_in_size() > 0) + orders + condition.has_same_as() +
                          condition.has_not_same_as();
  const int subjects = condition.has_axis() + condition.has_field();
  if (combinations + comparisons != 1 || subjects != comparisons) {
    add("a condition is an axis or a field with one comparison (is, is_not, in, not_in, lt, le, gt, ge, same_as, "
        "not_same_as), or one of all, any and none");
    return std::nullopt;
  }

  if (combinations > 0) {
    compiled.kind_ = condition.all_size() > 0 ? Kind::kAll : condition.any_size() > 0 ? Kind::kAny : Kind::kNone;
    const auto& parts = condition.all_size() > 0   ? condition.all()
                        : condition.any_size() > 0 ? condition.any()
                                                   : condition.none();
    const char* name = condition.all_size() > 0 ? "all" : condition.any_size() > 0 ? "any" : "none";
    for (int i = 0; i < parts.size(); ++i) {
      std::optional<CompiledCondition> part =
          Compile(parts[i], absl::StrCat(path, ".", name, "[", i, "]"), axes, origins, problems);
      if (!part) {
        sound = false;
        continue;
      }
      compiled.parts_.push_back(*std::move(part));
    }
    if (!sound) return std::nullopt;
    return compiled;
  }

  if (condition.has_axis()) {
    compiled.axis_ = find_axis(condition.axis());
  } else {
    compiled.field_ = find_field(condition.field());
  }
  if (!sound) return std::nullopt;

  if (condition.has_same_as() || condition.has_not_same_as()) {
    compiled.kind_ = condition.has_same_as() ? Kind::kSame : Kind::kNotSame;
    const std::string& other = condition.has_same_as() ? condition.same_as() : condition.not_same_as();
    if (condition.has_axis()) {
      compiled.other_axis_ = find_axis(other);
    } else {
      compiled.other_field_ = find_field(other);
    }
  } else if (orders) {
    compiled.kind_ = Kind::kCompare;
    if (condition.has_lt()) compiled.lt_ = condition.lt();
    if (condition.has_le()) compiled.le_ = condition.le();
    if (condition.has_gt()) compiled.gt_ = condition.gt();
    if (condition.has_ge()) compiled.ge_ = condition.ge();
    if (compiled.axis_) {
      for (const CompiledValue& value : axes[*compiled.axis_].values) {
        if (!IsNumber(value.label)) {
          add(absl::StrCat("axis \"", condition.axis(), "\" has the value \"", value.label,
                           "\", which is no number to compare"));
          break;
        }
      }
    } else {
      const auto type = compiled.field_->field().cpp_type();
      using Field = google::protobuf::FieldDescriptor;
      if (type != Field::CPPTYPE_UINT32 && type != Field::CPPTYPE_UINT64 && type != Field::CPPTYPE_INT32 &&
          type != Field::CPPTYPE_INT64) {
        add(absl::StrCat("\"", condition.field(), "\" is no number to compare"));
      }
    }
  } else {
    compiled.kind_ = condition.has_is() || condition.in_size() > 0 ? Kind::kIn : Kind::kNotIn;
    std::vector<std::string> values;
    if (condition.has_is()) values.push_back(condition.is());
    if (condition.has_is_not()) values.push_back(condition.is_not());
    for (const std::string& value : condition.in()) values.push_back(value);
    for (const std::string& value : condition.not_in()) values.push_back(value);
    for (const std::string& value : values) {
      if (compiled.axis_) {
        const std::vector<std::string> labels = LabelsOf(axes[*compiled.axis_]);
        if (std::find(labels.begin(), labels.end(), LabelOf(value)) == labels.end()) {
          add(absl::StrCat("axis \"", condition.axis(), "\" has no value \"", value, "\"", Suggestion(value, labels)));
        }
        compiled.values_.insert(LabelOf(value));
      } else {
        const absl::StatusOr<FieldValue> parsed = FieldValue::Parse(value, compiled.field_->field());
        if (!parsed.ok()) add(parsed.status().message());
        compiled.values_.insert(value);
      }
    }
  }
  if (!sound) return std::nullopt;
  return compiled;
}

bool CompiledCondition::asks_fields() const {
  if (field_) return true;
  return std::any_of(parts_.begin(), parts_.end(), [](const CompiledCondition& part) { return part.asks_fields(); });
}

absl::StatusOr<bool> CompiledCondition::Holds(const std::vector<CompiledAxis>& axes,
                                              const std::vector<std::uint32_t>& numbers,
                                              const proto::Scenario* cell) const {
  if (kind_ == Kind::kAll || kind_ == Kind::kAny || kind_ == Kind::kNone) {
    for (const CompiledCondition& part : parts_) {
      const absl::StatusOr<bool> holds = part.Holds(axes, numbers, cell);
      if (!holds.ok()) return holds;
      if (*holds != (kind_ == Kind::kAll)) return kind_ == Kind::kAny;
    }
    return kind_ != Kind::kAny;
  }
  const auto read = [&](std::optional<std::size_t> axis,
                        const std::optional<FieldPath>& field) -> absl::StatusOr<std::string> {
    if (axis) return axes[*axis].values[numbers[*axis]].label;
    return field->Read(*cell);
  };
  const absl::StatusOr<std::string> value = read(axis_, field_);
  if (!value.ok()) return value.status();
  switch (kind_) {
    case Kind::kIn:
      return values_.count(*value) > 0;
    case Kind::kNotIn:
      return values_.count(*value) == 0;
    case Kind::kSame:
    case Kind::kNotSame: {
      const absl::StatusOr<std::string> other = read(other_axis_, other_field_);
      if (!other.ok()) return other.status();
      return (*value == *other) == (kind_ == Kind::kSame);
    }
    case Kind::kCompare: {
      std::int64_t number = 0;
      // A uint64 beyond int64 is larger than every bound.
      if (!absl::SimpleAtoi(*value, &number)) number = INT64_MAX;
      return !(lt_ && number >= *lt_) && !(le_ && number > *le_) && !(gt_ && number <= *gt_) && !(ge_ && number < *ge_);
    }
    case Kind::kAll:
    case Kind::kAny:
    case Kind::kNone:
      break;
  }
  net::CannotHappen();
}

}  // namespace pinhole::scenarios
