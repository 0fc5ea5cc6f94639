#pragma once

#include "ice/session.h"

namespace pinhole::ice {

// Fills the checklists from the local and remote candidates there are (RFC 8445 §6.1.2.2 to §6.1.2.6): pairs of
// one component and family, link-local IPv6 with its like only, TCP ones as RFC 6544 §6.2 has it and where TcpTargets
// allows; sorted; reflexive local candidates replaced by
// their bases; redundant pairs pruned; the lowest discarded down to the limit; one pair a foundation Waiting.
void FormCheckLists(Session& session);

// Pairs a remote candidate that comes later with every local one (RFC 8838 §12).
void PairLateRemoteCandidate(Session& session, int remote);

// At the pair limit, for a UDP pair: takes the lowest TCP pair that has not been checked off its list. False: there is
// none.
bool GiveUpTcpPair(Session& session);

// A pair that a check from outside makes (RFC 8445 §7.3.1.4): `base` and `remote`, Waiting.
CandidatePair MakePair(const Session& session, int base, int local, int remote);

}  // namespace pinhole::ice
