#include "ice/session.h"

#include "ice/priority.h"

namespace pinhole::ice {

Session::Session(const AgentOptions& agent_options, net::RandomSource& source, HostPacer* host)
    : options(agent_options),
      random(source),
      pacer(options.ta, host),
      role(options.role),
      tie_breaker(options.tie_breaker.has_value() ? *options.tie_breaker : random.NextU64()),
      lists(options.components),
      targets(options.tcp.private_address_limit, options.include_loopback) {
  std::string ufrag = RandomIceChars(random, options.ufrag_length);
  std::string password = RandomIceChars(random, options.password_length);
  local = MakeCredentials(std::move(ufrag), std::move(password));
}

int Session::AddLocalCandidate(const Candidate& candidate, int base, FoundationId foundation) {
  local_candidates.push_back(candidate);
  local_details.push_back({base, foundation});
  return static_cast<int>(local_candidates.size()) - 1;
}

std::optional<int> Session::FindLocalCandidate(const net::SocketAddress& address, int base_index) const {
  const LocalBase& of = base(base_index);
  std::optional<int> found;
  for (std::size_t i = 0; i < local_candidates.size(); ++i) {
    const Candidate& candidate = local_candidates[i];
    if (candidate.address != address || candidate.stream != of.stream || candidate.component != of.component ||
        candidate.transport != of.transport()) {
      continue;
    }
    if (local_details[i].base == base_index) return static_cast<int>(i);
    if (!found) found = static_cast<int>(i);
  }
  return found;
}

std::optional<int> Session::FindRemote(int base_index, const net::SocketAddress& from) const {
  const LocalBase& local_base = base(base_index);
  return remotes.Find(local_base.stream, local_base.component, Counterpart(local_base.transport()), from);
}

std::optional<int> Session::FindPair(int base_index, const net::SocketAddress& remote_address) const {
  const std::optional<int> remote_index = FindRemote(base_index, remote_address);
  return remote_index ? lists.Find(base_index, *remote_index) : std::nullopt;
}

bool Session::Send(net::Instant now, int base_index, const net::SocketAddress& to, net::ByteView bytes,
                   net::PacketClass packet_class, net::PacketTag cause) {
  const LocalBase& from = base(base_index);
  if (!from.open()) return false;
  if (IsTcp(from.transport())) {
    const TcpConnection* connection = connections.FindPeer(base_index, to);
    return connection != nullptr && TcpConnections::SendFrame(*connection, bytes, packet_class, cause, out);
  }
  if (!from.relay) {
    out.Push(SendDatagram{from.tag, to, {}, packet_class, cause}, bytes);
    return true;
  }
  stun::TurnClient& client = relays[*from.relay].client;
  const bool taken = client.Send(now, to, bytes, packet_class, cause) != stun::TurnClient::SendResult::kDropped;
  DrainRelay(now, *from.relay);
  return taken;
}

void Session::TrustConnection(int base_index, const net::SocketAddress& from, bool answered) {
  if (!IsTcp(base(base_index).transport())) return;
  TcpConnection* connection = connections.FindPeer(base_index, from);
  if (connection == nullptr) return;
  connection->trusted = true;
  connection->answered |= answered;
}

void Session::DrainRelay(net::Instant now, int relay) {
  relays.Drain(now, relay, base(relays[relay].socket_base).tag, out, pacer);
}

bool Session::SendOnPair(net::Instant now, int index, net::ByteView bytes, net::PacketClass packet_class,
                         net::PacketTag cause) {
  CandidatePair& pair = lists.pair(index);
  pair.last_sent = now;
  return Send(now, pair.base, remotes[pair.remote].candidate.address, bytes, packet_class, cause);
}

std::uint64_t Session::PriorityOf(std::uint32_t local_priority, std::uint32_t remote_priority) const {
  return role == Role::kControlling ? PairPriority(local_priority, remote_priority)
                                    : PairPriority(remote_priority, local_priority);
}

std::uint32_t Session::LocalPriorityOf(const CandidatePair& pair) const {
  return pair.local ? local_candidate(*pair.local).priority : base(pair.base).self.priority;
}

PairView Session::ViewOf(int index) const {
  const CandidatePair& pair = lists.pair(index);
  PairView view;
  view.stream = pair.stream;
  view.component = pair.component;
  view.local = pair.local ? local_candidate(*pair.local) : base(pair.base).self;
  view.base = base(pair.base).address();
  view.remote = remotes[pair.remote].candidate;
  view.priority = pair.priority;
  view.state = pair.state;
  view.end = pair.end;
  view.nomination = pair.nomination;
  view.nominated_at = pair.nominated_at;
  view.error_code = pair.checks.error_code;
  view.checks = pair.checks.started;
  view.sends = pair.checks.sends;
  view.icmp_errors = pair.checks.icmp_errors;
  view.last_icmp = pair.checks.last_icmp;
  view.last_refused_send = pair.checks.last_refused_send;
  view.first_check = pair.checks.first;
  view.valid = pair.valid();
  if (pair.mapped()) view.mapped = local_candidate(*pair.mapped());
  if (pair.valid_pair.has_value()) {
    view.valid_since = pair.valid_pair->since;
    view.round_trip = pair.valid_pair->round_trip;
  }
  if (pair.connection.has_value()) {
    view.base = pair.connection->local.value_or(view.base);
    view.connection_end = pair.connection->end;
  }
  return view;
}

void Session::RecomputePriorities() {
  for (int i = 0; i < lists.pair_count(); ++i) {
    CandidatePair& pair = lists.pair(i);
    const std::uint32_t remote_priority = remotes[pair.remote].candidate.priority;
    pair.priority = PriorityOf(LocalPriorityOf(pair), remote_priority);
    if (pair.mapped()) {
      pair.valid_pair->priority = PriorityOf(local_candidate(*pair.mapped()).priority, remote_priority);
    }
  }
  lists.Reorder();
}

}  // namespace pinhole::ice
