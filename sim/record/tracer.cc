#include "sim/record/tracer.h"

#include <cstdlib>

namespace pinhole::sim {

const char* ToString(TraceKind kind) {
  switch (kind) {
    case TraceKind::kSend:
      return "send";
    case TraceKind::kReceive:
      return "receive";
    case TraceKind::kDeliver:
      return "deliver";
    case TraceKind::kDrop:
      return "drop";
  }
  std::abort();  // No `default`, so the compiler finds a missing case.
}

}  // namespace pinhole::sim
