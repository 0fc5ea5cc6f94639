#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "ice/check_message.h"
#include "ice/session.h"
#include "stun/client_transaction.h"
#include "stun/message.h"

namespace pinhole::ice {

// The connectivity checks of an agent, as STUN client (RFC 8445 §7.2) and as STUN server (RFC 8445 §7.3). This class
// changes the states of pairs. Conclusion decides what the states mean for checklists, nomination and session.
class ConnectivityChecks {
 public:
  explicit ConnectivityChecks(Session& session) : session_(session) {}

  // Sets the pair In-Progress and sends the first request of a new check. The caller has taken a slot of the pacer.
  void Start(net::Instant now, int pair);

  // False: `response` does not answer a check of this agent.
  bool OnResponse(net::Instant now, int base, const net::SocketAddress& from, const stun::MessageView& response);
  void OnRequest(net::Instant now, int base, const net::SocketAddress& from, const stun::MessageView& request,
                 net::PacketTag tag);
  // Handles the requests that arrived before the peer's candidates were known (RFC 8445 §7.3). To be called once the
  // checklists have been formed.
  void HandleEarlyRequests(net::Instant now);

  // A hard error has come for a packet of the pair. Fails the pair if it is In-Progress and
  // AgentOptions::icmp_fails_pairs is set (RFC 8445 §7.2.5.2.2).
  void FailOnError(net::Instant now, int pair, PairEnd why);
  // Ends the open check of the pair without a response, and fails the pair for the reason `why`.
  void Fail(net::Instant now, int pair, PairEnd why, int error_code);
  // The TURN server has granted or refused a permission for `peer`. The pairs of this base that waited for it go on or
  // fail (RFC 8445 §7.2.1).
  void OnPermission(net::Instant now, int base, const net::IpAddress& peer, bool granted);
  // TCP only. True: the check of the pair would open one connection too many to its remote address, so the pair stays
  // Waiting (RFC 6544 §12).
  bool HoldBack(int pair);
  // Lets the pairs be checked that HoldBack() has held back and that may open a connection now.
  void ReleaseHeldBack();
  // TCP only (RFC 6544 §7.1). A connection is open: the check that waited for it is sent.
  void OnConnected(net::Instant now, const TcpConnection& connection);
  // A connection broke, or could not be established if `was_open` is false. The owner of the agent no longer has it.
  void OnConnectionEnded(net::Instant now, TcpConnection& connection, bool was_open, ConnectionEnd why);
  // The program at the other end of the connection does not speak STUN, so it is not the peer: all pairs with this
  // remote candidate fail.
  void OnNotStun(net::Instant now, TcpConnection& connection);

  // The allocation of a relayed base has ended: the open pairs of the base fail.
  void OnBaseLost(net::Instant now, int base);
  // Stops the retransmissions of the pair's open check. A late response still counts (RFC 8445 §8.1.2).
  void Cancel(net::Instant now, int pair);
  // Forgets all transactions and all early requests.
  void Clear();

  // Takes the other role (RFC 8445 §7.2.5.1, §7.3.1.1).
  void SwitchRole();

  // Handles the earliest transaction that is due. False: none is due.
  bool OnTimer(net::Instant now);
  net::Instant NextTimer() const;

  // The name of an invariant that does not hold, or nullptr. For tests and fuzzers.
  const char* BrokenInvariant() const;

 private:
  struct Check {
    std::optional<stun::ClientTransaction> transaction;
    std::uint64_t started = 0;  // serial number in the order of creation
    int pair = 0;
    std::uint32_t priority = 0;
    Role role = Role::kControlling;
    int role_switches = 0;  // how often this agent had switched its role when the check was created
    bool use_candidate = false;
    net::Instant sent_at{};
  };
  // A request from a peer whose description we do not have yet.
  struct EarlyRequest {
    int base;
    net::SocketAddress from;
    std::uint32_t priority;
    bool use_candidate;
    std::string sender_ufrag;
    net::PacketTag tag;
  };

