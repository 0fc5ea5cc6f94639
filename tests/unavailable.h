#pragma once

#include <cstdlib>

#include "gtest/gtest.h"

// Ends a test that needs something this machine does not have: skipped on a desk, failed where
// PINHOLE_NO_SKIP is set (CI), so that nothing goes untested unseen.
//   if (!HasIpv6()) {
//     PINHOLE_UNAVAILABLE() << "no IPv6 loopback";
//   }
#define PINHOLE_UNAVAILABLE()                    \
  if (std::getenv("PINHOLE_NO_SKIP") != nullptr) \
    GTEST_FAIL();                                \
  else                                           \
    GTEST_SKIP()
