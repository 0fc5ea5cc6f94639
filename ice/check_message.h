#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "absl/strings/string_view.h"
#include "ice/options.h"
#include "net/bytes.h"
#include "net/socket_address.h"
#include "stun/integrity.h"
#include "stun/message.h"

// The STUN messages of connectivity checks, consent and keepalives (RFC 8445 §7.1, §7.2, §7.3, §11). The writers fill
// `buffer` and return a view of the message. An empty view means that the message does not fit.
namespace pinhole::ice {

// The contents of a check. A check has only the attributes that appendix C counts: USERNAME, PRIORITY, the role,
// perhaps USE-CANDIDATE, MESSAGE-INTEGRITY and FINGERPRINT. With IPv4 and UDP headers its size is 108 + 2u bytes, where
// u is the even length of a ufrag.
struct CheckRequest {
  absl::string_view username;  // "REMOTE:LOCAL"
  std::uint32_t priority = 0;
  Role role = Role::kControlling;
  std::uint64_t tie_breaker = 0;
  bool use_candidate = false;
};
net::ByteView WriteCheck(std::span<std::uint8_t> buffer, const stun::TransactionId& id, const CheckRequest& request,
                         const stun::HmacSha1Key& remote_key);

// The success response to a check that came from `from`.
net::ByteView WriteSuccess(std::span<std::uint8_t> buffer, const stun::TransactionId& id,
                           const net::SocketAddress& from, const stun::HmacSha1Key& local_key);
// The error response to `request`. `key` is null if the request could not be authenticated; the response then has no
// MESSAGE-INTEGRITY (RFC 8489 §9.1.3).
net::ByteView WriteError(std::span<std::uint8_t> buffer, const stun::MessageView& request, int code,
                         const stun::HmacSha1Key* key);

// A keepalive: a Binding indication with FINGERPRINT only (RFC 8445 §11).
net::ByteView WriteKeepalive(std::span<std::uint8_t> buffer, const stun::TransactionId& id);

// The contents of a check that has arrived.
struct IncomingCheck {
  absl::string_view sender_ufrag;  // the part of USERNAME after the colon
  std::uint32_t priority = 0;
  bool use_candidate = false;
  std::optional<Role> role;  // the role that the sender claims
  std::uint64_t tie_breaker = 0;
};
// Reads a request as a check. Returns 0 and fills `check` if the check is good; otherwise returns the code of the error
// response. `authenticated` tells whether the sender knew the local password (RFC 8445 §7.3, RFC 8489 §9.1.3, §6.3.1).
int ReadCheck(const stun::MessageView& request, absl::string_view local_ufrag, const stun::HmacSha1Key& local_key,
              IncomingCheck& check, bool& authenticated);

}  // namespace pinhole::ice
