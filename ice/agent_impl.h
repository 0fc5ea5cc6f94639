#pragma once

#include <optional>

#include "ice/agent.h"
#include "ice/conclusion.h"
#include "ice/connectivity_checks.h"
#include "ice/gatherer.h"
#include "ice/keepalives.h"
#include "ice/release.h"
#include "ice/session.h"

namespace pinhole::ice {

// Routes each input to the procedure that handles it. AfterInput() then lets the session take its next steps.
class Agent::Impl {
 public:
  Impl(const AgentOptions& options, net::RandomSource& random, HostPacer* pacer) : session_(options, random, pacer) {}

  void BeginInput() {
    session_.out.BeginInput();
    session_.connections.BeginInput();
    next_timer_known_ = false;
  }
  void HandleDatagram(net::Instant now, int base, const net::SocketAddress& from, net::ByteView bytes,
                      net::PacketTag tag);
  void HandleFrame(net::Instant now, TcpConnection& connection, net::ByteView payload);
  void HandleServerStream(net::Instant now, TcpConnection& connection, net::ByteView bytes);
  void HandleConnectionEnd(net::Instant now, TcpConnection& connection, ConnectionEnd why);
  bool HandedToRelay(net::Instant now, int base, const net::SocketAddress& from, net::ByteView bytes,
                     net::PacketTag tag);
  void HandleStun(net::Instant now, int base, const net::SocketAddress& from, net::ByteView bytes, net::PacketTag tag);
  void HandleData(net::Instant now, int base, const net::SocketAddress& from, net::ByteView bytes, net::PacketTag tag);
  void HandleRelayEvent(net::Instant now, const Relays::Event& event, net::PacketTag tag);
  void HandleIcmp(int base, const net::SocketAddress& destination, net::IcmpError::Kind kind, net::Instant now);
  void DrainRelayEvents(net::Instant now, net::PacketTag tag);
  void AfterInput(net::Instant now, net::PacketTag tag = {});
  void GiveBack(net::Instant now);
  void UseSlots(net::Instant now);
  bool StartCheck(net::Instant now);
  void EndHeadStart(net::Instant now);
  void StartCheckingIfReady(net::Instant now);
  net::Instant ComputeNextTimer() const;

  Session session_;
  Gatherer gatherer_{session_};
  ConnectivityChecks checks_{session_};
  Keepalives keepalives_{session_};
  Conclusion conclusion_{session_, keepalives_};
  Release release_{session_};
  mutable net::Instant next_timer_;
  mutable bool next_timer_known_ = false;
};

}  // namespace pinhole::ice
