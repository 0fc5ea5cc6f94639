#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "scenarios/scenario.pb.h"

namespace pinhole::scenarios {

// Selects the expectations for one session: those that name no session, and those that name this one.
std::vector<const proto::Expect*> ExpectationsOf(const std::vector<const proto::Expect*>& expectations,
                                                 absl::string_view session);

// The reason why a cell is not run (`unsupported`). Empty if it is run.
std::string UnsupportedReason(const std::vector<const proto::Expect*>& expectations);

}  // namespace pinhole::scenarios
