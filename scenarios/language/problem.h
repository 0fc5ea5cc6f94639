#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace pinhole::scenarios {

// A place in a file; lines and columns count from 1. `line` is 0 for the file as a whole, or for a text that is not in
// a file ("--set x=1").
struct Location {
  std::string file;
  int line = 0;
  int column = 0;

  std::string ToString() const;  // "home.textproto:14:3"
  friend bool operator==(const Location&, const Location&) = default;
};

// Collects the mistakes in a scenario, so that one run of `check` shows all of them.
class Problems {
 public:
  // Adds a mistake. A message is kept once per place. `note` is shown with the message, but two mistakes that differ
  // only in their notes count as one; an example of a note is the cell in which the mistake was first seen.
  void Add(const Location& location, absl::string_view message, absl::string_view note = "");

  void MergeFrom(const Problems& others);

  bool empty() const { return lines_.empty(); }
  // True if there are so many problems that no more need to be collected.
  bool full() const { return lines_.size() >= kShown; }
  // OK if there are none; else InvalidArgument with one line per problem, sorted by file, line and column.
  absl::Status ToStatus() const;

 private:
  static constexpr std::size_t kShown = 50;
  std::map<std::tuple<std::string, int, int, std::string>, std::string> lines_;  // place and message -> note
};

// Records the place at which each field of a scenario was set, by field path ("topology.nat[home_a].profile").
class Origins {
 public:
  void Record(std::string path, Location location) { locations_[std::move(path)] = std::move(location); }
  // Adds the places of `over`; they win over the places recorded before.
  void MergeFrom(const Origins& over);
  // The place of the field, or else of the nearest element around it, or else of the file as a whole.
  Location Find(absl::string_view path) const;
  void set_file(std::string file) { file_ = std::move(file); }

 private:
  std::string file_;
  std::map<std::string, Location, std::less<>> locations_;
};

// The path without its last part: "topology.nat[x].udp" -> "topology.nat[x]" -> "topology.nat" -> "topology" -> "".
absl::string_view ParentPath(absl::string_view path);

// The one of `names` that is most similar to `name` (ignoring case, "-" and "_"), if it is similar enough. Otherwise
// the first one that begins with `name`. Otherwise "".
std::string Nearest(absl::string_view name, const std::vector<std::string>& names);

// The number of insertions, deletions, replacements and swaps of neighbours that turn one text into the other.
int EditDistance(absl::string_view a, absl::string_view b);

// `; did you mean "pf"?` if a name is similar; else `; there is "a", "b" and 14 more`; "" if there are no names.
std::string Suggestion(absl::string_view name, const std::vector<std::string>& names);

}  // namespace pinhole::scenarios
