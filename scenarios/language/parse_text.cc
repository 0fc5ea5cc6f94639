#include "scenarios/language/parse_text.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "scenarios/language/field_path.h"
#include "scenarios/schema_options.pb.h"

namespace pinhole::scenarios {
namespace pb = google::protobuf;

namespace {

// The position of the first byte that cannot be in a text file, or npos.
std::size_t FindBinary(absl::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      if ((byte < 0x20 && !absl::ascii_isspace(byte)) || byte == 0x7f) return i;
      ++i;
      continue;
    }
    const std::size_t more = byte >= 0xc2 && byte < 0xe0   ? 1
                             : byte >= 0xe0 && byte < 0xf0 ? 2
                             : byte >= 0xf0 && byte < 0xf5 ? 3
                                                           : 0;
    if (more == 0 || i + more >= text.size()) return i;
    for (std::size_t j = 1; j <= more; ++j) {
      if ((static_cast<unsigned char>(text[i + j]) & 0xc0) != 0x80) return i;
    }
    i += 1 + more;
  }
  return absl::string_view::npos;
}

Location PlaceOf(const std::string& file, absl::string_view text, std::size_t offset) {
  Location place{file, 1, 1};
  for (std::size_t i = 0; i < offset && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++place.line;
      place.column = 1;
    } else {
      ++place.column;
    }
  }
  return place;
}

// The position at which messages are nested deeper than kNestingMax, or npos. It is checked before parsing, because the
// parser recurses.
std::size_t FindTooDeep(absl::string_view text) {
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == '\\') {
        ++i;
      } else if (c == quote || c == '\n') {
        quote = 0;
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#') {
      while (i < text.size() && text[i] != '\n') ++i;
    } else if (c == '{' || c == '<' || c == '[') {
      if (++depth > kNestingMax) return i;
    } else if (c == '}' || c == '>' || c == ']') {
      --depth;
    }
  }
  return absl::string_view::npos;
}

// The tokenizer counts lines and columns from 0. A tab advances the column to the next multiple of 8.
std::size_t OffsetOf(absl::string_view text, int line, int column) {
  std::size_t offset = 0;
  for (; line > 0; --line) {
    const std::size_t newline = text.find('\n', offset);
    if (newline == absl::string_view::npos) return text.size();
    offset = newline + 1;
  }
  for (int at = 0; at < column && offset < text.size() && text[offset] != '\n'; ++offset) {
    at = text[offset] == '\t' ? at + 8 - at % 8 : at + 1;
  }
  return offset;
}

bool IsWordByte(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// The start of the last `word` before `offset`. The parser reports a bad word only after it has read past the word.
std::size_t BackTo(absl::string_view text, std::size_t offset, absl::string_view word) {
  const std::size_t from = text.substr(0, std::min(offset, text.size())).rfind(word);
  return from == absl::string_view::npos ? offset : from;
}

// The words in quotes in a message of the parser, in order.
std::vector<std::string> QuotedWords(absl::string_view message) {
  const std::vector<std::string> parts = absl::StrSplit(message, '"');
  std::vector<std::string> words;
  for (std::size_t i = 1; i < parts.size(); i += 2) words.push_back(parts[i]);
  return words;
}

void CollectEnumValues(const pb::Descriptor& type, absl::string_view field_name, std::set<const pb::Descriptor*>* seen,
                       std::vector<std::string>* names) {
  if (!seen->insert(&type).second) return;
  for (int i = 0; i < type.field_count(); ++i) {
    const pb::FieldDescriptor& field = *type.field(i);
    if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) {
      CollectEnumValues(*field.message_type(), field_name, seen, names);
    } else if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_ENUM && field.name() == field_name) {
      for (std::string& value : ValueNames(*field.enum_type())) {
        if (std::find(names->begin(), names->end(), value) == names->end()) names->push_back(std::move(value));
      }
    }
  }
}

// Rewrites the parser's messages in the terms of scenario files, with a suggestion.
class Complaints final : public pb::io::ErrorCollector {
 public:
  Complaints(std::string file, absl::string_view text, const pb::Descriptor& type, Problems* problems)
      : file_(std::move(file)), text_(text), type_(type), problems_(problems) {}

  void AddError(int line, pb::io::ColumnNumber column, const std::string& message) override {
    failed_ = true;
    Report(line, column, message);
  }
  // The parser is set to report unknown fields as warnings, so that it continues and finds all of them.
  void AddWarning(int line, pb::io::ColumnNumber column, const std::string& message) override {
    Report(line, column, message);
  }
  bool failed() const { return failed_; }

