#pragma once

#include <string>

#include "ice/priority.h"
#include "tests/ice/lone_agent.h"
#include "tests/ice/test_network.h"

// Agents with TCP candidates, for the tests of RFC 6544.
namespace pinhole::ice {

using namespace std::chrono_literals;

inline AgentOptions TcpOnly(Role role = Role::kControlling) {
  AgentOptions options;
  options.role = role;
  options.udp_candidates = false;
  options.tcp.active = true;
  options.tcp.passive = true;
  options.tcp.simultaneous_open = true;
  return options;
}

inline AgentOptions With(Transport transport, Role role = Role::kControlling) {
  AgentOptions options = TcpOnly(role);
  options.tcp.active = transport == Transport::kTcpActive;
  options.tcp.passive = transport == Transport::kTcpPassive;
  options.tcp.simultaneous_open = transport == Transport::kTcpSimultaneousOpen;
  return options;
}

inline Candidate Tcp(Transport transport, const std::string& address, const std::string& foundation = "1") {
  Candidate candidate = LoneAgent::Host(address, foundation);
  candidate.transport = transport;
  candidate.priority = CandidatePriority(CandidateType::kHost,
                                         TcpLocalPreference(CandidateType::kHost, transport, 0, 0, 1), 1, transport);
  return candidate;
}
inline Candidate Passive(const std::string& address, const std::string& foundation = "1") {
  return Tcp(Transport::kTcpPassive, address, foundation);
}

// An agent with an active candidate. Its connection to the peer's passive candidate is open, and its check has been
// sent.
struct ActiveAgent {
  explicit ActiveAgent(AgentOptions options = With(Transport::kTcpActive)) : lone(options) {
    lone.SetRemote({Passive("192.0.2.9:9000")});
    connection = lone.opened().at(0).tag;
  }
  void Connect() {
    lone.Connected(connection, Addr("192.0.2.1:40000"));
    check = lone.TakeFrames().at(0);
  }
  // Connects and concludes: the pair is nominated.
  void Conclude() {
    Connect();
    lone.AnswerOver(check, Addr("192.0.2.1:40000"));
    lone.RunFor(100ms);
    lone.AnswerOver(lone.TakeFrames().at(0), Addr("192.0.2.1:40000"));
  }
  PairView pair() const { return lone.agent().CheckListSnapshot().at(0); }

  LoneAgent lone;
  ConnectionTag connection{};
  SentFrame check;
};

}  // namespace pinhole::ice
