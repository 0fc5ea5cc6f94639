#include "scenarios/language/compiled_sweep.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace pinhole::scenarios {
namespace {

std::vector<std::string> NamesOf(const std::vector<CompiledAxis>& axes) {
  std::vector<std::string> names;
  for (const CompiledAxis& axis : axes) names.push_back(axis.name);
  return names;
}

}  // namespace

void CompiledSweep::CompileAxis(const proto::Axis& axis, const AxisTexts& axis_texts, const Origins& origins,
                                Problems* problems) {
  const std::string path = absl::StrCat("sweep.axis[", axis.name(), "]");
  const std::string who = absl::StrCat("axis \"", axis.name(), "\": ");
  const auto add = [&](const std::string& where, absl::string_view what) {
    problems->Add(origins.Find(where), absl::StrCat(who, what));
  };
  CompiledAxis compiled{axis.name(), {}};
  const std::vector<const google::protobuf::FieldDescriptor*> said = ValueFieldsOf(axis);
  if (said.size() != 1) {
    add(path, said.empty() ? "it has no values: give values, a range, values_of, all_profiles or choices"
                           : "say one of values, range, values_of, all_profiles and choice");
    return;
  }
  std::set<std::string> labels;
  const auto add_value = [&](std::string label, std::vector<CompiledSet> sets, const std::string& where) {
    if (!labels.insert(label).second) {
      add(where, absl::StrCat("two values are called \"", label, "\""));
      return;
    }
    compiled.values.push_back({std::move(label), std::move(sets)});
  };
  if (axis.choice_size() > 0) {
    if (axis.path_size() > 0) add(absl::StrCat(path, ".path"), "choices have paths of their own; the axis has none");
    for (int i = 0; i < axis.choice_size(); ++i) {
      const proto::Choice& choice = axis.choice(i);
      const std::string choice_path = absl::StrCat(path, ".choice[", i, "]");
      std::vector<CompiledSet> sets;
      for (int j = 0; j < choice.set_size(); ++j) {
        const std::string set_path = absl::StrCat(choice_path, ".set[", j, "]");
        absl::StatusOr<CompiledSet> set = CompiledSet::Compile(choice.set(j), origins.Find(set_path));
        if (set.ok()) {
          sets.push_back(*std::move(set));
        } else {
          add(set_path, set.status().message());
        }
      }
      if (LabelOf(choice.label()) != choice.label()) {
        add(absl::StrCat(choice_path, ".label"),
            absl::StrCat("label \"", choice.label(), "\" has other bytes than letters, digits and \"_-.:+\""));
      }
      add_value(choice.label(), std::move(sets), choice_path);
    }
    axes_.push_back(std::move(compiled));
    return;
  }
  if (axis.path_size() == 0) {
    add(path, "it sets nothing: give it a path");
    return;
  }
  std::vector<FieldPath> fields;
  for (int i = 0; i < axis.path_size(); ++i) {
    absl::StatusOr<FieldPath> field = FieldPath::Compile(axis.path(i), *proto::Scenario::descriptor());
    if (field.ok()) {
      fields.push_back(*std::move(field));
    } else {
      add(absl::StrCat(path, ".path[", i, "]"), field.status().message());
    }
  }
  if (static_cast<int>(fields.size()) < axis.path_size()) return;
  const std::optional<std::vector<std::string>> texts = axis_texts.Of(
      axis, [&](const std::string& field, const std::string& what) { add(absl::StrCat(path, ".", field), what); });
  if (!texts) return;
  for (std::size_t i = 0; i < texts->size(); ++i) {
    const std::string value_path = said[0]->is_repeated() ? absl::StrCat(path, ".", said[0]->name(), "[", i, "]")
                                                          : absl::StrCat(path, ".", said[0]->name());
    std::vector<CompiledSet> sets;
    for (const FieldPath& field : fields) {
      absl::StatusOr<CompiledSet> set = CompiledSet::CompileAssignment(field, (*texts)[i], origins.Find(value_path));
      if (set.ok()) {
        sets.push_back(*std::move(set));
      } else {
        add(value_path, set.status().message());
      }
    }
    add_value(LabelOf((*texts)[i]), std::move(sets), value_path);
  }
  axes_.push_back(std::move(compiled));
}

