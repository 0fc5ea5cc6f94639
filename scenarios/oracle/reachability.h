#pragma once

#include <string>
#include <vector>

#include "scenarios/oracle/model.h"
#include "scenarios/oracle/passage.h"
#include "scenarios/oracle/prediction.h"

// Finds the pairs of addresses over which two sides can reach each other by UDP, for any topology. udp_punching.h has a
// closed form only for two homes.
//
// The rule: both sides know each other's candidates. Each sends from all of its sockets to all of them, answers to the
// source of each packet that it receives, and sends to that source too. This is repeated until nobody learns anything
// new. A pair works if a request gets there and the answer comes back from where the request was sent. There are no
// check lists, pacing, timers or roles: only the part of ICE that decides who can reach whom is left. The one use of
// time is gathering, because an answer of a STUN or TURN server that comes after the deadline yields no candidate.
namespace pinhole::scenarios::oracle {

// Whose packets are under way first. With kCrossing, the packets of each side leave through its own boxes before the
// packets of the other side arrive there.
enum class Order : std::uint8_t { kCrossing, kAFirst, kBFirst };

// The candidates that one side gathers and signals, counted by type, and the times of gathering. Withheld candidates
// are not counted.
struct Gathered {
  int hosts = 0;
  int srflxs = 0;
  int relays = 0;
  net::Duration took{};        // from the side's start to its last answer, or to the deadline if an answer is missing
  bool close = false;          // an answer that is counted as in time may come after the deadline
  net::Duration last_asked{};  // when the last request is sent; the first check is sent at least one Ta later
};

struct Reached {
  Gathered a;
  Gathered b;
  // Paths that work in the end, when no box changes any more.
  std::vector<PathKind> direct;
  std::vector<PathKind> relayed;
  // Paths that worked at some time. An agent may select one of them before a later packet changes the state of a box.
  std::vector<PathKind> direct_meanwhile;
  std::vector<PathKind> relayed_meanwhile;
  // One-way delay of the fastest direct pair that works.
  net::Duration direct_delay{};
  // Upper bound of the checks that one side sends.
  int pairs_max = 0;
  // Why checks and answers were lost in the last round, each reason once.
  std::vector<Loss> losses;
  // An answer came from another address than the one that the check was sent to.
  bool asymmetric_answers = false;
};

// Whether Explore() could find other paths for another order. This is so with two kinds of boxes. A box with inbound
// sessions and endpoint-dependent mapping answers from the endpoint at which it was reached, if it was reached. A box
// that claims tuples lets the two sides meet only if its own host sends first.
bool OrderMayMatter(const Model& model);

Reached Explore(const Model& model, Order order, Pooling pooling);

}  // namespace pinhole::scenarios::oracle
