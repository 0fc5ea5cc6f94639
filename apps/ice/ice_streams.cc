#include "apps/ice/ice_streams.h"

#include <algorithm>
#include <array>
#include <utility>

namespace pinhole::apps {
namespace {

ice::ConnectionEnd EndOf(const absl::Status& why) {
  switch (why.code()) {
    case absl::StatusCode::kUnavailable:
      return ice::ConnectionEnd::kRefused;
    case absl::StatusCode::kNotFound:
      return ice::ConnectionEnd::kUnreachable;
    case absl::StatusCode::kPermissionDenied:
      return ice::ConnectionEnd::kNotPermitted;
    case absl::StatusCode::kDeadlineExceeded:
      return ice::ConnectionEnd::kTimedOut;
    case absl::StatusCode::kAlreadyExists:
      return ice::ConnectionEnd::kInUse;
    case absl::StatusCode::kAborted:
      return ice::ConnectionEnd::kReset;
    default:
      return ice::ConnectionEnd::kOther;
  }
}

}  // namespace

IceStreams::Stream* IceStreams::Find(net::SocketId socket) {
  const auto found =
      std::find_if(streams_.begin(), streams_.end(), [socket](const Stream& one) { return one.socket == socket; });
  return found == streams_.end() ? nullptr : &*found;
}

IceStreams::Stream* IceStreams::Find(ice::ConnectionTag tag) {
  const auto found =
      std::find_if(streams_.begin(), streams_.end(), [tag](const Stream& one) { return one.tag == tag; });
  return found == streams_.end() ? nullptr : &*found;
}

void IceStreams::Erase(ice::ConnectionTag tag) {
  streams_.erase(
      std::remove_if(streams_.begin(), streams_.end(), [tag](const Stream& stream) { return stream.tag == tag; }),
      streams_.end());
}

void IceStreams::Handle(const ice::Connect& output) {
  net::TcpOptions options;
  options.reuse_address = true;
  options.packet_class = output.packet_class;
  const absl::StatusOr<net::SocketId> socket = host_.Connect(output.local, output.remote, options);
  if (!socket.ok()) {
    ended_.push_back({output.connection, EndOf(socket.status())});
    return;
  }
  streams_.push_back({.tag = output.connection, .socket = *socket, .pending = {}, .options = {}});
  if (const auto local = host_.LocalAddress(*socket)) started_.push_back({output.connection, *local});
}

std::optional<std::size_t> IceStreams::Write(Stream& stream, net::ByteView bytes) {
  const absl::StatusOr<std::size_t> taken = host_.Write(stream.socket, bytes, stream.options);
  if (!taken.ok()) return std::nullopt;  // OnReset() will report the reason.
  return *taken;
}

void IceStreams::Handle(const ice::SendStream& output) {
  Stream* stream = Find(output.connection);
  if (stream == nullptr) return;
  if (output.may_be_left_out && stream->pending.size() > kPendingBytesMax / 4) return;
  stream->options.packet_class = output.packet_class;
  stream->options.cause = output.cause;
  std::size_t taken = 0;
  if (stream->pending.empty()) {
    const std::optional<std::size_t> written = Write(*stream, output.bytes);
    if (!written.has_value()) return;
    taken = *written;
  }
  const net::ByteView rest = output.bytes.subspan(taken);
  if (stream->pending.size() + rest.size() > kPendingBytesMax) {
    host_.Abort(stream->socket).IgnoreError();
    ended_.push_back({stream->tag, ice::ConnectionEnd::kOther});
    return Erase(stream->tag);
  }
  stream->pending.insert(stream->pending.end(), rest.begin(), rest.end());
}

void IceStreams::Handle(const ice::CloseConnection& output) {
  if (const Stream* stream = Find(output.connection)) host_.Close(stream->socket);
  Erase(output.connection);
}

bool IceStreams::FeedBack() {
  bool fed = false;
  const net::Instant now = host_.Now();
  for (const Started& started : std::exchange(started_, {})) {
    fed = true;
    agent_.OnConnecting(now, started.tag, started.local);
  }
  for (const Ended& ended : std::exchange(ended_, {})) {
    fed = true;
    agent_.OnConnectionEnded(now, ended.tag, ended.why);
  }
  return fed;
}

void IceStreams::OnAccepted(ice::SocketTag listener, net::SocketId connection, const net::SocketAddress& from) {
  const std::optional<ice::ConnectionTag> tag = agent_.OnAccepted(host_.Now(), listener, from);
  if (!tag.has_value()) {
    host_.Abort(connection).IgnoreError();
    return;
  }
  streams_.push_back({.tag = *tag, .socket = connection, .pending = {}, .options = {}});
}

void IceStreams::OnConnected(net::SocketId connection) {
  if (const Stream* stream = Find(connection)) agent_.OnConnected(host_.Now(), stream->tag);
}

void IceStreams::OnReadable(net::SocketId connection) {
  const Stream* stream = Find(connection);
  if (stream == nullptr) return;
  const ice::ConnectionTag tag = stream->tag;
  std::array<std::uint8_t, 16 * 1024> buffer;
  for (;;) {
    const absl::StatusOr<std::size_t> count = host_.Read(connection, buffer);
    if (!count.ok() || *count == 0) return;
    agent_.OnStreamBytes(host_.Now(), tag, net::ByteView(buffer.data(), *count));
    if (*count < buffer.size()) return;
  }
}

void IceStreams::OnWritable(net::SocketId connection) {
  Stream* stream = Find(connection);
  if (stream == nullptr || stream->pending.empty()) return;
  const std::optional<std::size_t> written = Write(*stream, stream->pending);
  if (!written.has_value()) return;
  stream->pending.erase(stream->pending.begin(), stream->pending.begin() + static_cast<std::ptrdiff_t>(*written));
}

void IceStreams::OnClosed(net::SocketId connection) {
  OnReadable(connection);
  const Stream* stream = Find(connection);
  if (stream == nullptr) return;
  const ice::ConnectionTag tag = stream->tag;
  host_.Close(connection);
  Erase(tag);
  agent_.OnConnectionEnded(host_.Now(), tag, ice::ConnectionEnd::kFinished);
}

void IceStreams::OnReset(net::SocketId connection, const absl::Status& why) {
  const Stream* stream = Find(connection);
  if (stream == nullptr) return;
  const ice::ConnectionTag tag = stream->tag;
  Erase(tag);
  agent_.OnConnectionEnded(host_.Now(), tag, EndOf(why));
}

}  // namespace pinhole::apps
