#pragma once

#include <span>

#include "absl/strings/string_view.h"

namespace pinhole::scenarios {

// The files of nats/, topologies/ and library/ as they were when the program was built.
struct BuiltinFile {
  const char* path;  // within scenarios/: "nats/pf.textproto"
  const char* text;
};

// Sorted by path.
std::span<const BuiltinFile> BuiltinFiles();

}  // namespace pinhole::scenarios
