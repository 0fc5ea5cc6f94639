#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/ice/data_confirmation.h"
#include "apps/ice/ice_streams.h"
#include "apps/referral/referral_channel.h"
#include "ice/agent.h"
#include "net/host.h"

namespace pinhole::apps {

// The phases of an endpoint.
enum class EndpointState : std::uint8_t {
  kNotStarted,  // the start offset has not passed yet
  kGathering,
  kExchanging,  // has published its description; waits for the peer's
  kChecking,    // has both descriptions
  kConfirming,  // every component has a nominated pair; waits for the peer's data
  kConnected,   // every component has received all datagrams of the peer on its selected pair
  kFailed,
};
const char* ToString(EndpointState state);

// The time at which each event happened first, by the host's clock.
struct EndpointTimes {
  std::optional<net::Instant> started;
  std::optional<net::Instant> gathered;
  std::optional<net::Instant> exchanged;    // had both descriptions
  std::optional<net::Instant> first_valid;  // first valid pair
  std::optional<net::Instant> nominated;    // every component had a nominated pair
  std::optional<net::Instant> first_data;   // first data accepted on the selected pair of the first component
  std::optional<net::Instant> connected;
  std::optional<net::Instant> confirmed;  // on every component, the peer has also acknowledged this side's data
  std::optional<net::Instant> failed;
  std::optional<net::Instant> consent_lost;
};

// A local candidate, and where the agent got it from.
struct ReportedCandidate {
  ice::Candidate candidate;
  // One of "interface eth0", "STUN 192.0.2.10:3478", "TURN 192.0.2.10:3478" and "a peer's answer". "STUN" means a
  // mapped address from that server, also if it came in a response to Allocate.
  std::string learned;
};

// A report on an endpoint, for results and explanations.
struct EndpointReport {
  std::string name;
  EndpointState state = EndpointState::kNotStarted;
  std::string failure;  // phase and reason; empty unless kFailed
  ice::Role role = ice::Role::kControlling;
  EndpointTimes times;
  net::Duration largest_data_gap{};
  int path_changes = 0;  // how often a component changed from one selected pair to another
  std::vector<ReportedCandidate> candidates;
  std::vector<ice::PairView> pairs;
  std::vector<ice::PairView> selected;  // one for each component that has a selected pair
  std::vector<ice::UnansweredRequest> unanswered;
  ice::AgentCounters counters;
};

// One side of a session. It gathers candidates, publishes them over the referral channel, and starts to check when it
// has both descriptions; neither side waits for an offer. When the agent has nominated, it confirms every component by
// data in both directions. It runs on a simulated host or a real one.
class IceEndpoint final : public net::App {
 public:
  struct Options {
    std::string name;
    ice::AgentOptions agent;
    net::Duration start_offset{};  // the endpoint begins this long after OnStart()
    DataConfirmation::Options data;
    // Fails if no description of the peer has arrived this long after this side's description was published.
    net::Duration exchange_patience = std::chrono::seconds(60);
  };

  // `pacer` is shared by all agents of one machine, and may be null. `host` and `pacer` must outlive the endpoint.
  // REQUIRES: ice::Validate(options.agent).ok().
  IceEndpoint(net::Host& host, Options options, std::unique_ptr<ReferralChannel> channel, ice::HostPacer* pacer);

  void OnStart() override;
  void OnDatagram(const net::Datagram& datagram) override;
  void OnIcmpError(const net::IcmpError& error) override;
  void OnTcpAccepted(net::SocketId listener, net::SocketId connection, const net::SocketAddress& from) override;
  void OnTcpConnected(net::SocketId connection) override;
  void OnTcpReadable(net::SocketId connection) override;
  void OnTcpWritable(net::SocketId connection) override;
  void OnTcpClosed(net::SocketId connection) override;
  void OnTcpReset(net::SocketId connection, const absl::Status& why) override;
  void OnTimer() override;

  // Ends the session in an orderly way: releases allocations and closes sockets.
  void Close();

  EndpointState state() const { return state_; }
  // True in kConnected and kFailed. A connected endpoint keeps its path alive until it is closed.
  bool finished() const { return state_ == EndpointState::kConnected || state_ == EndpointState::kFailed; }
  const EndpointTimes& times() const { return times_; }
  const ice::Agent& agent() const { return agent_; }
  // The tag of the first data datagram that was accepted on the selected pair of the first component.
  net::PacketTag first_data_tag() const { return first_data_tag_; }
  // The reason of the failure as text; empty unless kFailed.
  std::string Failure() const;
  EndpointReport Report() const;

 private:
  // The state of one component of one stream.
  struct Path {
    int stream = 0;
    int component = 1;
    std::optional<int> selected;
    DataConfirmation data;
    // The last data that arrived before a pair was selected, with its pair and tag.
    std::vector<std::uint8_t> early;
    std::optional<int> early_pair;
    net::PacketTag early_tag;
  };
  struct SocketResult {
    ice::SocketTag tag{};
    std::optional<net::SocketAddress> bound;
  };
  struct SendFailure {
    ice::SocketTag tag{};
    net::SocketAddress to;
    net::SendStatus status = net::SendStatus::kSent;
  };

  void Begin();
  void Drain();
  bool FeedBack();
  void KeepSocket(ice::SocketTag tag, const absl::StatusOr<net::SocketId>& socket);
  void Handle(const ice::OpenSocket& output);
  void Handle(const ice::OpenListener& output);
  void Handle(const ice::CloseSocket& output);
  void Handle(const ice::SendDatagram& output);
  void Handle(const ice::Connect& output) { streams_.Handle(output); }
  void Handle(const ice::SendStream& output) { streams_.Handle(output); }
  void Handle(const ice::CloseConnection& output) { streams_.Handle(output); }
  void Handle(const ice::CandidateFound&) {}
  void Handle(const ice::GatheringDone&);
  void Handle(const ice::PairValid&);
  void Handle(const ice::PairNominated& output);
  void Handle(const ice::Connected&);
  void Handle(const ice::DataReceived& output);
  void Handle(const ice::ConsentLost&);
  void Handle(const ice::Failed&);
  void AcceptData(Path& path, net::ByteView bytes, net::PacketTag tag);
  void TakePeerDescription();
  void Fail(std::string why);
  void SetAlarm();
  Path& PathOf(int stream, int component);
  std::optional<ice::SocketTag> TagOf(net::SocketId socket) const;

  net::Host& host_;
  const Options options_;
  std::unique_ptr<ReferralChannel> channel_;
  ice::Agent agent_;
  IceStreams streams_;
  EndpointState state_ = EndpointState::kNotStarted;
  EndpointTimes times_;
  std::string failure_;
  std::vector<std::optional<net::SocketId>> sockets_;  // by tag; listeners included
  std::vector<Path> paths_;                            // ordered by stream and component
  std::vector<SocketResult> socket_results_;
  std::vector<SendFailure> send_failures_;
  net::Instant start_at_{};
  net::Instant exchange_deadline_ = net::kNever;
  bool has_remote_ = false;
  int path_changes_ = 0;
  net::PacketTag first_data_tag_;
};

}  // namespace pinhole::apps
