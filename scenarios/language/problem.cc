#include "scenarios/language/problem.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace pinhole::scenarios {
namespace {

std::string Folded(absl::string_view name) {
  std::string folded = absl::AsciiStrToLower(name);
  std::replace(folded.begin(), folded.end(), '-', '_');
  return folded;
}

// Replaces the characters of a file's text that a terminal should not print.
std::string Printable(absl::string_view text) {
  std::string printable;
  for (const char c : text) {
    if (c == '\n' || c == '\t') {
      printable += ' ';
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      absl::StrAppend(&printable, "\\x", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    } else {
      printable += c;
    }
  }
  return printable;
}

}  // namespace

std::string Location::ToString() const {
  if (line == 0) return file;
  return absl::StrCat(file, ":", line, ":", column);
}

void Problems::Add(const Location& location, absl::string_view message, absl::string_view note) {
  if (full()) return;
  lines_.try_emplace({location.file, location.line, location.column, Printable(message)}, Printable(note));
}

void Problems::MergeFrom(const Problems& others) {
  for (const auto& [key, note] : others.lines_) {
    const auto& [file, line, column, message] = key;
    Add(Location{file, line, column}, message, note);
  }
}

absl::Status Problems::ToStatus() const {
  if (empty()) return absl::OkStatus();
  std::string text;
  for (const auto& [key, note] : lines_) {
    const auto& [file, line, column, message] = key;
    absl::StrAppend(&text, text.empty() ? "" : "\n", Location{file, line, column}.ToString(), ": ", message);
    if (!note.empty()) absl::StrAppend(&text, " (", note, ")");
  }
  if (full()) absl::StrAppend(&text, "\n... and perhaps more");
  return absl::InvalidArgumentError(text);
}

void Origins::MergeFrom(const Origins& over) {
  for (const auto& [path, location] : over.locations_) locations_[path] = location;
  file_ = over.file_;
}

Location Origins::Find(absl::string_view path) const {
  while (!path.empty()) {
    if (const auto it = locations_.find(path); it != locations_.end()) return it->second;
    path = ParentPath(path);
  }
  return Location{file_, 0, 0};
}

absl::string_view ParentPath(absl::string_view path) {
  if (!path.empty() && path.back() == ']') return path.substr(0, path.rfind('['));
  int depth = 0;
  for (std::size_t i = path.size(); i-- > 0;) {
    if (path[i] == ']') ++depth;
    if (path[i] == '[') --depth;
    if (path[i] == '.' && depth == 0) return path.substr(0, i);
  }
  return absl::string_view();
}

int EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<int> before_last(b.size() + 1), last(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_last[j - 2] + 1);
      }
    }
    before_last = last;
    last = current;
  }
  return last[b.size()];
}

std::string Nearest(absl::string_view name, const std::vector<std::string>& names) {
  // A longer name is cut, because the start is enough to compare, and a hostile file must not cost quadratic time.
  const std::string folded = Folded(name.substr(0, 200));
  const int allowed = std::max<int>(2, static_cast<int>(folded.size()) / 3);
  int best_distance = allowed + 1;
  std::string best;
  for (const std::string& candidate : names) {
    const int distance = EditDistance(folded, Folded(absl::string_view(candidate).substr(0, 200)));
    // A distance as long as the name itself is no similarity, which matters for names of two letters.
    if (distance < best_distance && distance < static_cast<int>(std::max(folded.size(), candidate.size()))) {
      best_distance = distance;
      best = candidate;
    }
  }
  if (!best.empty() || folded.size() < 3) return best;
  for (const std::string& candidate : names) {
    if (absl::StartsWith(Folded(candidate), folded)) return candidate;
  }
  return "";
}

std::string Suggestion(absl::string_view name, const std::vector<std::string>& names) {
  if (names.empty()) return "";
  if (const std::string nearest = Nearest(name, names); !nearest.empty()) {
    return absl::StrCat("; did you mean \"", nearest, "\"?");
  }
  constexpr std::size_t kListed = 8;
  std::string text = names.size() == 1 ? "; there is only " : "; there is ";
  const std::size_t listed = names.size() <= kListed + 1 ? names.size() : kListed;
  for (std::size_t i = 0; i < listed; ++i) {
    const bool last = i + 1 == names.size();
    absl::StrAppend(&text, i == 0 ? "" : last ? " and " : ", ", "\"", names[i], "\"");
  }
  if (listed < names.size()) absl::StrAppend(&text, " and ", names.size() - listed, " more");
  return text;
}

}  // namespace pinhole::scenarios
