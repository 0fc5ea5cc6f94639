#include "scenarios/language/field_path.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/text_format.h"
#include "net/contract.h"
#include "scenarios/language/parse_text.h"
#include "scenarios/language/problem.h"
#include "scenarios/schema_options.pb.h"

namespace pinhole::scenarios {
namespace pb = google::protobuf;

namespace {

const pb::FieldDescriptor* NameField(const pb::Descriptor& type) {
  const pb::FieldDescriptor* field = type.FindFieldByNumber(1);
  if (field == nullptr || field->name() != "name" || field->type() != pb::FieldDescriptor::TYPE_STRING) return nullptr;
  return field;
}

std::string ReadScalar(const pb::Message& holder, const pb::FieldDescriptor& field) {
  const pb::Reflection& reflection = *holder.GetReflection();
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(holder, &field) ? "true" : "false";
    case pb::FieldDescriptor::CPPTYPE_ENUM:
      return reflection.GetEnum(holder, &field)->name();
    case pb::FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(reflection.GetInt32(holder, &field));
    case pb::FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(reflection.GetInt64(holder, &field));
    case pb::FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(reflection.GetUInt32(holder, &field));
    case pb::FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(reflection.GetUInt64(holder, &field));
    case pb::FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetString(holder, &field);
    case pb::FieldDescriptor::CPPTYPE_MESSAGE:
    case pb::FieldDescriptor::CPPTYPE_DOUBLE:
    case pb::FieldDescriptor::CPPTYPE_FLOAT:
      break;  // the schema has no floating-point fields
  }
  net::CannotHappen();
}

// `Number` is std::int64_t or std::uint64_t, as the field is.
template <typename Number>
std::string RangeRefusal(const pb::FieldDescriptor& field, Number value) {
  if (!field.options().HasExtension(proto::range)) return "";
  const proto::Range& range = field.options().GetExtension(proto::range);
  if (std::cmp_greater_equal(value, range.min()) && std::cmp_less_equal(value, range.max())) return "";
  if (!range.has_max()) return absl::StrCat("must be at least ", range.min(), ", not ", value);
  return absl::StrCat("must be ", range.min(), " to ", range.max(), ", not ", value);
}

}  // namespace

bool IsNamedList(const pb::FieldDescriptor& field) {
  return field.is_repeated() && field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE &&
         NameField(*field.message_type()) != nullptr;
}

const std::string& NameOf(const pb::Message& element) {
  static const std::string kNone;
  const pb::FieldDescriptor* field = NameField(*element.GetDescriptor());
  if (field == nullptr) return kNone;
  std::string scratch;
  // Generated messages store their strings, so the reference is valid after the call.
  return element.GetReflection()->GetStringReference(element, field, &scratch);
}

pb::Message* FindByName(pb::Message* message, const pb::FieldDescriptor& list, absl::string_view name) {
  const pb::Reflection& reflection = *message->GetReflection();
  const int size = reflection.FieldSize(*message, &list);
  for (int i = 0; i < size; ++i) {
    if (NameOf(reflection.GetRepeatedMessage(*message, &list, i)) == name) {
      return reflection.MutableRepeatedMessage(message, &list, i);
    }
  }
  return nullptr;
}

absl::StatusOr<FieldPath> FieldPath::Compile(absl::string_view path, const pb::Descriptor& type) {
  const auto error = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat("path \"", path, "\": ", what));
  };
  FieldPath compiled;
  compiled.text_ = std::string(path);
  const pb::Descriptor* message = &type;
  absl::string_view rest = path;
  if (rest.empty()) return error("a field path is needed, such as \"topology.nat[home_a].profile\"");
  while (true) {
    const std::size_t end = rest.find_first_of(".[");
    const std::string field_name(rest.substr(0, end));
    if (field_name.empty()) return error("a field name is missing");
    const pb::FieldDescriptor* field = message->FindFieldByName(field_name);
    if (field == nullptr) {
      return error(absl::StrCat("no field \"", field_name, "\" in ", message->name(),
                                Suggestion(field_name, FieldNames(*message))));
    }
    Step step{field, ""};
    rest = end == absl::string_view::npos ? absl::string_view() : rest.substr(end);
    if (!rest.empty() && rest[0] == '[') {
      const std::size_t close = rest.find(']');
      if (close == absl::string_view::npos) return error("\"]\" is missing");
      step.name = std::string(rest.substr(1, close - 1));
      if (!IsNamedList(*field)) return error(absl::StrCat("\"", field_name, "\" is no list of named elements"));
      if (step.name.empty()) return error(absl::StrCat("\"", field_name, "[]\" names no element"));
      rest = rest.substr(close + 1);
    }
    compiled.steps_.push_back(std::move(step));
    if (rest.empty()) return compiled;
    if (rest[0] != '.') return error("\".\" is missing after \"]\"");
    rest = rest.substr(1);
    if (field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) {
      return error(absl::StrCat("\"", field_name, "\" has no fields"));
    }
    if (field->is_repeated() && compiled.steps_.back().name.empty()) {
      return error(IsNamedList(*field)
                       ? absl::StrCat("\"", field_name, "\" is a list: say which, \"", field_name, "[name]\"")
                       : absl::StrCat("elements of \"", field_name, "\" have no names; set the list as a whole"));
    }
    message = field->message_type();
  }
}

