#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "scenarios/scenario.pb.h"

namespace pinhole::scenarios {

// Those of `expectations` that are about the session: all without a name, and those with its name.
std::vector<const proto::Expect*> ExpectationsOf(const std::vector<const proto::Expect*>& expectations,
                                                 absl::string_view session);

// Why a cell is not to be run at all; empty if it is.
std::string UnsupportedReason(const std::vector<const proto::Expect*>& expectations);

}  // namespace pinhole::scenarios
