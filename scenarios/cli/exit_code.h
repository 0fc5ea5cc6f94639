#pragma once

namespace pinhole::scenarios {

// What the program tells its caller.
enum class ExitCode : int {
  kOk = 0,           // all as expected
  kUnexpected = 1,   // an expectation or a baseline failed
  kBadScenario = 2,  // bad usage or scenario
  kInternal = 3,     // a bug of ours
};

}  // namespace pinhole::scenarios
