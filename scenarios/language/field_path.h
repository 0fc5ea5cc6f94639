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

// The elements of these lists have names: the message has a string field `name`.
bool IsNamedList(const google::protobuf::FieldDescriptor& field);
// The `name` of such an element.
const std::string& NameOf(const google::protobuf::Message& element);
// The element of the list with this name; null if there is none.
google::protobuf::Message* FindByName(google::protobuf::Message* message, const google::protobuf::FieldDescriptor& list,
                                      absl::string_view name);

// A place in a message, with elements by name: "topology.nat[home_a].udp.mapping". Compiled against the
// type; whether the named elements exist shows when it is used.
class FieldPath {
 public:
  // InvalidArgument: bad syntax, no such field, a name on something that is no named list or a list without one
  // in the middle of the path.
  static absl::StatusOr<FieldPath> Compile(absl::string_view path, const google::protobuf::Descriptor& type);

  const google::protobuf::FieldDescriptor& field() const { return *steps_.back().field; }
  // The path ends in an element by name, or in a field that is no list.
  bool is_single() const { return !steps_.back().name.empty() || !steps_.back().field->is_repeated(); }
  const std::string& text() const { return text_; }

  // The message that holds the last field. NotFound: an element is not there.
  absl::StatusOr<google::protobuf::Message*> Holder(google::protobuf::Message* root) const;
  // The message that the path leads to, made if absent. REQUIRES: is_single(), of message type.
  absl::StatusOr<google::protobuf::Message*> Target(google::protobuf::Message* root) const;
  // The value there as text: "true", "42", "RANDOM", "eth0"; its default if absent. REQUIRES: is_single(), not of
  // message type. NotFound as above.
  absl::StatusOr<std::string> Read(const google::protobuf::Message& root) const;

 private:
  struct Step {
    const google::protobuf::FieldDescriptor* field;
    std::string name;  // of the element; empty: a field that is no list, or at the end the list itself
  };
  std::string text_;
  std::vector<Step> steps_;
};

// One value for a field, read from text and held to the field's type and to what the schema says of it (range,
// built or not).
class FieldValue {
 public:
  // InvalidArgument, with what would be right.
  static absl::StatusOr<FieldValue> Parse(absl::string_view text, const google::protobuf::FieldDescriptor& field);

  // REQUIRES: `field` is the one given to Parse(), and no list. Messages are merged, as by MergeByName().
  void Assign(google::protobuf::Message* holder, const google::protobuf::FieldDescriptor& field) const;
  // REQUIRES: `field` is the one given to Parse(), and a list.
  void Append(google::protobuf::Message* holder, const google::protobuf::FieldDescriptor& field) const;
  // For a message.
  const google::protobuf::Message& message() const { return *message_; }

 private:
  std::uint64_t number_ = 0;  // integers, bools and enum numbers
  std::string text_;
  std::shared_ptr<const google::protobuf::Message> message_;
};

// Lays `from` over `to`: fields that `from` sets win, messages merge, elements of named lists meet by name (new ones
// go to the end), any other list that `from` has replaces the old one.
void MergeByName(const google::protobuf::Message& from, google::protobuf::Message* to);

// Names of the fields of a message, in order of the schema.
std::vector<std::string> FieldNames(const google::protobuf::Descriptor& type);
std::vector<std::string> ValueNames(const google::protobuf::EnumDescriptor& type);

// Why a value is refused by what the schema says of its field; "" if it is not. REQUIRES: not of message type.
std::string RefusalOf(const google::protobuf::Message& holder, const google::protobuf::FieldDescriptor& field,
                      int index);

}  // namespace pinhole::scenarios
