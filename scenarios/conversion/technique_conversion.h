#pragma once

#include "apps/punching/tcp_punching.h"
#include "scenarios/punching.pb.h"

namespace pinhole::scenarios {

// The program's technique that has the schema's name in lower case: the only list of techniques beside the schema's is
// the program's own (apps/punching/tcp_punching.cc). A test holds that each has the other's names.
apps::PunchingTechnique ToTechnique(proto::Punching::Technique technique);

}  // namespace pinhole::scenarios
