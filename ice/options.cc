#include "ice/options.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "net/contract.h"

namespace pinhole::ice {

using std::chrono::milliseconds;
using std::chrono::seconds;

const char* ToString(Role role) { return role == Role::kControlling ? "controlling" : "controlled"; }

const char* ToString(RtoPolicy policy) {
  switch (policy) {
    case RtoPolicy::kActiveChecklists:
      return "active_checklists";
    case RtoPolicy::kAllChecks:
      return "all_checks";
    case RtoPolicy::kFixed:
      return "fixed";
  }
  net::CannotHappen();
}

const char* ToString(NominationPolicy policy) {
  switch (policy) {
    case NominationPolicy::kFirstValid:
      return "first_valid";
    case NominationPolicy::kExhaustive:
      return "exhaustive";
    case NominationPolicy::kBestAfter:
      return "best_after";
  }
  net::CannotHappen();
}

namespace {

absl::Status Refuse(absl::string_view field, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", rule));
}

}  // namespace

absl::Status Validate(const AgentOptions& options) {
  if (options.components.empty() || options.components.size() > 16) return Refuse("components", "1 to 16 streams");
  for (int count : options.components) {
    if (count < 1 || count > 256) return Refuse("components", "1 to 256 components a stream (RFC 8445 §5.1.2.1)");
  }
  if (options.ta < milliseconds(5)) return Refuse("ta", "5 ms or more (RFC 8445 §14.2)");
  if (options.fixed_rto < milliseconds(500)) return Refuse("fixed_rto", "500 ms or more (RFC 8445 §14.3)");
  if (options.sends_max < 1 || options.sends_max > 16) return Refuse("sends_max", "1 to 16");
  if (options.last_wait_rtos < 1 || options.last_wait_rtos > 64) return Refuse("last_wait_rtos", "1 to 64");
  if (options.gathering_deadline < net::Duration::zero()) return Refuse("gathering_deadline", "not negative");
  if (options.exchange_wait < net::Duration::zero()) return Refuse("exchange_wait", "not negative");
  if (options.pair_limit < 1 || options.pair_limit > 1000) return Refuse("pair_limit", "1 to 1000");
  if (options.prflx_port_limit < 0) return Refuse("prflx_port_limit", "not negative");
  if (options.pac_timer < net::Duration::zero()) return Refuse("pac_timer", "not negative");
  if (options.direct_after < net::Duration::zero()) return Refuse("direct_after", "not negative");
  if (options.relayed_after < options.direct_after) return Refuse("relayed_after", "not below direct_after");
  if (options.nomination_wait < net::Duration::zero()) return Refuse("nomination_wait", "not negative");
  if (options.free_after < net::Duration::zero()) return Refuse("free_after", "not negative");
  if (options.consent.enabled) {
    // The shortest randomized interval is 0.8 times this value, and RFC 7675 §5.1 asks for at least 4 s.
    if (options.consent.interval < seconds(5)) return Refuse("consent.interval", "5 s or more (RFC 7675 §5.1)");
    if (options.consent.expiry <= options.consent.interval) return Refuse("consent.expiry", "above consent.interval");
  }
  if (options.keepalive_interval < seconds(15)) return Refuse("keepalive_interval", "15 s or more (RFC 8445 §11)");
  const TcpOptions& tcp = options.tcp;
  const bool relay_over_tcp =
      options.relayed_candidates &&
      std::any_of(options.turn_servers.begin(), options.turn_servers.end(),
                  [](const TurnServer& server) { return server.transport == stun::Transport::kTcp; });
  if (!options.udp_candidates && !tcp.any() && !relay_over_tcp) {
    return Refuse("udp_candidates", "needed without TCP candidates and TURN servers over TCP");
  }
  if (tcp.gathering_deadline < net::Duration::zero()) return Refuse("tcp.gathering_deadline", "not negative");
  if (tcp.head_start < net::Duration::zero()) return Refuse("tcp.head_start", "not negative");
  if (tcp.retry_pause < milliseconds(10)) return Refuse("tcp.retry_pause", "10 ms or more");
  if (tcp.transaction_timeout < milliseconds(500)) return Refuse("tcp.transaction_timeout", "500 ms or more");
  if (tcp.private_address_limit < 0) return Refuse("tcp.private_address_limit", "not negative");
  if (!tcp.stun_servers.empty() && !tcp.passive && !tcp.simultaneous_open) {
    return Refuse("tcp.stun_servers", "only passive and simultaneous-open candidates have a port to ask from");
  }
  if (options.ufrag_length < 4 || options.ufrag_length > 32) return Refuse("ufrag_length", "4 to 32 (RFC 8839 §5.4)");
  if (options.password_length < 22 || options.password_length > 256) {
    return Refuse("password_length", "22 to 256 (RFC 8839 §5.4)");
  }
  if (!options.host_candidates && !options.server_reflexive_candidates && !options.relayed_candidates) {
    return Refuse("host_candidates", "at least one type of candidate");
  }
  return absl::OkStatus();
}

std::vector<LocalAddress> LocalAddressesOf(const std::vector<net::Interface>& interfaces) {
  std::vector<LocalAddress> result;
  for (const net::Interface& interface : interfaces) {
    if (!interface.up) continue;
    for (const net::InterfaceAddress& address : interface.addresses) {
      result.push_back({.address = address.address,
                        .prefix_length = address.prefix_length,
                        .interface = interface.id,
                        .kind = interface.kind,
                        .life = address.life,
                        .temporary = address.temporary});
    }
  }
  return result;
}

}  // namespace pinhole::ice
