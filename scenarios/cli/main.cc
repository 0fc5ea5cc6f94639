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
    return static_cast<int>(pinhole::scenarios::RunCommandLine(arguments, files, std::cout, std::cerr));
  } catch (const std::exception& error) {
    std::cerr << "pinhole: internal error: " << error.what() << "\n";
    return static_cast<int>(ExitCode::kInternal);
  }
}
