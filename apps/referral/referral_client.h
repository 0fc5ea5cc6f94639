#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/referral/referral_channel.h"
#include "apps/referral/referral_protocol.h"

namespace pinhole::apps {

// One side's end of the referral protocol: keeps a connection with the server, publishes this side's description over
// it and takes the other's. When the connection fails or breaks, as when the server is started again, it connects,
// registers and publishes anew. Lives inside a program and uses that program's host.
class ReferralClient final : public ReferralChannel {
 public:
  struct Options {
    // Addresses of the one server; the first that this machine has a route to is used.
    std::vector<net::SocketAddress> servers;
    std::string session;  // both sides name the same; 1 to kReferralNameBytesMax bytes
    std::string side;     // this side's name, different from the other's; the same limits
  };

  // `host` must outlive the client.
  ReferralClient(net::Host& host, Options options);

  absl::Status Open() override;
  bool OnTcpConnected(net::SocketId connection) override;
  bool OnTcpReadable(net::SocketId connection) override;
  bool OnTcpWritable(net::SocketId connection) override;
  bool OnTcpClosed(net::SocketId connection) override;
  bool OnTcpReset(net::SocketId connection, const absl::Status& why) override;
  bool OnIcmpError(const net::IcmpError& error) override;
  void OnTimer() override;
  net::Instant NextTimer() const override;
  void Publish(net::ByteView description) override;
  std::optional<std::vector<std::uint8_t>> TakePeerDescription() override;
  absl::Status status() const override { return status_; }

 private:
  void Connect();
  // Without a connection: tries again later, unless it has been so for too long.
  void Retry(const absl::Status& why);
  bool GiveUpIfLongWithout();
  // For good: there will be no other try.
  void GiveUp(absl::Status why);
  void OnFrame(const ReferralFrame& frame);
  void Flush();
  bool IsOwn(net::SocketId connection) const { return connection_ == connection; }

  net::Host& host_;
  const Options options_;
  net::SocketAddress server_;
  absl::Status status_;
  std::optional<net::SocketId> connection_;
  bool connected_ = false;
  ReferralOutbox out_;
  // What one instant brings, as a connection and a description that waited for nothing else, goes in one segment.
  net::Instant flush_at_ = net::kNever;
  ReferralFrames in_;
  std::optional<net::Instant> without_since_;  // no connection since then
  std::string last_failure_ = "no answer";
  net::Instant retry_at_ = net::kNever;
  net::Instant try_ends_{};  // of a connection that is not connected yet
  net::Duration retry_wait_ = kReferralRetryFirst;
  std::optional<std::vector<std::uint8_t>> published_;
  std::vector<std::uint8_t> delivered_;  // the last one
  std::optional<std::vector<std::uint8_t>> peer_description_;
};

}  // namespace pinhole::apps
