#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "net/host.h"

namespace pinhole::net {

// A program for tests of TCP. It reads the bytes that arrive, writes the bytes that the test gives, and records its
// events. It checks that its host calls it as net::App says: in order, one call at a time.
class TcpProgram final : public App {
 public:
  struct Connection {
    SocketId listener{};  // the listener that accepted it; {}: the program opened it
    SocketAddress from;   // the peer of an accepted connection
    bool connected = false;
    std::string received;
    int readable = 0;
    int writable = 0;
    int closed = 0;
    int reset = 0;
    absl::Status why;
    Instant connected_at;
    Instant closed_at;
    Instant reset_at;
    std::string to_write;  // bytes that are still to be written
    bool finish = false;   // true: calls FinishWriting() after the last byte
  };

  void Attach(Host& host) { host_ = &host; }
  Host& host() { return *host_; }

  // Listens or connects. The test fails if the call fails.
  SocketId Listen(const SocketAddress& local, const TcpOptions& options = {});
  SocketId Connect(const SocketAddress& local, const SocketAddress& remote, const TcpOptions& options = {});
  // Writes all of `bytes`, at once or as they fit, and then a FIN if `finish`.
  void Write(SocketId id, const std::string& bytes, bool finish = false);

  Connection& at(SocketId id) { return connections_[id]; }
  // Accepted connections, in order.
  const std::vector<SocketId>& accepted() const { return accepted_; }

  void OnTcpAccepted(SocketId listener, SocketId connection, const SocketAddress& from) override;
  void OnTcpConnected(SocketId connection) override;
  void OnTcpReadable(SocketId connection) override;
  void OnTcpWritable(SocketId connection) override;
  void OnTcpClosed(SocketId connection) override;
  void OnTcpReset(SocketId connection, const absl::Status& why) override;
  void OnIcmpError(const IcmpError& error) override { errors.push_back(error); }

  bool reads = true;    // true: reads all bytes in OnTcpReadable()
  bool echoes = false;  // writes back what it reads, and finishes when the peer has
  SendOptions write_options;
  // If set, called at the end of each call about this connection.
  std::function<void(SocketId)> during_call;
  std::vector<IcmpError> errors;

  // Reads into `received` until Read() returns no more bytes. Returns the number of bytes.
  std::size_t ReadAll(SocketId id);

 private:
  class InCall;
  // The connection of a call. The test fails if the program does not know it, or if it has ended.
  Connection& Heard(SocketId id);
  void WriteOn(SocketId id);

  Host* host_ = nullptr;
  std::map<SocketId, Connection> connections_;
  std::vector<SocketId> accepted_;
  bool in_call_ = false;
};

// `size` pseudo-random bytes, which differ for each seed.
std::string Noise(std::size_t size, std::uint64_t seed);

}  // namespace pinhole::net
