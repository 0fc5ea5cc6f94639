#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace pinhole::scenarios {

// True if `field` is a list whose elements have names: the message of the elements has a string field `name`.
bool IsNamedList(const google::protobuf::FieldDescriptor& field);
// The `name` of an element of such a list.
const std::string& NameOf(const google::protobuf::Message& element);
// The element of the list that has this name; null if there is none.
google::protobuf::Message* FindByName(google::protobuf::Message* message, const google::protobuf::FieldDescriptor& list,
                                      absl::string_view name);

// A path to a field of a message, with list elements by name, such as "topology.nat[home_a].udp.mapping". It is checked
// against the type when it is compiled. Whether the named elements exist is checked when the path is used.
class FieldPath {
 public:
  // Returns InvalidArgument for a syntax error, an unknown field, an element name on a field that is not a list with
  // names, or a list without an element name in the middle of the path.
  static absl::StatusOr<FieldPath> Compile(absl::string_view path, const google::protobuf::Descriptor& type);

  const google::protobuf::FieldDescriptor& field() const { return *steps_.back().field; }
  // True if the path ends in a named element, or in a field that is not a list.
  bool is_single() const { return !steps_.back().name.empty() || !steps_.back().field->is_repeated(); }
  const std::string& text() const { return text_; }

  // The message that contains the last field of the path. Returns NotFound if a named element does not exist.
  absl::StatusOr<google::protobuf::Message*> Holder(google::protobuf::Message* root) const;
  // The message at the end of the path; creates it if it is absent. REQUIRES: is_single(), and the field is a message.
  absl::StatusOr<google::protobuf::Message*> Target(google::protobuf::Message* root) const;
  // The value at the end of the path as text, such as "true", "42", "RANDOM" or "eth0". If the field is absent, the
  // text of its default. Returns NotFound like Holder(). REQUIRES: is_single(), and the field is not a message.
  absl::StatusOr<std::string> Read(const google::protobuf::Message& root) const;

 private:
  struct Step {
    const google::protobuf::FieldDescriptor* field;
    // The name of the element. Empty if the field is not a list, or if the path ends in the list itself.
    std::string name;
  };
  std::string text_;
  std::vector<Step> steps_;
};

// One value for a field, read from text. It was checked against the field's type and the field's options in the schema
// (range, not_built).
class FieldValue {
 public:
  // Returns InvalidArgument with a message that says which values are allowed.
  static absl::StatusOr<FieldValue> Parse(absl::string_view text, const google::protobuf::FieldDescriptor& field);

  // Sets the field; a message is merged as by MergeByName(). REQUIRES: `field` is the one given to Parse(), and not a
  // list.
  void Assign(google::protobuf::Message* holder, const google::protobuf::FieldDescriptor& field) const;
  // Adds the value to the list. REQUIRES: `field` is the one given to Parse(), and a list.
  void Append(google::protobuf::Message* holder, const google::protobuf::FieldDescriptor& field) const;
  // REQUIRES: the value is a message.
  const google::protobuf::Message& message() const { return *message_; }

 private:
  std::uint64_t number_ = 0;  // for integers, bools and enum numbers
  std::string text_;
  std::shared_ptr<const google::protobuf::Message> message_;
};

// Merges `from` into `to`. A scalar that `from` sets wins. Messages are merged field by field. Elements of a list with
// names are merged with the element of the same name, or added at the end. Any other list of `from` replaces the list
// of `to`.
void MergeByName(const google::protobuf::Message& from, google::protobuf::Message* to);

// The names of the fields of a message, in the order of the schema.
std::vector<std::string> FieldNames(const google::protobuf::Descriptor& type);
// The names of the values of an enum, in the order of the schema.
std::vector<std::string> ValueNames(const google::protobuf::EnumDescriptor& type);

// The reason why the schema's options of the field refuse its value; "" if they allow it. `index` is the element of a
// list. REQUIRES: the field is not a message.
std::string RefusalOf(const google::protobuf::Message& holder, const google::protobuf::FieldDescriptor& field,
                      int index);

}  // namespace pinhole::scenarios
