#include "scenarios/conversion/agent_conversion.h"

#include <chrono>

namespace pinhole::scenarios {
namespace {

using std::chrono::microseconds;

ice::TcpOptions ToTcpOptions(const proto::Tcp& tcp) {
  ice::TcpOptions options;
  options.active = tcp.active();
  options.passive = tcp.passive();
  options.simultaneous_open = tcp.simultaneous_open();
  options.gathering_deadline = microseconds(tcp.gathering_deadline_us());
  options.head_start = microseconds(tcp.head_start_us());
  options.on_connect_failure = tcp.on_reset() == proto::Tcp::OnReset::RETRY ? ice::ConnectFailurePolicy::kRetry
                                                                            : ice::ConnectFailurePolicy::kFail;
  options.retry_pause = microseconds(tcp.retry_pause_us());
  options.transaction_timeout = microseconds(tcp.transaction_timeout_us());
  options.private_address_limit = static_cast<int>(tcp.private_address_limit());
  return options;
}

}  // namespace

ice::AgentOptions ToAgentOptions(const proto::Agent& agent) {
  ice::AgentOptions options;
  if (agent.has_role()) {
    options.role = agent.role() == proto::Agent::CONTROLLING ? ice::Role::kControlling : ice::Role::kControlled;
  }
  if (agent.has_tie_breaker()) options.tie_breaker = agent.tie_breaker();
  options.ta = microseconds(agent.ta_us());
  switch (agent.rto()) {
    case proto::Agent::Rto::RFC5245_N:
      options.rto_policy = ice::RtoPolicy::kActiveChecklists;
      break;
    case proto::Agent::Rto::AS_PRINTED:
      options.rto_policy = ice::RtoPolicy::kAllChecks;
      break;
    case proto::Agent::Rto::FIXED:
      options.rto_policy = ice::RtoPolicy::kFixed;
      break;
  }
  options.fixed_rto = microseconds(agent.rto_us());
  options.sends_max = static_cast<int>(agent.sends_max());
  switch (agent.nomination()) {
    case proto::Agent::Nomination::FIRST_VALID:
      options.nomination = ice::NominationPolicy::kFirstValid;
      break;
    case proto::Agent::Nomination::EXHAUSTIVE:
      options.nomination = ice::NominationPolicy::kExhaustive;
      break;
    case proto::Agent::Nomination::BEST_AFTER:
      options.nomination = ice::NominationPolicy::kBestAfter;
      break;
  }
  options.direct_after = microseconds(agent.direct_mark_us());
  options.relayed_after = microseconds(agent.relayed_mark_us());
  options.gathering_deadline = microseconds(agent.gathering_deadline_us());
  options.pair_limit = static_cast<int>(agent.pair_limit());
  options.prflx_port_limit = static_cast<int>(agent.prflx_port_limit());
  options.icmp_fails_pairs = agent.icmp_fails_pairs();
  options.include_loopback = agent.loopback_candidates();
  options.host_candidates = !agent.withhold_host();
  options.server_reflexive_candidates = !agent.withhold_srflx();
  options.relayed_candidates = !agent.withhold_relay();
  options.consent.enabled = agent.consent();
  options.consent.interval = microseconds(agent.consent_interval_us());
  options.consent.expiry = microseconds(agent.consent_timeout_us());
  options.keepalive_interval = microseconds(agent.keepalive_us());
  options.pac_timer = microseconds(agent.patience_us());
  options.udp_candidates = !agent.withhold_udp();
  options.tcp = ToTcpOptions(agent.tcp());
  options.components.assign(agent.streams(), static_cast<int>(agent.components()));
  return options;
}

}  // namespace pinhole::scenarios
