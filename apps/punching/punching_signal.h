#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "net/bytes.h"
#include "net/socket_address.h"

// What two punching peers and their rendezvous server say to each other over TCP: one line of text each, ended by
// "\n", at most kPunchingLineBytesMax bytes with it.
//
//   peer to server    HELLO <session> <side> <transport>   side 0 or 1; transport "tcp" or "udp". What the server
//                                                          sees it come from is the peer's public endpoint; for
//                                                          "udp" what a datagram with this line comes from
//   server to peer    PEER <own endpoint> <other's>        once it has both
//   peer to peer      CONNECT <try> -                      by way of the server, unread
//                     SYNC <try> -
//                     READY <try> -
//   peer to server    FORGE <try> <number>                 asks for a SYN,ACK from the other's endpoint: it
//                                                          acknowledges number + 1, the number that the peer's SYN
//                                                          had, and comes once both have asked; "-": of any number
//   server to peer    REFUSED <try> -                      it cannot forge
namespace pinhole::apps {

inline constexpr std::size_t kPunchingLineBytesMax = 128;

struct PunchingSignal {
  enum class Kind : std::uint8_t { kHello, kPeer, kConnect, kSync, kReady, kForge, kRefused };
  Kind kind = Kind::kHello;
  // kHello.
  std::string session;
  int side = 0;
  bool udp = false;
  // kPeer.
  net::SocketAddress own;
  net::SocketAddress other;
  // The others.
  int attempt = 0;
  std::optional<std::uint32_t> number;  // kForge

  // Without the end of line; nullopt for anything that is not one of these lines.
  static std::optional<PunchingSignal> Parse(absl::string_view line);
  // With it. REQUIRES of kHello: a session of 1 to 64 printable bytes without space.
  std::string ToLine() const;
  friend bool operator==(const PunchingSignal&, const PunchingSignal&) = default;
};

// Cuts a byte stream into lines. Bounded: a line that is too long ends the stream for good.
class PunchingLines {
 public:
  void Add(net::ByteView bytes);
  // The next whole line, without its end.
  std::optional<std::string> Take();
  bool broken() const { return broken_; }

 private:
  std::string buffer_;
  bool broken_ = false;
};

}  // namespace pinhole::apps
