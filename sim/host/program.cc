#include "sim/host/program.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "sim/host/tcp_sockets.h"
#include "sim/world.h"

namespace pinhole::sim {
Program::Program(HostNode& node, std::uint32_t index, absl::string_view name)
    : node_(node), index_(index), name_(name) {}

net::Instant Program::Now() const { return node_.world().now(); }

net::RandomSource& Program::Random(absl::string_view purpose) {
  for (Stream& stream : streams_) {
    if (stream.purpose == purpose) return *stream.random;
  }
  Stream stream;
  stream.purpose = std::string(purpose);
  stream.random = std::make_unique<net::SeededRandom>(node_.world().seed(),
                                                      absl::StrCat("host/", node_.name(), "/", name_, "/", purpose));
  streams_.push_back(std::move(stream));
  return *streams_.back().random;
}

absl::Status Program::WatchInterfaces() {
  watches_interfaces_ = true;
  return absl::OkStatus();
}

std::optional<net::IpAddress> Program::SourceFor(const net::IpAddress& destination) const {
  return node_.SourceFor(destination);
}

void Program::WakeAt(net::Instant when) {
  const net::Instant at = std::max(when, Now());
  if (at == alarm_at_) return;
  if (alarm_at_ != net::kNever) node_.world().Cancel(alarm_);
  alarm_at_ = at;
  if (at == net::kNever) return;
  alarm_ = node_.ScheduleEvent(at, index_, HostNode::ProgramEvent::kAlarm);
}

void Program::OnAlarm() {
  alarm_at_ = net::kNever;
  app_->OnTimer();
}

void Program::Start(net::App& app, net::Instant at) {
  app_ = &app;
  node_.ScheduleEvent(std::max(at, Now()), index_, HostNode::ProgramEvent::kStart);
}

void Program::OnStart() {
  node_.world().NoteState(node_, StateKind::kProgramStarted, index_);
  app_->OnStart();
}

absl::StatusOr<net::SocketId> Program::OpenUdp(const net::SocketAddress& local) { return node_.OpenUdp(index_, local); }

net::SendStatus Program::SendTo(net::SocketId socket, const net::SocketAddress& to, net::ByteView payload,
                                const net::SendOptions& options) {
  return node_.SendTo(index_, socket, to, payload, options);
}

std::optional<net::SocketAddress> Program::LocalAddress(net::SocketId socket) const {
  if (TcpSockets::IsTcp(socket)) return node_.Tcp().LocalAddress(index_, socket);
  const HostNode::UdpSocket* found = node_.FindSocket(index_, socket);
  if (found == nullptr) return std::nullopt;
  return found->local;
}

void Program::Close(net::SocketId socket) {
  if (TcpSockets::IsTcp(socket)) {
    node_.Tcp().Close(index_, socket);
  } else if (node_.FindSocket(index_, socket) != nullptr) {
    node_.CloseUdp(socket);
  }
}

absl::Status Program::SetTtl(net::SocketId socket, std::uint8_t ttl) {
  if (TcpSockets::IsTcp(socket)) return node_.Tcp().SetTtl(index_, socket, ttl);
  HostNode::UdpSocket* found = node_.FindSocket(index_, socket);
  if (found == nullptr) return absl::NotFoundError("the socket is closed");
  found->ttl = ttl;
  return absl::OkStatus();
}

absl::StatusOr<net::SocketId> Program::Listen(const net::SocketAddress& local, const net::TcpOptions& options) {
  return node_.Tcp().Listen(index_, local, options);
}
absl::StatusOr<net::SocketId> Program::Connect(const net::SocketAddress& local, const net::SocketAddress& remote,
                                               const net::TcpOptions& options) {
  return node_.Tcp().Connect(index_, local, remote, options);
}
absl::StatusOr<std::size_t> Program::Write(net::SocketId connection, net::ByteView bytes,
                                           const net::SendOptions& options) {
  return node_.Tcp().Write(index_, connection, bytes, options);
}
absl::StatusOr<std::size_t> Program::Read(net::SocketId connection, std::span<std::uint8_t> buffer) {
  return node_.Tcp().Read(index_, connection, buffer);
}
absl::Status Program::FinishWriting(net::SocketId connection) { return node_.Tcp().FinishWriting(index_, connection); }
absl::Status Program::Abort(net::SocketId connection) { return node_.Tcp().Abort(index_, connection); }
absl::Status Program::SendRawTcp(const net::RawTcpSegment& segment) { return node_.SendRawTcp(segment); }
absl::StatusOr<std::uint32_t> Program::InitialSequenceNumber(net::SocketId connection) {
  const TcpConnection* const found = node_.Tcp().connection(index_, connection);
  if (found == nullptr) return absl::NotFoundError("the connection is closed");
  return found->iss();
}

}  // namespace pinhole::sim
