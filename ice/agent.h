#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/strings/string_view.h"
#include "ice/candidate.h"
#include "ice/description.h"
#include "ice/host_pacer.h"
#include "ice/options.h"
#include "ice/output.h"
#include "ice/views.h"
#include "net/bytes.h"
#include "net/host.h"
#include "net/random.h"
#include "net/time.h"

namespace pinhole::ice {

// A full ICE agent (RFC 8445) for one session: all its data streams and their components in one checklist set.
//
//     StartGathering -> ... GatheringDone -> (LocalDescription to the peer)
//     SetRemote                           -> checks start on holding both
//     ... PairValid ... PairNominated ... -> Connected, or Failed with phase and reason
//
// Give every input with the time, drain PollOutput() until it is empty, sleep until NextTimer(). Nothing calls
// back. Byte views given to an input are read during the call; views in outputs live until the next input.
// Inputs may come in any order that the network can produce: checks before SetRemote(), the remote description
// before gathering is done, datagrams after Close().
class Agent {
 public:
  // `random` and `pacer` (which may be null: no other agent on this machine) outlive the agent.
  // REQUIRES: Validate(options).ok().
  Agent(const AgentOptions& options, net::RandomSource& random, HostPacer* pacer);
  ~Agent();
  Agent(Agent&&) noexcept;
  Agent& operator=(Agent&&) noexcept;

  // Once. Every address is considered; the RFC's exceptions (RFC 8445 §5.1.1.1) are left out here, not by the caller.
  void StartGathering(net::Instant now, std::span<const LocalAddress> addresses);
  void OnSocketOpened(net::Instant now, SocketTag tag, const net::SocketAddress& bound);
  void OnSocketFailed(net::Instant now, SocketTag tag);

  // Once: what the peer told. Candidates may follow unless it says `complete` (RFC 8838).
  void SetRemote(net::Instant now, const Description& remote);
  void AddRemoteCandidate(net::Instant now, const Candidate& candidate);
  void EndOfRemoteCandidates(net::Instant now);

  void OnDatagram(net::Instant now, SocketTag tag, const net::SocketAddress& from, net::ByteView bytes,
                  net::PacketTag packet);
  // An ICMP error about something sent from `tag` to `destination`.
  void OnIcmp(net::Instant now, SocketTag tag, const net::SocketAddress& destination, net::IcmpError::Kind kind);
  // What became of a SendDatagram, if not kSent.
  void OnSendResult(net::Instant now, SocketTag tag, const net::SocketAddress& to, net::SendStatus status);
  // Of TCP. The port that a Connect leaves from, as soon as it is known.
  void OnConnecting(net::Instant now, ConnectionTag tag, const net::SocketAddress& local);
  void OnConnected(net::Instant now, ConnectionTag tag);
  // A connection has come in. Its name from now on; nullopt: close it.
  std::optional<ConnectionTag> OnAccepted(net::Instant now, SocketTag listener, const net::SocketAddress& from);
  // Any number of bytes, as they come.
  void OnStreamBytes(net::Instant now, ConnectionTag tag, net::ByteView bytes);
  // It was not established, or the peer or the network ended it. Not to be said of what the agent has closed.
  void OnConnectionEnded(net::Instant now, ConnectionTag tag, ConnectionEnd why);
  // Handles all that is due. Early and repeated calls are harmless.
  void OnTimer(net::Instant now);

  // Sends on the selected pair, before there is one on the best valid pair. False, with nothing sent: no such
  // pair, no consent, or the session is over. `cause`: the received datagram behind it, if any.
  bool SendData(net::Instant now, int stream, int component, net::ByteView bytes, net::PacketTag cause = {});

  // Ends the session: allocations are given back, sockets closed. The servers are told once, and nothing is resent:
  // an allocation whose release is lost ends by its lifetime.
  void Close(net::Instant now);

  std::optional<Output> PollOutput();
  net::Instant NextTimer() const;

  // What to tell the peer. Whole once GatheringDone has come.
  Description LocalDescription() const;
  const std::vector<Candidate>& LocalCandidates() const;
  // Signalled and learned.
  std::vector<Candidate> RemoteCandidates() const;
  std::vector<UnansweredRequest> UnansweredRequests() const;

  Role role() const;
  std::uint64_t tie_breaker() const;
  absl::string_view ufrag() const;
  CheckListState check_list_state(int stream) const;
  // Every pair there ever was, in the order in which they were formed; PairNominated::pair is an index.
  std::vector<PairView> CheckListSnapshot() const;
  std::optional<PairView> SelectedPair(int stream, int component) const;
  const AgentTimes& times() const;
  AgentCounters counters() const;
  // How it ended, if it did.
  std::optional<Failed> failure() const;

  // The name of an invariant that does not hold, or nullptr. For tests and fuzzers.
  const char* BrokenInvariant() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pinhole::ice
