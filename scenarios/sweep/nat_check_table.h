#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "scenarios/sweep/judged_run.h"

namespace pinhole::scenarios {

// How many NAT checks ran one test, and how many of these passed it.
struct Tally {
  std::uint32_t passed = 0;
  std::uint32_t taken = 0;
  friend bool operator==(const Tally&, const Tally&) = default;
};

// The results of NAT Check for many NATs, in the form of Table 1 of Ford et al. 2005. A row is usually one vendor.
struct NatCheckTable {
  struct Row {
    std::string name;
    Tally udp;
    Tally udp_hairpin;
    Tally tcp;
    Tally tcp_hairpin;
  };
  std::vector<Row> rows;  // in the order in which they first appear in the runs
  Row all;                // the sum of `rows`
};
NatCheckTable TableOf(const std::vector<JudgedRun>& runs);

// Prints the table, and below it the share of ordered pairs of NATs (a NAT may be paired with itself) in which both
// NATs pass. This share is the prediction of NAT Check for two peers behind NATs. Prints nothing if no run was a NAT
// check.
void PrintNatCheckTable(const NatCheckTable& table, std::ostream& out);

}  // namespace pinhole::scenarios
