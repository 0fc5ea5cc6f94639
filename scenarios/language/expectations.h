#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "scenarios/scenario.pb.h"

namespace pinhole::scenarios {

// Selects the expectations for one session or punching: those without `session`, and those whose `session` is its name.
std::vector<const proto::Expect*> ExpectationsOf(const std::vector<const proto::Expect*>& expectations,
                                                 absl::string_view session);

// The reason why a cell is not run (`unsupported`). Empty if it is run.
std::string UnsupportedReason(const std::vector<const proto::Expect*>& expectations);

}  // namespace pinhole::scenarios
