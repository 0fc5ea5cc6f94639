#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace pinhole::scenarios {

// A place in a file, counted from 1. line 0: the file as a whole, or something that is no file ("--set x=1").
struct Location {
  std::string file;
  int line = 0;
  int column = 0;

  std::string ToString() const;  // "home.textproto:14:3"
  friend bool operator==(const Location&, const Location&) = default;
};

// What is wrong with a scenario, collected so that one run of `check` shows all of it.
class Problems {
 public:
  // A message said before for the same place is not said again. `note` is shown but does not make two problems
  // different, such as the cell in which it was first seen.
  void Add(const Location& location, absl::string_view message, absl::string_view note = "");

  void MergeFrom(const Problems& others);

  bool empty() const { return lines_.empty(); }
  // No more are worth collecting.
  bool full() const { return lines_.size() >= kShown; }
  // OK if empty; else InvalidArgument with one line per problem, by file, line and column.
  absl::Status ToStatus() const;

 private:
  static constexpr std::size_t kShown = 50;
  std::map<std::tuple<std::string, int, int, std::string>, std::string> lines_;  // place and message -> note
};

// Where each field of a scenario was set, by field path ("topology.nat[home_a].profile").
class Origins {
 public:
  void Record(std::string path, Location location) { locations_[std::move(path)] = std::move(location); }
  // The places of `over` win.
  void MergeFrom(const Origins& over);
  // The place of the field, or of the nearest thing around it; the file as a whole if nothing is known.
  Location Find(absl::string_view path) const;
  void set_file(std::string file) { file_ = std::move(file); }

 private:
  std::string file_;
  std::map<std::string, Location, std::less<>> locations_;
};

// "topology.nat[x].udp" -> "topology.nat[x]" -> "topology.nat" -> "topology" -> "".
absl::string_view ParentPath(absl::string_view path);

// The one of `names` most like `name` (case, "-" and "_" aside), if it is near enough to be meant; else the first that
// begins with it; else "".
std::string Nearest(absl::string_view name, const std::vector<std::string>& names);

// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
int EditDistance(absl::string_view a, absl::string_view b);

// `; did you mean "pf"?`, or, when nothing is near, `; there is "a", "b" and 14 more`, or "" without names.
std::string Suggestion(absl::string_view name, const std::vector<std::string>& names);

}  // namespace pinhole::scenarios
