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

// A full ICE agent (RFC 8445) for one session. It handles all data streams of the session and their components in one
// checklist set.
//
//     StartGathering -> ... GatheringDone -> (the owner sends LocalDescription() to the peer)
//     SetRemote                           -> checks start when both are done
//     ... PairValid ... PairNominated ... -> Connected, or Failed with phase and reason
//
// Give every input with the time, drain PollOutput() until it is empty, and call OnTimer() at NextTimer(). The agent
// never calls its owner. Byte views given to an input are read only during the call; byte views in outputs are valid
// until the next input. Inputs may come in any order that the network can produce: checks before SetRemote(), the
// remote description before gathering is done, datagrams after Close().
class Agent {
 public:
  // `pacer` is null if no other agent runs on this machine. `random` and `pacer` must outlive the agent. REQUIRES:
  // Validate(options).ok().
  Agent(const AgentOptions& options, net::RandomSource& random, HostPacer* pacer);
  ~Agent();
  Agent(Agent&&) noexcept;
  Agent& operator=(Agent&&) noexcept;

  // To be called once. `addresses` are all addresses of this machine: the agent itself leaves out those that
  // RFC 8445 §5.1.1.1 excludes.
  void StartGathering(net::Instant now, std::span<const LocalAddress> addresses);
  void OnSocketOpened(net::Instant now, SocketTag tag, const net::SocketAddress& bound);
  void OnSocketFailed(net::Instant now, SocketTag tag);

  // Gives the agent the peer's description. Only the first call has an effect. Candidates may follow one by one unless
  // `remote.complete` is true (RFC 8838).
  void SetRemote(net::Instant now, const Description& remote);
  void AddRemoteCandidate(net::Instant now, const Candidate& candidate);
  void EndOfRemoteCandidates(net::Instant now);

  void OnDatagram(net::Instant now, SocketTag tag, const net::SocketAddress& from, net::ByteView bytes,
                  net::PacketTag packet);
  // An ICMP error has come about a datagram that was sent from the socket `tag` to `destination`.
  void OnIcmp(net::Instant now, SocketTag tag, const net::SocketAddress& destination, net::IcmpError::Kind kind);
  // The owner could not send a SendDatagram; `status` is the reason. kSent need not be reported.
  void OnSendResult(net::Instant now, SocketTag tag, const net::SocketAddress& to, net::SendStatus status);
  // The following inputs are for TCP. The local address and port of a Connect are known.
  void OnConnecting(net::Instant now, ConnectionTag tag, const net::SocketAddress& local);
  void OnConnected(net::Instant now, ConnectionTag tag);
  // A listener has accepted a connection from `from`. Returns the tag of the connection for all later inputs; nullopt:
  // the owner closes the connection.
  std::optional<ConnectionTag> OnAccepted(net::Instant now, SocketTag listener, const net::SocketAddress& from);
  // Bytes have arrived on a connection. They need not end where a message ends.
  void OnStreamBytes(net::Instant now, ConnectionTag tag, net::ByteView bytes);
  // A connection could not be established, or the peer or the network ended it. The end of a connection that the agent
  // closed by CloseConnection is not reported.
  void OnConnectionEnded(net::Instant now, ConnectionTag tag, ConnectionEnd why);
  // Does everything that is due at `now`. Early and repeated calls are harmless.
  void OnTimer(net::Instant now);

  // Sends application data on the selected pair of the component, or on the best valid pair while no pair is selected.
  // False: there is no such pair, the peer's consent is missing, the pair's TCP connection or relay cannot send now, or
  // the session is over. `cause` is the received datagram that led to this data, if there is one.
  bool SendData(net::Instant now, int stream, int component, net::ByteView bytes, net::PacketTag cause = {});

  // Ends the session: releases the allocations and closes the sockets. Each release is sent once and not resent. If it
  // is lost, the allocation ends when its lifetime is over.
  void Close(net::Instant now);

  std::optional<Output> PollOutput();
  net::Instant NextTimer() const;

  // The description to send to the peer. It is complete after GatheringDone.
  Description LocalDescription() const;
  const std::vector<Candidate>& LocalCandidates() const;
  // The peer's candidates: those that it signalled, and peer-reflexive ones that were learned from its checks.
  std::vector<Candidate> RemoteCandidates() const;
  std::vector<UnansweredRequest> UnansweredRequests() const;

  Role role() const;
  std::uint64_t tie_breaker() const;
  absl::string_view ufrag() const;
  CheckListState check_list_state(int stream) const;
  // Every pair that was formed, also if it has left its checklist. PairValid::pair and PairNominated::pair are indices
  // into this list. At the pair limit a new peer-reflexive pair may take the index of an old one.
  std::vector<PairView> CheckListSnapshot() const;
  std::optional<PairView> SelectedPair(int stream, int component) const;
  const AgentTimes& times() const;
  AgentCounters counters() const;
  // The phase and the reason if the session has failed; otherwise nullopt.
  std::optional<Failed> failure() const;

  // The name of an invariant that does not hold, or nullptr. For tests and fuzzers.
  const char* BrokenInvariant() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pinhole::ice
