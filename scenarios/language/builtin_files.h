#pragma once

#include <span>

#include "absl/strings/string_view.h"

namespace pinhole::scenarios {

// A file of nats/, topologies/ or library/. Its text was copied into the program when the program was built.
struct BuiltinFile {
  const char* path;  // within scenarios/, such as "nats/pf.textproto"
  const char* text;
};

// All built-in files, sorted by path.
std::span<const BuiltinFile> BuiltinFiles();

}  // namespace pinhole::scenarios
