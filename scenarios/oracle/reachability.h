#pragma once

#include <string>
#include <vector>

#include "scenarios/oracle/model.h"
#include "scenarios/oracle/passage.h"
#include "scenarios/oracle/prediction.h"

// Which pairs of addresses come to work both ways if both sides know each other's candidates, send to all of them from
// all of their sockets, answer to where a packet came from and send there too, until nobody learns anything. No check
// list, no pacing, no timers, no roles: what remains of ICE is who can reach whom.
namespace pinhole::scenarios::oracle {

// Whose packets are under way first. With kCrossing each side's packets have left through its own boxes before the
// other's come to them.
enum class Order : std::uint8_t { kCrossing, kAFirst, kBFirst };

// What one side tells the other, withheld types apart.
struct Gathered {
  int hosts = 0;
  int srflxs = 0;
  int relays = 0;
  net::Duration took{};        // from its start to the last answer, or to the deadline if one stayed out
  bool close = false;          // an answer that is counted may come after the deadline
  net::Duration last_asked{};  // when the last request is sent: a check keeps a pace from it
};

struct Reached {
  Gathered a;
  Gathered b;
  // What works in the end, whatever has been sent before.
  std::vector<PathKind> direct;
  std::vector<PathKind> relayed;
  // What worked at some time, and so may be selected before a later packet changes a box's mind.
  std::vector<PathKind> direct_meanwhile;
  std::vector<PathKind> relayed_meanwhile;
  // Shortest one-way delay of a working direct pair.
  net::Duration direct_delay{};
  // Checks that one side may have to send, at most.
  int pairs_max = 0;
  // What became of checks and answers that got lost at the end, each once.
  std::vector<Loss> losses;
  // An answer came from another address than had been asked.
  bool asymmetric_answers = false;
};

// Whether Explore() could find other paths in another order: a box that makes sessions for inbound packets and maps by
// destination answers by the way it was reached, and one that claims tuples answers by who came first.
bool OrderMayMatter(const Model& model);

Reached Explore(const Model& model, Order order, Pooling pooling);

}  // namespace pinhole::scenarios::oracle
