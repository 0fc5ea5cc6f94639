// Checks over TCP connections (RFC 6544 §7).
#include "ice/connectivity_checks.h"

namespace pinhole::ice {

void ConnectivityChecks::SendOverTcp(net::Instant now, int slot) {
  const int index = checks_[static_cast<std::size_t>(slot)].pair;
  const CandidatePair& pair = session_.lists.pair(index);
  const LocalBase& base = session_.base(pair.base);
  const net::SocketAddress& remote = session_.remotes[pair.remote].candidate.address;
  const TcpConnection* connection = session_.connections.FindPeer(pair.base, remote);
  if (connection != nullptr) {
    if (connection->open()) SendRequest(now, slot);
    return;
  }
  if (!Connects(base.transport())) return Fail(now, index, PairEnd::kConnectionLost, 0);
  // The remote address is not allowed. Either the limit of private addresses was reached after the pair was formed, or
  // the candidate was learned from a connection of the peer, and that connection is gone.
  if (!session_.targets.Allow(remote.address())) {
    ++session_.counters.targets_refused;
    return Fail(now, index, PairEnd::kConnectionFailed, 0);
  }
  OpenFor(index);
}

bool ConnectivityChecks::NeedsAttempt(const CandidatePair& pair) const {
  const net::SocketAddress& remote = session_.remotes[pair.remote].candidate.address;
  return pair.tcp() && Connects(session_.base(pair.base).transport()) &&
         session_.connections.FindPeer(pair.base, remote) == nullptr &&
         session_.connections.Attempts(remote.address()) >= TcpConnections::kAttemptsMax;
}

bool ConnectivityChecks::HoldBack(int index) {
  CandidatePair& pair = session_.lists.pair(index);
  if (pair.state != PairState::kWaiting || !NeedsAttempt(pair)) return false;
  pair.checks.wait = CheckWait::kConnection;
  holds_back_ = true;
  ++session_.counters.checks_held_back;
  return true;
}

void ConnectivityChecks::ReleaseHeldBack() {
  if (!holds_back_) return;
  holds_back_ = false;
  for (int i = 0; i < session_.lists.pair_count(); ++i) {
    CandidatePair& pair = session_.lists.pair(i);
    if (pair.checks.wait != CheckWait::kConnection) continue;
    if (NeedsAttempt(pair)) {
      holds_back_ = true;
    } else {
      pair.checks.wait = CheckWait::kNone;
    }
  }
}

void ConnectivityChecks::OpenFor(int index) {
  const CandidatePair& pair = session_.lists.pair(index);
  const LocalBase& base = session_.base(pair.base);
  // An active candidate uses a new port for each connection (RFC 6544 §7.1).
  const net::SocketAddress local =
      base.transport() == Transport::kTcpActive ? base.address().WithPort(0) : base.address();
  ++session_.counters.connections_opened;
  session_.connections.Open(pair.base, local, session_.remotes[pair.remote].candidate.address, net::PacketClass::kCheck,
                            false, session_.out);
}

void ConnectivityChecks::StopConnecting(int index) {
  const CandidatePair& pair = session_.lists.pair(index);
  TcpConnection* connection = session_.connections.FindPeer(pair.base, session_.remotes[pair.remote].candidate.address);
  if (connection != nullptr && !connection->open()) session_.connections.Close(*connection, session_.out);
}

void ConnectivityChecks::OnConnected(net::Instant now, const TcpConnection& connection) {
  const std::optional<int> index = session_.FindPair(connection.base, connection.remote);
  if (!index) return;
  CandidatePair& pair = session_.lists.pair(*index);
  if (pair.checks.open) return SendRequest(now, *pair.checks.open);
  if (!pair.connection->lost_at.has_value()) return;
  pair.connection->lost_at.reset();
  session_.reconnected.push_back(*index);
}

bool ConnectivityChecks::IsSelected(int index) const {
  const CandidatePair& pair = session_.lists.pair(index);
  return session_.lists.list(pair.stream).component(pair.component).selected == index;
}

void ConnectivityChecks::Reconnect(net::Instant now, int index, TcpConnection& gone, bool was_open) {
  CandidatePair& pair = session_.lists.pair(index);
  if (was_open) pair.connection->lost_at = now;
  const LocalBase& base = session_.base(pair.base);
  const bool consent_lost =
      session_.lists.list(pair.stream).component(pair.component).consent.state() == ConsentState::State::kLost;
  if (!base.open() || !Connects(base.transport()) || consent_lost) return;
  if (!was_open) {
    if (now < *pair.connection->lost_at + session_.options.tcp.transaction_timeout) {
      ++session_.counters.connections_opened;
      TcpConnections::Pause(gone, now + kReconnectPause);
    }
    return;
  }
  OpenFor(index);
}

void ConnectivityChecks::AdoptConnection(net::Instant now, int base, const net::SocketAddress& from) {
  (void)now;
  const LocalBase& local = session_.base(base);
  if (local.transport() != Transport::kTcpPassive) return;
  const int index = *session_.lists.list(local.stream).component(local.component).selected;
  CandidatePair& pair = session_.lists.pair(index);
  if (pair.base != base || !pair.connection->lost_at.has_value()) return;
  session_.remotes.Move(pair.remote, from);
  pair.connection->lost_at.reset();
  session_.reconnected.push_back(index);
}

void ConnectivityChecks::OnConnectionEnded(net::Instant now, TcpConnection& connection, bool was_open,
                                           ConnectionEnd why) {
  const std::optional<int> found = session_.FindPair(connection.base, connection.remote);
  TcpConnections::Forget(connection);
  if (!found) return;
  const int index = *found;
  CandidatePair& pair = session_.lists.pair(index);
  pair.connection->end = why;
  if (!pair.listed) return;
  if (IsSelected(index)) return Reconnect(now, index, connection, was_open);
  if (was_open) {
    // The connection of the pair has ended, so an open check gets no response, and a valid pair does not work any more.
    // Nothing else reports this, because requests over TCP are not retransmitted (RFC 8489 §6.2.2).
    if (pair.state == PairState::kInProgress || pair.valid()) Fail(now, index, PairEnd::kConnectionLost, 0);
    return;
  }
  if (pair.state != PairState::kInProgress) return;
  // A connection of the peer with the same endpoints is being accepted. The check will be sent on it; if it does not
  // come, the check fails after Ti.
  if (why == ConnectionEnd::kInUse) return;
  const TcpOptions& options = session_.options.tcp;
  const bool refused =
      why == ConnectionEnd::kRefused || why == ConnectionEnd::kUnreachable || why == ConnectionEnd::kNotPermitted;
  if (refused && options.on_connect_failure == ConnectFailurePolicy::kRetry) {
    ++session_.counters.connections_opened;
    TcpConnections::Pause(connection, now + options.retry_pause);
    return;
  }
  Fail(now, index, PairEnd::kConnectionFailed, 0);
}

void ConnectivityChecks::OnNotStun(net::Instant now, TcpConnection& connection) {
  const std::optional<int> remote = session_.FindRemote(connection.base, connection.remote);
  session_.connections.Close(connection, session_.out);
  for (int i = 0; i < session_.lists.pair_count(); ++i) {
    const CandidatePair& pair = session_.lists.pair(i);
    if (pair.remote == remote && pair.listed && pair.state != PairState::kFailed) {
      Fail(now, i, PairEnd::kNotStun, 0);
    }
  }
}

}  // namespace pinhole::ice
