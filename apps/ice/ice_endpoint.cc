#include "apps/ice/ice_endpoint.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/contract.h"

namespace pinhole::apps {

const char* ToString(EndpointState state) {
  switch (state) {
    case EndpointState::kNotStarted:
      return "not_started";
    case EndpointState::kGathering:
      return "gathering";
    case EndpointState::kExchanging:
      return "exchanging";
    case EndpointState::kChecking:
      return "checking";
    case EndpointState::kConfirming:
      return "confirming";
    case EndpointState::kConnected:
      return "connected";
    case EndpointState::kFailed:
      return "failed";
  }
  net::CannotHappen();
}

IceEndpoint::IceEndpoint(net::Host& host, Options options, std::unique_ptr<ReferralChannel> channel,
                         ice::HostPacer* pacer)
    : host_(host),
      options_(std::move(options)),
      channel_(std::move(channel)),
      agent_(options_.agent, host.Random("ice"), pacer),
      streams_(host, agent_) {
  for (std::size_t stream = 0; stream < options_.agent.components.size(); ++stream) {
    for (int component = 1; component <= options_.agent.components[stream]; ++component) {
      paths_.push_back({.stream = static_cast<int>(stream),
                        .component = component,
                        .selected = std::nullopt,
                        .data = DataConfirmation(options_.data),
                        .early = {},
                        .early_tag = {}});
    }
  }
}

void IceEndpoint::OnStart() {
  start_at_ = host_.Now() + options_.start_offset;
  if (options_.start_offset <= net::Duration::zero()) {
    Begin();
  } else {
    host_.WakeAt(start_at_);
  }
}

void IceEndpoint::Begin() {
  state_ = EndpointState::kGathering;
  times_.started = host_.Now();
  if (const absl::Status opened = channel_->Open(); !opened.ok()) {
    Fail(absl::StrCat("exchange: ", opened.message()));
    return;
  }
  agent_.StartGathering(host_.Now(), ice::LocalAddressesOf(host_.Interfaces()));
  Drain();
}

void IceEndpoint::OnDatagram(const net::Datagram& datagram) {
  if (const std::optional<ice::SocketTag> tag = TagOf(datagram.socket)) {
    agent_.OnDatagram(host_.Now(), *tag, datagram.from, datagram.payload, datagram.tag);
  }
  Drain();
}

void IceEndpoint::OnIcmpError(const net::IcmpError& error) {
  if (channel_->OnIcmpError(error)) {
    SetAlarm();
    return;
  }
  if (const std::optional<ice::SocketTag> tag = TagOf(error.socket)) {
    agent_.OnIcmp(host_.Now(), *tag, error.destination, error.kind);
  }
  Drain();
}

void IceEndpoint::OnTcpAccepted(net::SocketId listener, net::SocketId connection, const net::SocketAddress& from) {
  if (const std::optional<ice::SocketTag> tag = TagOf(listener)) streams_.OnAccepted(*tag, connection, from);
  Drain();
}

void IceEndpoint::OnTcpConnected(net::SocketId connection) {
  if (channel_->OnTcpConnected(connection)) return SetAlarm();
  streams_.OnConnected(connection);
  Drain();
}

void IceEndpoint::OnTcpReadable(net::SocketId connection) {
  if (channel_->OnTcpReadable(connection)) {
    TakePeerDescription();
  } else {
    streams_.OnReadable(connection);
  }
  Drain();
}

void IceEndpoint::OnTcpWritable(net::SocketId connection) {
  if (!channel_->OnTcpWritable(connection)) streams_.OnWritable(connection);
}

void IceEndpoint::OnTcpClosed(net::SocketId connection) {
  if (!channel_->OnTcpClosed(connection)) streams_.OnClosed(connection);
  Drain();
}

void IceEndpoint::OnTcpReset(net::SocketId connection, const absl::Status& why) {
  if (!channel_->OnTcpReset(connection, why)) streams_.OnReset(connection, why);
  Drain();
}

void IceEndpoint::OnTimer() {
  const net::Instant now = host_.Now();
  if (state_ == EndpointState::kNotStarted) {
    if (now >= start_at_) {
      Begin();
    } else {
      host_.WakeAt(start_at_);
    }
    return;
  }
  channel_->OnTimer();
  if (!has_remote_ && !finished()) {
    if (!channel_->status().ok()) {
      Fail(absl::StrCat("exchange: ", channel_->status().message()));
    } else if (now >= exchange_deadline_) {
      Fail("exchange: the peer's description never came");
    }
  }
  agent_.OnTimer(now);
  for (Path& path : paths_) {
    path.data.OnTimer(now);
    if (path.data.given_up() && !finished()) {
      Fail("data: the peer's never came on the selected pair");
      agent_.Close(now);  // otherwise the consent checks would go on, and the peer would wait in vain
    }
  }
  Drain();
}

void IceEndpoint::Close() {
  agent_.Close(host_.Now());
  Drain();
}

void IceEndpoint::Drain() {
  do {
    while (const std::optional<ice::Output> output = agent_.PollOutput()) {
      std::visit([this](const auto& one) { Handle(one); }, *output);
    }
  } while (FeedBack());
  SetAlarm();
}

// Passes the results of the agent's outputs to the agent. This waits until all outputs are handled, because views in
// outputs are valid only until the next input. Returns true if there were any results.
bool IceEndpoint::FeedBack() {
  bool fed = streams_.FeedBack();
  const net::Instant now = host_.Now();
  for (const SocketResult& result : std::exchange(socket_results_, {})) {
    fed = true;
    if (result.bound) {
      agent_.OnSocketOpened(now, result.tag, *result.bound);
    } else {
      agent_.OnSocketFailed(now, result.tag);
    }
  }
  for (const SendFailure& failure : std::exchange(send_failures_, {})) {
    fed = true;
    agent_.OnSendResult(now, failure.tag, failure.to, failure.status);
  }
  for (Path& path : paths_) {
    while (const std::optional<net::ByteView> message = path.data.PollOutput()) {
      fed = true;
      // The data is sent without SendOptions::cause. A relay sets the cause when it passes data on, so a trace can tell
      // the data from its relayed copy.
      agent_.SendData(now, path.stream, path.component, *message);
    }
  }
  return fed;
}

void IceEndpoint::Handle(const ice::OpenSocket& output) { KeepSocket(output.tag, host_.OpenUdp(output.local)); }

void IceEndpoint::Handle(const ice::OpenListener& output) {
  net::TcpOptions options;
  options.reuse_address = true;
  options.packet_class = net::PacketClass::kResponse;
  KeepSocket(output.tag, host_.Listen(output.local, options));
}

void IceEndpoint::KeepSocket(ice::SocketTag tag, const absl::StatusOr<net::SocketId>& socket) {
  const std::size_t index = static_cast<std::size_t>(tag);
  if (sockets_.size() <= index) sockets_.resize(index + 1);
  SocketResult& result = socket_results_.emplace_back();
  result.tag = tag;
  if (socket.ok()) {
    sockets_[index] = *socket;
    result.bound = host_.LocalAddress(*socket);
  }
}

void IceEndpoint::Handle(const ice::CloseSocket& output) {
  std::optional<net::SocketId>& socket = sockets_[static_cast<std::size_t>(output.tag)];
  if (socket) host_.Close(*socket);
  socket.reset();
}

void IceEndpoint::Handle(const ice::SendDatagram& output) {
  const std::optional<net::SocketId> socket = sockets_[static_cast<std::size_t>(output.tag)];
  if (!socket) return;
  net::SendOptions options;
  options.packet_class = output.packet_class;
  options.cause = output.cause;
  net::SendStatus status = host_.SendTo(*socket, output.to, output.bytes, options);
  // kPendingError reports an error of an earlier datagram. This datagram was not sent, so it is sent again.
  if (status == net::SendStatus::kPendingError) status = host_.SendTo(*socket, output.to, output.bytes, options);
  if (status != net::SendStatus::kSent) send_failures_.push_back({output.tag, output.to, status});
}

void IceEndpoint::Handle(const ice::GatheringDone&) {
  if (state_ != EndpointState::kGathering) return;
  times_.gathered = host_.Now();
  state_ = EndpointState::kExchanging;
  exchange_deadline_ = host_.Now() + options_.exchange_patience;
  const std::string text = ice::Serialize(agent_.LocalDescription());
  channel_->Publish(net::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  if (has_remote_) {
    times_.exchanged = host_.Now();
    state_ = EndpointState::kChecking;
  }
}

void IceEndpoint::Handle(const ice::PairValid&) {
  if (!times_.first_valid) times_.first_valid = host_.Now();
}

void IceEndpoint::Handle(const ice::PairNominated& output) {
  Path& path = PathOf(output.stream, output.component);
  if (path.selected && *path.selected != output.pair) ++path_changes_;
  path.selected = output.pair;
  path.data.OnSelected(host_.Now());
  if (path.early_pair == output.pair) AcceptData(path, path.early, path.early_tag);
  path.early.clear();
}

void IceEndpoint::Handle(const ice::Connected&) {
  times_.nominated = host_.Now();
  if (!finished()) state_ = EndpointState::kConfirming;
}

void IceEndpoint::Handle(const ice::DataReceived& output) {
  Path& path = PathOf(output.stream, output.component);
  if (!path.selected) {
    path.early.assign(output.bytes.begin(), output.bytes.end());
    path.early_pair = output.pair;
    path.early_tag = output.tag;
  } else if (*path.selected == output.pair) {
    AcceptData(path, output.bytes, output.tag);
  }
}

void IceEndpoint::AcceptData(Path& path, net::ByteView bytes, net::PacketTag tag) {
  path.data.OnData(host_.Now(), bytes);
  if (&path == &paths_.front() && !times_.first_data && path.data.first_received()) {
    times_.first_data = host_.Now();
    first_data_tag_ = tag;
  }
  const auto received = [](const Path& one) { return one.selected && one.data.received_all(); };
  if (!finished() && std::all_of(paths_.begin(), paths_.end(), received)) {
    times_.connected = host_.Now();
    state_ = EndpointState::kConnected;
  }
  const auto confirmed = [](const Path& one) { return one.data.confirmed(); };
  if (!times_.confirmed && std::all_of(paths_.begin(), paths_.end(), confirmed)) times_.confirmed = host_.Now();
}

void IceEndpoint::Handle(const ice::ConsentLost&) {
  if (!times_.consent_lost) times_.consent_lost = host_.Now();
}

void IceEndpoint::Handle(const ice::Failed& output) {
  Fail(absl::StrCat(ice::ToString(output.phase), ": ", ice::ToString(output.reason)));
}

void IceEndpoint::TakePeerDescription() {
  while (const std::optional<std::vector<std::uint8_t>> bytes = channel_->TakePeerDescription()) {
    if (has_remote_ || finished()) continue;
    const std::optional<ice::Description> description = ice::ParseDescription(*bytes);
    if (!description) {
      Fail("exchange: the peer's description cannot be read");
      continue;
    }
    has_remote_ = true;
    if (state_ == EndpointState::kExchanging) {
      times_.exchanged = host_.Now();
      state_ = EndpointState::kChecking;
    }
    agent_.SetRemote(host_.Now(), *description);
  }
}

void IceEndpoint::Fail(std::string why) {
  if (finished()) return;
  state_ = EndpointState::kFailed;
  times_.failed = host_.Now();
  failure_ = std::move(why);
}

void IceEndpoint::SetAlarm() {
  net::Earliest next;
  next.Add(agent_.NextTimer());
  next.Add(channel_->NextTimer());
  for (const Path& path : paths_) next.Add(path.data.NextTimer());
  if (!has_remote_ && !finished()) next.Add(exchange_deadline_);
  host_.WakeAt(next.at());
}

IceEndpoint::Path& IceEndpoint::PathOf(int stream, int component) {
  return *std::find_if(paths_.begin(), paths_.end(),
                       [&](const Path& path) { return path.stream == stream && path.component == component; });
}

std::optional<ice::SocketTag> IceEndpoint::TagOf(net::SocketId socket) const {
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    if (sockets_[i] == socket) return static_cast<ice::SocketTag>(i);
  }
  return std::nullopt;
}

std::string IceEndpoint::Failure() const { return failure_; }

EndpointReport IceEndpoint::Report() const {
  EndpointReport report;
  report.name = options_.name;
  report.state = state_;
  report.failure = failure_;
  report.role = agent_.role();
  report.times = times_;
  for (const ice::Candidate& candidate : agent_.LocalCandidates()) {
    ReportedCandidate reported;
    reported.candidate = candidate;
    switch (candidate.type) {
      case ice::CandidateType::kHost:
        for (const net::Interface& interface : host_.Interfaces()) {
          for (const net::InterfaceAddress& address : interface.addresses) {
            if (address.address == candidate.address.address()) {
              reported.learned = absl::StrCat("interface ", interface.name);
            }
          }
        }
        break;
      case ice::CandidateType::kServerReflexive:
        reported.learned = absl::StrCat("STUN ", candidate.server.ToString());
        break;
      case ice::CandidateType::kRelayed:
        reported.learned = absl::StrCat("TURN ", candidate.server.ToString());
        break;
      case ice::CandidateType::kPeerReflexive:
        reported.learned = "a peer's answer";
        break;
    }
    report.candidates.push_back(std::move(reported));
  }
  report.path_changes = path_changes_;
  report.pairs = agent_.CheckListSnapshot();
  for (const Path& path : paths_) {
    report.largest_data_gap = std::max(report.largest_data_gap, path.data.largest_gap());
    if (const std::optional<ice::PairView> pair = agent_.SelectedPair(path.stream, path.component)) {
      report.selected.push_back(*pair);
    }
  }
  report.unanswered = agent_.UnansweredRequests();
  report.counters = agent_.counters();
  return report;
}

}  // namespace pinhole::apps
