#pragma once

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"

namespace pinhole::scenarios {

// Quotes a text so that a POSIX shell reads it as one word.
inline std::string ShellQuoted(absl::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

// The same, but without quotes if the text needs none.
inline std::string ShellWord(absl::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("_-./:+@%,", c);
  });
  return plain && !text.empty() ? std::string(text) : ShellQuoted(text);
}

}  // namespace pinhole::scenarios
