#include "stun/binding_server.h"

#include "net/contract.h"
#include "stun/attributes_address.h"
#include "stun/attributes_error.h"
#include "stun/attributes_text.h"

namespace pinhole::stun {

void AddUnknownAttributesError(const MessageView& request, const AttributeSet& understood, MessageBuilder& response) {
  PINHOLE_REQUIRES(request.HasUnknownRequired(understood));
  UnknownAttributes unknown;
  unknown.count = request.UnknownRequired(understood, unknown.types);
  response.Add(errors::kUnknownAttribute).Add(unknown);
}

std::optional<net::ByteView> BindingServer::Respond(net::ByteView datagram, const net::SocketAddress& from,
                                                    std::span<std::uint8_t> buffer) const {
  const std::optional<MessageView> request = MessageView::Parse(datagram);
  if (!request.has_value()) return std::nullopt;
  return Respond(*request, from, buffer);
}

std::optional<net::ByteView> BindingServer::Respond(const MessageView& request, const net::SocketAddress& from,
                                                    std::span<std::uint8_t> buffer) const {
  if (request.message_class() != MessageClass::kRequest || request.method() != Method::kBinding) return std::nullopt;
  const bool fingerprint = request.HasFingerprint();
  if (fingerprint ? !request.FingerprintOk() : options_.require_fingerprint) return std::nullopt;

  ShortTermVerdict verdict = ShortTermVerdict::kAccepted;
  if (options_.credential.has_value()) verdict = CheckShortTerm(request, *options_.credential);
  const bool accepted = verdict == ShortTermVerdict::kAccepted;
  const bool unknown = request.HasUnknownRequired(kBaseAttributes);

  const MessageClass message_class = accepted && !unknown ? MessageClass::kSuccess : MessageClass::kError;
  MessageBuilder response(buffer, message_class, Method::kBinding, request.transaction_id());
  if (verdict == ShortTermVerdict::kBadRequest) {
    response.Add(errors::kBadRequest);
  } else if (verdict == ShortTermVerdict::kUnauthenticated) {
    response.Add(errors::kUnauthenticated);
  } else if (unknown) {
    AddUnknownAttributesError(request, kBaseAttributes, response);
  } else {
    response.Add(XorMappedAddress{from});
  }
  if (!options_.software.empty()) response.Add(Software{options_.software});
  if (accepted && options_.credential.has_value()) AddShortTermIntegrity(request, *options_.credential, response);
  if (fingerprint) response.AddFingerprint();
  return response.Finish();
}

}  // namespace pinhole::stun
