#include "stun/turn_data_connection.h"

#include <array>
#include <utility>

#include "stun/attributes.h"
#include "stun/message_builder.h"

namespace pinhole::stun {

TurnDataConnection::TurnDataConnection(Options options, net::RandomSource& random)
    : options_(std::move(options)), random_(&random) {}

void TurnDataConnection::Start(net::Instant now) {
  if (state_ != State::kIdle) return;
  outputs_.BeginInput();
  state_ = State::kBinding;
  SendRequest(now);
}

void TurnDataConnection::SendRequest(net::Instant now) {
  std::array<std::uint8_t, kMessageBytesMax> buffer;
  MessageBuilder message(buffer, MessageClass::kRequest, Method::kConnectionBind, TransactionId::Random(*random_));
  message.Add(ConnectionId{static_cast<std::uint32_t>(options_.connection)});
  options_.credential.AddTo(message);
  message.AddFingerprint();
  const std::optional<net::ByteView> bytes = message.Finish();
  if (!bytes.has_value()) return Fail(TurnClient::Reason::kRequestTooLong, 0);
  authenticated_ = options_.credential.challenged();
  transaction_.emplace(now, *bytes, ClientTransaction::Options::OverTcp(options_.ti));
  outputs_.Push(SendToServer{outputs_.Copy(*bytes)});
}

void TurnDataConnection::OnMessage(net::Instant now, net::ByteView message) {
  outputs_.BeginInput();
  if (state_ != State::kBinding) return;
  const std::optional<MessageView> response = MessageView::Parse(message);
  if (!response.has_value() || (response->HasFingerprint() && !response->FingerprintOk())) return;
  if (!transaction_->IsFor(*response)) return;
  const LongTermClient::Next next = options_.credential.OnResponse(*response, authenticated_);
  if (next == LongTermClient::Next::kIgnore) return;
  if (next == LongTermClient::Next::kDiscard) {
    transaction_->OnDiscardedResponse();
    return FailWithTransaction();
  }
  const std::optional<ErrorCode> error = response->Get<ErrorCode>();
  if (response->HasUnknownRequired(kTurnAttributes)) return Fail(TurnClient::Reason::kBadResponse, 0);
  if (next == LongTermClient::Next::kRetry && ++challenges_ <= TurnClient::kChallengesMax) return SendRequest(now);
  if (next == LongTermClient::Next::kProceed && response->message_class() == MessageClass::kSuccess) {
    state_ = State::kBound;
    return outputs_.Push(Bound{});
  }
  Fail(error.has_value() ? TurnClient::Reason::kRefused : TurnClient::Reason::kBadResponse,
       error.has_value() ? error->code : 0);
}

void TurnDataConnection::OnConnectionLost() {
  outputs_.BeginInput();
  if (state_ == State::kIdle || state_ == State::kBinding) Fail(TurnClient::Reason::kConnectionLost, 0);
}

void TurnDataConnection::OnTimer(net::Instant now) {
  outputs_.BeginInput();
  if (state_ != State::kBinding) return;
  transaction_->OnTimer(now);
  FailWithTransaction();
}

void TurnDataConnection::FailWithTransaction() {
  if (transaction_->state() != ClientTransaction::State::kFailed) return;
  const bool violated = transaction_->failure_reason() == ClientTransaction::FailureReason::kIntegrityViolated;
  Fail(violated ? TurnClient::Reason::kIntegrityViolated : TurnClient::Reason::kTimedOut, 0);
}

net::Instant TurnDataConnection::NextTimer() const {
  return state_ == State::kBinding ? transaction_->NextTimer() : net::kNever;
}

void TurnDataConnection::Fail(TurnClient::Reason reason, int code) {
  state_ = State::kFailed;
  outputs_.Push(Failed{reason, code});
}

}  // namespace pinhole::stun
