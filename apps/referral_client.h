#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/referral_channel.h"
#include "apps/referral_protocol.h"

namespace pinhole::apps {

// One side's end of the referral protocol: publishes a description until the server has it, then waits for
// the other side's. Lives inside a program and uses that program's host: one UDP socket bound to "any".
class ReferralClient final : public ReferralChannel {
 public:
  struct Options {
    // Addresses of the one server; the first that this machine has a route to is used.
    std::vector<net::SocketAddress> servers;
    std::string session;  // both sides name the same; at most kReferralNameBytesMax bytes
    std::string side;     // this side's name, different from the other's; the same limit
  };

  // `host` must outlive the client.
  ReferralClient(net::Host& host, Options options);

  absl::Status Open() override;
  bool OnDatagram(const net::Datagram& datagram) override;
  bool OnIcmpError(const net::IcmpError& error) override;
  void OnTimer() override;
  std::optional<net::Instant> NextTimer() const override;
  void Publish(net::ByteView description) override;
  std::optional<std::vector<std::uint8_t>> TakePeerDescription() override;
  absl::Status status() const override { return status_; }

 private:
  void SendWaiting(net::PacketTag cause);
  void Send(const ReferralMessage& message, net::PacketTag cause);

  net::Host& host_;
  const Options options_;
  net::SocketAddress server_;
  std::optional<net::SocketId> socket_;
  absl::Status status_;
  ReferralTransfer outgoing_;
  ReferralAssembly incoming_;
  std::uint16_t next_number_ = 0;
  std::optional<net::Instant> alive_at_;
  std::optional<std::vector<std::uint8_t>> peer_description_;
};

}  // namespace pinhole::apps