  // A new peer-reflexive candidate.
  struct Learned {
    int remote;
    std::optional<int> slot;  // the pair that makes room for the new pair; nullopt: there is room
  };

  // The answer to a request of the peer.
  struct Judged {
    stun::TransactionId id;
    int code;  // 0: success
    bool nominates;
  };

  // The number of answers that are remembered. A peer has few transactions open at once; a copy of an older request is
  // judged anew.
  static constexpr std::size_t kJudgedMax = 32;
  // The limit of cancelled transactions per pair. It bounds the cost of a peer that triggers checks without end.
  static constexpr int kCancelledMax = 4;
  // The time between two attempts to connect again for a selected pair.
  static constexpr net::Duration kReconnectPause = std::chrono::seconds(1);
  static constexpr std::size_t kEarlyRequestsMax = 100;
  // At this number of local candidates no further peer-reflexive candidate is added.
  static constexpr std::size_t kLocalCandidatesMax = 256;

  // Sends the request of a check over TCP. If there is no connection, opens one; the request is sent when the
  // connection is open.
  void SendOverTcp(net::Instant now, int check);
  void SendRequest(net::Instant now, int check);
  bool NeedsAttempt(const CandidatePair& pair) const;
  void OpenFor(int pair);
  bool IsSelected(int pair) const;
  // A selected pair has lost its connection. Opens a new one, or waits for a connection from the peer if this side
  // cannot open one (RFC 6544 §11.1).
  void Reconnect(net::Instant now, int pair, TcpConnection& gone, bool was_open);
  // A check of the peer has come on a new connection for a concluded component. If the selected pair has lost its
  // connection, the pair takes the new one.
  void AdoptConnection(net::Instant now, int base, const net::SocketAddress& from);

  // Closes the connection of the pair if it is not open yet.
  void StopConnecting(int pair);
  std::optional<int> FindCheck(const stun::TransactionId& id) const;
  int NewCheck();
  void Free(int check);
  void UpdateDeadline(int check);
  bool IsActive(int check) const;
  void ForgetOldestCancelled(int pair);

  void OnSuccess(net::Instant now, const Check& check, const net::SocketAddress& mapped, bool sent_once,
                 net::Duration round_trip);
  // `active`: `check` was the open check of its pair, not a cancelled one.
  void OnRoleConflict(net::Instant now, const Check& check, bool active);
  std::optional<int> MappedCandidate(const Check& check, const net::SocketAddress& mapped);
  void EndWithTransaction(net::Instant now, int check);
  void EndFailed(net::Instant now, int pair, PairEnd why, int error_code);

  void HandleCheck(net::Instant now, int base, const net::SocketAddress& from, std::uint32_t priority,
                   bool use_candidate, net::PacketTag tag);
  std::optional<Learned> LearnRemote(int base, const net::SocketAddress& from, std::uint32_t priority);
  bool AcceptsNomination(int base, const net::SocketAddress& from) const;
  void Nominate(net::Instant now, int pair);
  // Decides how an authenticated check is answered, and whether the check nominates its pair.
  Judged Judge(const stun::TransactionId& id, int base, const net::SocketAddress& from, const IncomingCheck& check);

  Session& session_;
  // The three lists have the same indices. A free slot has key 0 and deadline net::kNever.
  std::deque<Check> checks_;
  std::vector<std::uint64_t> keys_;  // first half of the transaction id
  std::vector<net::Instant> deadlines_;
  std::vector<int> free_;
  std::uint64_t started_ = 0;
  bool holds_back_ = false;  // true: HoldBack() holds at least one pair back
  std::vector<EarlyRequest> early_;
  std::vector<Judged> judged_;  // a ring buffer; next_judged_ is its oldest entry
  std::size_t next_judged_ = 0;
};

}  // namespace pinhole::ice
