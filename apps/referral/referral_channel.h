#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/bytes.h"
#include "net/host.h"
#include "net/time.h"

// Exchanges the descriptions of two endpoints that cannot reach each other yet (other systems call this rendezvous or
// signalling). An endpoint knows only this interface; ReferralClient implements it.
namespace pinhole::apps {

class ReferralChannel {
 public:
  virtual ~ReferralChannel() = default;

  // Opens all that the channel needs. Called once, before any other function, while the host is calling the program.
  virtual absl::Status Open() = 0;

  // To be called with the events of the program's host. They return true if the connection belongs to the channel; the
  // program must then ignore the event.
  virtual bool OnTcpConnected(net::SocketId connection) = 0;
  virtual bool OnTcpReadable(net::SocketId connection) = 0;
  virtual bool OnTcpWritable(net::SocketId connection) = 0;
  virtual bool OnTcpClosed(net::SocketId connection) = 0;
  virtual bool OnTcpReset(net::SocketId connection, const absl::Status& why) = 0;
  virtual bool OnIcmpError(const net::IcmpError& error) = 0;
  // Early and repeated calls are harmless.
  virtual void OnTimer() = 0;
  virtual net::Instant NextTimer() const = 0;

  // Gives this side's description to the channel, for the other side, whenever that side appears. A later description
  // replaces an earlier one. The bytes are copied.
  virtual void Publish(net::ByteView description) = 0;

  // Returns each description of the other side once.
  virtual std::optional<std::vector<std::uint8_t>> TakePeerDescription() = 0;

  // The reason why no description can arrive any more; OK while one may still arrive.
  virtual absl::Status status() const = 0;
};

}  // namespace pinhole::apps
