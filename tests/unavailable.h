#pragma once

#include <cstdlib>

#include "gtest/gtest.h"

// Ends a test that needs something that this machine does not have. The test is skipped, or fails if PINHOLE_NO_SKIP is
// set, as in continuous integration. So no test stays unrun there without notice.
//   if (!HasIpv6()) {
//     PINHOLE_UNAVAILABLE() << "no IPv6 loopback";
//   }
#define PINHOLE_UNAVAILABLE()                    \
  if (std::getenv("PINHOLE_NO_SKIP") != nullptr) \
    GTEST_FAIL();                                \
  else                                           \
    GTEST_SKIP()
