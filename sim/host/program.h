#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/contract.h"
#include "net/host.h"
#include "sim/event_queue.h"
#include "sim/host/host_node.h"

namespace pinhole::sim {

// The net::Host of one program on a simulated machine. Programs of one machine share its interfaces, addresses and
// ports. Each program has its own sockets, alarm and random streams.
class Program final : public net::Host {
 public:
  Program(HostNode& node, std::uint32_t index, absl::string_view name);

  const std::string& name() const { return name_; }
  // `app` gets OnStart() at `at`, or at once if that is past, and outlives the world's runs. To be called once.
  void Start(net::App& app, net::Instant at = {});
  // REQUIRES: Start() was called.
  net::App& app() {
    PINHOLE_REQUIRES(app_ != nullptr);
    return *app_;
  }
  const HostNode& node() const { return node_; }
  std::uint32_t index() const { return index_; }

  net::Instant Now() const override;
  // The stream "host/NODE/PROGRAM/PURPOSE" of the world's seed.
  net::RandomSource& Random(absl::string_view purpose) override;
  const std::vector<net::Interface>& Interfaces() const override { return node_.interfaces(); }
  absl::Status WatchInterfaces() override;
  std::optional<net::IpAddress> SourceFor(const net::IpAddress& destination) const override;
  void WakeAt(net::Instant when) override;

  absl::StatusOr<net::SocketId> OpenUdp(const net::SocketAddress& local) override;
  net::SendStatus SendTo(net::SocketId socket, const net::SocketAddress& to, net::ByteView payload,
                         const net::SendOptions& options) override;
  std::optional<net::SocketAddress> LocalAddress(net::SocketId socket) const override;
  void Close(net::SocketId socket) override;
  absl::Status SetTtl(net::SocketId socket, std::uint8_t ttl) override;

  absl::StatusOr<net::SocketId> Listen(const net::SocketAddress& local, const net::TcpOptions& options) override;
  absl::StatusOr<net::SocketId> Connect(const net::SocketAddress& local, const net::SocketAddress& remote,
                                        const net::TcpOptions& options) override;
  absl::StatusOr<std::size_t> Write(net::SocketId connection, net::ByteView bytes,
                                    const net::SendOptions& options) override;
  absl::StatusOr<std::size_t> Read(net::SocketId connection, std::span<std::uint8_t> buffer) override;
  absl::Status FinishWriting(net::SocketId connection) override;
  absl::Status Abort(net::SocketId connection) override;
  absl::Status SendRawTcp(const net::RawTcpSegment& segment) override;
  absl::StatusOr<std::uint32_t> InitialSequenceNumber(net::SocketId connection) override;

  // To be called by the node.
  void OnStart();
  void OnAlarm();
  bool watches_interfaces() const { return watches_interfaces_; }

 private:
  struct Stream {
    std::string purpose;
    std::unique_ptr<net::SeededRandom> random;
  };

  HostNode& node_;
  std::uint32_t index_;
  std::string name_;
  net::App* app_ = nullptr;
  std::vector<Stream> streams_;
  net::Instant alarm_at_ = net::kNever;
  EventId alarm_ = EventId::kNone;
  bool watches_interfaces_ = false;
};

}  // namespace pinhole::sim
