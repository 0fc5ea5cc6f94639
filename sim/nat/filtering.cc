#include "sim/nat/filtering.h"

#include <algorithm>

#include "net/contract.h"

namespace pinhole::sim::nat {

Endpoint SentTo::Masked(Endpoint remote) const {
  return udp_->filtering == Filtering::kAddressDependent ? remote.AddressOnly() : remote;
}

bool SentTo::Has(Owner owner, Endpoint remote, net::Instant now) const {
  const Timer* timer = timers_.Find({owner, Masked(remote).bits()});
  return timer != nullptr && timer->Alive(now);
}

void SentTo::NoteOutbound(Owner owner, Endpoint remote, net::Instant now) {
  if (udp_->filtering == Filtering::kEndpointIndependent) return;
  const Endpoint destination = Masked(remote);
  Timer* timer = timers_.Find({owner, destination.bits()});
  if (timer == nullptr || !timer->Alive(now)) {
    Remember(owner, destination, now);
  } else if (udp_->filter_timeout) {
    timer->expires = now + *udp_->filter_timeout;
  } else {
    OnPacket(*timer, *udp_, Direction::kOutbound, /*answers=*/false, now);
  }
}

void SentTo::NoteInbound(Owner owner, Endpoint remote, net::Instant now) {
  if (udp_->filtering == Filtering::kEndpointIndependent || udp_->filter_timeout) return;
  Timer* timer = timers_.Find({owner, Masked(remote).bits()});
  if (timer != nullptr && timer->Alive(now)) OnPacket(*timer, *udp_, Direction::kInbound, /*answers=*/true, now);
}

void SentTo::Remember(Owner owner, Endpoint destination, net::Instant now) {
  if (udp_->destinations_remembered > 0) {
    std::vector<Endpoint>& ring = rings_.FindOrAdd({owner, 0}).destinations;
    std::erase_if(ring, [&](Endpoint old) { return !Has(owner, old, now); });
    if (static_cast<int>(ring.size()) == udp_->destinations_remembered) {
      timers_.Erase({owner, ring.front().bits()});
      ring.erase(ring.begin());
    }
    ring.push_back(destination);
  }
  if (timers_.full()) timers_.EraseIf([now](const Timer& timer) { return !timer.Alive(now); });
  Timer& timer = timers_.FindOrAdd({owner, destination.bits()});
  timer = StartTimer(udp_->timeouts, now);
  if (udp_->filter_timeout) timer.expires = now + *udp_->filter_timeout;
}

void SentTo::Clear() {
  timers_.Clear();
  rings_.Clear();
}

Rule Filter(Filtering filtering, const SentTo& sent_to, Owner owner, Endpoint remote, net::Instant now) {
  switch (filtering) {
    case Filtering::kEndpointIndependent:
      return Rule::kNone;
    case Filtering::kAddressDependent:
      return sent_to.Has(owner, remote, now) ? Rule::kNone : Rule::kFilteredAddress;
    case Filtering::kAddressAndPortDependent:
      return sent_to.Has(owner, remote, now) ? Rule::kNone : Rule::kFilteredPort;
  }
  net::CannotHappen();
}

}  // namespace pinhole::sim::nat
