// Fuzzes the parser with any bytes as a STUN message. Everything that can be read is read. A message that is written
// from the parsed values must read the same.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "stun/attributes.h"
#include "stun/binding_server.h"
#include "stun/channel_data.h"
#include "stun/demux.h"
#include "stun/message.h"
#include "stun/message_builder.h"

namespace pinhole::stun {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

// Writes a parsed value and reads it again; it must be the same. Some values may be received but not sent (long texts,
// text that is not UTF-8).
template <typename T>
void RoundTrip(const MessageView& message) {
  const std::optional<T> parsed = message.Get<T>();
  if (!parsed.has_value()) return;
  std::vector<std::uint8_t> buffer(message.bytes().size() + 64);
  MessageBuilder builder(buffer, MessageClass::kRequest, Method::kBinding, message.transaction_id());
  const std::optional<net::ByteView> written = builder.Add(*parsed).Finish();
  if (!written.has_value()) return;
  const std::optional<MessageView> again = MessageView::Parse(*written);
  Require(again.has_value() && again->Get<T>() == parsed);
}

template <typename... T>
void RoundTrips(const MessageView& message) {
  (RoundTrip<T>(message), ...);
}

void Read(const MessageView& message) {
  RoundTrips<MappedAddress, XorMappedAddress, AlternateServer, XorPeerAddress, XorRelayedAddress, ResponseOrigin,
             OtherAddress, Username, Realm, Nonce, Software, AlternateDomain, ErrorCode, UnknownAttributes,
             AddressErrorCode, Userhash, PasswordAlgorithm, PasswordAlgorithms, Priority, UseCandidate, IceControlled,
             IceControlling, Lifetime, DontFragment, ChannelNumber, RequestedAddressFamily, AdditionalAddressFamily,
             EvenPort, RequestedTransport, ReservationToken, Icmp, ChangeRequest, ResponsePort, Padding>(message);
  message.ForEach<XorPeerAddress>([](const auto&) {});
  if (const auto algorithms = message.Get<PasswordAlgorithms>()) {
    constexpr PasswordAlgorithmNumber kBoth[] = {PasswordAlgorithmNumber::kMd5, PasswordAlgorithmNumber::kSha256};
    (void)algorithms->FirstOf(kBoth);
  }
  std::array<AttributeType, 4> unknown;
  const std::size_t count = message.UnknownRequired(kTurnAttributes, unknown);
  Require((count > 0) == message.HasUnknownRequired(kTurnAttributes));
  // Nobody guesses a key.
  Require(!message.CheckIntegrity(HmacSha1Key("not in the corpus")));
  Require(!message.CheckIntegritySha256(HmacSha256Key("not in the corpus")));
  Require(!message.FingerprintOk() || message.HasFingerprint());
}

}  // namespace
}  // namespace pinhole::stun

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinhole::stun;  // NOLINT: the entry point has no namespace of its own
  const pinhole::net::ByteView datagram(data, size);
  (void)Classify(datagram);
  (void)ChannelDataView::Parse(datagram);
  if (const std::optional<MessageView> message = MessageView::Parse(datagram)) Read(*message);

  std::array<std::uint8_t, kMessageBytesMax> buffer;
  const auto answer = BindingServer().Respond(datagram, pinhole::net::SocketAddress(), buffer);
  if (answer.has_value()) Require(MessageView::Parse(*answer).has_value());
  return 0;
}