void CompiledSweep::CompileZips(const proto::Sweep& sweep, const Origins& origins, Problems* problems) {
  std::vector<std::optional<int>> zip_of(axes_.size());
  for (int i = 0; i < sweep.zip_size(); ++i) {
    const std::string path = absl::StrCat("sweep.zip[", i, "]");
    std::size_t values = 0;
    for (const std::string& name : sweep.zip(i).axis()) {
      const auto it = std::find_if(axes_.begin(), axes_.end(), [&](const CompiledAxis& a) { return a.name == name; });
      if (it == axes_.end()) {
        problems->Add(origins.Find(path),
                      absl::StrCat("zip: no axis \"", name, "\"", Suggestion(name, NamesOf(axes_))));
        continue;
      }
      const std::size_t index = static_cast<std::size_t>(it - axes_.begin());
      if (zip_of[index]) {
        problems->Add(origins.Find(path), absl::StrCat("zip: axis \"", name, "\" is zipped twice"));
        continue;
      }
      zip_of[index] = i;
      if (values != 0 && it->values.size() != values) {
        problems->Add(origins.Find(path), absl::StrCat("zip: axis \"", name, "\" has ", it->values.size(),
                                                       " values where the one before has ", values));
      }
      values = it->values.size();
    }
    if (sweep.zip(i).axis_size() < 2) problems->Add(origins.Find(path), "zip: it takes two axes or more");
  }
  std::map<int, std::size_t> dimension_of_zip;
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    if (zip_of[i]) {
      const auto [known, first] = dimension_of_zip.try_emplace(*zip_of[i], dimensions_.size());
      if (!first) {
        dimensions_[known->second].push_back(i);
        continue;
      }
    }
    dimensions_.push_back({i});
  }
}

CompiledSweep CompiledSweep::Compile(const proto::Scenario& scenario, NatProfiles profiles, const Origins& origins,
                                     Problems* problems) {
  CompiledSweep compiled;
  compiled.profiles_ = std::move(profiles);
  const AxisTexts axis_texts(scenario.sweep(), compiled.profiles_);
  std::map<std::string, std::string> set_by;
  for (const proto::Axis& axis : scenario.sweep().axis()) {
    for (int i = 0; i < axis.path_size(); ++i) {
      const auto [other, first] = set_by.emplace(axis.path(i), axis.name());
      if (first || other->second == axis.name()) continue;
      problems->Add(origins.Find(absl::StrCat("sweep.axis[", axis.name(), "].path[", i, "]")),
                    absl::StrCat("axis \"", axis.name(), "\": ", axis.path(i), " is set by axis \"", other->second,
                                 "\" already, which would have no effect"));
    }
    compiled.CompileAxis(axis, axis_texts, origins, problems);
  }
  if (!problems->empty()) return compiled;
  compiled.CompileZips(scenario.sweep(), origins, problems);
  for (int i = 0; i < scenario.sweep().only_size(); ++i) {
    std::optional<CompiledCondition> condition = CompiledCondition::Compile(
        scenario.sweep().only(i), absl::StrCat("sweep.only[", i, "]"), compiled.axes_, origins, problems);
    if (condition) compiled.only_.push_back(*std::move(condition));
  }
  for (int i = 0; i < scenario.expect_size(); ++i) {
    std::vector<CompiledCondition> when;
    for (int j = 0; j < scenario.expect(i).when_size(); ++j) {
      std::optional<CompiledCondition> condition = CompiledCondition::Compile(
          scenario.expect(i).when(j), absl::StrCat("expect[", i, "].when[", j, "]"), compiled.axes_, origins, problems);
      if (condition) when.push_back(*std::move(condition));
    }
    compiled.when_.push_back(std::move(when));
  }
  compiled.plain_ = scenario;
  compiled.plain_.clear_sweep();
  compiled.plain_.clear_expect();
  compiled.plain_.clear_base();
  return compiled;
}

absl::StatusOr<proto::Scenario> CompiledSweep::Apply(const std::vector<std::uint32_t>& numbers, Location* where) const {
  proto::Scenario cell = plain_;
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    for (const CompiledSet& set : axes_[i].values[numbers[i]].sets) {
      absl::Status status = set.Apply(&cell);
      if (status.ok()) continue;
      if (where != nullptr) *where = set.place();
      return status;
    }
  }
  return cell;
}

std::vector<std::pair<std::string, Location>> CompiledSweep::SetPlaces(
    const std::vector<std::uint32_t>& numbers) const {
  std::vector<std::pair<std::string, Location>> places;
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    for (const CompiledSet& set : axes_[i].values[numbers[i]].sets) places.emplace_back(set.path(), set.place());
  }
  return places;
}

}  // namespace pinhole::scenarios
