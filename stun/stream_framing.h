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

// The longest message on a stream: a STUN header and the largest length that is a multiple of 4 (RFC 8489 §5).
// ChannelData with 65535 bytes is shorter, padding included.
inline constexpr std::size_t kStreamMessageBytesMax = kHeaderBytes + 0xFFFC;

// Splits what comes over a TCP connection of STUN alone (RFC 8489 §6.2.2), TURN's included, into messages: each
// carries its length, so there is no other framing.
//
//     Read(connection, Space()) --> Filled(count) --> Next() until nullopt --> Space() ...
//
// A byte that cannot be where it stands ends the stream, since nothing tells where the next message would start:
// Next() gives nothing more, fault() says why, and the owner aborts the connection. The buffer grows to the length
// of the message that is coming in and never beyond Options::message_bytes_max.
class StreamSplitter {
 public:
  struct Options {
    // A longer message ends the stream. From kHeaderBytes to kStreamMessageBytesMax.
    std::size_t message_bytes_max = kStreamMessageBytesMax;
  };
  enum class Fault : std::uint8_t {
    kNone,
    kNeitherStunNorChannelData,  // a first byte above 127
    kNoMagicCookie,              // a first byte below 64 that does not begin a STUN message
    kBadLength,                  // of a STUN message: no multiple of four (RFC 8489 §5)
    kTooLong,                    // for message_bytes_max
  };

  explicit StreamSplitter(const Options& options) : options_(options) {}
  StreamSplitter() : StreamSplitter(Options()) {}

  // Where the next bytes of the stream go: never empty after Next() gave nullopt without a fault. Ends views
  // given by Next().
  std::span<std::uint8_t> Space();
  // So many bytes have been written to the front of the last Space(). REQUIRES: not more than it had.
  void Filled(std::size_t count) {
    PINHOLE_REQUIRES(count <= buffer_.size() - end_);
    end_ += count;
  }
  // The next whole message: a STUN message by its header (MessageView::Parse() may still refuse it), or ChannelData
  // without its padding. That of channels 0x5000-0x7FFF is passed over in silence (RFC 8656 §12.6). nullopt: more
  // bytes are needed, or fault(). Valid until Space().
  std::optional<net::ByteView> Next();

  Fault fault() const { return fault_; }
  // What has come and was not given by Next(): the beginning of a message, or, once a ConnectionBind has been
  // answered, bytes that are the peer's (RFC 6062 §5.4). Valid until Space().
  net::ByteView rest() const { return net::ByteView(buffer_).subspan(begin_, end_ - begin_); }
  // From now on: for a sender who may say more once it is known.
  void set_message_bytes_max(std::size_t bytes) { options_.message_bytes_max = bytes; }

 private:
  // How long the message at the front is, padding included; nullopt: its header is not there yet, or fault().
  std::optional<std::size_t> LengthOfFirst();
  std::nullopt_t Fail(Fault fault);

  Options options_;
  Fault fault_ = Fault::kNone;
  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0;  // of what has come and was not given
  std::size_t end_ = 0;
};

// Why a stream ended, in words.

}  // namespace pinhole::stun
