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

// Adds `by` to all numbers in which a segment answers the other side: acknowledgment and SACK.
void ShiftTcpAnswers(TcpHeader& segment, std::uint32_t by);

// The TCP half of a Nat (RFC 5382, RFC 6146 §3.5.2). Bindings are as UDP's, and live as long as their longest-lived
// session; a session is one connection, known by its inside and remote endpoint, with a TcpTracker that judges every
// segment. Filters ask which sessions inside endpoints have sent to.
class TcpTranslator {
 public:
  // `shared` must outlive this.
  explicit TcpTranslator(Shared& shared);

  // As Nat's.
  Verdict FromInside(net::Instant now, int network, Packet& packet);
  Verdict FromOutside(net::Instant now, Packet& packet);
  net::Instant NextTimer() const;
  void OnTimer(net::Instant now);
  std::optional<NatOutput> PollOutput();
  void Reboot();

  // An ICMP error that came from outside (or inside) quotes a segment that went out (or in): rewrites the quote to
  // what its sender sent, addresses and numbers. The inside endpoint; nullopt, and nothing is changed, if it is about
  // no binding. The profile may have the session end by this.
  std::optional<Endpoint> TranslateQuoteInwards(net::Instant now, Packet& packet);
  std::optional<Endpoint> TranslateQuoteOutwards(net::Instant now, int network, Packet& packet);

  // What is known of a connection; nullopt: nothing.
  struct Entry {
    TcpTrackerState state;
    net::Instant expires;
  };
  std::optional<Entry> Find(net::Instant now, Endpoint inside, Endpoint remote);
  // Sessions in the table, those that are over and were not met since included: at most twice as many as were alive
  // when it was last swept, or 64.
  std::size_t sessions_kept() const { return sessions_.size() - free_.size(); }
  // The name of an invariant that does not hold, or nullptr. For tests and fuzzers.
  const char* BrokenInvariant() const;

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::uint64_t kMark = ~std::uint64_t{0} - 1;
  static constexpr std::size_t kSweepAtLeast = 64;

  struct Session {
    Endpoint inside, external, remote;  // external: of the binding
    std::uint32_t binding = 0;
    std::uint64_t serial = 0;  // the binding's; 0: this slot is free
    TcpTracker tracker;
    net::Instant expires{};
    bool from_outside = false;  // the first segment came from there
    bool sent = false;          // its inside endpoint has sent to it
    bool bound = true;          // what goes out leaves by `binding`; otherwise by what the mapping rule says
    // What is added to the numbers of the inside host, and of the remote one (TcpDepth::kRewritesIsn).
    std::uint32_t inside_shift = 0, remote_shift = 0;
    // Neighbours of the same inside endpoint, in the order made.
    std::uint32_t older = kNone, newer = kNone;
  };
  // What one half of a segment's way comes to: translated by `binding`, or not.
  struct Passage {
    std::optional<Endpoint> external;  // outbound: the source it got. Empty: it did not pass
    std::optional<Endpoint> inside;    // inbound: the destination
    Rule rule = Rule::kNone;           // why not
    DropState state;
    bool unsolicited = false;  // refused for no mapping or by a filter, not by what is known of the connection
  };
  Passage Outbound(net::Instant now, Endpoint inside, Endpoint remote, TcpHeader& segment, std::uint32_t bytes);
  Passage Inbound(net::Instant now, Endpoint external, Endpoint remote, TcpHeader& segment, std::uint32_t bytes);
  Passage InboundNew(net::Instant now, Endpoint external, Endpoint remote, const TcpHeader& segment,
                     std::uint32_t bytes);
  Verdict PassHairpin(net::Instant now, Endpoint inside, Packet& packet);
  Rule Filter(net::Instant now, const Binding& binding, Endpoint remote);

  // What is said about a segment that did not pass.
  Verdict AnswerInside(net::Instant now, Endpoint inside, const Packet& packet, const Passage& why);
  Verdict AnswerOutside(net::Instant now, Endpoint external, Endpoint remote, const Packet& packet, const Passage& why,
                        bool may_hold);

  Session* FindSession(net::Instant now, Endpoint inside, Endpoint remote);
  Session& AddSession(net::Instant now, const Session& session, bool opens);
  // Its timer starts again, and the binding's follows.
  void Restart(net::Instant now, Session& session);
  void FollowSessions(Binding& binding);
  void DrawShifts(Session& session);
  Session* Reopen(net::Instant now, Session& session, bool from_outside, const TcpHeader& segment, std::uint32_t bytes);
  void Forget(net::Instant now, Session& session);
  // As Forget(), for one whose time is over.
  void Expire(net::Instant now, Session& session);
  void Detach(Session& session);
  // Takes out all that are over. Nobody may ever look for them again: where the filter lets anybody in, each stranger's
  // SYN leaves one.
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
  net::Instant earliest_expiry_ = net::Instant::max();  // no session expires before
  std::size_t sweep_at_ = kSweepAtLeast;                // so many kept are swept
  HeldSyns held_;                                       // by external and remote endpoint
  std::list<NatOutput> outputs_;
};

}  // namespace pinhole::sim::nat
