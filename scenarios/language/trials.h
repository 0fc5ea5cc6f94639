#pragma once

#include <string>
#include <vector>

#include "scenarios/language/cell_problems.h"
#include "scenarios/language/topology.h"
#include "scenarios/scenario.pb.h"

// The trials of a file: ICE sessions, punchings and NAT checks. Options of the schema (schema_options.proto) mark the
// fields that list trials, the fields that name a host, and the lists of a fixed length. So a new kind of trial needs
// no change here.
namespace pinhole::scenarios {

// The names of all trials, in the order of the schema and then of the file.
std::vector<std::string> TrialNames(const proto::Scenario& file);

// Sets the host of each participant that has none: it is the host with the participant's name.
void FillTrialHosts(proto::Scenario* cell);

// Reports trials that name a host that does not exist, lists of a wrong length, and a cell without a trial.
void CheckTrials(const proto::Scenario& cell, const Topology& topology, CellProblems* problems);

}  // namespace pinhole::scenarios
