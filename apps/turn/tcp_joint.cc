#include "apps/turn/tcp_joint.h"

#include <utility>

namespace pinhole::apps {

TcpJoint::TcpJoint(net::Host& host, net::SocketId a, net::SocketId b, std::vector<std::uint8_t> to_a,
                   std::vector<std::uint8_t> to_b)
    : host_(host), ways_{Way{a, b, std::move(to_b)}, Way{b, a, std::move(to_a)}} {}

void TcpJoint::Move() {
  for (Way& way : ways_) Move(way);
}

void TcpJoint::OnClosed(net::SocketId closed) {
  for (Way& way : ways_) {
    if (way.from == closed) way.finished = true;
  }
  Move();
}

bool TcpJoint::Flush(Way& way) {
  if (way.held.empty()) return true;
  const std::size_t taken = host_.Write(way.to, way.held, {}).value_or(0);
  bytes_moved_ += taken;
  way.held.erase(way.held.begin(), way.held.begin() + static_cast<std::ptrdiff_t>(taken));
  return way.held.empty();
}

void TcpJoint::Move(Way& way) {
  while (!way.ended) {
    if (!Flush(way)) return;
    way.held.resize(kBufferBytes);
    const std::size_t count = host_.Read(way.from, way.held).value_or(0);
    way.held.resize(count);
    if (count != 0) continue;
    if (!way.finished) return;
    way.ended = host_.FinishWriting(way.to).ok();
    return;
  }
}

}  // namespace pinhole::apps
