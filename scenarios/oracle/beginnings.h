#pragma once

#include "net/time.h"
#include "scenarios/oracle/model.h"
#include "scenarios/oracle/reachability.h"

// Estimates when each side begins its connectivity checks. reachability.h and tcp_outlook.h explore several orders of
// the first packets (A first, B first, crossing). Most scenarios allow only one of them, and an order that cannot occur
// would make a prediction "depends" without need.
//
// The rule: a side begins when it has gathered its candidates and has the other side's description. The time of both
// follows from the start offsets, the pacing of gathering and the one-way delays between the peers and the referral
// server. An order is possible if the difference of the two beginnings allows it. The difference is known only within a
// tolerance (`slack`); an order within the tolerance counts as possible.
namespace pinhole::scenarios::oracle {

// The beginnings of both sides, counted from the start of the run.
struct Beginnings {
  net::Duration a{};
  net::Duration b{};
  net::Duration slack{};        // the difference of `a` and `b` may be wrong by this much
  net::Duration description{};  // time that a description takes from peer to peer: the longer of the two directions
};

// `a` and `b` say what each side gathered. `pairs_max` is an upper bound of the pairs that one side has to check.
Beginnings BeginningsOf(const Model& model, const Gathered& a, const Gathered& b, int pairs_max);

// Whether the first packets can be under way in this order. `into_a` says how much longer B's first packet takes to
// reach A's box than A's own first packet takes to leave through that box. `into_b` is the same for A's packet and B's
// box.
bool IsPossible(const Beginnings& beginnings, Order order, net::Duration into_a, net::Duration into_b);

}  // namespace pinhole::scenarios::oracle
