#pragma once

#include "apps/punching/tcp_punching.h"
#include "scenarios/punching.pb.h"

namespace pinhole::scenarios {

apps::PunchingTechnique ToTechnique(proto::Punching::Technique technique);

}  // namespace pinhole::scenarios
