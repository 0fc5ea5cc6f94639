#include "net/contract.h"

#include <cstdio>
#include <cstdlib>

namespace pinhole::net {

void EndBrokenContract(const char* kind, const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: broken %s: %s\n", file, line, kind, condition);
  std::abort();
}

void CannotHappen(const char* file, int line) {
  std::fprintf(stderr, "%s:%d: this cannot happen\n", file, line);
  std::abort();
}

}  // namespace pinhole::net
