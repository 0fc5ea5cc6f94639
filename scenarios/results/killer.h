#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "scenarios/oracle/outcome.h"
#include "scenarios/run/cell_run.h"
#include "scenarios/run/packet_book.h"
#include "sim/record/drop_log.h"

// What ended the hope of a session, or of a punching, that came to nothing: one node and one rule, of the many that
// packets died by.
namespace pinhole::scenarios {

// What kind of behavior a packet died of (RFC 4787 §4 and §5, RFC 5382): "mapping", "filtering", "simultaneous_open",
// "tcp_state", "sequence_number", "host", "firewall", "link", "route". Where a NAT answers what it does not let in
// with RST or ICMP, and that was the end of it, the kind is "rst" or "icmp" instead.
const char* KindOf(const CellRun& run, const sim::DropRecord& drop);

struct SessionKiller {
  KilledBy by;
  // The packet that died of it. What was lost is an answer where the kind is "mapping" and the rule
  // "answers_from_another_port": its node is the NAT that gave it a port nobody had asked, wherever it died.
  std::optional<sim::DropRecord> drop;
};

// Of what died on the way of any pair, that which came furthest: an answer to a SYN that was let in, before a SYN that
// crosses the other's and is refused, before one that is answered by RST or ICMP, before what is never let in, before
// what could not have come in at all. nullopt: nothing was lost, and no answer came from another port.
std::optional<SessionKiller> KillerOf(const CellRun& run, const PacketBook& book, std::size_t session);

}  // namespace pinhole::scenarios
