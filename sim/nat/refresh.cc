#include "sim/nat/refresh.h"

#include "net/contract.h"

namespace pinhole::sim::nat {
namespace {

bool Refreshes(Refresh refresh, Direction direction) {
  switch (refresh) {
    case Refresh::kOutbound:
      return direction == Direction::kOutbound;
    case Refresh::kInbound:
      return direction == Direction::kInbound;
    case Refresh::kBoth:
      return true;
    case Refresh::kNone:
      return false;
  }
  net::CannotHappen();
}

net::Duration Life(const Timer& timer, const UdpTimeouts& timeouts, net::Instant now) {
  if (!timer.replied) return timeouts.unreplied;
  return now - timer.created > timeouts.assured_after ? timeouts.assured : timeouts.replied;
}

}  // namespace

Timer StartTimer(const UdpTimeouts& timeouts, net::Instant now) {
  return {.created = now, .expires = now + timeouts.first.value_or(timeouts.unreplied), .replied = false};
}

void OnPacket(Timer& timer, const UdpBehavior& udp, Direction direction, bool answers, net::Instant now) {
  if (Refreshes(udp.refresh, direction)) timer.expires = now + Life(timer, udp.timeouts, now);
  if (answers) timer.replied = true;
}

}  // namespace pinhole::sim::nat
