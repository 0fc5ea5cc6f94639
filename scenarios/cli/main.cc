#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "scenarios/cli/cli.h"

int main(int argc, char** argv) {
  using pinhole::scenarios::ExitCode;
  try {
    pinhole::scenarios::SystemFiles files;
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const ExitCode exit_code = pinhole::scenarios::RunCommandLine(arguments, files, std::cout, std::cerr);
    if (std::cout.flush()) return static_cast<int>(exit_code);
    std::cerr << "pinhole: cannot write to standard output\n";
    return static_cast<int>(ExitCode::kInternal);
  } catch (const std::exception& error) {
    std::cerr << "pinhole: internal error: " << error.what() << "\n";
    return static_cast<int>(ExitCode::kInternal);
  }
}
