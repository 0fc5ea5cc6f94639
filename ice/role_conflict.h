#pragma once

#include <cstdint>

#include "ice/options.h"

namespace pinhole::ice {

// The treatment of a request whose sender claims a role (RFC 8445 §7.3.1.1).
enum class ConflictAction : std::uint8_t {
  kNone,    // the roles differ
  kRefuse,  // answer 487 (Role Conflict) and keep the role
  kSwitch,  // take the other role and accept the request
};

constexpr ConflictAction ResolveRoleConflict(Role own, std::uint64_t own_tie_breaker, Role claimed,
                                             std::uint64_t claimed_tie_breaker) {
  if (own != claimed) return ConflictAction::kNone;
  const bool own_wins = own_tie_breaker >= claimed_tie_breaker;  // the winner is to be the controlling agent
  if (own == Role::kControlling) return own_wins ? ConflictAction::kRefuse : ConflictAction::kSwitch;
  return own_wins ? ConflictAction::kSwitch : ConflictAction::kRefuse;
}

}  // namespace pinhole::ice
