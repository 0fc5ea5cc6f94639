#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "net/bytes.h"
#include "net/socket_address.h"
#include "stun/message.h"
#include "stun/message_builder.h"
#include "stun/short_term.h"

namespace pinhole::stun {

// Answers Binding requests (RFC 8489 §6.3.1): each response contains the source address of its request. The server
// keeps no state. Binding is idempotent, so a retransmission is simply answered again.
class BindingServer {
 public:
  struct Options {
    std::string software;  // the SOFTWARE attribute of every response; empty: none
    // The short-term credential that a request must have (RFC 8489 §9.1). A public server requires none.
    std::optional<ShortTermCredential> credential;
    // True: every message of the usage has FINGERPRINT, so a request without it is ignored, and every response has it.
    // False: a response has FINGERPRINT if its request had a correct one.
    bool require_fingerprint = false;
  };

  BindingServer() = default;
  explicit BindingServer(const Options& options) : options_(options) {}

  // Writes the response to `datagram` into `buffer`. The owner sends it from the address that received the request to
  // `from`. nullopt: no response, because `datagram` is not a Binding request or its FINGERPRINT is wrong. A buffer of
  // kMessageBytesMax bytes is always large enough.
  std::optional<net::ByteView> Respond(net::ByteView datagram, const net::SocketAddress& from,
                                       std::span<std::uint8_t> buffer) const;
  std::optional<net::ByteView> Respond(const MessageView& request, const net::SocketAddress& from,
                                       std::span<std::uint8_t> buffer) const;

 private:
  Options options_;
};

// Fills the 420 response to a request that has comprehension-required attributes outside `understood`
// (RFC 8489 §6.3.1). The caller adds integrity and fingerprint. REQUIRES: request.HasUnknownRequired(understood).
void AddUnknownAttributesError(const MessageView& request, const AttributeSet& understood, MessageBuilder& response);

}  // namespace pinhole::stun
