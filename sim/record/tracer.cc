#include "sim/record/tracer.h"

#include "net/contract.h"

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
  net::CannotHappen();
}

}  // namespace pinhole::sim
