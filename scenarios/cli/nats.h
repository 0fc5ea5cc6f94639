#pragma once

#include <ostream>
#include <string>

#include "scenarios/cli/exit_code.h"
#include "scenarios/language/file_reader.h"

namespace pinhole::scenarios {

struct NatsFlags {
  std::string name;       // name or alias of one profile; empty: all profiles
  bool markdown = false;  // print docs/nats.md
  std::string data_directory = kBuiltinPrefix;
};

// pinhole nats [NAME]: prints all NAT profiles with one line each, or one profile with all its fields. Returns
// kBadScenario if there is no such profile, or if a profile cannot be loaded.
ExitCode Nats(const NatsFlags& flags, FileReader& files, std::ostream& out, std::ostream& err);

}  // namespace pinhole::scenarios
