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

// Answers Binding requests (RFC 8489 §6.3.1): tells the sender where its datagram came from. Keeps no state,
// for Binding is idempotent: a retransmission is simply answered again.
class BindingServer {
 public:
  struct Options {
    std::string software;  // SOFTWARE of every response; none if empty
    // Short-term credentials that a request must bear (RFC 8489 §9.1); a public server asks for none.
    std::optional<ShortTermCredential> credential;
    // The usage has FINGERPRINT in every message: requests without are not STUN, responses get one. When
    // false a response has a FINGERPRINT if its request had a right one.
    bool require_fingerprint = false;
  };

  BindingServer() = default;
  explicit BindingServer(const Options& options) : options_(options) {}

  // The response to `datagram`, written into `buffer`, to go back the way it came; nullopt if there is to be
  // none: not a Binding request, or a wrong FINGERPRINT. A buffer of kMessageBytesMax is always enough.
  std::optional<net::ByteView> Respond(net::ByteView datagram, const net::SocketAddress& from,
                                       std::span<std::uint8_t> buffer) const;
  std::optional<net::ByteView> Respond(const MessageView& request, const net::SocketAddress& from,
                                       std::span<std::uint8_t> buffer) const;

 private:
  Options options_;
};

// The 420 response to a request with comprehension-required attributes that are not in `understood`
// (RFC 8489 §6.3.1), but for integrity and fingerprint. REQUIRES: request.HasUnknownRequired(understood).
void AddUnknownAttributesError(const MessageView& request, const AttributeSet& understood, MessageBuilder& response);

}  // namespace pinhole::stun
