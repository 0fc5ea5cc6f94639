// The gathering of TCP candidates (RFC 6544 §4.1, §5.1, §5.2).
#include <algorithm>
#include <array>

#include "ice/gatherer.h"
#include "ice/priority.h"

namespace pinhole::ice {

std::uint32_t Gatherer::PriorityOf(const LocalBase& base, CandidateType type, int server) const {
  const Transport transport = base.transport();
  const int tcp_servers = static_cast<int>(session_.options.tcp.stun_servers.size());
  const std::uint32_t preference = IsTcp(transport)
                                       ? TcpLocalPreference(type, transport, base.rank, server, tcp_servers)
                                       : LocalPreference(base.rank, server, Servers());
  return CandidatePriority(type, preference, base.component, transport);
}

void Gatherer::AddTcpBases(std::span<const LocalAddress> ranked, int stream, int component) {
  const TcpOptions& options = session_.options.tcp;
  if (!options.any()) return;
  for (std::size_t rank = 0; rank < ranked.size(); ++rank) {
    for (Transport transport : {Transport::kTcpActive, Transport::kTcpPassive, Transport::kTcpSimultaneousOpen}) {
      const bool on = transport == Transport::kTcpActive    ? options.active
                      : transport == Transport::kTcpPassive ? options.passive
                                                            : options.simultaneous_open;
      if (!on) continue;
      LocalBase base;
      base.stream = stream;
      base.component = component;
      base.tag = static_cast<SocketTag>(session_.bases.size());
      base.rank = static_cast<int>(rank);
      base.self.transport = transport;
      base.self.address = net::SocketAddress(ranked[rank].address, 0);
      const int index = static_cast<int>(session_.bases.size());
      session_.bases.push_back(base);
      if (Listens(transport)) {
        session_.out.Push(OpenListener{base.tag, base.address()});
        ++sockets_opening_;
        continue;
      }
      // Each connection of an active candidate gets a new port when it is opened. The candidate names the discard port
      // (RFC 6544 §4.1).
      session_.base(index).state = LocalBase::State::kOpen;
      session_.base(index).self.address = base.address().WithPort(kActivePort);
      AddHost(index);
    }
  }
}

void Gatherer::QueueTcpRequests(int index) {
  if (!session_.options.server_reflexive_candidates) return;
  const std::vector<net::SocketAddress>& servers = session_.options.tcp.stun_servers;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    if (!MayReach(session_.base(index).address().address(), servers[i].address())) continue;
    Request& request = requests_.emplace_back();
    request.base = index;
    request.server = servers[i];
    request.server_index = static_cast<int>(i);
  }
}

// Opens the connection for a Binding request. Connection and transaction use one slot of the pacer (RFC 6544 §4.1).
void Gatherer::StartTcpRequest(net::Instant now, Request& request) {
  session_.pacer.TryTake(now);
  ++session_.counters.transactions;
  last_first_sent_ = now;
  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  request.transaction.emplace(now, WriteBindingRequest(buffer, stun::TransactionId::Random(session_.random)),
                              stun::ClientTransaction::Options::OverTcp(session_.options.tcp.transaction_timeout));
  request.connection = session_.connections
                           .Open(request.base, session_.base(request.base).address(), request.server,
                                 net::PacketClass::kDiscovery, true, session_.out)
                           .tag;
}

void Gatherer::AddTurnBase(const LocalAddress& address, int stream, int component, int rank) {
  const AgentOptions& options = session_.options;
  std::optional<int> base_index;
  for (std::size_t i = 0; options.relayed_candidates && i < options.turn_servers.size(); ++i) {
    const TurnServer& server = options.turn_servers[i];
    if (server.transport != stun::Transport::kTcp || !MayReach(address.address, server.address.address())) continue;
    if (!base_index) {
      LocalBase base;
      base.stream = stream;
      base.component = component;
      base.tag = static_cast<SocketTag>(session_.bases.size());
      base.rank = rank;
      base.state = LocalBase::State::kOpen;
      base.self.stream = stream;
      base.self.component = component;
      base.self.transport = Transport::kTcpActive;
      base.self.address = net::SocketAddress(address.address, kActivePort);
      base_index = static_cast<int>(session_.bases.size());
      session_.bases.push_back(base);
    }
    Request& request = requests_.emplace_back();
    request.base = *base_index;
    request.server = server.address;
    request.server_index = static_cast<int>(i);
    request.turn = static_cast<int>(i);
  }
}

// Opens the connection to a TURN server. The Allocate request is sent when the connection is open.
void Gatherer::StartTurnOverTcp(net::Instant now, Request& request, stun::TurnClient::Options options) {
  session_.pacer.TryTake(now);
  last_first_sent_ = now;
  options.transport = stun::Transport::kTcp;
  options.ti = session_.options.tcp.transaction_timeout;
  request.relay = session_.relays.Add(request.base, *request.turn, std::move(options), session_.random);
  request.connection = session_.connections
                           .Open(request.base, session_.base(request.base).address().WithPort(0), request.server,
                                 net::PacketClass::kTurn, true, session_.out)
                           .tag;
  session_.relays[*request.relay].connection = request.connection;
}

void Gatherer::OnConnected(net::Instant now, const TcpConnection& connection) {
  for (Request& request : requests_) {
    if (request.connection != connection.tag) continue;
    if (request.relay) {
      if (session_.relays[*request.relay].released) continue;
      session_.relays[*request.relay].client.Start(now);
      session_.DrainRelay(now, *request.relay);
      continue;
    }
    request.transaction->PollOutput();
    session_.out.Push(SendStream{connection.tag, {}, net::PacketClass::kDiscovery, {}}, request.transaction->request());
  }
}

void Gatherer::OnConnectionEnded(net::Instant now, const TcpConnection& connection) {
  for (Request& request : requests_) {
    if (request.connection != connection.tag) continue;
    if (request.relay) {
      session_.relays.OnConnectionLost(*request.relay);
      session_.DrainRelay(now, *request.relay);
    } else {
      request.transaction->OnConnectionLost();
    }
    if (request.state != Request::State::kOpen) continue;
    request.state = Request::State::kFailed;
  }
  FinishIfSettled(now);
}

}  // namespace pinhole::ice
