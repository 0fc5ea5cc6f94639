#pragma once

#include <vector>

#include "scenarios/oracle/model.h"
#include "scenarios/oracle/passage.h"
#include "scenarios/oracle/prediction.h"
#include "scenarios/oracle/reachability.h"

// Which TCP connections come about between two sides that know each other's TCP candidates (RFC 6544 §6.2, §7.1): an
// active one connects to a passive one from a port of its own, simultaneous-open ones connect to each other from the
// ports that they listen on. Each connection is one attempt that sends its SYN again and again, until the other side
// takes it, or refuses it.
namespace pinhole::scenarios::oracle {

// What was the matter with an attempt that came to nothing.
struct TcpLoss {
  int side = 0;  // whose attempt
  Loss loss;
  Refusal told = Refusal::kSilent;
  std::optional<int> sender_box;  // the box that gave the SYN its last source
  friend bool operator==(const TcpLoss&, const TcpLoss&) = default;
};

struct TcpReached {
  Gathered a;
  Gathered b;
  // Connections, as kinds of path, sorted, each once.
  std::vector<PathKind> direct;
  bool at_once = false;  // one needs no SYN to be sent again
  // Each is the answer of a port whose own SYN was refused, through a box that keeps that SYN's number: the time
  // between the other side's SYN leaving and that answer. 0: one is not.
  net::Duration renumbered{};
  // As for IsPossible(); and how long the box that says no waits with it.
  net::Duration into_a{};
  net::Duration into_b{};
  net::Duration hold_a{};
  net::Duration hold_b{};
  net::Duration direct_delay{};  // one way, of the quickest connection
  int attempts_max = 0;          // of one side
  std::vector<TcpLoss> losses;   // each once
  // Boxes by which SYNs get in and answers leave from another address.
  std::vector<int> answers_elsewhere;
  bool unsettled = false;  // refused and tried again without end
};

// `in_time`: boxes that hold what they refuse are quicker to be asked again than to answer.
TcpReached ExploreTcp(const Model& model, Order order, bool in_time, Pooling pooling);

}  // namespace pinhole::scenarios::oracle
