#include "scenarios/language/scenario.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "net/random.h"
#include "scenarios/language/compiled_sweep.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/resolve.h"

namespace pinhole::scenarios {

ResolvedCell Scenario::Resolve(const Cell& cell) const {
  // Loading ran the same steps for this cell, so they cannot fail.
  proto::Scenario resolved = *sweep_->Apply(cell.value_numbers, nullptr);
  ResolveCell(sweep_->profiles(), nullptr, &resolved);
  return ResolvedCell(std::move(resolved));
}

const Cell* Scenario::Find(absl::string_view id) const {
  const auto it = std::find_if(cells_.begin(), cells_.end(), [&](const Cell& cell) { return cell.id == id; });
  return it == cells_.end() ? nullptr : &*it;
}

absl::StatusOr<NamedRun> Scenario::FindRun(absl::string_view id) const {
  if (const Cell* cell = Find(id)) return NamedRun{cell, 0};
  const std::size_t slash = std::min(id.rfind('/'), id.size());
  const absl::string_view digits = id.substr(std::min(slash + 1, id.size()));
  const Cell* cell = Find(id.substr(0, slash));
  if (cell == nullptr || digits.empty() || !std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit)) {
    return absl::NotFoundError(absl::StrCat("no cell \"", id, "\""));
  }
  std::uint32_t repetition = 0;
  if (!absl::SimpleAtoi(digits, &repetition) || repetition >= kRepetitionsMax) {
    return absl::OutOfRangeError(
        absl::StrCat("cell \"", cell->id, "\" has no repetition ", digits, "; they are 0 to ", kRepetitionsMax - 1));
  }
  return NamedRun{cell, repetition};
}

std::vector<std::string> Scenario::NearestIds(absl::string_view id, int count) const {
  std::vector<std::pair<int, const Cell*>> ranked;
  for (const Cell& cell : cells_) ranked.emplace_back(EditDistance(id.substr(0, 200), cell.id), &cell);
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> ids;
  for (const auto& [distance, cell] : ranked) {
    if (static_cast<int>(ids.size()) == count) break;
    ids.push_back(cell->id);
  }
  return ids;
}

absl::StatusOr<std::vector<const Cell*>> Scenario::Filter(absl::string_view filter) const {
  std::map<std::string, std::set<std::string>> wanted;
  std::vector<std::string> names;
  for (const CompiledAxis& axis : sweep_->axes()) names.push_back(axis.name);
  for (absl::string_view part : absl::StrSplit(filter, ',', absl::SkipWhitespace())) {
    const std::size_t equals = part.find('=');
    if (equals == absl::string_view::npos) {
      return absl::InvalidArgumentError(absl::StrCat("filter \"", part, "\": say axis=value"));
    }
    const std::string name(part.substr(0, equals));
    const std::string value(part.substr(equals + 1));
    const auto axis = std::find_if(sweep_->axes().begin(), sweep_->axes().end(),
                                   [&](const CompiledAxis& candidate) { return candidate.name == name; });
    if (axis == sweep_->axes().end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("filter \"", part, "\": no axis \"", name, "\"", Suggestion(name, names)));
    }
    std::vector<std::string> labels;
    for (const CompiledValue& candidate : axis->values) labels.push_back(candidate.label);
    if (std::find(labels.begin(), labels.end(), value) == labels.end()) {
      return absl::InvalidArgumentError(absl::StrCat("filter \"", part, "\": axis \"", name, "\" has no value \"",
                                                     value, "\"", Suggestion(value, labels)));
    }
    wanted[name].insert(value);
  }
  std::vector<const Cell*> kept;
  for (const Cell& cell : cells_) {
    const bool keep = std::all_of(cell.values.begin(), cell.values.end(), [&](const AxisValue& value) {
      const auto it = wanted.find(value.axis);
      return it == wanted.end() || it->second.count(value.value) > 0;
    });
    if (keep) kept.push_back(&cell);
  }
  if (kept.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("filter \"", filter, "\" selects no cell of ", name()));
  }
  return kept;
}

std::string RunId(const Cell& cell, std::uint32_t repetition) { return absl::StrCat(cell.id, "/", repetition); }

std::uint64_t SeedOf(const Cell& cell, proto::SeedPolicy::By by, std::uint64_t base, std::uint32_t repetition) {
  // FNV-1a gives similar texts similar low bits; SplitMix64 spreads them.
  std::uint64_t state = net::StableHash(by == proto::SeedPolicy::ID ? absl::StrCat(base, "/", RunId(cell, repetition))
                                                                    : absl::StrCat(base, "/", repetition));
  return net::SplitMix64(state);
}

}  // namespace pinhole::scenarios
