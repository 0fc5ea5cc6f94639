#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/referral/referral_channel.h"
#include "apps/referral/referral_protocol.h"

namespace pinhole::apps {

// The client of the referral protocol. It keeps a connection to the server, publishes this side's description over it,
// and receives the other side's. When the connection fails or breaks, for example because the server is restarted, it
// connects, registers and publishes again. It lives inside a program and uses that program's host.
class ReferralClient final : public ReferralChannel {
 public:
  struct Options {
    // Addresses of the server. The first one to which this machine has a route is used.
    std::vector<net::SocketAddress> servers;
    std::string session;  // both sides use the same name; 1 to kReferralNameBytesMax bytes
    std::string side;     // name of this side; differs from the other side's; same limits
  };

  // REQUIRES: `host` outlives the client.
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
  // Called when there is no connection: plans the next try, or gives up if there has been no connection for too long.
  void Retry(const absl::Status& why);
  bool GiveUpIfLongWithout();
  // Ends the client; it does not try again.
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
  // The instant of the next write. Frames of one instant are sent together in one segment, for example the registration
  // of a new connection and a description that waited for the connection.
  net::Instant flush_at_ = net::kNever;
  ReferralFrames in_;
  std::optional<net::Instant> without_since_;  // there has been no connection since then
  std::string last_failure_ = "no answer";
  net::Instant retry_at_ = net::kNever;
  net::Instant try_ends_{};  // end of the current try to connect
  net::Duration retry_wait_ = kReferralRetryFirst;
  std::optional<std::vector<std::uint8_t>> published_;
  std::vector<std::uint8_t> delivered_;  // the last description that was delivered
  std::optional<std::vector<std::uint8_t>> peer_description_;
};

}  // namespace pinhole::apps
