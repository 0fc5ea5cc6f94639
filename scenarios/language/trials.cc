#include "scenarios/language/trials.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace pinhole::scenarios {
namespace {

namespace pb = google::protobuf;

// The fields of one message, and of the messages in its lists, that the schema marks with options. They are read from
// the schema only once, because looking up an option takes longer than all other work for a cell here.
struct Marks {
  const pb::FieldDescriptor* list = nullptr;      // the list whose elements have these fields
  const pb::FieldDescriptor* own_host = nullptr;  // the field `host` of a message that also has a name
  std::vector<const pb::FieldDescriptor*> hosts;  // fields that name a host, own_host included
  std::vector<std::pair<const pb::FieldDescriptor*, std::uint32_t>> counts;  // lists of a fixed length, and the length
  std::vector<Marks> lists;                                                  // lists of messages with marked fields

  bool empty() const { return hosts.empty() && counts.empty() && lists.empty(); }
};

// Reads the marks of the message that is the element type of `list`.
Marks MarksOf(const pb::FieldDescriptor* list) {
  const pb::Descriptor& type = *list->message_type();
  Marks marks;
  marks.list = list;
  for (int i = 0; i < type.field_count(); ++i) {
    const pb::FieldDescriptor* field = type.field(i);
    if (field->options().GetExtension(proto::names_host)) {
      marks.hosts.push_back(field);
      if (field->name() == "host" && type.FindFieldByName("name") != nullptr) marks.own_host = field;
    }
    if (field->options().HasExtension(proto::count)) {
      marks.counts.emplace_back(field, field->options().GetExtension(proto::count));
    }
    if (field->is_repeated() && field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) {
      if (Marks below = MarksOf(field); !below.empty()) marks.lists.push_back(std::move(below));
    }
  }
  return marks;
}

// The fields of a scenario that list trials, in the order of the schema.
const std::vector<Marks>& TrialLists() {
  static const auto* const kLists = [] {
    auto* lists = new std::vector<Marks>();
    const pb::Descriptor& scenario = *proto::Scenario::descriptor();
    for (int i = 0; i < scenario.field_count(); ++i) {
      const pb::FieldDescriptor* field = scenario.field(i);
      if (field->options().GetExtension(proto::trial)) lists->push_back(MarksOf(field));
    }
    return lists;
  }();
  return *kLists;
}

// The name of an element, or "".
std::string NameOf(const pb::Message& element) {
  const pb::FieldDescriptor* name = element.GetDescriptor()->FindFieldByName("name");
  return name == nullptr ? "" : element.GetReflection()->GetString(element, name);
}

std::string NumberWord(std::uint32_t number) {
  return number == 2 ? "two" : number == 3 ? "three" : absl::StrCat(number);
}

void FillHosts(const Marks& marks, pb::Message* message) {
  const pb::Reflection& reflection = *message->GetReflection();
  if (marks.own_host != nullptr && !reflection.HasField(*message, marks.own_host)) {
    reflection.SetString(message, marks.own_host, NameOf(*message));
  }
  for (const Marks& below : marks.lists) {
    const pb::FieldDescriptor* const list = below.list;
    for (int i = 0; i < reflection.FieldSize(*message, list); ++i) {
      FillHosts(below, reflection.MutableRepeatedMessage(message, list, i));
    }
  }
}

class TrialChecker {
 public:
  TrialChecker(const Topology& topology, CellProblems* problems) : topology_(topology), problems_(problems) {}

  // Checks one message. `path` is its field path, and `who` names it in messages, such as `punching "punch", peer
  // "alice"`.
  void Check(const Marks& marks, const pb::Message& message, const std::string& path, const std::string& who) {
    const pb::Reflection& reflection = *message.GetReflection();
    for (const auto& [list, count] : marks.counts) CheckCount(message, *list, count, path, who);
    for (const pb::FieldDescriptor* field : marks.hosts) CheckHosts(message, *field, path, who);
    for (const Marks& below : marks.lists) {
      const pb::FieldDescriptor* const list = below.list;
      for (int i = 0; i < reflection.FieldSize(message, list); ++i) {
        const pb::Message& element = reflection.GetRepeatedMessage(message, list, i);
        const std::string name = NameOf(element);
        Check(below, element, absl::StrCat(path, ".", list->name(), "[", name, "]"),
              absl::StrCat(who, ", ", list->name(), " \"", name, "\""));
      }
    }
  }

 private:
  void CheckCount(const pb::Message& message, const pb::FieldDescriptor& field, std::uint32_t wanted,
                  const std::string& path, const std::string& who) {
    const int size = message.GetReflection()->FieldSize(message, &field);
    if (size == static_cast<int>(wanted)) return;
    problems_->Add(path, absl::StrCat(who, " has ", size, " ", field.name(), size == 1 ? "" : "s", "; it takes ",
                                      NumberWord(wanted)));
  }

  void CheckHosts(const pb::Message& message, const pb::FieldDescriptor& field, const std::string& path,
                  const std::string& who) {
    const pb::Reflection& reflection = *message.GetReflection();
    const int size = field.is_repeated() ? reflection.FieldSize(message, &field) : 1;
    for (int i = 0; i < size; ++i) {
      const std::string name = field.is_repeated() ? reflection.GetRepeatedString(message, &field, i)
                                                   : reflection.GetString(message, &field);
      if (topology_.HostIndex(name)) continue;
      problems_->Add(absl::StrCat(path, ".", field.name(), field.is_repeated() ? absl::StrCat("[", i, "]") : ""),
                     absl::StrCat(who, ": no host \"", name, "\""));
    }
  }

  const Topology& topology_;
  CellProblems* problems_;
};

}  // namespace

std::vector<std::string> TrialNames(const proto::Scenario& file) {
  std::vector<std::string> names;
  const pb::Reflection& reflection = *file.GetReflection();
  for (const Marks& marks : TrialLists()) {
    const pb::FieldDescriptor* const list = marks.list;
    for (int i = 0; i < reflection.FieldSize(file, list); ++i) {
      names.push_back(NameOf(reflection.GetRepeatedMessage(file, list, i)));
    }
  }
  return names;
}

void FillTrialHosts(proto::Scenario* cell) {
  const pb::Reflection& reflection = *cell->GetReflection();
  for (const Marks& marks : TrialLists()) {
    const pb::FieldDescriptor* const list = marks.list;
    for (int i = 0; i < reflection.FieldSize(*cell, list); ++i) {
      FillHosts(marks, reflection.MutableRepeatedMessage(cell, list, i));
    }
  }
}

void CheckTrials(const proto::Scenario& cell, const Topology& topology, CellProblems* problems) {
  const pb::Reflection& reflection = *cell.GetReflection();
  TrialChecker checker(topology, problems);
  bool any = false;
  for (const Marks& marks : TrialLists()) {
    const pb::FieldDescriptor* const list = marks.list;
    for (int i = 0; i < reflection.FieldSize(cell, list); ++i) {
      any = true;
      const pb::Message& trial = reflection.GetRepeatedMessage(cell, list, i);
      const std::string name = NameOf(trial);
      checker.Check(marks, trial, absl::StrCat(list->name(), "[", name, "]"),
                    absl::StrCat(list->name(), " \"", name, "\""));
    }
  }
  if (!any) problems->Add("session", "there is no session, so nothing to run");
}

}  // namespace pinhole::scenarios
