#pragma once

#include "absl/base/attributes.h"

// Contracts that an expression can test. Builds with PINHOLE_CHECKED (debug, sanitizers, fuzzers; the option decides
// for all targets of a build at once) end the program where a contract is broken, and say file, line and the
// expression. Other builds do not evaluate the condition, which therefore must have no effect.
//
// A broken contract is a mistake in this program. Input from outside (bytes, files, options of a user) is never checked
// so: it is refused by a status, an optional or a bool.
//
//   PINHOLE_REQUIRES(condition)   the caller's duty, first in a function: the "REQUIRES:" of the header
//   PINHOLE_INVARIANT(condition)  the class's own duty: true at this place whatever the inputs were
//   net::CannotHappen()           behind a switch that returns for every enumerator
#ifdef PINHOLE_CHECKED
#define PINHOLE_CONTRACT(kind, condition) \
  ((condition) ? static_cast<void>(0) : ::pinhole::net::EndBrokenContract(kind, #condition, __FILE__, __LINE__))
#else
// Compiled, so that it cannot rot and names in it count as used, but never evaluated.
#define PINHOLE_CONTRACT(kind, condition) static_cast<void>(false && (condition))
#endif
#define PINHOLE_REQUIRES(condition) PINHOLE_CONTRACT("REQUIRES", condition)
#define PINHOLE_INVARIANT(condition) PINHOLE_CONTRACT("INVARIANT", condition)

namespace pinhole::net {

// Prints "file:line: broken REQUIRES: condition" to stderr and aborts.
[[noreturn]] void EndBrokenContract(const char* kind, const char* condition, const char* file, int line);

// Stands where no input leads, mostly behind a switch that returns for every enumerator. Ends the program in every
// build, release too: an enum that holds none of its enumerators is memory that somebody has overwritten, and to go on
// with a default would hide it. The call costs nothing where it is not reached, so it is right in hot places too. Such
// a switch has no `default`, so that the compiler finds a missing enumerator.
[[noreturn]] ABSL_ATTRIBUTE_COLD void CannotHappen(const char* file = __builtin_FILE(), int line = __builtin_LINE());

}  // namespace pinhole::net
