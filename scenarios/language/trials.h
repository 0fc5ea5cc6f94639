#pragma once

#include <string>
#include <vector>

#include "scenarios/language/cell_problems.h"
#include "scenarios/language/topology.h"
#include "scenarios/scenario.pb.h"

// The trials of a file: ICE sessions, punchings and NAT checks. The schema says which fields list trials, which name a
// host, and how many elements a list has (schema_options.proto), so that a new kind of trial changes nothing here.
namespace pinhole::scenarios {

// The names of all trials, in the order of the schema and then of the file.
std::vector<std::string> TrialNames(const proto::Scenario& file);

// Gives each participant of a trial without a host the host of its own name.
void FillTrialHosts(proto::Scenario* cell);

// Reports trials that name a host that is not there, lists of the wrong length, and a cell without a trial.
void CheckTrials(const proto::Scenario& cell, const Topology& topology, CellProblems* problems);

}  // namespace pinhole::scenarios
