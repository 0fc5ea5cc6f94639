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
//   server to peer    PEER <own endpoint> <other's>        when the server has both endpoints
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
  // The fields of a HELLO line (kHello).
  std::string session;
  int side = 0;
  bool udp = false;
  // The fields of a PEER line (kPeer): the public endpoints of the receiver of the line and of its peer.
  net::SocketAddress own;
  net::SocketAddress other;
  // The fields of CONNECT, SYNC, READY, FORGE and REFUSED lines. `attempt` is <try>, the number of the try.
  int attempt = 0;
  std::optional<std::uint32_t> number;  // kForge only

  // Parses a line without its final "\n". Returns nullopt if it is not a valid line of this protocol.
  static std::optional<PunchingSignal> Parse(absl::string_view line);
  // Writes the line, "\n" included. REQUIRES for kHello: a session of 1 to 64 printable bytes without space.
  std::string ToLine() const;
  friend bool operator==(const PunchingSignal&, const PunchingSignal&) = default;
};

// Cuts a byte stream into lines. The length of a line is limited: after a line longer than kPunchingLineBytesMax,
// broken() is true and no more lines are returned.
class PunchingLines {
 public:
  void Add(net::ByteView bytes);
  // Returns the next complete line, without its "\n"; nullopt: none is complete.
  std::optional<std::string> Take();
  bool broken() const { return broken_; }

 private:
  std::string buffer_;
  bool broken_ = false;
};

}  // namespace pinhole::apps
