#pragma once

#include <ostream>
#include <string>

#include "scenarios/cli/exit_code.h"
#include "scenarios/language/file_reader.h"

namespace pinhole::scenarios {

struct NatsFlags {
  std::string name;  // empty: all
  bool markdown = false;
  std::string data_directory = kBuiltinPrefix;
};

// pinhole nats [NAME]: describes NAT profiles: one line each, or one in full.
ExitCode Nats(const NatsFlags& flags, FileReader& files, std::ostream& out, std::ostream& err);

}  // namespace pinhole::scenarios
