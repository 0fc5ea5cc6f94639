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

// Where an endpoint is in its life.
enum class EndpointState : std::uint8_t {
  kNotStarted,  // waits out its start offset
  kGathering,
  kExchanging,  // has published; waits for the peer's description
  kChecking,    // holds both descriptions
  kConfirming,  // every component is nominated; waits for the peer's data
  kConnected,   // every component has accepted all of the peer's datagrams on its selected pair
  kFailed,
};
const char* ToString(EndpointState state);

// When things happened first, by the host's clock.
struct EndpointTimes {
  std::optional<net::Instant> started;
  std::optional<net::Instant> gathered;
  std::optional<net::Instant> exchanged;    // holds both descriptions
  std::optional<net::Instant> first_valid;  // pair
  std::optional<net::Instant> nominated;    // every component
  std::optional<net::Instant> first_data;   // accepted on the selected pair of the first component
  std::optional<net::Instant> connected;
  std::optional<net::Instant> confirmed;  // knows that its own data came, too, on every component
  std::optional<net::Instant> failed;
  std::optional<net::Instant> consent_lost;
};

// A local candidate and where it was learned.
struct ReportedCandidate {
  ice::Candidate candidate;
  // "interface eth0", "TURN 192.0.2.10:3478", "a peer's answer"; "STUN 192.0.2.10:3478" told a mapping, which an
  // Allocate does as well.
  std::string learned;
};

// All that an endpoint can tell when asked.
struct EndpointReport {
  std::string name;
  EndpointState state = EndpointState::kNotStarted;
  std::string failure;  // phase and reason; empty unless kFailed
  ice::Role role = ice::Role::kControlling;
  EndpointTimes times;
  net::Duration largest_data_gap{};
  int path_changes = 0;  // of components from one selected pair to another
  std::vector<ReportedCandidate> candidates;
  std::vector<ice::Candidate> remote_candidates;
  std::vector<ice::PairView> pairs;
  std::vector<ice::PairView> selected;  // of each component that has one
  std::vector<ice::UnansweredRequest> unanswered;
  ice::AgentCounters counters;
};

// One side of a session: gathers, publishes what it gathered over the referral channel, checks once it holds both
// descriptions (nobody waits for an offer), and when the agent has nominated confirms every component by data both
// ways. Over a simulated host or a real one.
class IceEndpoint final : public net::App {
 public:
  struct Options {
    std::string name;
    ice::AgentOptions agent;
    net::Duration start_offset{};  // begins this long after OnStart()
    DataConfirmation::Options data;
    // Fails if no description of the peer's has come this long after its own was published.
    net::Duration exchange_patience = std::chrono::seconds(60);
  };

  // `host` and `pacer`, which is shared by all agents of one machine and may be null, must outlive the endpoint.
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

  // Ends the session in good order: allocations are given back, sockets closed.
  void Close();

  EndpointState state() const { return state_; }
  // kConnected or kFailed. A connected endpoint goes on keeping its path alive until closed.
  bool finished() const { return state_ == EndpointState::kConnected || state_ == EndpointState::kFailed; }
  const EndpointTimes& times() const { return times_; }
  const ice::Agent& agent() const { return agent_; }
  // Index of the selected pair of a component in the agent's check list; nullopt: none is selected.
  std::optional<int> selected_pair(int stream, int component) const;
  // Tag of the first data datagram accepted on the selected pair of the first component.
  net::PacketTag first_data_tag() const { return first_data_tag_; }
  // Why it failed, in words; empty unless kFailed.
  std::string Failure() const;
  EndpointReport Report() const;

 private:
  // What one component of one stream has come to.
  struct Path {
    int stream = 0;
    int component = 1;
    std::optional<int> selected;
    DataConfirmation data;
    // The last data that came before there was a selected pair, and its pair.
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
  std::vector<std::optional<net::SocketId>> sockets_;  // by tag; listeners too
  std::vector<Path> paths_;                            // in the order of streams and components
  std::vector<SocketResult> socket_results_;
  std::vector<SendFailure> send_failures_;
  net::Instant start_at_{};
  net::Instant exchange_deadline_ = net::kNever;
  bool has_remote_ = false;
  int path_changes_ = 0;
  net::PacketTag first_data_tag_;
};

}  // namespace pinhole::apps
