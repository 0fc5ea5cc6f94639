#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "scenarios/language/file_reader.h"
#include "scenarios/language/scenario.h"

namespace pinhole::scenarios {

struct LoadOptions {
  // Where nats/ and topologies/ are: a directory on disk, or the built-in files.
  std::string data_directory = kBuiltinPrefix;
  // "path=value", applied in this order after the base file and before the axes (--set).
  std::vector<std::string> sets;
};

// From file to runnable sweep, in steps that can be tested alone:
//   ParseText      text              -> proto::Scenario, keeping line and column
//   ApplyBase      base + overrides  -> proto::Scenario; elements meet by name, never by index
//   ExpandAxes     axes, constraints -> cells with stable ids
//   Resolve, Check names, profiles   -> each cell with every reference resolved and judged possible
// A failing step reports all it can see, one line each, with place and remedy; the next does not start:
//   home.textproto:14:12: nat "home": no profile "linux-masqerade"; did you mean "linux-masquerade"?
// A path that is not on disk is looked for in the data directory ("library/nat_matrix.textproto").
// Errors are InvalidArgument.
absl::StatusOr<Scenario> LoadScenario(const std::string& path, FileReader& files, const LoadOptions& options = {});

}  // namespace pinhole::scenarios
