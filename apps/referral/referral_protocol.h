#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/strings/string_view.h"
#include "net/bytes.h"
#include "net/time.h"

// The referral protocol: a client gives its description to the referral server and receives the other side's. The
// messages are frames over one TCP connection. The client opens the connection, and both sides keep it open.
//
//   client                         server                         other client
//     | -- register -------------> |                                  |
//     | -- publish --------------> | <----------- register, publish - |
//     | <- deliver --------------- | ------------- deliver ---------> |
//
// `register` is sent first and once. The server delivers to a registered side the last description that the other side
// of its session has published: at once, or when it arrives. A later description replaces an earlier one. Nothing is
// lost while the connection lives, because TCP resends it. A restarted server knows nothing. Its clients connect,
// register and publish again, and must accept a description that they have already received.
//
//   | length (16)  | kind (8)       | body ...              length: of kind and body
//   register       | session bytes (8) | session | side     side: the rest of the frame
//   publish        | description
//   deliver        | description
//   refuse         | reason (8)                             the last frame before the server closes
namespace pinhole::apps {

inline constexpr std::size_t kReferralNameBytesMax = 100;
inline constexpr std::size_t kReferralDescriptionBytesMax = 32 * 1024;

// The first wait of a client before it connects again. It doubles with each failed try, up to kReferralRetryMax.
inline constexpr net::Duration kReferralRetryFirst = std::chrono::milliseconds(500);
inline constexpr net::Duration kReferralRetryMax = std::chrono::seconds(4);
// A try that has not connected after this time is replaced by a new one. TCP has sent four SYNs by then, and would send
// the next ones after ever longer times.
inline constexpr net::Duration kReferralConnectPatience = std::chrono::seconds(8);
// A client gives up when it has had no connection for this long.
inline constexpr net::Duration kReferralPatience = std::chrono::seconds(75);
// The server closes a connection that has not registered after this time.
inline constexpr net::Duration kReferralRegisterPatience = std::chrono::seconds(30);
// The keep-alive interval of a client. It is shorter than the 30 s for which some NATs keep an established connection
// (RFC 5382 §5 REQ-5 requires 2 h 4 min).
inline constexpr net::Duration kReferralKeepalive = std::chrono::seconds(25);

enum class ReferralKind : std::uint8_t { kRegister = 1, kPublish = 2, kDeliver = 3, kRefuse = 4 };

enum class ReferralRefusal : std::uint8_t {
  kMalformed = 1,   // not a frame, too long, or not allowed from a client in this state
  kFull = 2,        // the server accepts no more sessions
  kOtherSides = 3,  // the session already has two other sides
  kReplaced = 4,    // another connection has registered as this side
};
const char* ToString(ReferralRefusal refusal);

// One frame, parsed in place.
struct ReferralFrame {
  ReferralKind kind = ReferralKind::kRefuse;
  absl::string_view session;  // kRegister
  absl::string_view side;     // kRegister
  net::ByteView description;  // kPublish, kDeliver
  ReferralRefusal refusal = ReferralRefusal::kMalformed;

  // Parses a frame without its length field. Returns nullopt if the bytes are not a valid frame.
  static std::optional<ReferralFrame> Parse(net::ByteView bytes);
  // Appends the frame with its length field. REQUIRES: names of 1 to kReferralNameBytesMax bytes, and a description of
  // at most kReferralDescriptionBytesMax bytes.
  void AppendTo(std::vector<std::uint8_t>& bytes) const;
};

// Cuts a byte stream into frames. An empty frame, or one longer than the longest valid frame, breaks the stream for
// good: broken() is true, and no more frames are returned.
class ReferralFrames {
 public:
  // The space for the next bytes of the stream; empty if the stream is broken.
  std::span<std::uint8_t> Space();
  void Filled(std::size_t bytes) { end_ += bytes; }
  // The next complete frame, without its length field; nullopt: none is complete. Valid until the next call.
  std::optional<net::ByteView> Next();
  bool broken() const { return broken_; }

 private:
  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool broken_ = false;
};

// Bytes that wait until a connection takes them.
class ReferralOutbox {
 public:
  std::vector<std::uint8_t>& bytes() { return bytes_; }  // for appending
  net::ByteView rest() const { return net::ByteView(bytes_).subspan(taken_); }
  bool empty() const { return taken_ == bytes_.size(); }
  void Taken(std::size_t bytes);
  void Clear();

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t taken_ = 0;
};

}  // namespace pinhole::apps
