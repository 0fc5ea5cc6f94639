#include "scenarios/language/cell_problems.h"

namespace pinhole::scenarios {

void CellProblems::Add(absl::string_view path, absl::string_view message) {
  found_ = true;
  problems_->Add(Find(path), message, note_);
}

Location CellProblems::Find(absl::string_view path) const {
  for (auto it = set_by_axes_.rbegin(); it != set_by_axes_.rend(); ++it) {
    const absl::string_view set = it->first;
    for (absl::string_view around = path; !around.empty(); around = ParentPath(around)) {
      if (around == set) return it->second;
    }
  }
  return origins_.Find(path);
}

}  // namespace pinhole::scenarios