absl::StatusOr<pb::Message*> FieldPath::Holder(pb::Message* root) const {
  pb::Message* holder = root;
  for (std::size_t i = 0; i + 1 < steps_.size(); ++i) {
    const Step& step = steps_[i];
    if (step.name.empty()) {
      holder = holder->GetReflection()->MutableMessage(holder, step.field);
      continue;
    }
    pb::Message* element = FindByName(holder, *step.field, step.name);
    if (element == nullptr) {
      std::vector<std::string> names;
      const pb::Reflection& reflection = *holder->GetReflection();
      for (int j = 0; j < reflection.FieldSize(*holder, step.field); ++j) {
        names.push_back(NameOf(reflection.GetRepeatedMessage(*holder, step.field, j)));
      }
      return absl::NotFoundError(absl::StrCat("path \"", text_, "\": no ", step.field->name(), " \"", step.name, "\"",
                                              Suggestion(step.name, names)));
    }
    holder = element;
  }
  return holder;
}

absl::StatusOr<pb::Message*> FieldPath::Target(pb::Message* root) const {
  PINHOLE_REQUIRES(is_single() && field().message_type() != nullptr);
  const absl::StatusOr<pb::Message*> holder = Holder(root);
  if (!holder.ok()) return holder.status();
  const Step& last = steps_.back();
  if (last.name.empty()) return (*holder)->GetReflection()->MutableMessage(*holder, last.field);
  pb::Message* element = FindByName(*holder, *last.field, last.name);
  if (element != nullptr) return element;
  std::vector<std::string> names;
  const pb::Reflection& reflection = *(*holder)->GetReflection();
  for (int i = 0; i < reflection.FieldSize(**holder, last.field); ++i) {
    names.push_back(NameOf(reflection.GetRepeatedMessage(**holder, last.field, i)));
  }
  return absl::NotFoundError(absl::StrCat("path \"", text_, "\": no ", last.field->name(), " \"", last.name, "\"",
                                          Suggestion(last.name, names)));
}

absl::StatusOr<std::string> FieldPath::Read(const pb::Message& root) const {
  PINHOLE_REQUIRES(is_single() && field().message_type() == nullptr);
  const pb::Message* holder = &root;
  for (std::size_t i = 0; i + 1 < steps_.size(); ++i) {
    const Step& step = steps_[i];
    const pb::Reflection& reflection = *holder->GetReflection();
    if (step.name.empty()) {
      holder = &reflection.GetMessage(*holder, step.field);
      continue;
    }
    const pb::Message* element = nullptr;
    for (int j = 0; j < reflection.FieldSize(*holder, step.field) && element == nullptr; ++j) {
      const pb::Message& candidate = reflection.GetRepeatedMessage(*holder, step.field, j);
      if (NameOf(candidate) == step.name) element = &candidate;
    }
    if (element == nullptr) {
      return absl::NotFoundError(absl::StrCat("path \"", text_, "\": no ", step.field->name(), " \"", step.name, "\""));
    }
    holder = element;
  }
  return ReadScalar(*holder, field());
}

