#pragma once

#include "stun/attribute_type.h"
#include "stun/attributes_scalar.h"

// RFC 8445 §16.1.
namespace pinhole::stun {

// The priority that a peer-reflexive candidate found by this check shall have.
using Priority = U32Attribute<AttributeType::kPriority>;
// The controlling agent nominates the pair.
using UseCandidate = FlagAttribute<AttributeType::kUseCandidate>;
// The sender's role, with its tiebreaker as value.
using IceControlled = U64Attribute<AttributeType::kIceControlled>;
using IceControlling = U64Attribute<AttributeType::kIceControlling>;

}  // namespace pinhole::stun
