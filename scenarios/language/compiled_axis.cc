#include "scenarios/language/compiled_axis.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "net/contract.h"

namespace pinhole::scenarios {

std::string LabelOf(absl::string_view value) {
  std::string label(value);
  for (char& c : label) {
    const bool kept =
        absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.' || c == ':' || c == '+';
    if (!kept) c = '_';
  }
  return label.empty() ? "_" : label;
}

absl::StatusOr<CompiledSet> CompiledSet::Compile(const proto::Set& set, Location place) {
  absl::StatusOr<FieldPath> path = FieldPath::Compile(set.path(), *proto::Scenario::descriptor());
  if (!path.ok()) return path.status();
  const int ways = set.has_value() + (set.replace_size() > 0) + (set.append_size() > 0) + set.clear();
  if (ways != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("path \"", set.path(), "\": say exactly one of value, replace, append and clear: true"));
  }
  const google::protobuf::FieldDescriptor& field = path->field();
  const Kind kind = set.has_value()          ? Kind::kValue
                    : set.replace_size() > 0 ? Kind::kReplace
                    : set.append_size() > 0  ? Kind::kAppend
                                             : Kind::kClear;
  if (kind == Kind::kValue && !path->is_single()) {
    return absl::InvalidArgumentError(
        absl::StrCat("path \"", set.path(), "\": \"", field.name(), "\" is a list: replace it or append to it"));
  }
  if ((kind == Kind::kReplace || kind == Kind::kAppend) && path->is_single()) {
    return absl::InvalidArgumentError(
        absl::StrCat("path \"", set.path(), "\": \"", field.name(), "\" is no list; give it a value"));
  }
  if (kind == Kind::kClear && field.is_repeated() && path->is_single()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "path \"", set.path(), "\": an element cannot be cleared, only the list or fields of the element"));
  }
  CompiledSet compiled(*std::move(path), kind, std::move(place));
  std::vector<std::string> texts;
  if (kind == Kind::kValue) texts.push_back(set.value());
  for (const std::string& text : kind == Kind::kReplace ? set.replace() : set.append()) texts.push_back(text);
  for (const std::string& text : texts) {
    absl::StatusOr<FieldValue> value = FieldValue::Parse(text, field);
    if (!value.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("path \"", set.path(), "\": ", value.status().message()));
    }
    compiled.values_.push_back(*std::move(value));
  }
  return compiled;
}

absl::StatusOr<CompiledSet> CompiledSet::CompileAssignment(const FieldPath& path, const std::string& value,
                                                           Location place) {
  CompiledSet compiled(path, path.is_single() ? Kind::kValue : Kind::kReplace, std::move(place));
  std::vector<std::string> texts = {value};
  if (!path.is_single()) texts = absl::StrSplit(value, ',');
  for (const std::string& text : texts) {
    absl::StatusOr<FieldValue> parsed = FieldValue::Parse(text, path.field());
    if (!parsed.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("path \"", path.text(), "\": ", parsed.status().message()));
    }
    compiled.values_.push_back(*std::move(parsed));
  }
  return compiled;
}

absl::Status CompiledSet::Apply(proto::Scenario* scenario) const {
  const google::protobuf::FieldDescriptor& field = path_.field();
  if (kind_ == Kind::kValue && field.cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
    const absl::StatusOr<google::protobuf::Message*> target = path_.Target(scenario);
    if (!target.ok()) return target.status();
    MergeByName(values_[0].message(), *target);
    return absl::OkStatus();
  }
  const absl::StatusOr<google::protobuf::Message*> holder = path_.Holder(scenario);
  if (!holder.ok()) return holder.status();
  switch (kind_) {
    case Kind::kValue:
      values_[0].Assign(*holder, field);
      return absl::OkStatus();
    case Kind::kReplace:
      (*holder)->GetReflection()->ClearField(*holder, &field);
      [[fallthrough]];
    case Kind::kAppend:
      for (const FieldValue& value : values_) value.Append(*holder, field);
      return absl::OkStatus();
    case Kind::kClear:
      (*holder)->GetReflection()->ClearField(*holder, &field);
      return absl::OkStatus();
  }
  net::CannotHappen();
}

}  // namespace pinhole::scenarios