absl::StatusOr<FieldValue> FieldValue::Parse(absl::string_view text, const pb::FieldDescriptor& field) {
  FieldValue value;
  const auto error = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is no value for ", field.name(), ": ", what));
  };
  if (field.options().HasExtension(proto::not_built)) {
    return error(absl::StrCat("not built yet (", field.options().GetExtension(proto::not_built), ")"));
  }
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_STRING:
      value.text_ = std::string(text);
      return value;
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      if (text != "true" && text != "false") return error("it is true or false");
      value.number_ = text == "true";
      return value;
    case pb::FieldDescriptor::CPPTYPE_ENUM: {
      const pb::EnumValueDescriptor* choice = field.enum_type()->FindValueByName(std::string(text));
      if (choice == nullptr) {
        return error(absl::StrCat("it is one of ", absl::StrJoin(ValueNames(*field.enum_type()), ", ")));
      }
      if (choice->options().HasExtension(proto::value_not_built)) {
        return error(absl::StrCat("not built yet (", choice->options().GetExtension(proto::value_not_built), ")"));
      }
      value.number_ = static_cast<std::uint64_t>(choice->number());
      return value;
    }
    case pb::FieldDescriptor::CPPTYPE_UINT32:
    case pb::FieldDescriptor::CPPTYPE_UINT64: {
      if (!absl::SimpleAtoi(text, &value.number_)) return error("it is a whole number, 0 or more");
      if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_UINT32 && value.number_ > 0xffffffffu) {
        return error("it is at most 4294967295");
      }
      const std::string refusal = RangeRefusal<std::uint64_t>(field, value.number_);
      if (!refusal.empty()) return error(refusal);
      return value;
    }
    case pb::FieldDescriptor::CPPTYPE_INT32:
    case pb::FieldDescriptor::CPPTYPE_INT64: {
      std::int64_t number = 0;
      if (!absl::SimpleAtoi(text, &number)) return error("it is a whole number");
      if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_INT32 && !std::in_range<std::int32_t>(number)) {
        return error("it is -2147483648 to 2147483647");
      }
      const std::string refusal = RangeRefusal<std::int64_t>(field, number);
      if (!refusal.empty()) return error(refusal);
      value.number_ = static_cast<std::uint64_t>(number);
      return value;
    }
    case pb::FieldDescriptor::CPPTYPE_MESSAGE: {
      const pb::Message* prototype = pb::MessageFactory::generated_factory()->GetPrototype(field.message_type());
      std::shared_ptr<pb::Message> message(prototype->New());
      Problems problems;
      ParseTextInto("value", text, message.get(), nullptr, &problems);
      if (problems.empty()) CheckAgainstSchema(*message, "", Origins(), /*partial=*/true, &problems);
      if (!problems.empty()) return absl::InvalidArgumentError(problems.ToStatus().message());
      value.message_ = std::move(message);
      return value;
    }
    case pb::FieldDescriptor::CPPTYPE_DOUBLE:
    case pb::FieldDescriptor::CPPTYPE_FLOAT:
      break;
  }
  net::CannotHappen();
}

void FieldValue::Assign(pb::Message* holder, const pb::FieldDescriptor& field) const {
  PINHOLE_REQUIRES(!field.is_repeated());
  const pb::Reflection& reflection = *holder->GetReflection();
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_STRING:
      return reflection.SetString(holder, &field, text_);
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      return reflection.SetBool(holder, &field, number_ != 0);
    case pb::FieldDescriptor::CPPTYPE_ENUM:
      return reflection.SetEnumValue(holder, &field, static_cast<int>(number_));
    case pb::FieldDescriptor::CPPTYPE_UINT32:
      return reflection.SetUInt32(holder, &field, static_cast<std::uint32_t>(number_));
    case pb::FieldDescriptor::CPPTYPE_UINT64:
      return reflection.SetUInt64(holder, &field, number_);
    case pb::FieldDescriptor::CPPTYPE_INT32:
      return reflection.SetInt32(holder, &field, static_cast<std::int32_t>(number_));
    case pb::FieldDescriptor::CPPTYPE_INT64:
      return reflection.SetInt64(holder, &field, static_cast<std::int64_t>(number_));
    case pb::FieldDescriptor::CPPTYPE_MESSAGE:
      return MergeByName(*message_, reflection.MutableMessage(holder, &field));
    case pb::FieldDescriptor::CPPTYPE_DOUBLE:
    case pb::FieldDescriptor::CPPTYPE_FLOAT:
      break;
  }
  net::CannotHappen();
}

void FieldValue::Append(pb::Message* holder, const pb::FieldDescriptor& field) const {
  PINHOLE_REQUIRES(field.is_repeated());
  const pb::Reflection& reflection = *holder->GetReflection();
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_STRING:
      return reflection.AddString(holder, &field, text_);
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      return reflection.AddBool(holder, &field, number_ != 0);
    case pb::FieldDescriptor::CPPTYPE_ENUM:
      return reflection.AddEnumValue(holder, &field, static_cast<int>(number_));
    case pb::FieldDescriptor::CPPTYPE_UINT32:
      return reflection.AddUInt32(holder, &field, static_cast<std::uint32_t>(number_));
    case pb::FieldDescriptor::CPPTYPE_UINT64:
      return reflection.AddUInt64(holder, &field, number_);
    case pb::FieldDescriptor::CPPTYPE_INT32:
      return reflection.AddInt32(holder, &field, static_cast<std::int32_t>(number_));
    case pb::FieldDescriptor::CPPTYPE_INT64:
      return reflection.AddInt64(holder, &field, static_cast<std::int64_t>(number_));
    case pb::FieldDescriptor::CPPTYPE_MESSAGE:
      return reflection.AddMessage(holder, &field)->CopyFrom(*message_);
    case pb::FieldDescriptor::CPPTYPE_DOUBLE:
    case pb::FieldDescriptor::CPPTYPE_FLOAT:
      break;
  }
  net::CannotHappen();
}

