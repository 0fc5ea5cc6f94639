#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "ice/transport.h"
#include "net/socket_address.h"

namespace pinhole::ice {

// The type of a candidate (RFC 8445 §5.1.1), in order of preference.
enum class CandidateType : std::uint8_t { kHost, kPeerReflexive, kServerReflexive, kRelayed };
// The type as text: "host", "prflx", "srflx", "relay" (RFC 8839 §5.1).
const char* ToString(CandidateType type);

// An arbitrary string of 1 to 32 ice-chars (RFC 8445 §5.1.1.3, RFC 8839 §5.1). The object holds the characters itself,
// without an allocation.
class Foundation {
 public:
  static constexpr std::size_t kLengthMax = 32;

  constexpr Foundation() = default;
  // REQUIRES: text.size() <= 32.
  explicit Foundation(absl::string_view text);

  absl::string_view text() const { return absl::string_view(text_.data(), length_); }
  friend bool operator==(const Foundation& a, const Foundation& b) { return a.text() == b.text(); }

 private:
  std::uint8_t length_ = 0;
  std::array<char, kLengthMax> text_ = {};
};

// A transport address that may be a point of contact for data, with its properties (RFC 8445 §4, §5.3).
struct Candidate {
  int stream = 0;     // index of the data stream, from 0
  int component = 1;  // 1 to 256
  CandidateType type = CandidateType::kHost;
  Transport transport = Transport::kUdp;
  std::uint32_t priority = 0;  // 1 to 2^31 - 1
  net::SocketAddress address;  // an active TCP candidate has port 9 (RFC 6544 §4.5)
  // The base (RFC 8445 §4): the address from which the agent sends. A host or relayed candidate is its own base. For a
  // remote reflexive candidate this is `related`, because its base is not known.
  net::SocketAddress base;
  net::SocketAddress related;  // the related address (RFC 8445 §4); all zero if unknown
  // The server that gave a local server-reflexive or relayed candidate (RFC 8445 §5.1.1.2); all zero for other
  // candidates. It is not told to the peer.
  net::SocketAddress server;
  Foundation foundation;
};

// The port of active TCP candidates in a description: the discard port. They accept no connections (RFC 6544 §4.5).
inline constexpr std::uint16_t kActivePort = 9;

// One candidate line of RFC 8839 §5.1 without "a=": "candidate:1 1 UDP 2130706431 192.0.2.1 50000 typ host". A TCP
// candidate has the form of RFC 6544 §4.5: "candidate:2 1 TCP 1526726399 192.0.2.1 9 typ host tcptype active".
std::string ToString(const Candidate& candidate);
void AppendTo(std::string& line, const Candidate& candidate);

}  // namespace pinhole::ice
