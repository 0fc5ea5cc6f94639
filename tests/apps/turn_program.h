#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "apps/turn/message_stream.h"
#include "net/host.h"
#include "stun/turn_client.h"

namespace pinhole::apps {

// A program with one TURN client over UDP or TCP. The test tells it what to send; it records what arrives.
class TurnProgram final : public net::App {
 public:
  TurnProgram(net::Host& host, stun::TurnClient::Options options, net::IpAddress local)
      : host_(host), local_(local, 0), client_(std::move(options), host.Random("turn")) {}

  void OnStart() override {
    if (client_.options().transport == stun::Transport::kUdp) {
      socket_ = host_.OpenUdp(local_).value();
      client_.Start(host_.Now());
    } else {
      socket_ = host_.Connect(local_, client_.options().server, {}).value();
      stream_.emplace(host_, socket_);
    }
    Drain();
  }
  void OnDatagram(const net::Datagram& datagram) override {
    client_.OnDatagram(host_.Now(), datagram.from, datagram.payload, datagram.tag);
    Drain();
  }
  void OnTcpConnected(net::SocketId) override {
    connected = true;
    client_.Start(host_.Now());
    Drain();
  }
  void OnTcpReadable(net::SocketId) override {
    if (!reads) return;
    while (const auto message = stream_->Next()) {
      client_.OnDatagram(host_.Now(), client_.options().server, *message);
      Drain();
    }
  }
  void OnTcpWritable(net::SocketId) override { stream_->OnWritable(); }
  void OnTcpClosed(net::SocketId) override { Lost(); }
  void OnTcpReset(net::SocketId, const absl::Status&) override { Lost(); }
  void OnTimer() override {
    client_.OnTimer(host_.Now());
    Drain();
  }

  void Permit(const net::IpAddress& peer) {
    client_.CreatePermission(host_.Now(), peer);
    Drain();
  }
  void Bind(const net::SocketAddress& peer) {
    client_.BindChannel(host_.Now(), peer);
    Drain();
  }
  void Send(const net::SocketAddress& peer, absl::string_view payload) {
    client_.Send(host_.Now(), peer, {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()},
                 net::PacketClass::kData);
    Drain();
  }
  // Ends the TCP connection to the server with a RST.
  void Abort() {
    host_.Abort(socket_).IgnoreError();
    Lost();
  }

  template <typename T>
  int Count() const {
    return static_cast<int>(std::count_if(events.begin(), events.end(),
                                          [](const auto& event) { return std::holds_alternative<T>(event); }));
  }
  stun::TurnClient& client() { return client_; }
  net::Host& host() { return host_; }
  net::SocketId socket() const { return socket_; }

  bool reads = true;
  bool connected = false;
  bool lost = false;
  std::vector<stun::TurnClient::Output> events;  // all but SendToServer and data
  std::vector<std::pair<net::SocketAddress, std::string>> from_peers;

 private:
  void Lost() {
    lost = true;
    client_.OnConnectionLost();
    Drain();
  }
  void Drain() {
    while (const std::optional<stun::TurnClient::Output> output = client_.PollOutput()) {
      if (const auto* send = std::get_if<stun::TurnClient::SendToServer>(&*output)) {
        net::SendOptions options;
        options.packet_class = send->packet_class;
        options.cause = send->cause;
        if (stream_.has_value()) {
          stream_->Send(send->bytes, options);
        } else {
          host_.SendTo(socket_, client_.options().server, send->bytes, options);
        }
      } else if (const auto* data = std::get_if<stun::TurnClient::DataFromPeer>(&*output)) {
        from_peers.emplace_back(data->peer, std::string(data->payload.begin(), data->payload.end()));
      } else {
        events.push_back(*output);
      }
    }
    host_.WakeAt(client_.NextTimer());
  }

  net::Host& host_;
  net::SocketAddress local_;
  stun::TurnClient client_;
  net::SocketId socket_{};
  std::optional<MessageStream> stream_;
};

}  // namespace pinhole::apps
