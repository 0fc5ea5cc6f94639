#pragma once

#include "net/time.h"
#include "scenarios/oracle/model.h"
#include "scenarios/oracle/reachability.h"

// When the two sides begin to check, and so whose first packets are under way first.
namespace pinhole::scenarios::oracle {

// As far as it follows from start offsets, gathering and the way of the descriptions.
struct Beginnings {
  net::Duration a{};
  net::Duration b{};
  net::Duration slack{};        // how far off that may be
  net::Duration description{};  // the longer way of a description
};

// `pairs_max`: pairs that one side may have to check, at most.
Beginnings BeginningsOf(const Model& model, const Gathered& a, const Gathered& b, int pairs_max);

// Whether packets may be under way in this order. `into_a` and `into_b`: how long those of the other side have been
// under way when they come to this side's box, counted from where its own leave by it.
bool IsPossible(const Beginnings& beginnings, Order order, net::Duration into_a, net::Duration into_b);

}  // namespace pinhole::scenarios::oracle
