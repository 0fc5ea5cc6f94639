#include "tests/net/tcp/tcp_program.h"

#include <algorithm>
#include <array>

#include "gtest/gtest.h"
#include "net/random.h"

namespace pinhole::net {

// Guards one call into the program: no other call may begin before it ends. At its end the test's hook is called.
class TcpProgram::InCall {
 public:
  InCall(TcpProgram& program, SocketId id) : program_(program), id_(id) {
    EXPECT_FALSE(program.in_call_) << "called from inside a call";
    program.in_call_ = true;
  }
  ~InCall() {
    if (program_.during_call) program_.during_call(id_);
    program_.in_call_ = false;
  }

 private:
  TcpProgram& program_;
  SocketId id_;
};

SocketId TcpProgram::Listen(const SocketAddress& local, const TcpOptions& options) {
  const absl::StatusOr<SocketId> listener = host_->Listen(local, options);
  EXPECT_TRUE(listener.ok()) << listener.status();
  return listener.value_or(SocketId{});
}

SocketId TcpProgram::Connect(const SocketAddress& local, const SocketAddress& remote, const TcpOptions& options) {
  const absl::StatusOr<SocketId> connection = host_->Connect(local, remote, options);
  EXPECT_TRUE(connection.ok()) << connection.status();
  if (connection.ok()) connections_[*connection];
  return connection.value_or(SocketId{});
}

void TcpProgram::Write(SocketId id, const std::string& bytes, bool finish) {
  Connection& connection = connections_[id];
  connection.to_write += bytes;
  connection.finish = connection.finish || finish;
  WriteOn(id);
}

void TcpProgram::WriteOn(SocketId id) {
  Connection& connection = connections_[id];
  if (!connection.to_write.empty()) {
    const absl::StatusOr<std::size_t> taken = host_->Write(
        id, ByteView(reinterpret_cast<const std::uint8_t*>(connection.to_write.data()), connection.to_write.size()),
        write_options);
    if (!taken.ok()) return;  // a reset is about to be told
    connection.to_write.erase(0, *taken);
  }
  if (!connection.to_write.empty() || !connection.finish || !connection.connected) return;
  EXPECT_TRUE(host_->FinishWriting(id).ok());
}

std::size_t TcpProgram::ReadAll(SocketId id) {
  std::array<std::uint8_t, 4096> buffer;
  std::size_t total = 0;
  for (;;) {
    const absl::StatusOr<std::size_t> given = host_->Read(id, buffer);
    if (!given.ok() || *given == 0) return total;
    connections_[id].received.append(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*given));
    total += *given;
  }
}

TcpProgram::Connection& TcpProgram::Heard(SocketId id) {
  EXPECT_EQ(connections_.count(id), 1u) << "a connection that nobody spoke of";
  Connection& connection = connections_[id];
  EXPECT_EQ(connection.reset, 0) << "OnTcpReset comes last";
  return connection;
}

void TcpProgram::OnTcpAccepted(SocketId listener, SocketId id, const SocketAddress& from) {
  const InCall call(*this, id);
  EXPECT_EQ(connections_.count(id), 0u) << "accepted twice";
  Connection& connection = connections_[id];
  connection.listener = listener;
  connection.from = from;
  connection.connected = true;
  connection.connected_at = host_->Now();
  accepted_.push_back(id);
}

void TcpProgram::OnTcpConnected(SocketId id) {
  const InCall call(*this, id);
  Connection& connection = Heard(id);
  EXPECT_FALSE(connection.connected);
  connection.connected = true;
  connection.connected_at = host_->Now();
  WriteOn(id);
}

void TcpProgram::OnTcpReadable(SocketId id) {
  const InCall call(*this, id);
  Connection& connection = Heard(id);
  EXPECT_TRUE(connection.connected);
  EXPECT_EQ(connection.closed, 0);
  ++connection.readable;
  if (!reads) return;
  const std::size_t before = connection.received.size();
  EXPECT_GT(ReadAll(id), 0u);
  if (echoes) Write(id, connection.received.substr(before));
}

void TcpProgram::OnTcpWritable(SocketId id) {
  const InCall call(*this, id);
  Connection& connection = Heard(id);
  EXPECT_TRUE(connection.connected);
  ++connection.writable;
  WriteOn(id);
}

void TcpProgram::OnTcpClosed(SocketId id) {
  const InCall call(*this, id);
  Connection& connection = Heard(id);
  EXPECT_TRUE(connection.connected);
  EXPECT_EQ(++connection.closed, 1);
  connection.closed_at = host_->Now();
  if (echoes) Write(id, "", true);
}

void TcpProgram::OnTcpReset(SocketId id, const absl::Status& why) {
  const InCall call(*this, id);
  Connection& connection = Heard(id);
  connection.reset = 1;
  connection.why = why;
  connection.reset_at = host_->Now();
  EXPECT_FALSE(why.ok());
  EXPECT_EQ(host_->LocalAddress(id), std::nullopt) << "the id is gone before the call";
}

std::string Noise(std::size_t size, std::uint64_t seed) {
  SeededRandom random(seed, "noise");
  std::string noise;
  noise.reserve(size + 8);
  while (noise.size() < size) {
    const std::uint64_t word = random.NextU64();
    noise.append(reinterpret_cast<const char*>(&word), sizeof(word));
  }
  noise.resize(size);
  return noise;
}

}  // namespace pinhole::net
