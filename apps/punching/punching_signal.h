#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "net/bytes.h"
#include "net/socket_address.h"

// The messages between two punching peers and their rendezvous server over TCP. Each is one line of text that ends with
// "\n", of at most kPunchingLineBytesMax bytes, "\n" included.
//
//   peer to server    HELLO <session> <side> <transport>   side 0 or 1; transport "tcp" or "udp". The source that the
//                                                          server sees is the peer's public endpoint. For "udp" it is
//                                                          the source of a datagram with this line
//   server to peer    PEER <own endpoint> <other's>        when the server has both
//   peer to peer      CONNECT <try> -                      passed on by the server
//                     SYNC <try> -
//                     READY <try> -
//   peer to server    FORGE <try> <number>                 asks for a SYN,ACK from the other's endpoint. The SYN,ACK
//                                                          acknowledges number + 1, where `number` is that of the
//                                                          peer's SYN; "-" asks for a random number. It is sent when
//                                                          both peers have asked
//   server to peer    REFUSED <try> -                      the server cannot forge
namespace pinhole::apps {

inline constexpr std::size_t kPunchingLineBytesMax = 128;

struct PunchingSignal {
  enum class Kind : std::uint8_t { kHello, kPeer, kConnect, kSync, kReady, kForge, kRefused };
  Kind kind = Kind::kHello;
  // For kHello.
  std::string session;
  int side = 0;
  bool udp = false;
  // For kPeer.
  net::SocketAddress own;
  net::SocketAddress other;
  // For the other kinds.
  int attempt = 0;
  std::optional<std::uint32_t> number;  // kForge only

  // Takes a line without its end. Returns nullopt if it is not one of these lines.
  static std::optional<PunchingSignal> Parse(absl::string_view line);
  // The line with its end. REQUIRES for kHello: a session of 1 to 64 printable bytes without space.
  std::string ToLine() const;
  friend bool operator==(const PunchingSignal&, const PunchingSignal&) = default;
};

// Cuts a byte stream into lines. Its size is limited: after a line that is too long, no more lines are returned.
class PunchingLines {
 public:
  void Add(net::ByteView bytes);
  // The next complete line, without its end.
  std::optional<std::string> Take();
  bool broken() const { return broken_; }

 private:
  std::string buffer_;
  bool broken_ = false;
};

}  // namespace pinhole::apps
