#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "net/bytes.h"
#include "net/contract.h"
#include "stun/channel_data.h"
#include "stun/message.h"

namespace pinhole::stun {

// The size of the longest message on a stream: a STUN header and the largest length that is a multiple of 4
// (RFC 8489 §5). ChannelData with 65535 bytes is shorter, padding included.
inline constexpr std::size_t kStreamMessageBytesMax = kHeaderBytes + 0xFFFC;

// Splits the bytes of a TCP connection that carries only STUN and TURN messages (RFC 8489 §6.2.2). Each message
// contains its length, so there is no other framing.
//
//     Read(connection, Space()) --> Filled(count) --> Next() until nullopt --> Space() ...
//
// A byte that cannot start or continue a message ends the stream, because nothing tells where the next message would
// start. Next() then returns nothing more, fault() gives the reason, and the owner aborts the connection. The buffer
// grows to the length of the message that is arriving, never beyond Options::message_bytes_max.
class StreamSplitter {
 public:
  struct Options {
    // A longer message ends the stream. Range: kHeaderBytes to kStreamMessageBytesMax.
    std::size_t message_bytes_max = kStreamMessageBytesMax;
  };
  enum class Fault : std::uint8_t {
    kNone,
    kNeitherStunNorChannelData,  // a first byte above 127
    kNoMagicCookie,              // a first byte below 64 that does not begin a STUN message
    kBadLength,                  // the length of a STUN message is not a multiple of four (RFC 8489 §5)
    kTooLong,                    // the message is longer than message_bytes_max
  };

  explicit StreamSplitter(const Options& options) : options_(options) {}
  StreamSplitter() : StreamSplitter(Options()) {}

  // The room for the next bytes of the stream. It is not empty after Next() has returned nullopt without a fault. Views
  // that Next() returned become invalid.
  std::span<std::uint8_t> Space();
  // `count` bytes have been written to the front of the last Space(). REQUIRES: `count` is not more than its size.
  void Filled(std::size_t count) {
    PINHOLE_REQUIRES(count <= buffer_.size() - end_);
    end_ += count;
  }
  // The next complete message. A STUN message is recognized by its header (MessageView::Parse() may still refuse it);
  // ChannelData comes without its padding. ChannelData of the channels 0x5000-0x7FFF is skipped silently
  // (RFC 8656 §12.6). nullopt: more bytes are needed, or there is a fault(). The view is valid until Space().
  std::optional<net::ByteView> Next();

  Fault fault() const { return fault_; }
  // The bytes that have arrived and that Next() has not returned: the beginning of a message or, after the answer to a
  // ConnectionBind, bytes of the peer (RFC 6062 §5.4). Valid until Space().
  net::ByteView rest() const { return net::ByteView(buffer_).subspan(begin_, end_ - begin_); }
  // Changes the limit from now on, for example for a sender that has authenticated itself.
  void set_message_bytes_max(std::size_t bytes) { options_.message_bytes_max = bytes; }

 private:
  // The length of the message at the front, padding included; nullopt: its header is incomplete, or there is a fault().
  std::optional<std::size_t> LengthOfFirst();
  std::nullopt_t Fail(Fault fault);

  Options options_;
  Fault fault_ = Fault::kNone;
  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0;  // start of the bytes that Next() has not returned
  std::size_t end_ = 0;
};

// The reason why a stream ended, as text.

}  // namespace pinhole::stun
