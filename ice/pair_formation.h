#pragma once

#include <optional>

#include "ice/session.h"

namespace pinhole::ice {

// Fills the checklists from the local and remote candidates that are known (RFC 8445 §6.1.2.2 to §6.1.2.6). Two
// candidates make a pair if they are of the same component and family. Link-local IPv6 addresses are paired only with
// each other, TCP candidates by RFC 6544 §6.2 and only if TcpTargets allows the remote address. The pairs are sorted,
// reflexive local candidates are replaced by their bases, redundant pairs are pruned, and the lowest pairs are
// discarded down to the limit. One pair of each foundation is then set Waiting.
void FormCheckLists(Session& session);

// Pairs a remote candidate that came after FormCheckLists() with every local candidate (RFC 8838 §12).
void PairLateRemoteCandidate(Session& session, int remote);

// Makes room for a UDP pair at the pair limit: unlists the TCP pair of the lowest priority among those that have not
// been checked. False: there is no such pair.
bool GiveUpTcpPair(Session& session);

// A new Waiting pair of a base and a remote candidate, which is not on a checklist yet. `local` is the local candidate
// that gives the priority; nullopt: the base's own candidate, which is withheld from the peer.
CandidatePair MakePair(const Session& session, int base, std::optional<int> local, int remote);

}  // namespace pinhole::ice
