#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "apps/turn/turn_tcp_client.h"
#include "net/host.h"

namespace pinhole::apps {

// A program with one TCP allocation. The test tells it what to write; it records the bytes that arrive on its streams.
class TurnTcpProgram final : public net::App {
 public:
  struct Stream {
    net::SocketAddress peer;
    bool incoming = false;
    std::string received;
    std::string to_write;
    bool finish = false;  // true: sends a FIN after the bytes
    bool closed = false;  // the peer has finished
    bool reset = false;
  };

  TurnTcpProgram(net::Host& host, stun::TurnClient::Options options, net::IpAddress local)
      : host_(host), client_(host, std::move(options), local) {}

  void OnStart() override {
    client_.Start();
    Drain();
  }
  void OnTimer() override {
    client_.OnTimer();
    Drain();
  }
  void OnTcpConnected(net::SocketId connection) override {
    connected.push_back(connection);
    client_.OnConnected(connection);
    Drain();
  }
  void OnTcpReadable(net::SocketId connection) override {
    if (!client_.OnReadable(connection)) ReadAll(connection);
    Drain();
  }
  void OnTcpWritable(net::SocketId connection) override {
    if (!client_.OnWritable(connection)) WriteOn(connection);
    Drain();
  }
  void OnTcpClosed(net::SocketId connection) override {
    if (!client_.OnLost(connection, false)) {
      ReadAll(connection);
      streams[connection].closed = true;
    }
    Drain();
  }
  void OnTcpReset(net::SocketId connection, const absl::Status&) override {
    if (!client_.OnLost(connection, true)) streams[connection].reset = true;
    Drain();
  }

  void Permit(const net::IpAddress& peer) {
    client_.Permit(peer);
    Drain();
  }
  void Connect(const net::SocketAddress& peer) {
    client_.Connect(peer);
    Drain();
  }
  void Write(net::SocketId id, const std::string& bytes, bool finish = false) {
    streams[id].to_write += bytes;
    streams[id].finish = finish;
    WriteOn(id);
  }
  void Close() {
    client_.Close();
    Drain();
  }

  bool allocated() const { return relayed.port() != 0; }
  net::SocketId only() const { return streams.begin()->first; }
  const stun::TurnClient& client() const { return client_.client(); }
  net::Host& host() { return host_; }

  bool reads = true;
  net::SocketAddress relayed;
  std::vector<net::SocketId> connected;  // to the server, the control connection first
  std::vector<TurnTcpClient::Ended> ended;
  std::vector<TurnTcpClient::StreamFailed> failed;
  std::map<net::SocketId, Stream> streams;

 private:
  void Drain() {
    while (const std::optional<TurnTcpClient::Output> output = client_.PollOutput()) {
      if (const auto* allocated = std::get_if<TurnTcpClient::Allocated>(&*output)) {
        relayed = allocated->relayed;
      } else if (const auto* one = std::get_if<TurnTcpClient::Ended>(&*output)) {
        ended.push_back(*one);
      } else if (const auto* refused = std::get_if<TurnTcpClient::StreamFailed>(&*output)) {
        failed.push_back(*refused);
      } else {
        const auto& stream = std::get<TurnTcpClient::Stream>(*output);
        streams[stream.connection] = {stream.peer, stream.incoming, {stream.first.begin(), stream.first.end()}};
        ReadAll(stream.connection);
      }
    }
    host_.WakeAt(client_.NextTimer());
  }
  void ReadAll(net::SocketId id) {
    if (!reads) return;
    std::array<std::uint8_t, 4096> buffer;
    while (const std::size_t count = host_.Read(id, buffer).value_or(0)) {
      streams[id].received.append(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
    }
  }
  void WriteOn(net::SocketId id) {
    Stream& stream = streams[id];
    const std::size_t taken =
        host_.Write(id, {reinterpret_cast<const std::uint8_t*>(stream.to_write.data()), stream.to_write.size()}, {})
            .value_or(0);
    stream.to_write.erase(0, taken);
    if (stream.to_write.empty() && stream.finish) host_.FinishWriting(id).IgnoreError();
  }

  net::Host& host_;
  TurnTcpClient client_;
};

}  // namespace pinhole::apps
