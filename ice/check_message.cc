#include "ice/check_message.h"

#include "absl/strings/match.h"
#include "stun/attributes.h"
#include "stun/message_builder.h"

namespace pinhole::ice {
namespace {

net::ByteView Finished(stun::MessageBuilder& message) { return message.Finish().value_or(net::ByteView()); }

stun::ErrorCode ErrorOf(int code) {
  switch (code) {
    case 400:
      return stun::errors::kBadRequest;
    case 401:
      return stun::errors::kUnauthenticated;
    case 420:
      return stun::errors::kUnknownAttribute;
    case 487:
      return stun::errors::kRoleConflict;
    default:
      return stun::errors::kServerError;
  }
}

}  // namespace

net::ByteView WriteCheck(std::span<std::uint8_t> buffer, const stun::TransactionId& id, const CheckRequest& request,
                         const stun::HmacSha1Key& remote_key) {
  stun::MessageBuilder message(buffer, stun::MessageClass::kRequest, stun::Method::kBinding, id);
  message.Add(stun::Username{request.username}).Add(stun::Priority{request.priority});
  if (request.role == Role::kControlling) {
    message.Add(stun::IceControlling{request.tie_breaker});
  } else {
    message.Add(stun::IceControlled{request.tie_breaker});
  }
  if (request.use_candidate) message.Add(stun::UseCandidate{});
  message.AddIntegrity(remote_key).AddFingerprint();
  return Finished(message);
}

net::ByteView WriteSuccess(std::span<std::uint8_t> buffer, const stun::TransactionId& id,
                           const net::SocketAddress& from, const stun::HmacSha1Key& local_key) {
  stun::MessageBuilder message(buffer, stun::MessageClass::kSuccess, stun::Method::kBinding, id);
  message.Add(stun::XorMappedAddress{from}).AddIntegrity(local_key).AddFingerprint();
  return Finished(message);
}

net::ByteView WriteError(std::span<std::uint8_t> buffer, const stun::MessageView& request, int code,
                         const stun::HmacSha1Key* key) {
  stun::MessageBuilder message(buffer, stun::MessageClass::kError, request.method(), request.transaction_id());
  message.Add(ErrorOf(code));
  if (code == 420) {
    stun::UnknownAttributes unknown;
    unknown.count = std::min(request.UnknownRequired(stun::kIceAttributes, unknown.types), unknown.types.size());
    message.Add(unknown);
  }
  if (key != nullptr) message.AddIntegrity(*key);
  message.AddFingerprint();
  return Finished(message);
}

net::ByteView WriteKeepalive(std::span<std::uint8_t> buffer, const stun::TransactionId& id) {
  stun::MessageBuilder message(buffer, stun::MessageClass::kIndication, stun::Method::kBinding, id);
  message.AddFingerprint();
  return Finished(message);
}

int ReadCheck(const stun::MessageView& request, absl::string_view local_ufrag, const stun::HmacSha1Key& local_key,
              IncomingCheck& check, bool& authenticated) {
  authenticated = false;
  const std::optional<stun::Username> username = request.Get<stun::Username>();
  if (!username.has_value() || !request.HasIntegrity()) return 400;
  absl::string_view text = username->text;
  if (text.size() <= local_ufrag.size() || text[local_ufrag.size()] != ':' || !absl::StartsWith(text, local_ufrag)) {
    return 401;
  }
  if (!request.CheckIntegrity(local_key)) return 401;
  authenticated = true;
  if (request.HasUnknownRequired(stun::kIceAttributes)) return 420;

  check.sender_ufrag = text.substr(local_ufrag.size() + 1);
  const std::optional<stun::Priority> priority = request.Get<stun::Priority>();
  if (!priority.has_value()) return 400;
  check.priority = priority->value;
  check.use_candidate = request.Has(stun::AttributeType::kUseCandidate);
  if (const auto controlling = request.Get<stun::IceControlling>()) {
    check.role = Role::kControlling;
    check.tie_breaker = controlling->value;
  } else if (const auto controlled = request.Get<stun::IceControlled>()) {
    check.role = Role::kControlled;
    check.tie_breaker = controlled->value;
  }
  return 0;
}

}  // namespace pinhole::ice
