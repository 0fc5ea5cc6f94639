#include "apps/turn/turn_tcp_client.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"

namespace pinhole::apps {
namespace {

stun::TurnClient::Options OverTcp(stun::TurnClient::Options options) {
  options.transport = stun::Transport::kTcp;
  options.relayed_transport = stun::Transport::kTcp;
  return options;
}

net::TcpOptions TurnTcp() {
  net::TcpOptions options;
  options.packet_class = net::PacketClass::kTurn;
  return options;
}

}  // namespace

TurnTcpClient::TurnTcpClient(net::Host& host, stun::TurnClient::Options options, const net::IpAddress& local)
    : host_(host), random_(host.Random("turn")), local_(local, 0), client_(OverTcp(std::move(options)), random_) {}

void TurnTcpClient::Start() {
  const absl::StatusOr<net::SocketId> connection = host_.Connect(local_, client_.options().server, TurnTcp());
  if (connection.ok()) {
    control_.emplace(host_, *connection);
  } else {
    client_.OnConnectionLost();
  }
  DrainClient();
}

void TurnTcpClient::Permit(const net::IpAddress& peer) {
  client_.CreatePermission(host_.Now(), peer);
  DrainClient();
}

void TurnTcpClient::Connect(const net::SocketAddress& peer) {
  client_.Connect(host_.Now(), peer);
  DrainClient();
}

void TurnTcpClient::Close() {
  EndControl(false);
  for (const auto& [connection, binding] : bindings_) host_.Close(connection);
  bindings_.clear();
}

// Ends the control connection, and with it the allocation.
void TurnTcpClient::EndControl(bool gone) {
  if (!control_.has_value()) return;
  if (!gone) host_.Close(control_->connection());
  control_.reset();
  client_.OnConnectionLost();
  DrainClient();
}

bool TurnTcpClient::OnConnected(net::SocketId connection) {
  if (control_.has_value() && control_->connection() == connection) {
    client_.Start(host_.Now());
    DrainClient();
    return true;
  }
  const auto found = bindings_.find(connection);
  if (found == bindings_.end()) return false;
  found->second->engine.Start(host_.Now());
  DrainBinding(connection);
  return true;
}

bool TurnTcpClient::OnReadable(net::SocketId connection) {
  const net::Instant now = host_.Now();
  if (control_.has_value() && control_->connection() == connection) {
    while (control_.has_value()) {
      const std::optional<net::ByteView> message = control_->Next();
      if (!message.has_value()) break;
      client_.OnDatagram(now, client_.options().server, *message);
      DrainClient();
    }
    if (control_.has_value() && control_->fault() != stun::StreamSplitter::Fault::kNone) EndControl(false);
    return true;
  }
  if (bindings_.count(connection) == 0) return false;
  for (auto found = bindings_.find(connection); found != bindings_.end(); found = bindings_.find(connection)) {
    const std::optional<net::ByteView> message = found->second->stream.Next();
    if (!message.has_value()) {
      if (found->second->stream.fault() != stun::StreamSplitter::Fault::kNone) OnLost(connection, false);
      break;
    }
    found->second->engine.OnMessage(now, *message);
    DrainBinding(connection);
  }
  return true;
}

bool TurnTcpClient::OnWritable(net::SocketId connection) {
  if (control_.has_value() && control_->connection() == connection) {
    control_->OnWritable();
    return true;
  }
  const auto found = bindings_.find(connection);
  if (found == bindings_.end()) return false;
  found->second->stream.OnWritable();
  return true;
}

bool TurnTcpClient::OnLost(net::SocketId connection, bool gone) {
  if (control_.has_value() && control_->connection() == connection) {
    EndControl(gone);
    return true;
  }
  const auto found = bindings_.find(connection);
  if (found == bindings_.end()) return false;
  found->second->engine.OnConnectionLost();
  if (gone) {
    outputs_.push_back(StreamFailed{found->second->peer, stun::TurnClient::Reason::kConnectionLost, 0});
    bindings_.erase(found);
  } else {
    DrainBinding(connection);
  }
  return true;
}

void TurnTcpClient::OnTimer() {
  const net::Instant now = host_.Now();
  client_.OnTimer(now);
  DrainClient();
  std::vector<net::SocketId> connections;
  for (const auto& [connection, binding] : bindings_) connections.push_back(connection);
  for (const net::SocketId connection : connections) {
    const auto found = bindings_.find(connection);
    if (found == bindings_.end()) continue;
    found->second->engine.OnTimer(now);
    DrainBinding(connection);
  }
}

net::Instant TurnTcpClient::NextTimer() const {
  net::Earliest next;
  next.Add(client_.NextTimer());
  for (const auto& [connection, binding] : bindings_) next.Add(binding->engine.NextTimer());
  return next.at();
}

std::optional<TurnTcpClient::Output> TurnTcpClient::PollOutput() {
  if (next_output_ == outputs_.size()) {
    outputs_.clear();
    next_output_ = 0;
    return std::nullopt;
  }
  return std::move(outputs_[next_output_++]);
}

void TurnTcpClient::DrainClient() {
  using Client = stun::TurnClient;
  while (const std::optional<Client::Output> output = client_.PollOutput()) {
    if (const auto* send = std::get_if<Client::SendToServer>(&*output)) {
      net::SendOptions options;
      options.packet_class = send->packet_class;
      if (control_.has_value()) control_->Send(send->bytes, options);
    } else if (const auto* allocated = std::get_if<Client::Allocated>(&*output)) {
      outputs_.push_back(*allocated);
    } else if (const auto* failed = std::get_if<Client::AllocationFailed>(&*output)) {
      outputs_.push_back(Ended{failed->reason, failed->code});
    } else if (const auto* lost = std::get_if<Client::AllocationLost>(&*output)) {
      outputs_.push_back(Ended{lost->reason, lost->code});
    } else if (const auto* connected = std::get_if<Client::PeerConnected>(&*output)) {
      Bind(connected->peer, connected->connection, false);
    } else if (const auto* attempt = std::get_if<Client::ConnectionAttempt>(&*output)) {
      if (bindings_.size() < kBindingMax) Bind(attempt->peer, attempt->connection, true);
    } else if (const auto* refused = std::get_if<Client::ConnectFailed>(&*output)) {
      outputs_.push_back(StreamFailed{refused->peer, refused->reason, refused->code});
    }
  }
  if (client_.state() == Client::State::kClosed && control_.has_value()) {
    host_.Close(control_->connection());
    control_.reset();
  }
}

void TurnTcpClient::Bind(const net::SocketAddress& peer, stun::PeerConnectionId id, bool incoming) {
  const stun::TurnClient::Options& options = client_.options();
  const absl::StatusOr<net::SocketId> connection = host_.Connect(local_, options.server, TurnTcp());
  if (!connection.ok()) {
    outputs_.push_back(StreamFailed{peer, stun::TurnClient::Reason::kConnectionLost, 0});
    return;
  }
  bindings_[*connection] = std::make_unique<Binding>(
      host_, *connection, stun::TurnDataConnection::Options{id, client_.credential(), options.ti}, random_, peer,
      incoming);
}

void TurnTcpClient::DrainBinding(net::SocketId connection) {
  const auto found = bindings_.find(connection);
  if (found == bindings_.end()) return;
  Binding& binding = *found->second;
  using Data = stun::TurnDataConnection;
  while (const std::optional<Data::Output> output = binding.engine.PollOutput()) {
    if (const auto* send = std::get_if<Data::SendToServer>(&*output)) {
      net::SendOptions options;
      options.packet_class = net::PacketClass::kTurn;
      binding.stream.Send(send->bytes, options);
    } else if (const auto* failed = std::get_if<Data::Failed>(&*output)) {
      outputs_.push_back(StreamFailed{binding.peer, failed->reason, failed->code});
      host_.Close(connection);
      bindings_.erase(found);
      return;
    } else {
      const net::ByteView rest = binding.stream.rest();
      outputs_.push_back(Stream{connection, binding.peer, binding.incoming, {rest.begin(), rest.end()}});
      bindings_.erase(found);
      return;
    }
  }
}

}  // namespace pinhole::apps
