#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/host.h"

namespace pinhole::apps {

// Joins two TCP connections of one host, as a relay does (RFC 6062 §3): bytes that arrive on one are sent on the other.
// While one connection takes no bytes, the other is not read, so that its sender is stopped by the window. At most
// kBufferBytes are held in each direction. The end of one direction (FIN) is passed on after the last byte; the other
// direction continues. The owner of the joint also owns the connections, and closes both if one breaks.
class TcpJoint {
 public:
  static constexpr std::size_t kBufferBytes = 16 * 1024;

  // `to_a` and `to_b` are sent first: bytes that were already read, or not sent yet.
  TcpJoint(net::Host& host, net::SocketId a, net::SocketId b, std::vector<std::uint8_t> to_a,
           std::vector<std::uint8_t> to_b);

  // Moves all bytes that can be moved. Call it once after the constructor, then for OnTcpReadable() and OnTcpWritable()
  // of either connection. Call OnClosed() for OnTcpClosed().
  void Move();
  void OnClosed(net::SocketId closed);

  // Both directions have ended, and all bytes have been passed on. Both connections may be closed.
  bool finished() const { return ways_[0].ended && ways_[1].ended; }
  net::SocketId a() const { return ways_[0].from; }
  net::SocketId b() const { return ways_[0].to; }
  std::uint64_t bytes_moved() const { return bytes_moved_; }

 private:
  struct Way {
    net::SocketId from;
    net::SocketId to;
    std::vector<std::uint8_t> held;  // read, but not taken by `to` yet
    bool finished = false;           // `from` will send nothing more
    bool ended = false;              // the end has also been passed on to `to`
  };
  void Move(Way& way);
  // Writes the bytes that wait in `way`. Returns false if some of them are left.
  bool Flush(Way& way);

  net::Host& host_;
  std::array<Way, 2> ways_;
  std::uint64_t bytes_moved_ = 0;
};

}  // namespace pinhole::apps