void MergeByName(const pb::Message& from, pb::Message* to) {
  const pb::Reflection& reflection = *from.GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  reflection.ListFields(from, &fields);
  // Protobuf merges scalars and messages without lists as needed. Lists are merged here and removed first.
  for (const pb::FieldDescriptor* field : fields) {
    if (IsNamedList(*field)) {
      for (int i = 0; i < reflection.FieldSize(from, field); ++i) {
        const pb::Message& element = reflection.GetRepeatedMessage(from, field, i);
        pb::Message* old = FindByName(to, *field, NameOf(element));
        if (old != nullptr) {
          MergeByName(element, old);
        } else {
          to->GetReflection()->AddMessage(to, field)->CopyFrom(element);
        }
      }
    } else if (field->is_repeated()) {
      const pb::Reflection& out = *to->GetReflection();
      out.ClearField(to, field);
      for (int i = 0; i < reflection.FieldSize(from, field); ++i) {
        switch (field->cpp_type()) {
          case pb::FieldDescriptor::CPPTYPE_STRING:
            out.AddString(to, field, reflection.GetRepeatedString(from, field, i));
            break;
          case pb::FieldDescriptor::CPPTYPE_ENUM:
            out.AddEnumValue(to, field, reflection.GetRepeatedEnumValue(from, field, i));
            break;
          case pb::FieldDescriptor::CPPTYPE_MESSAGE:
            out.AddMessage(to, field)->CopyFrom(reflection.GetRepeatedMessage(from, field, i));
            break;
          case pb::FieldDescriptor::CPPTYPE_UINT32:
            out.AddUInt32(to, field, reflection.GetRepeatedUInt32(from, field, i));
            break;
          default:
            net::CannotHappen();  // the schema has no lists of other types
        }
      }
    } else if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) {
      MergeByName(reflection.GetMessage(from, field), to->GetReflection()->MutableMessage(to, field));
    } else {
      const pb::Reflection& out = *to->GetReflection();
      switch (field->cpp_type()) {
        case pb::FieldDescriptor::CPPTYPE_STRING:
          out.SetString(to, field, reflection.GetString(from, field));
          break;
        case pb::FieldDescriptor::CPPTYPE_BOOL:
          out.SetBool(to, field, reflection.GetBool(from, field));
          break;
        case pb::FieldDescriptor::CPPTYPE_ENUM:
          out.SetEnumValue(to, field, reflection.GetEnumValue(from, field));
          break;
        case pb::FieldDescriptor::CPPTYPE_UINT32:
          out.SetUInt32(to, field, reflection.GetUInt32(from, field));
          break;
        case pb::FieldDescriptor::CPPTYPE_UINT64:
          out.SetUInt64(to, field, reflection.GetUInt64(from, field));
          break;
        case pb::FieldDescriptor::CPPTYPE_INT32:
          out.SetInt32(to, field, reflection.GetInt32(from, field));
          break;
        case pb::FieldDescriptor::CPPTYPE_INT64:
          out.SetInt64(to, field, reflection.GetInt64(from, field));
          break;
        default:
          net::CannotHappen();  // the schema has no fields of other types
      }
    }
  }
}

std::vector<std::string> FieldNames(const pb::Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  return names;
}

std::vector<std::string> ValueNames(const pb::EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) names.push_back(type.value(i)->name());
  return names;
}

std::string RefusalOf(const pb::Message& holder, const pb::FieldDescriptor& field, int index) {
  PINHOLE_REQUIRES(field.message_type() == nullptr);
  const pb::Reflection& reflection = *holder.GetReflection();
  if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_ENUM) {
    const pb::EnumValueDescriptor* value =
        field.is_repeated() ? reflection.GetRepeatedEnum(holder, &field, index) : reflection.GetEnum(holder, &field);
    if (value->options().HasExtension(proto::value_not_built)) {
      return absl::StrCat(value->name(), " is not built yet (", value->options().GetExtension(proto::value_not_built),
                          ")");
    }
    return "";
  }
  if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_UINT32) {
    return RangeRefusal<std::uint64_t>(field, field.is_repeated() ? reflection.GetRepeatedUInt32(holder, &field, index)
                                                                  : reflection.GetUInt32(holder, &field));
  }
  if (field.is_repeated()) return "";
  if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_UINT64) {
    return RangeRefusal<std::uint64_t>(field, reflection.GetUInt64(holder, &field));
  }
  if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_INT32) {
    return RangeRefusal<std::int64_t>(field, reflection.GetInt32(holder, &field));
  }
  if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_INT64) {
    return RangeRefusal<std::int64_t>(field, reflection.GetInt64(holder, &field));
  }
  return "";
}

}  // namespace pinhole::scenarios