 private:
  void Report(int line, int column, const std::string& message) {
    if (line < 0) {
      problems_->Add(Location{file_, 0, 0}, message);
      return;
    }
    std::size_t offset = OffsetOf(text_, line, column);
    std::string said = message;
    const std::vector<std::string> words = QuotedWords(message);
    if (absl::StartsWith(message, "Message type ") && words.size() == 2) {
      const pb::Descriptor* type = pb::DescriptorPool::generated_pool()->FindMessageTypeByName(words[0]);
      const std::vector<std::string> parts = absl::StrSplit(words[0], '.');
      said = absl::StrCat("no field \"", words[1], "\" in ", parts.back(),
                          type == nullptr ? "" : Suggestion(words[1], FieldNames(*type)));
      offset = BackTo(text_, offset, words[1]);
    } else if (absl::StartsWith(message, "Unknown enumeration value") && words.size() == 2) {
      std::vector<std::string> names;
      std::set<const pb::Descriptor*> seen;
      CollectEnumValues(type_, words[1], &seen, &names);
      said = absl::StrCat("no value \"", words[0], "\" for ", words[1], Suggestion(words[0], names));
      offset = BackTo(text_, offset, words[0]);
    } else if (absl::StartsWith(message, "Non-repeated field ") && words.size() == 1) {
      said = absl::StrCat("\"", words[0], "\" is said twice");
      offset = BackTo(text_, offset, words[0]);
    } else {
      said[0] = absl::ascii_tolower(static_cast<unsigned char>(said[0]));
      said = std::string(absl::StripSuffix(said, "."));
    }
    problems_->Add(PlaceOf(file_, text_, offset), said);
  }

  std::string file_;
  absl::string_view text_;
  const pb::Descriptor& type_;
  Problems* problems_;
  bool failed_ = false;
};

std::string Joined(const std::string& path, const std::string& name) {
  return path.empty() ? name : absl::StrCat(path, ".", name);
}

class OriginWalk {
 public:
  OriginWalk(const std::string& file, absl::string_view text, Origins* origins, Problems* problems)
      : file_(file), text_(text), origins_(origins), problems_(problems) {}

  void Visit(const pb::Message& message, pb::TextFormat::ParseInfoTree* tree, const std::string& path) {
    const pb::Reflection& reflection = *message.GetReflection();
    std::vector<const pb::FieldDescriptor*> fields;
    reflection.ListFields(message, &fields);
    for (const pb::FieldDescriptor* field : fields) {
      const std::string field_path = Joined(path, field->name());
      if (!field->is_repeated()) {
        Record(field_path, tree, field, -1);
        if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) {
          Visit(reflection.GetMessage(message, field), Below(tree, field, -1), field_path);
        }
        continue;
      }
      if (reflection.FieldSize(message, field) > kElementsMax) {
        problems_->Add(PlaceIn(tree, field, 0), absl::StrCat(field_path, " has more than ", kElementsMax, " elements"));
        continue;
      }
      std::set<std::string> names;
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        std::string element_path = absl::StrCat(field_path, "[", i, "]");
        if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) {
          const pb::Message& element = reflection.GetRepeatedMessage(message, field, i);
          if (IsNamedList(*field)) {
            const std::string& name = NameOf(element);
            element_path = absl::StrCat(field_path, "[", name, "]");
            if (name.empty()) {
              problems_->Add(PlaceIn(tree, field, i), absl::StrCat("a ", field->name(), " needs a name"));
            } else if (!names.insert(name).second) {
              problems_->Add(PlaceIn(tree, field, i),
                             absl::StrCat("there are two elements \"", name, "\" in ", field_path));
            }
          }
          Record(element_path, tree, field, i);
          Visit(element, Below(tree, field, i), element_path);
        } else {
          Record(element_path, tree, field, i);
        }
        if (i == 0) Record(field_path, tree, field, i);
      }
    }
  }

 private:
  static pb::TextFormat::ParseInfoTree* Below(pb::TextFormat::ParseInfoTree* tree, const pb::FieldDescriptor* field,
                                              int index) {
    return tree == nullptr ? nullptr : tree->GetTreeForNested(field, index);
  }

  Location PlaceIn(pb::TextFormat::ParseInfoTree* tree, const pb::FieldDescriptor* field, int index) const {
    if (tree == nullptr) return Location{file_, 0, 0};
    pb::TextFormat::ParseLocation at = tree->GetLocation(field, index);
    // The parser gives a list in brackets only one place, the place of its first element.
    while (at.line < 0 && index > 0) at = tree->GetLocation(field, --index);
    if (at.line < 0) return Location{file_, 0, 0};
    return PlaceOfLine(at.line, at.column);
  }

  Location PlaceOfLine(int line, int column) const { return Location{file_, line + 1, column + 1}; }

  void Record(const std::string& path, pb::TextFormat::ParseInfoTree* tree, const pb::FieldDescriptor* field,
              int index) {
    if (origins_ == nullptr) return;
    Location place = PlaceIn(tree, field, index);
    if (place.line != 0) origins_->Record(path, std::move(place));
  }

  const std::string& file_;
  absl::string_view text_;
  Origins* origins_;
  Problems* problems_;
};

