#include "ice/gatherer.h"

#include <algorithm>
#include <array>

#include "ice/priority.h"
#include "ice/rto.h"
#include "stun/attributes.h"
#include "stun/message_builder.h"

namespace pinhole::ice {

bool Gatherer::MayReach(const net::IpAddress& base, const net::IpAddress& server) {
  return base.family() == server.family() && base.IsLoopback() == server.IsLoopback() &&
         (base.is_v4() || base.IsLinkLocal() == server.IsLinkLocal());
}

net::ByteView Gatherer::WriteBindingRequest(std::span<std::uint8_t> buffer, const stun::TransactionId& id) {
  stun::MessageBuilder message(buffer, stun::MessageClass::kRequest, stun::Method::kBinding, id);
  message.AddFingerprint();
  return message.Finish().value_or(net::ByteView());
}

int Gatherer::Servers() const {
  return static_cast<int>(session_.options.turn_servers.size() + session_.options.stun_servers.size());
}

void Gatherer::Start(net::Instant now, std::span<const LocalAddress> addresses) {
  session_.times.gathering_started = now;
  const AgentOptions& options = session_.options;
  const std::vector<LocalAddress> ranked = RankAddresses(addresses, options.include_loopback);
  for (std::size_t stream = 0; stream < options.components.size(); ++stream) {
    for (int component = 1; component <= options.components[stream]; ++component) {
      for (std::size_t rank = 0; options.udp_candidates && rank < ranked.size(); ++rank) {
        LocalBase base;
        base.stream = static_cast<int>(stream);
        base.component = component;
        base.tag = static_cast<SocketTag>(session_.bases.size());
        base.rank = static_cast<int>(rank);
        base.self.address = net::SocketAddress(ranked[rank].address, 0);
        session_.out.Push(OpenSocket{base.tag, base.address()});
        session_.bases.push_back(base);
        ++sockets_opening_;
        for (const TurnServer& server : options.turn_servers) {
          if (!options.relayed_candidates || !MayReach(ranked[rank].address, server.address.address())) continue;
          if (server.transport != stun::Transport::kUdp) continue;
          expected_candidates_ += options.server_reflexive_candidates ? 2 : 1;
        }
        for (const net::SocketAddress& server : options.stun_servers) {
          if (!options.server_reflexive_candidates || !MayReach(ranked[rank].address, server.address())) continue;
          ++expected_candidates_;
        }
      }
      for (std::size_t rank = 0; rank < ranked.size(); ++rank) {
        AddTurnBase(ranked[rank], static_cast<int>(stream), component, static_cast<int>(rank));
      }
      AddTcpBases(ranked, static_cast<int>(stream), component);
    }
  }
  for (const LocalAddress& local : addresses) session_.targets.AddOwn(local.address);
  FinishIfSettled(now);
}

void Gatherer::OnSocketOpened(net::Instant now, int index, const net::SocketAddress& bound) {
  LocalBase& base = session_.base(index);
  if (base.state != LocalBase::State::kOpening) return;
  base.state = LocalBase::State::kOpen;
  base.self.address = net::SocketAddress(base.self.address.address(), bound.port());
  --sockets_opening_;
  AddHost(index);
  if (IsTcp(base.transport())) {
    QueueTcpRequests(index);
  } else {
    QueueRequests(index);
  }
  FinishIfSettled(now);
}

void Gatherer::OnSocketFailed(net::Instant now, int index) {
  LocalBase& base = session_.base(index);
  if (base.state != LocalBase::State::kOpening) return;
  base.state = LocalBase::State::kClosed;
  --sockets_opening_;
  FinishIfSettled(now);
}

void Gatherer::AddHost(int index) {
  LocalBase& base = session_.base(index);
  base.foundation =
      session_.local_foundations.Of(CandidateType::kHost, base.address().address(), net::IpAddress(), base.transport());
  base.self.stream = base.stream;
  base.self.component = base.component;
  base.self.type = CandidateType::kHost;
  base.self.priority = PriorityOf(base, CandidateType::kHost, 0);
  base.self.base = base.self.address;
  base.self.related = base.self.address;
  base.self.foundation = LocalFoundations::Text(base.foundation);
  if (!session_.options.host_candidates) return;
  base.candidate = session_.AddLocalCandidate(base.self, index, base.foundation);
  session_.out.Push(CandidateFound{*base.candidate});
}

void Gatherer::QueueRequests(int index) {
  const AgentOptions& options = session_.options;
  const net::IpAddress address = session_.base(index).address().address();
  for (std::size_t i = 0; options.relayed_candidates && i < options.turn_servers.size(); ++i) {
    const net::SocketAddress& server = options.turn_servers[i].address;
    const bool over_udp = options.turn_servers[i].transport == stun::Transport::kUdp;
    if (!over_udp || !MayReach(address, server.address())) continue;
    Request& request = requests_.emplace_back();
    request.base = index;
    request.server = server;
    request.server_index = static_cast<int>(i);
    request.turn = static_cast<int>(i);
  }
  for (std::size_t i = 0; options.server_reflexive_candidates && i < options.stun_servers.size(); ++i) {
    const net::SocketAddress& server = options.stun_servers[i];
    if (!MayReach(address, server.address())) continue;
    // The response to an Allocate request contains the mapped address as well, so the same server needs no Binding
    // request.
    const bool asked =
        options.relayed_candidates &&
        std::any_of(options.turn_servers.begin(), options.turn_servers.end(), [&](const TurnServer& turn) {
          return turn.address == server && turn.transport == stun::Transport::kUdp;
        });
    if (asked) continue;
    Request& request = requests_.emplace_back();
    request.base = index;
    request.server = server;
    request.server_index = static_cast<int>(options.turn_servers.size() + i);
  }
}

bool Gatherer::WantsSlot() const { return !done_ && next_queued_ < requests_.size(); }

bool Gatherer::UseSlot(net::Instant now) {
  if (!WantsSlot()) return false;
  StartRequest(now, requests_[next_queued_++]);
  return true;
}

// Starts the transaction of a request. The caller has seen that the pacer has a slot. The slot is taken here, or by the
// first request of the TURN client.
void Gatherer::StartRequest(net::Instant now, Request& request) {
  request.state = Request::State::kOpen;
  if (!request.turn && IsTcp(session_.base(request.base).transport())) return StartTcpRequest(now, request);
  const stun::ClientTransaction::Options schedule{.rto = GatheringRto(session_.options.ta, expected_candidates_),
                                                  .sends_max = session_.options.sends_max,
                                                  .last_wait_rtos = session_.options.last_wait_rtos};
  if (request.turn) {
    const TurnServer& server = session_.options.turn_servers[static_cast<std::size_t>(*request.turn)];
    stun::TurnClient::Options options;
    options.server = server.address;
    options.username = server.username;
    options.password = server.password;
    if (server.address.family() == net::Family::kIpv6) options.family = net::Family::kIpv6;
    options.transaction = schedule;
    if (server.transport == stun::Transport::kTcp) return StartTurnOverTcp(now, request, std::move(options));
    request.relay = session_.relays.Add(request.base, *request.turn, std::move(options), session_.random);
    session_.relays[*request.relay].client.Start(now);
    session_.DrainRelay(now, *request.relay);
    return;
  }
  session_.pacer.TryTake(now);
  ++session_.counters.transactions;
  last_first_sent_ = now;
  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  request.transaction.emplace(now, WriteBindingRequest(buffer, stun::TransactionId::Random(session_.random)), schedule);
  SendDue(now, request);
}

void Gatherer::SendDue(net::Instant now, Request& request) {
  while (const auto output = request.transaction->PollOutput()) {
    if (const auto* send = std::get_if<stun::ClientTransaction::SendRequest>(&*output)) {
      session_.Send(now, request.base, request.server, send->bytes, net::PacketClass::kDiscovery, {});
    } else if (std::holds_alternative<stun::ClientTransaction::Failed>(*output)) {
      request.state = Request::State::kFailed;
    }
  }
}

bool Gatherer::OnResponse(net::Instant now, int base, const net::SocketAddress& from,
                          const stun::MessageView& response) {
  for (Request& request : requests_) {
    const bool too_late = request.state == Request::State::kTooLate;
    if ((request.state != Request::State::kOpen && !too_late) || !request.transaction.has_value()) continue;
    if (request.base != base || request.server != from) continue;
    if (!request.transaction->OnResponse(now, response)) continue;
    if (too_late) return true;
    // RFC 8489 §11: an older server sends MAPPED-ADDRESS. ALTERNATE-SERVER is ignored (RFC 8445 §5.1.1.2).
    std::optional<net::SocketAddress> mapped;
    if (const auto masked = response.Get<stun::XorMappedAddress>()) {
      mapped = masked->address;
    } else if (const auto plain = response.Get<stun::MappedAddress>()) {
      mapped = plain->address;
    }
    const bool good = response.message_class() == stun::MessageClass::kSuccess && mapped.has_value() &&
                      !response.HasUnknownRequired(stun::kBaseAttributes) &&
                      (!response.HasFingerprint() || response.FingerprintOk());
    if (good) {
      request.state = Request::State::kAnswered;
      AddReflexive(base, *mapped, request.server, request.server_index);
      if (!request.connection.has_value())
        kept_.push_back({base, request.server, now + session_.options.keepalive_interval});
    } else {
      request.state = Request::State::kFailed;
      if (const auto error = response.Get<stun::ErrorCode>()) request.error_code = error->code;
    }
    FinishIfSettled(now);
    return true;
  }
  // The response may answer a request that keeps a binding alive.
  return std::any_of(kept_.begin(), kept_.end(),
                     [&](const KeptBinding& kept) { return kept.base == base && kept.server == from; });
}

void Gatherer::AddReflexive(int base_index, const net::SocketAddress& mapped, const net::SocketAddress& server,
                            int server_index) {
  if (!session_.options.server_reflexive_candidates || mapped.port() == 0) return;
  const LocalBase& base = session_.base(base_index);
  Candidate candidate;
  candidate.stream = base.stream;
  candidate.component = base.component;
  candidate.type = CandidateType::kServerReflexive;
  candidate.transport = base.transport();
  candidate.priority = PriorityOf(base, CandidateType::kServerReflexive, server_index);
  candidate.address = mapped;
  candidate.base = base.address();
  candidate.related = base.address();
  candidate.server = server;
  const FoundationId foundation = session_.local_foundations.Of(
      CandidateType::kServerReflexive, base.address().address(), server.address(), base.transport());
  candidate.foundation = LocalFoundations::Text(foundation);
  // RFC 8445 §5.1.3: of two candidates with the same address and base, the one of lower priority is redundant.
  for (std::size_t i = 0; i < session_.local_candidates.size(); ++i) {
    Candidate& other = session_.local_candidates[i];
    if (session_.local_details[i].base != base_index || other.address != mapped) continue;
    if (other.priority < candidate.priority) {
      other = candidate;
      session_.local_details[i].foundation = foundation;
    }
    return;
  }
  session_.out.Push(CandidateFound{session_.AddLocalCandidate(candidate, base_index, foundation)});
}

void Gatherer::OnAllocated(net::Instant now, int relay_index, const stun::TurnClient::Allocated& allocated) {
  const auto request = std::find_if(requests_.begin(), requests_.end(),
                                    [&](const Request& other) { return other.relay == relay_index; });
  if (request == requests_.end() || request->state != Request::State::kOpen) return;
  request->state = Request::State::kAnswered;
  Relay& relay = session_.relays[relay_index];
  const int socket_base = relay.socket_base;
  const bool over_tcp = relay.connection.has_value();
  if (!over_tcp) AddReflexive(socket_base, allocated.mapped, request->server, request->server_index);

  const bool is_host = std::any_of(session_.bases.begin(), session_.bases.end(), [&](const LocalBase& other) {
    return !other.relay && other.open() && other.address() == allocated.relayed;
  });
  if (!is_host) {  // RFC 8445 §5.1.1.2: a relayed candidate that is identical to a host candidate MUST be discarded.
    LocalBase base;
    base.stream = session_.base(socket_base).stream;
    base.component = session_.base(socket_base).component;
    base.state = LocalBase::State::kOpen;
    base.tag = session_.base(socket_base).tag;
    base.rank = session_.base(socket_base).rank;
    base.relay = relay_index;
    base.foundation =
        session_.local_foundations.Of(CandidateType::kRelayed, allocated.relayed.address(), request->server.address(),
                                      over_tcp ? Transport::kTcpActive : Transport::kUdp);
    base.self.stream = base.stream;
    base.self.component = base.component;
    base.self.type = CandidateType::kRelayed;
    base.self.priority = PriorityOf(base, CandidateType::kRelayed, request->server_index);
    base.self.address = allocated.relayed;
    base.self.base = allocated.relayed;
    base.self.related = allocated.mapped;
    base.self.server = request->server;
    base.self.foundation = LocalFoundations::Text(base.foundation);
    relay.base = static_cast<int>(session_.bases.size());
    base.candidate = session_.AddLocalCandidate(base.self, *relay.base, base.foundation);
    session_.bases.push_back(base);
    session_.out.Push(CandidateFound{*base.candidate});
  }
  FinishIfSettled(now);
}

void Gatherer::OnAllocationFailed(net::Instant now, int relay, int code) {
  const auto request =
      std::find_if(requests_.begin(), requests_.end(), [&](const Request& other) { return other.relay == relay; });
  if (request == requests_.end() || request->state != Request::State::kOpen) return;
  request->state = Request::State::kFailed;
  request->error_code = code;
  const bool over_tcp = session_.relays[relay].connection.has_value();
  if (code != 0 && !over_tcp && session_.options.server_reflexive_candidates) {
    // RFC 8445 §5.1.1.2: a server that refuses the allocation may still answer a Binding request.
    Request binding;
    binding.base = request->base;
    binding.server = request->server;
    binding.server_index = request->server_index;
    requests_.push_back(binding);
  }
  FinishIfSettled(now);
}

bool Gatherer::AllSettled() const {
  if (sockets_opening_ > 0 || next_queued_ < requests_.size()) return false;
  return std::none_of(requests_.begin(), requests_.end(),
                      [](const Request& request) { return request.state == Request::State::kOpen; });
}

void Gatherer::FinishIfSettled(net::Instant now) {
  if (!done_ && AllSettled()) Finish(now);
}

void Gatherer::Finish(net::Instant now) {
  done_ = true;
  session_.times.gathered = now;
  for (const Request& request : requests_) {
    if (request.state == Request::State::kAnswered) continue;
    unanswered_.push_back({.server = request.server,
                           .base = session_.base(request.base).address(),
                           .turn = request.turn.has_value(),
                           .error_code = request.error_code});
  }
  for (int i = 0; i < session_.relays.size(); ++i) ReleaseUnused(now, i);
  session_.out.Push(GatheringDone{static_cast<int>(unanswered_.size())});
}

void Gatherer::ReleaseUnused(net::Instant now, int index) {
  const Relay& relay = session_.relays[index];
  if (relay.base || relay.released) return;
  session_.relays.Release(now, index, session_.base(relay.socket_base).tag, session_.out);
}

void Gatherer::Stop() { kept_.clear(); }

void Gatherer::OnTimer(net::Instant now) {
  if (!done_) {
    for (Request& request : requests_) {
      if (request.state != Request::State::kOpen || !request.transaction.has_value()) continue;
      request.transaction->OnTimer(now);
      SendDue(now, request);
    }
    GiveUpLate(now);
    FinishIfSettled(now);
  }
  for (KeptBinding& kept : kept_) {
    if (now < kept.next || !session_.base(kept.base).open() || !session_.pacer.TryTake(now)) continue;
    kept.next = now + session_.options.keepalive_interval;
    std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
    ++session_.counters.transactions;
    session_.Send(now, kept.base, kept.server,
                  WriteBindingRequest(buffer, stun::TransactionId::Random(session_.random)),
                  net::PacketClass::kDiscovery, {});
  }
}

// The deadlines count from this time. The second Allocate request of an allocation counts as a new gathering request.
net::Instant Gatherer::LastFirstSent() const {
  if (sockets_opening_ > 0 || next_queued_ < requests_.size() || session_.relays.HasHeld()) return net::kNever;
  if (!last_first_sent_.has_value()) return session_.relays.last_transaction().value_or(net::kNever);
  return std::max(*last_first_sent_, session_.relays.last_transaction().value_or(*last_first_sent_));
}

net::Duration Gatherer::PatienceWith(const Request& request) const {
  return request.connection.has_value() ? session_.options.tcp.gathering_deadline : session_.options.gathering_deadline;
}

void Gatherer::GiveUpLate(net::Instant now) {
  const net::Instant last = LastFirstSent();
  if (last == net::kNever) return;
  for (Request& request : requests_) {
    if (request.state != Request::State::kOpen || now < last + PatienceWith(request)) continue;
    request.state = Request::State::kTooLate;
    if (request.relay) ReleaseUnused(now, *request.relay);
  }
}

net::Instant Gatherer::NextTimer() const {
  net::Earliest earliest;
  if (!done_) {
    const net::Instant last = LastFirstSent();
    for (const Request& request : requests_) {
      if (request.state != Request::State::kOpen) continue;
      if (request.transaction.has_value()) earliest.Add(request.transaction->NextTimer());
      if (last != net::kNever) earliest.Add(last + PatienceWith(request));
    }
  }
  for (const KeptBinding& kept : kept_) {
    if (session_.base(kept.base).open()) earliest.Add(std::max(kept.next, session_.pacer.next()));
  }
  return earliest.at();
}

}  // namespace pinhole::ice
