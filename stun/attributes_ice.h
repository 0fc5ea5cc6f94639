#pragma once

#include "stun/attribute_type.h"
#include "stun/attributes_scalar.h"

// The attributes of ICE (RFC 8445 §16.1).
namespace pinhole::stun {

// The priority that a peer-reflexive candidate gets if this check finds one.
using Priority = U32Attribute<AttributeType::kPriority>;
// The flag by which the controlling agent nominates the pair of the check.
using UseCandidate = FlagAttribute<AttributeType::kUseCandidate>;
// The role of the sender. The value is the sender's tie-breaker.
using IceControlled = U64Attribute<AttributeType::kIceControlled>;
using IceControlling = U64Attribute<AttributeType::kIceControlling>;

}  // namespace pinhole::stun
