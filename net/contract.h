#pragma once

#include "absl/base/attributes.h"

// Contracts: conditions that the code relies on. In builds with PINHOLE_CHECKED (debug, sanitizers, fuzzers) a broken
// contract ends the program with a message that has the file, the line and the condition. The option is the same for
// all targets of a build. Other builds do not evaluate the condition, so it must have no side effect.
//
// A broken contract is a bug in this program. Input from outside (bytes, files, options of a user) is never checked by
// a contract. Wrong input is refused by a status, an optional or a bool.
//
//   PINHOLE_REQUIRES(condition)   the caller's duty, first in a function: the "REQUIRES:" of the header
//   PINHOLE_INVARIANT(condition)  the class's own duty: true at this place, whatever the inputs were
//   net::CannotHappen()           behind a switch that returns for every enumerator
#ifdef PINHOLE_CHECKED
#define PINHOLE_CONTRACT(kind, condition) \
  ((condition) ? static_cast<void>(0) : ::pinhole::net::EndBrokenContract(kind, #condition, __FILE__, __LINE__))
#else
// The condition is compiled, so that it stays correct and its names count as used, but it is never evaluated.
#define PINHOLE_CONTRACT(kind, condition) static_cast<void>(false && (condition))
#endif
#define PINHOLE_REQUIRES(condition) PINHOLE_CONTRACT("REQUIRES", condition)
#define PINHOLE_INVARIANT(condition) PINHOLE_CONTRACT("INVARIANT", condition)

namespace pinhole::net {

// Prints "file:line: broken REQUIRES: condition" to stderr and aborts.
[[noreturn]] void EndBrokenContract(const char* kind, const char* condition, const char* file, int line);

// Marks code that no input can reach, mostly the place behind a switch that returns for every enumerator. Such a switch
// has no `default`, so that the compiler reports a missing enumerator.
//
// Ends the program in every build, release builds included. An enum whose value is none of its enumerators means that
// memory was overwritten, and a default would hide that. A call that is not reached costs nothing, so it may also stand
// in hot code.
[[noreturn]] ABSL_ATTRIBUTE_COLD void CannotHappen(const char* file = __builtin_FILE(), int line = __builtin_LINE());

}  // namespace pinhole::net
