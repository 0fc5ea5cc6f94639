#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "scenarios/language/file_reader.h"
#include "scenarios/language/scenario.h"

namespace pinhole::scenarios {

struct LoadOptions {
  // The directory that contains nats/ and topologies/: on the disk, or the built-in files.
  std::string data_directory = kBuiltinPrefix;
  // Assignments "path=value" (--set). They are applied in this order, after the base file and before the axes.
  std::vector<std::string> sets;
};

// Turns a file into a scenario that can be run. Each step can be tested alone:
//   ParseText        text               -> proto::Scenario, with line and column of each field
//   ApplyBase        base + overrides   -> proto::Scenario; elements are merged by name, never by index
//   ExpandAxes       axes, conditions   -> cells with stable ids
//   Resolve, Check   names, profiles    -> each cell with every reference resolved, and checked
// A step reports all mistakes that it finds, one line each, with the place and a remedy. The next step then does not
// start. A report looks like this:
//   home.textproto:14:12: nat "home": no profile "linux-masqerade"; did you mean "linux-masquerade"?
// A path that does not exist on the disk is looked for in the data directory ("library/nat_matrix.textproto"). Errors
// are InvalidArgument.
absl::StatusOr<Scenario> LoadScenario(const std::string& path, FileReader& files, const LoadOptions& options = {});

}  // namespace pinhole::scenarios
