#pragma once

namespace pinhole::scenarios {

// The exit code of the program. Scripts rely on the numbers.
enum class ExitCode : int {
  kOk = 0,           // no verdict is a fail
  kUnexpected = 1,   // at least one verdict is a fail
  kBadScenario = 2,  // wrong arguments, a scenario with mistakes, or a file that cannot be written
  kInternal = 3,     // a mistake in the program, or output that was cut off
};

}  // namespace pinhole::scenarios
