#include "scenarios/language/trials.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace pinhole::scenarios {
namespace {

namespace pb = google::protobuf;

// The fields of a scenario that list trials.
std::vector<const pb::FieldDescriptor*> TrialFields() {
  std::vector<const pb::FieldDescriptor*> fields;
  const pb::Descriptor& scenario = *proto::Scenario::descriptor();
  for (int i = 0; i < scenario.field_count(); ++i) {
    if (scenario.field(i)->options().GetExtension(proto::trial)) fields.push_back(scenario.field(i));
  }
  return fields;
}

// The name of an element, or "".
std::string NameOf(const pb::Message& element) {
  const pb::FieldDescriptor* name = element.GetDescriptor()->FindFieldByName("name");
  return name == nullptr ? "" : element.GetReflection()->GetString(element, name);
}

std::string NumberWord(std::uint32_t number) {
  return number == 2 ? "two" : number == 3 ? "three" : absl::StrCat(number);
}

// Calls `visit(message)` for the message and all messages in it.
template <typename Visit>
void VisitAll(pb::Message* message, const Visit& visit) {
  visit(message);
  const pb::Reflection& reflection = *message->GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  reflection.ListFields(*message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    if (field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      VisitAll(reflection.MutableMessage(message, field), visit);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(*message, field); ++i) {
      VisitAll(reflection.MutableRepeatedMessage(message, field, i), visit);
    }
  }
}

class TrialChecker {
 public:
  TrialChecker(const Topology& topology, CellProblems* problems) : topology_(topology), problems_(problems) {}

  // `path` leads to the message; `who` says in words which it is: punching "punch", peer "alice".
  void Check(const pb::Message& message, const std::string& path, const std::string& who) {
    const pb::Reflection& reflection = *message.GetReflection();
    const pb::Descriptor& type = *message.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      const pb::FieldDescriptor& field = *type.field(i);
      CheckCount(message, field, path, who);
      if (field.options().GetExtension(proto::names_host)) CheckHosts(message, field, path, who);
      if (field.cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE || !field.is_repeated()) continue;
      for (int j = 0; j < reflection.FieldSize(message, &field); ++j) {
        const pb::Message& element = reflection.GetRepeatedMessage(message, &field, j);
        const std::string name = NameOf(element);
        Check(element, absl::StrCat(path, ".", field.name(), "[", name, "]"),
              absl::StrCat(who, ", ", field.name(), " \"", name, "\""));
      }
    }
  }

 private:
  void CheckCount(const pb::Message& message, const pb::FieldDescriptor& field, const std::string& path,
                  const std::string& who) {
    if (!field.options().HasExtension(proto::count)) return;
    const std::uint32_t wanted = field.options().GetExtension(proto::count);
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
  for (const pb::FieldDescriptor* field : TrialFields()) {
    for (int i = 0; i < reflection.FieldSize(file, field); ++i) {
      names.push_back(NameOf(reflection.GetRepeatedMessage(file, field, i)));
    }
  }
  return names;
}

void FillTrialHosts(proto::Scenario* cell) {
  const pb::Reflection& reflection = *cell->GetReflection();
  for (const pb::FieldDescriptor* field : TrialFields()) {
    for (int i = 0; i < reflection.FieldSize(*cell, field); ++i) {
      VisitAll(reflection.MutableRepeatedMessage(cell, field, i), [](pb::Message* message) {
        const pb::FieldDescriptor* host = message->GetDescriptor()->FindFieldByName("host");
        if (host == nullptr || !host->options().GetExtension(proto::names_host)) return;
        if (message->GetReflection()->HasField(*message, host)) return;
        message->GetReflection()->SetString(message, host, NameOf(*message));
      });
    }
  }
}

void CheckTrials(const proto::Scenario& cell, const Topology& topology, CellProblems* problems) {
  const pb::Reflection& reflection = *cell.GetReflection();
  TrialChecker checker(topology, problems);
  bool any = false;
  for (const pb::FieldDescriptor* field : TrialFields()) {
    for (int i = 0; i < reflection.FieldSize(cell, field); ++i) {
      any = true;
      const pb::Message& trial = reflection.GetRepeatedMessage(cell, field, i);
      const std::string name = NameOf(trial);
      checker.Check(trial, absl::StrCat(field->name(), "[", name, "]"), absl::StrCat(field->name(), " \"", name, "\""));
    }
  }
  if (!any) problems->Add("session", "there is no session, so nothing to run");
}

}  // namespace pinhole::scenarios
