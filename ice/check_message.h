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

// The STUN messages of connectivity checks, consent and keepalives (RFC 8445 §7.1, §7.2, §7.3, §11). Writers
// fill `buffer`; an empty view: it does not fit.
namespace pinhole::ice {

// A check as appendix C counts it: USERNAME, PRIORITY, role, perhaps USE-CANDIDATE, MESSAGE-INTEGRITY,
// FINGERPRINT and nothing else: 108 + 2u bytes with IPv4 and UDP headers, u the even length of a ufrag.
struct CheckRequest {
  absl::string_view username;  // "REMOTE:LOCAL"
  std::uint32_t priority = 0;
  Role role = Role::kControlling;
  std::uint64_t tie_breaker = 0;
  bool use_candidate = false;
};
net::ByteView WriteCheck(std::span<std::uint8_t> buffer, const stun::TransactionId& id, const CheckRequest& request,
                         const stun::HmacSha1Key& remote_key);

// The answer to a check that came from `from`.
net::ByteView WriteSuccess(std::span<std::uint8_t> buffer, const stun::TransactionId& id,
                           const net::SocketAddress& from, const stun::HmacSha1Key& local_key);
// A refusal. `key` is null where the request could not be authenticated (RFC 8489 §9.1.3).
net::ByteView WriteError(std::span<std::uint8_t> buffer, const stun::MessageView& request, int code,
                         const stun::HmacSha1Key* key);

// A keepalive: a Binding indication with FINGERPRINT only (RFC 8445 §11).
net::ByteView WriteKeepalive(std::span<std::uint8_t> buffer, const stun::TransactionId& id);

// What a request from outside turned out to be.
struct IncomingCheck {
  absl::string_view sender_ufrag;  // what follows the colon of USERNAME
  std::uint32_t priority = 0;
  bool use_candidate = false;
  std::optional<Role> role;  // that it claims
  std::uint64_t tie_breaker = 0;
};
// 0 and a good check in `check`; or the error code to answer, with `authenticated` telling whether the sender
// knew our password (RFC 8445 §7.3, RFC 8489 §9.1.3, §6.3.1).
int ReadCheck(const stun::MessageView& request, absl::string_view local_ufrag, const stun::HmacSha1Key& local_key,
              IncomingCheck& check, bool& authenticated);

}  // namespace pinhole::ice
