#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "net/time.h"
#include "sim/nat/endpoint.h"
#include "sim/nat/flat_map.h"
#include "sim/nat/held_syns.h"
#include "sim/nat/shared.h"
#include "sim/nat/tcp_tracker.h"
#include "sim/nat/transport.h"
#include "sim/nat/verdict.h"
#include "sim/packet/packet.h"

namespace pinhole::sim::nat {

// Adds `by` to all numbers of a segment that refer to the other side's data: the acknowledgment and the SACK blocks.
void ShiftTcpAnswers(TcpHeader& segment, std::uint32_t by);

// The TCP half of a Nat (RFC 5382, RFC 6146 §3.5.2). A binding is made as for UDP, and lives as long as its
// longest-lived session. A session is one connection, with its inside and remote endpoint as key, and a TcpTracker that
// judges every segment. A filter lets in the remote endpoints of those sessions on which the inside endpoint has sent.
class TcpTranslator {
 public:
  // `shared` must outlive the translator.
  explicit TcpTranslator(Shared& shared);

  // The TCP part of the functions of Nat with the same names.
  Verdict FromInside(net::Instant now, int network, Packet& packet);
  Verdict FromOutside(net::Instant now, Packet& packet);
  net::Instant NextTimer() const;
  void OnTimer(net::Instant now);
  std::optional<NatOutput> PollOutput();
  void Reboot();

  // Translates the quote of an ICMP error back into the segment as its sender sent it, addresses and numbers. Inwards:
  // an error from outside about a segment that went out; gives the inside endpoint. Outwards: an error from inside
  // about a segment that came in; gives the external endpoint. nullopt, with nothing changed: no binding belongs to the
  // quote. The error ends the session if the profile says so (icmp_errors_close).
  std::optional<Endpoint> TranslateQuoteInwards(net::Instant now, Packet& packet);
  std::optional<Endpoint> TranslateQuoteOutwards(net::Instant now, int network, Packet& packet);

  // The state of a connection and the end of its life; nullopt: no such connection is known.
  struct Entry {
    TcpTrackerState state;
    net::Instant expires;
  };
  std::optional<Entry> Find(net::Instant now, Endpoint inside, Endpoint remote);
  // The number of sessions in the table, expired sessions that were not removed yet included. At most 64, or twice as
  // many as were alive at the last sweep.
  std::size_t sessions_kept() const { return sessions_.size() - free_.size(); }
  // The name of an invariant that does not hold, or nullptr. For tests and fuzzers.
  const char* BrokenInvariant() const;

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::uint64_t kMark = ~std::uint64_t{0} - 1;
  static constexpr std::size_t kSweepAtLeast = 64;

  struct Session {
    Endpoint inside, external, remote;  // external: that of the binding
    std::uint32_t binding = 0;
    std::uint64_t serial = 0;  // the binding's; 0: this slot is free
    TcpTracker tracker;
    net::Instant expires{};
    bool from_outside = false;  // the first segment came from outside
    bool sent = false;          // the inside endpoint has sent on this session
    bool bound = true;  // outbound segments leave by `binding`; if false, by the binding that the mapping rule gives
    // The shifts that are added to the sequence numbers of the inside host and of the remote host
    // (TcpDepth::kRewritesIsn).
    std::uint32_t inside_shift = 0, remote_shift = 0;
    // The neighbours in the list of the inside endpoint's sessions, in the order made.
    std::uint32_t older = kNone, newer = kNone;
  };
  // The result of one half of the translation, outbound or inbound. A hairpinned segment passes both halves.
  struct Passage {
    std::optional<Endpoint> external;  // outbound: the new source; nullopt: the segment did not pass
    std::optional<Endpoint> inside;    // inbound: the new destination; nullopt: the segment did not pass
    Rule rule = Rule::kNone;           // why the segment did not pass
    DropState state;
    bool unsolicited = false;  // refused because of no mapping or by a filter, not by the tracker
  };
  Passage Outbound(net::Instant now, Endpoint inside, Endpoint remote, TcpHeader& segment, std::uint32_t bytes);
  Passage Inbound(net::Instant now, Endpoint external, Endpoint remote, TcpHeader& segment, std::uint32_t bytes);
  Passage InboundNew(net::Instant now, Endpoint external, Endpoint remote, const TcpHeader& segment,
                     std::uint32_t bytes);
  Verdict PassHairpin(net::Instant now, Endpoint inside, Packet& packet);
  Rule Filter(net::Instant now, const Binding& binding, Endpoint remote);

  // The verdict on a segment that did not pass, from inside or from outside. `why` is the result of the translation.
  Verdict AnswerInside(net::Instant now, Endpoint inside, const Packet& packet, const Passage& why);
  Verdict AnswerOutside(net::Instant now, Endpoint external, Endpoint remote, const Packet& packet, const Passage& why,
                        bool may_hold);

  Session* FindSession(net::Instant now, Endpoint inside, Endpoint remote);
  Session& AddSession(net::Instant now, const Session& session, bool opens);
  // Restarts the timer of the session, and adjusts the timer of its binding.
  void Restart(net::Instant now, Session& session);
  void FollowSessions(Binding& binding);
  void DrawShifts(Session& session);
  Session* Reopen(net::Instant now, Session& session, bool from_outside, const TcpHeader& segment, std::uint32_t bytes);
  void Forget(net::Instant now, Session& session);
  // Forgets a session whose time is over, and queues RSTs to both ends if the profile wants them.
  void Expire(net::Instant now, Session& session);
  void Detach(Session& session);
  // Removes all expired sessions. A lookup removes only an expired session that it finds, and it may never find some:
  // with endpoint-independent filtering, each SYN from a stranger leaves a session.
  void Sweep(net::Instant now);
  Binding* BindingOf(net::Instant now, const Session& session);
  Endpoint LeavesBy(net::Instant now, Session& session, Passage* failed);
  const TcpTracking& tracking() const { return shared_.profile.tcp.tracking; }

  Shared& shared_;
  Transport transport_;
  std::vector<Session> sessions_;
  std::vector<std::uint32_t> free_;
  FlatMap<std::uint32_t> by_ends_;                      // index, by inside and remote endpoint
  FlatMap<std::uint32_t> newest_;                       // index + 1 of an inside endpoint's newest, with kMark
  net::Instant earliest_expiry_ = net::Instant::max();  // no session expires before this instant
  std::size_t sweep_at_ = kSweepAtLeast;                // the number of sessions at which Sweep() is called
  HeldSyns held_;                                       // by external and remote endpoint
  std::list<NatOutput> outputs_;
};

}  // namespace pinhole::sim::nat
