#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ice/check_list_set.h"
#include "ice/credentials.h"
#include "ice/foundation.h"
#include "ice/local_base.h"
#include "ice/options.h"
#include "ice/output_queue.h"
#include "ice/relays.h"
#include "ice/remote_candidates.h"
#include "ice/ta_pacer.h"
#include "ice/tcp_connections.h"
#include "ice/tcp_targets.h"
#include "ice/views.h"
#include "net/random.h"

namespace pinhole::ice {

// The state of one agent. The agent's procedures (gatherer, connectivity checks, nomination, keepalives) share it.
struct Session {
  // The stages of an agent's life. In kClosed the agent does nothing any more.
  enum class Stage : std::uint8_t { kNew, kGathering, kGathered, kChecking, kConnected, kFailed, kClosed };

  Session(const AgentOptions& agent_options, net::RandomSource& source, HostPacer* host);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  AgentOptions options;
  net::RandomSource& random;
  OutputQueue out;
  TaPacer pacer;
  Stage stage = Stage::kNew;

  Role role;
  std::uint64_t tie_breaker;
  Credentials local;
  std::optional<Credentials> remote;
  std::string check_username;    // the USERNAME of this agent's checks: "REMOTE:LOCAL" (RFC 8445 §7.2.2)
  bool remote_complete = false;  // the peer has told all its candidates

  std::vector<LocalBase> bases;  // relayed bases come last; for all others the index is the SocketTag
  std::vector<Candidate> local_candidates;
  std::vector<LocalCandidate> local_details;  // details of local_candidates, with the same index
  LocalFoundations local_foundations;
  RemoteCandidates remotes;
  CheckListSet lists;
  Relays relays;
  TcpConnections connections;
  TcpTargets targets;

  std::vector<int> newly_selected;  // nominated pairs for which Conclusion still has to start consent
  std::vector<int> reconnected;  // selected pairs with a new connection that is still to be checked (RFC 6544 §11.1)

  AgentTimes times;
  AgentCounters counters;
  std::optional<Failed> failure;

  bool over() const { return stage == Stage::kFailed || stage == Stage::kClosed; }
  bool checking() const { return stage == Stage::kChecking || stage == Stage::kConnected; }
  LocalBase& base(int index) { return bases[static_cast<std::size_t>(index)]; }
  const LocalBase& base(int index) const { return bases[static_cast<std::size_t>(index)]; }
  const Candidate& local_candidate(int index) const { return local_candidates[static_cast<std::size_t>(index)]; }

  // Adds a candidate that is told to the peer or that a check has found. Returns its index.
  int AddLocalCandidate(const Candidate& candidate, int base, FoundationId foundation);
  // The local candidate with this address and with the component and transport of `base`. A candidate of `base` itself
  // is preferred to one of another base. nullopt: there is none.
  std::optional<int> FindLocalCandidate(const net::SocketAddress& address, int base) const;
  // The pair of `base` and this address of the peer, listed or not; nullopt: there is none.
  std::optional<int> FindPair(int base, const net::SocketAddress& remote) const;
  // The remote candidate to which the source address `from` of a message on `base` belongs; nullopt: none is known.
  std::optional<int> FindRemote(int base, const net::SocketAddress& from) const;

  // Sends from `base`: through its relay if it has one, or over its TCP connection to `to`. False: the bytes cannot be
  // sent now.
  bool Send(net::Instant now, int base, const net::SocketAddress& to, net::ByteView bytes,
            net::PacketClass packet_class, net::PacketTag cause);
  bool SendOnPair(net::Instant now, int pair, net::ByteView bytes, net::PacketClass packet_class, net::PacketTag cause);

  // Records that a message has come over the TCP connection of `base` with `from` that only the peer can have made.
  // `answered`: the message was the success response to a check.
  void TrustConnection(int base, const net::SocketAddress& from, bool answered);

  void DrainRelay(net::Instant now, int relay);

  // The priority of a pair in the present role (RFC 8445 §6.1.2.3).
  std::uint64_t PriorityOf(std::uint32_t local, std::uint32_t remote) const;
  std::uint32_t LocalPriorityOf(const CandidatePair& pair) const;
  PairView ViewOf(int pair) const;
  // Computes the priorities of all pairs again, after a change of role or of a remote priority.
  void RecomputePriorities();
};

}  // namespace pinhole::ice
