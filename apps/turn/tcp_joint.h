#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/host.h"

namespace pinhole::apps {

// Two TCP connections of one host made one, as a relay does (RFC 6062 §3): what comes in on either goes out on the
// other as it is. While one does not take more, the other is not read, so that its sender is held up by its window;
// what is between them is bounded by kBufferBytes each way. An end of one direction (FIN) is passed on behind the last
// byte, the other goes on. The connections are the owner's, who closes both when one breaks.
class TcpJoint {
 public:
  static constexpr std::size_t kBufferBytes = 16 * 1024;

  // `to_a` and `to_b` go out first: what had been read already, or not been sent yet.
  TcpJoint(net::Host& host, net::SocketId a, net::SocketId b, std::vector<std::uint8_t> to_a,
           std::vector<std::uint8_t> to_b);

  // Moves what there is. Once after the constructor; then upon OnTcpReadable and OnTcpWritable of either, and
  // OnTcpClosed of `closed`.
  void Move();
  void OnClosed(net::SocketId closed);

  // Both directions have ended and all has been passed on: both connections may be closed.
  bool finished() const { return ways_[0].ended && ways_[1].ended; }
  net::SocketId a() const { return ways_[0].from; }
  net::SocketId b() const { return ways_[0].to; }
  std::uint64_t bytes_moved() const { return bytes_moved_; }

 private:
  struct Way {
    net::SocketId from;
    net::SocketId to;
    std::vector<std::uint8_t> held;  // read and not taken by `to` yet
    bool finished = false;           // `from` has sent all it will
    bool ended = false;              // and `to` has been told
  };
  void Move(Way& way);
  // False: something is left.
  bool Flush(Way& way);

  net::Host& host_;
  std::array<Way, 2> ways_;
  std::uint64_t bytes_moved_ = 0;
};

}  // namespace pinhole::apps
