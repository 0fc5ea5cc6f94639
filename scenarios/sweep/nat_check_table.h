#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "scenarios/sweep/judged_run.h"

namespace pinhole::scenarios {

// How many of those that took a test passed it.
struct Tally {
  std::uint32_t passed = 0;
  std::uint32_t taken = 0;
  friend bool operator==(const Tally&, const Tally&) = default;
};

// What NAT Check said of a population, as Table 1 of Ford et al. 2005 has it.
struct NatCheckTable {
  struct Row {
    std::string name;
    Tally udp;
    Tally udp_hairpin;
    Tally tcp;
    Tally tcp_hairpin;
  };
  std::vector<Row> rows;  // in the order in which they first come
  Row all;
};
NatCheckTable TableOf(const std::vector<JudgedRun>& runs);

// With the share of ordered pairs, repetition allowed, of which both pass: what the verdicts promise of two peers.
// Nothing when no run was a NAT check.
void PrintNatCheckTable(const NatCheckTable& table, std::ostream& out);

}  // namespace pinhole::scenarios
