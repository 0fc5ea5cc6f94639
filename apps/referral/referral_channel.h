#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/bytes.h"
#include "net/host.h"
#include "net/time.h"

// How two endpoints that cannot reach each other yet swap their descriptions (the "referral" of a P2P system; the
// rendezvous or signalling of others). An endpoint knows only this interface; ReferralClient is its implementation.
namespace pinhole::apps {

class ReferralChannel {
 public:
  virtual ~ReferralChannel() = default;

  // Opens whatever the channel needs. Called once, before anything else, from inside a call to the program.
  virtual absl::Status Open() = 0;

  // Events of the program's host. True: it was the channel's own and the program must not look at it.
  virtual bool OnTcpConnected(net::SocketId connection) = 0;
  virtual bool OnTcpReadable(net::SocketId connection) = 0;
  virtual bool OnTcpWritable(net::SocketId connection) = 0;
  virtual bool OnTcpClosed(net::SocketId connection) = 0;
  virtual bool OnTcpReset(net::SocketId connection, const absl::Status& why) = 0;
  virtual bool OnIcmpError(const net::IcmpError& error) = 0;
  // Early and repeated calls are harmless.
  virtual void OnTimer() = 0;
  virtual net::Instant NextTimer() const = 0;

  // Hands this side's description over, to be given to the other side whenever that one turns up. A later
  // description replaces an earlier one. The bytes are copied.
  virtual void Publish(net::ByteView description) = 0;

  // The other side's description, once for each that arrives.
  virtual std::optional<std::vector<std::uint8_t>> TakePeerDescription() = 0;

  // Why nothing will arrive any more; OK while something still may.
  virtual absl::Status status() const = 0;
};

}  // namespace pinhole::apps
