#pragma once

#include "apps/punching/tcp_punching.h"
#include "scenarios/punching.pb.h"

namespace pinhole::scenarios {

// Converts a technique. The program's technique is found by the schema's name in lower case, so that no list of
// techniques is written here. The two lists are in the schema and in apps/punching/tcp_punching.cc; a test checks that
// they have the same names.
apps::PunchingTechnique ToTechnique(proto::Punching::Technique technique);

}  // namespace pinhole::scenarios
