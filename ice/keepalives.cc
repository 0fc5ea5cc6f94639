#include "ice/keepalives.h"

#include <algorithm>
#include <array>

#include "ice/check_message.h"
#include "stun/attributes.h"

namespace pinhole::ice {

void Keepalives::OnSelected(net::Instant now, int index) {
  const CandidatePair& pair = session_.lists.pair(index);
  const ConsentOptions& options = session_.options.consent;
  if (!options.enabled) return;
  session_.lists.list(pair.stream)
      .component(pair.component)
      .consent.Start(now, pair.valid_pair->last_success, options.interval, options.expiry, session_.random);
}

bool Keepalives::OnResponse(net::Instant now, int base, const net::SocketAddress& from,
                            const stun::MessageView& response) {
  for (int stream = 0; stream < session_.lists.list_count(); ++stream) {
    for (ComponentStatus& component : session_.lists.list(stream).components) {
      if (!component.consent.IsOpen(response.transaction_id())) continue;
      CandidatePair& pair = session_.lists.pair(*component.selected);
      const bool from_peer = base == pair.base && from == session_.remotes[pair.remote].candidate.address;
      if (!from_peer || !response.FingerprintOk() || !response.CheckIntegrity(session_.remote->key)) {
        ++session_.counters.datagrams_ignored;
        return true;
      }
      if (response.message_class() == stun::MessageClass::kSuccess) {
        session_.TrustConnection(base, from, true);
        component.consent.OnAnswer(now, response.transaction_id(), session_.options.consent.expiry);
        ++session_.counters.consent_answers;
        pair.valid_pair->last_success = now;
      } else if (const auto error = response.Get<stun::ErrorCode>(); error.has_value() && error->code == 403) {
        Lose(now, pair, component.consent, true);  // RFC 7675 §5.2
      }
      return true;
    }
  }
  return false;
}

void Keepalives::Lose(net::Instant now, const CandidatePair& pair, ConsentState& consent, bool revoked) {
  consent.Lose();
  if (!session_.times.consent_lost.has_value()) session_.times.consent_lost = now;
  session_.out.Push(ConsentLost{pair.stream, pair.component, revoked});
}

void Keepalives::SendConsentCheck(net::Instant now, int index, ConsentState& consent) {
  const CandidatePair& pair = session_.lists.pair(index);
  const stun::TransactionId id = stun::TransactionId::Random(session_.random);
  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  const net::ByteView request = WriteCheck(buffer, id,
                                           {.username = session_.check_username,
                                            .priority = pair.check_priority,
                                            .role = session_.role,
                                            .tie_breaker = session_.tie_breaker,
                                            .use_candidate = false},
                                           session_.remote->key);
  consent.OnSent(now, id, session_.options.consent.interval, session_.random);
  ++session_.counters.consent_checks;
  ++session_.counters.transactions;
  session_.SendOnPair(now, index, request, net::PacketClass::kConsent, {});
}

void Keepalives::CheckReconnected(net::Instant now) {
  for (int index : session_.reconnected) {
    const CandidatePair& pair = session_.lists.pair(index);
    ConsentState& consent = session_.lists.list(pair.stream).component(pair.component).consent;
    if (consent.state() != ConsentState::State::kLost) SendConsentCheck(now, index, consent);
  }
  session_.reconnected.clear();
}

// Whether the pair needs Binding indications. A selected pair with consent checks does not, because these keep the
// bindings alive (RFC 7675 §4). Before a pair is selected, indications are needed by a valid pair that carries data,
// and by one that may still be nominated: up to 39.5 s may pass until the last check has ended, and NATs may forget a
// binding sooner.
bool Keepalives::NeedsKeepalive(const CandidatePair& pair) const {
  const CheckList& list = session_.lists.list(pair.stream);
  const ComponentStatus& component = list.component(pair.component);
  const bool selected = component.selected && &session_.lists.pair(*component.selected) == &pair;
  if (selected) return component.consent.state() == ConsentState::State::kNone;
  const bool may_be_nominated = list.state == CheckListState::kRunning && !list.nomination_failed;
  return !component.selected && pair.valid() && (pair.valid_pair->carries_data || may_be_nominated);
}

void Keepalives::OnTimer(net::Instant now) {
  for (int stream = 0; stream < session_.lists.list_count(); ++stream) {
    for (ComponentStatus& component : session_.lists.list(stream).components) {
      ConsentState& consent = component.consent;
      if (consent.state() != ConsentState::State::kKept) continue;
      if (now >= consent.expires()) {
        Lose(now, session_.lists.pair(*component.selected), consent, false);
      } else if (now >= consent.next_request() && session_.pacer.TryTakeFloor(now)) {
        SendConsentCheck(now, *component.selected, consent);
      }
    }
  }
  if (!session_.checking()) return;
  for (int i = 0; i < session_.lists.pair_count(); ++i) {
    const CandidatePair& pair = session_.lists.pair(i);
    if (!NeedsKeepalive(pair) || now < pair.last_sent + session_.options.keepalive_interval) continue;
    std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
    const net::ByteView indication = WriteKeepalive(buffer, stun::TransactionId::Random(session_.random));
    ++session_.counters.keepalives;
    session_.SendOnPair(now, i, indication, net::PacketClass::kConsent, {});
  }
}

net::Instant Keepalives::NextTimer() const {
  net::Earliest earliest;
  for (const CheckList& list : session_.lists.lists()) {
    for (const ComponentStatus& component : list.components) {
      if (component.consent.state() != ConsentState::State::kKept) continue;
      earliest.Add(component.consent.expires());
      earliest.Add(std::max(component.consent.next_request(), session_.pacer.next_floor()));
    }
  }
  for (int i = 0; i < session_.lists.pair_count(); ++i) {
    const CandidatePair& pair = session_.lists.pair(i);
    if (NeedsKeepalive(pair)) earliest.Add(pair.last_sent + session_.options.keepalive_interval);
  }
  return earliest.at();
}

}  // namespace pinhole::ice
