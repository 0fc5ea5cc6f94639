#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/strings/string_view.h"
#include "net/bytes.h"
#include "net/time.h"

// The referral protocol: how a client hands its description to the referral server and gets the other side's. Frames
// over one TCP connection that the client opens and both keep.
//
//   client                         server                         other client
//     | -- register -------------> |                                  |
//     | -- publish --------------> | <----------- register, publish - |
//     | <- deliver --------------- | ------------- deliver ---------> |
//
// `register` comes first and once. The server delivers to a registered side whatever the other side of its session has
// published last, at once or when that comes; a later description replaces an earlier one. TCP sees to it that nothing
// is lost while the connection lives. A server that is started again knows nothing: its clients connect, register and
// publish anew, and take a description that they have had already for what it is.
//
//   | length (16)  | kind (8)       | body ...              length: of kind and body
//   register       | session bytes (8) | session | side     side: to the end
//   publish        | description
//   deliver        | description
//   refuse         | reason (8)                             the server's last word before it closes
namespace pinhole::apps {

inline constexpr std::size_t kReferralNameBytesMax = 100;
inline constexpr std::size_t kReferralDescriptionBytesMax = 32 * 1024;

// A client's first wait before it connects again; doubles up to the other with each try that fails.
inline constexpr net::Duration kReferralRetryFirst = std::chrono::milliseconds(500);
inline constexpr net::Duration kReferralRetryMax = std::chrono::seconds(4);
// A try that has not connected by then is given up for a new one: four SYNs of TCP's are out by then, and the next
// would come ever later.
inline constexpr net::Duration kReferralConnectPatience = std::chrono::seconds(8);
// A client without a connection for so long gives up.
inline constexpr net::Duration kReferralPatience = std::chrono::seconds(75);
// A server closes what has connected and not registered in this time.
inline constexpr net::Duration kReferralRegisterPatience = std::chrono::seconds(30);
// Below the 30 s that some NATs keep an established connection (RFC 5382 §5 REQ-5 asks for 2 h 4 min).
inline constexpr net::Duration kReferralKeepalive = std::chrono::seconds(25);

enum class ReferralKind : std::uint8_t { kRegister = 1, kPublish = 2, kDeliver = 3, kRefuse = 4 };

enum class ReferralRefusal : std::uint8_t {
  kMalformed = 1,   // a frame that is none, too long, or not the client's to send now
  kFull = 2,        // the server takes no more sessions
  kOtherSides = 3,  // the session has two other sides already
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

  // `bytes` without their length; nullopt for anything that is no frame.
  static std::optional<ReferralFrame> Parse(net::ByteView bytes);
  // With the length. REQUIRES: the limits above, names of at least one byte.
  void AppendTo(std::vector<std::uint8_t>& bytes) const;
};

// Cuts a byte stream into frames. Bounded: a frame that is longer than any can be, or empty, ends the stream for good.
class ReferralFrames {
 public:
  // Where the next bytes of the stream go; empty once broken.
  std::span<std::uint8_t> Space();
  void Filled(std::size_t bytes) { end_ += bytes; }
  // The next whole frame, without its length. Valid until the next call.
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
  std::vector<std::uint8_t>& bytes() { return bytes_; }  // to append to
  net::ByteView rest() const { return net::ByteView(bytes_).subspan(taken_); }
  bool empty() const { return taken_ == bytes_.size(); }
  void Taken(std::size_t bytes);
  void Clear();

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t taken_ = 0;
};

}  // namespace pinhole::apps