bool IsName(absl::string_view name) {
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return IsWordByte(c) || c == '-' || c == '.'; });
}

}  // namespace

void ParseTextInto(const std::string& file, absl::string_view text, pb::Message* message, Origins* origins,
                   Problems* problems) {
  if (origins != nullptr) origins->set_file(file);
  if (const std::size_t offset = FindBinary(text); offset != absl::string_view::npos) {
    problems->Add(PlaceOf(file, text, offset),
                  absl::StrCat("not a text file: byte 0x",
                               absl::Hex(static_cast<unsigned char>(text[offset]), absl::kZeroPad2), " here"));
    return;
  }
  if (const std::size_t offset = FindTooDeep(text); offset != absl::string_view::npos) {
    problems->Add(PlaceOf(file, text, offset), absl::StrCat("messages stand more than ", kNestingMax, " deep"));
    return;
  }
  // Editors read the type of the file from this line, so it is checked here.
  constexpr absl::string_view kTypeLine = "# proto-message:";
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::StartsWith(line, "#")) break;
    if (!absl::ConsumePrefix(&line, kTypeLine)) continue;
    const std::vector<std::string> parts = absl::StrSplit(absl::StripAsciiWhitespace(line), '.');
    if (parts.back() != message->GetDescriptor()->name()) {
      problems->Add(
          PlaceOf(file, text, text.find(kTypeLine)),
          absl::StrCat("this file is a ", parts.back(), "; a ", message->GetDescriptor()->name(), " is needed"));
      return;
    }
  }
  Complaints complaints(file, text, *message->GetDescriptor(), problems);
  pb::TextFormat::ParseInfoTree tree;
  pb::TextFormat::Parser parser;
  parser.RecordErrorsTo(&complaints);
  parser.AllowUnknownField(true);
  parser.AllowPartialMessage(true);
  parser.SetRecursionLimit(kNestingMax);
  parser.WriteLocationsTo(&tree);
  const bool parsed = parser.ParseFromString(std::string(text), message);
  if (!parsed || complaints.failed()) {
    if (problems->empty()) problems->Add(Location{file, 0, 0}, "cannot be read as protobuf text");
    return;
  }
  OriginWalk(file, text, origins, problems).Visit(*message, &tree, "");
}

void CheckAgainstSchema(const pb::Message& message, const std::string& path, const Origins& origins, bool partial,
                        Problems* problems) {
  const pb::Reflection& reflection = *message.GetReflection();
  const pb::Descriptor& type = *message.GetDescriptor();
  const auto add = [&](const std::string& where, absl::string_view what) {
    problems->Add(origins.Find(where), where.empty() ? std::string(what) : absl::StrCat(where, ": ", what));
  };
  for (int i = 0; i < type.field_count(); ++i) {
    const pb::FieldDescriptor& field = *type.field(i);
    const std::string field_path = Joined(path, field.name());
    const int size = field.is_repeated() ? reflection.FieldSize(message, &field)
                                         : static_cast<int>(reflection.HasField(message, &field));
    if (size == 0) {
      if (!partial && field.options().GetExtension(proto::needed)) {
        add(path, absl::StrCat(type.name(), " needs the field \"", field.name(), "\""));
      }
      continue;
    }
    if (field.options().HasExtension(proto::not_built)) {
      add(field_path, absl::StrCat("not built yet (", field.options().GetExtension(proto::not_built), ")"));
      continue;
    }
    for (int j = 0; j < size; ++j) {
      if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) {
        const pb::Message& below = field.is_repeated() ? reflection.GetRepeatedMessage(message, &field, j)
                                                       : reflection.GetMessage(message, &field);
        std::string below_path = field_path;
        if (IsNamedList(field)) {
          below_path = absl::StrCat(field_path, "[", NameOf(below), "]");
        } else if (field.is_repeated()) {
          below_path = absl::StrCat(field_path, "[", j, "]");
        }
        CheckAgainstSchema(below, below_path, origins, partial, problems);
      } else {
        const std::string refusal = RefusalOf(message, field, j);
        if (!refusal.empty()) add(field_path, refusal);
      }
    }
  }
  const pb::FieldDescriptor* name = type.FindFieldByNumber(1);
  if (name != nullptr && name->name() == "name" && type.name() != "User" && reflection.HasField(message, name)) {
    const std::string value = reflection.GetString(message, name);
    if (!IsName(value)) {
      add(Joined(path, "name"),
          absl::StrCat("\"", value, "\" is no name: up to 64 letters, digits, \"_\", \"-\" and \".\""));
    }
  }
}

}  // namespace pinhole::scenarios
