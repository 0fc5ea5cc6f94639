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

// Both ends of connectivity checks: RFC 8445 §7.2 as STUN client, §7.3 as STUN server. Changes the states of
// pairs; what follows for lists, nomination and the agent is concluded elsewhere.
class ConnectivityChecks {
 public:
  explicit ConnectivityChecks(Session& session) : session_(session) {}

  // Sends the first request of a new check on the pair: In-Progress. The caller has a slot of the pacer.
  void Start(net::Instant now, int pair);

  // False: not the answer to an open check.
  bool OnResponse(net::Instant now, int base, const net::SocketAddress& from, const stun::MessageView& response);
  void OnRequest(net::Instant now, int base, const net::SocketAddress& from, const stun::MessageView& request,
                 net::PacketTag tag);
  // Now that the peer's candidates are known: what its early requests ask for (RFC 8445 §7.3).
  void HandleEarlyRequests(net::Instant now);

  // A hard error for what was sent on the pair, if the options honour it (RFC 8445 §7.2.5.2.2).
  void FailOnError(net::Instant now, int pair, PairEnd why);
  // Ends the check of the pair without an answer: it failed for a reason of its own.
  void Fail(net::Instant now, int pair, PairEnd why, int error_code);
  // What the TURN server said of the permission that checks of this base wait for (RFC 8445 §7.2.1).
  void OnPermission(net::Instant now, int base, const net::IpAddress& peer, bool granted);
  // Over TCP, a check whose connection would be one too many to there stays Waiting (RFC 6544 §12): true.
  bool HoldBack(int pair);
  // Those that were held back and need not be any more.
  void ReleaseHeldBack();
  // Over TCP (RFC 6544 §7.1). A connection is open: what waited for it goes out.
  void OnConnected(net::Instant now, const TcpConnection& connection);
  // A connection was not established, or, once open, broke; it is in nobody's hands any more.
  void OnConnectionEnded(net::Instant now, TcpConnection& connection, bool was_open, ConnectionEnd why);
  // What is at the other end is not the peer: all pairs with it fail.
  void OnNotStun(net::Instant now, TcpConnection& connection);

  // The relayed address is gone.
  void OnBaseLost(net::Instant now, int base);
  // No more retransmissions on this pair; a late answer counts (RFC 8445 §8.1.2).
  void Cancel(net::Instant now, int pair);
  // Forgets all transactions.
  void Clear();

  // Takes the other role (RFC 8445 §7.2.5.1, §7.3.1.1).
  void SwitchRole();

  // Handles the earliest transaction that is due; false if none is.
  bool OnTimer(net::Instant now);
  net::Instant NextTimer() const;

  // The name of an invariant that does not hold, or nullptr. For tests and fuzzers.
  const char* BrokenInvariant() const;

 private:
  struct Check {
    std::optional<stun::ClientTransaction> transaction;
    std::uint64_t started = 0;  // counts up: the order of creation
    int pair = -1;
    std::uint32_t priority = 0;
    Role role = Role::kControlling;
    int role_switches = 0;  // before it was sent
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

  // What a request of the peer was answered with.
  struct Judged {
    stun::TransactionId id;
    int code;  // 0: success
    bool nominates;
  };

  // Requests whose answer is remembered. A peer has few transactions open at once; a copy of an older one is judged
  // anew.
  static constexpr std::size_t kJudgedMax = 32;
  // Cancelled transactions kept for one pair; a peer that triggers for ever costs no more.
  static constexpr int kCancelledMax = 4;
  // Between attempts to connect again on a selected pair.
  static constexpr net::Duration kReconnectPause = std::chrono::seconds(1);
  static constexpr std::size_t kEarlyRequestsMax = 100;
  // Local candidates, above which no peer-reflexive one is added any more.
  static constexpr std::size_t kLocalCandidatesMax = 256;

  // Over TCP: now, if there is a connection; else one is opened first.
  void SendOverTcp(net::Instant now, int check);
  void SendRequest(net::Instant now, int check);
  bool NeedsAttempt(const CandidatePair& pair) const;
  void OpenFor(int pair);
  bool IsSelected(int pair) const;
  // The connection of a selected pair is gone: another is opened, or waited for (RFC 6544 §11.1).
  void Reconnect(net::Instant now, int pair, TcpConnection& gone, bool was_open);
  // A check from outside for a concluded component: over a connection in the place of one that is gone?
  void AdoptConnection(net::Instant now, int base, const net::SocketAddress& from);

  // Gives up a connection of the pair that is not open yet.
  void StopConnecting(int pair);
  int FindCheck(const stun::TransactionId& id) const;
  int NewCheck();
  void Free(int check);
  void UpdateDeadline(int check);
  bool IsActive(int check) const;
  void ForgetOldestCancelled(int pair);

  void OnSuccess(net::Instant now, const Check& check, const net::SocketAddress& mapped, bool sent_once,
                 net::Duration round_trip);
  // `active`: the pair was In-Progress by this check.
  void OnRoleConflict(net::Instant now, const Check& check, bool active);
  int MappedCandidate(const Check& check, const net::SocketAddress& mapped);
  void EndWithTransaction(net::Instant now, int check);
  void EndFailed(net::Instant now, int pair, PairEnd why, int error_code);

  void HandleCheck(net::Instant now, int base, const net::SocketAddress& from, std::uint32_t priority,
                   bool use_candidate, net::PacketTag tag);
  int LearnRemote(int base, const net::SocketAddress& from, std::uint32_t priority, int& slot);
  bool AcceptsNomination(int base, const net::SocketAddress& from) const;
  void Nominate(net::Instant now, int pair);
  // The answer that an authenticated check gets, and whether it nominates.
  Judged Judge(const stun::TransactionId& id, int base, const net::SocketAddress& from, const IncomingCheck& check);

  Session& session_;
  // A free slot has key 0 and the latest deadline.
  std::deque<Check> checks_;
  std::vector<std::uint64_t> keys_;  // first half of the transaction id
  std::vector<net::Instant> deadlines_;
  std::vector<int> free_;
  std::uint64_t started_ = 0;
  bool holds_back_ = false;  // some pair
  std::vector<EarlyRequest> early_;
  std::vector<Judged> judged_;  // a ring, next_judged_ the oldest
  std::size_t next_judged_ = 0;
};

}  // namespace pinhole::ice
