#include "apps/punching/tcp_punching.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/contract.h"

namespace pinhole::apps {
namespace {

constexpr net::Duration kHelloInterval = std::chrono::milliseconds(200);
// The intervals between datagrams of kUdp. A sends every 50 ms. B, like the peer that punches for QUIC in libp2p's
// DCUtR, sends after a random time of 10 to 200 ms.
constexpr net::Duration kPunchInterval = std::chrono::milliseconds(50);
constexpr std::uint64_t kPunchIntervalMinMs = 10;
constexpr std::uint64_t kPunchIntervalSpreadMs = 191;

// A datagram of kUdp has two bytes: kPunchByte, and then 1 if the sender has received a datagram, else 0.
constexpr std::uint8_t kPunchByte = 'p';

net::ByteView BytesOf(const std::string& text) {
  return net::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

bool IsDue(net::Instant& alarm, net::Instant now) {
  if (alarm > now) return false;
  alarm = net::kNever;
  return true;
}

struct TechniqueName {
  PunchingTechnique technique;
  const char* name;
};
// The names of all techniques, in the order of PunchingTechnique.
constexpr TechniqueName kTechniques[] = {
    {PunchingTechnique::kConnect, "connect"},
    {PunchingTechnique::kSimultaneousOpen, "simultaneous_open"},
    {PunchingTechnique::kSynThenListen, "syn_then_listen"},
    {PunchingTechnique::kLowTtlSyn, "low_ttl_syn"},
    {PunchingTechnique::kForgedGuessedNumber, "forged_guessed_number"},
    {PunchingTechnique::kForgedExchangedNumber, "forged_exchanged_number"},
    {PunchingTechnique::kUdp, "udp"},
};

constexpr bool HasEveryTechniqueInOrder() {
  if (std::size(kTechniques) != kPunchingTechniqueCount) return false;
  for (std::size_t i = 0; i < std::size(kTechniques); ++i) {
    if (kTechniques[i].technique != static_cast<PunchingTechnique>(i)) return false;
  }
  return true;
}
static_assert(HasEveryTechniqueInOrder());

}  // namespace

const char* ToString(PunchingTechnique technique) {
  const std::size_t index = static_cast<std::size_t>(technique);
  if (index >= std::size(kTechniques)) std::abort();
  return kTechniques[index].name;
}

std::optional<PunchingTechnique> PunchingTechniqueOf(absl::string_view name) {
  for (const TechniqueName& one : kTechniques) {
    if (name == one.name) return one.technique;
  }
  return std::nullopt;
}

void TcpPunching::OnStart() {
  start_at_ = host_.Now() + options_.start_offset;
  OnTimer();
}

void TcpPunching::OnTimer() {
  const net::Instant now = host_.Now();
  if (!finished()) {
    if (IsDue(start_at_, now)) Meet();
    if (IsDue(hello_at_, now)) SendUdpHello();
    if (IsDue(dial_at_, now)) Dial();
    if (IsDue(sync_at_, now)) Tell(PunchingSignal::Kind::kSync);
    if (IsDue(listen_at_, now)) Listen();
    if (IsDue(punch_at_, now)) SendPunch();
    if (IsDue(try_ends_at_, now)) EndTry();
    if (IsDue(patience_ends_at_, now)) {
      Fail(report_.peer ? "the other side is no longer heard over the rendezvous"
                        : "the other side did not come to the rendezvous");
    }
  }
  SetAlarm();
}

void TcpPunching::SetAlarm() {
  net::Instant next = net::kNever;
  if (!finished()) {
    next = std::min({start_at_, hello_at_, sync_at_, dial_at_, listen_at_, punch_at_, try_ends_at_, patience_ends_at_});
  }
  host_.WakeAt(next);
}

void TcpPunching::Fail(std::string why) {
  if (finished()) return;
  report_.state = State::kFailed;
  report_.failure = std::move(why);
  CloseTry();
}

// ---- Meeting -----------------------------------------------------------------------------------------------------

net::TcpOptions TcpPunching::OptionsOf(net::PacketClass packet_class, std::uint8_t ttl) const {
  net::TcpOptions options;
  options.reuse_address = true;
  options.packet_class = packet_class;
  options.ttl = ttl;
  return options;
}

void TcpPunching::Meet() {
  report_.state = State::kMeeting;
  patience_ends_at_ = host_.Now() + options_.patience;
  const net::SocketAddress any(net::IpAddress::Unspecified(options_.rendezvous.family()), 0);
  const absl::StatusOr<net::SocketId> connection =
      host_.Connect(any, options_.rendezvous, OptionsOf(net::PacketClass::kSignalling, 0));
  if (!connection.ok()) {
    Fail(absl::StrCat("rendezvous: ", connection.status().message()));
    return;
  }
  rendezvous_ = *connection;
  local_ = *host_.LocalAddress(*connection);
  if (!is_udp()) return;
  const absl::StatusOr<net::SocketId> udp = host_.OpenUdp(local_);
  if (!udp.ok()) {
    Fail(absl::StrCat("UDP: ", udp.status().message()));
    return;
  }
  udp_ = *udp;
}

void TcpPunching::SendUdpHello() {
  PunchingSignal hello;
  hello.session = options_.session;
  hello.side = options_.side;
  hello.udp = true;
  net::SendOptions options;
  options.packet_class = net::PacketClass::kDiscovery;
  host_.SendTo(*udp_, options_.rendezvous, BytesOf(hello.ToLine()), options);
  hello_at_ = host_.Now() + kHelloInterval;
}

void TcpPunching::Tell(PunchingSignal::Kind kind, std::optional<std::uint32_t> number) {
  if (!rendezvous_) return;
  PunchingSignal signal;
  signal.kind = kind;
  signal.attempt = attempt_;
  signal.number = number;
  net::SendOptions options;
  options.packet_class = net::PacketClass::kSignalling;
  host_.Write(*rendezvous_, BytesOf(signal.ToLine()), options).IgnoreError();
}

void TcpPunching::OnSignal(const PunchingSignal& signal) {
  switch (signal.kind) {
    case PunchingSignal::Kind::kPeer:
      if (report_.state != State::kMeeting) return;
      report_.own = signal.own;
      report_.peer = signal.other;
      report_.state = State::kWaiting;
      hello_at_ = net::kNever;
      patience_ends_at_ = host_.Now() + options_.patience;
      if (!is_a()) BeginRound();
      return;
    case PunchingSignal::Kind::kConnect:
      if (report_.state != State::kWaiting && report_.state != State::kTrying) return;
      if (is_a()) {
        if (signal.attempt <= attempt_) return;
        CloseTry();
        report_.state = State::kWaiting;
        attempt_ = signal.attempt;
        patience_ends_at_ = host_.Now() + options_.patience;
        Tell(PunchingSignal::Kind::kConnect);
      } else if (signal.attempt == attempt_ && report_.state == State::kWaiting) {
        PlanDial(host_.Now() - connect_sent_);
      }
      return;
    case PunchingSignal::Kind::kSync:
      if (is_a() && signal.attempt == attempt_ && report_.state == State::kWaiting) Dial();
      return;
    case PunchingSignal::Kind::kReady:
      if (!is_a() && signal.attempt == attempt_ && report_.state == State::kWaiting) {
        dial_at_ = host_.Now() + std::max(options_.timing_error, net::Duration::zero());
      }
      return;
    case PunchingSignal::Kind::kRefused:
      if (signal.attempt == attempt_) last_error_ = "the rendezvous may not forge segments";
      return;
    case PunchingSignal::Kind::kHello:
    case PunchingSignal::Kind::kForge:
      return;
  }
}

// ---- Trying ------------------------------------------------------------------------------------------------------

void TcpPunching::BeginRound() {
  report_.state = State::kWaiting;
  ++attempt_;
  connect_sent_ = host_.Now();
  patience_ends_at_ = host_.Now() + options_.patience;
  Tell(PunchingSignal::Kind::kConnect);
}

void TcpPunching::PlanDial(net::Duration round_trip) {
  if (options_.technique == PunchingTechnique::kSynThenListen) {
    Tell(PunchingSignal::Kind::kSync);  // A acts first, and B acts when READY arrives
    return;
  }
  const net::Duration half = round_trip / 2;
  const net::Duration share((half.count() / 1000) * options_.timing_error_ppm / 1000);
  const net::Duration wait = half + options_.timing_error + share;
  const net::Duration zero = net::Duration::zero();
  dial_at_ = host_.Now() + std::max(wait, zero);
  sync_at_ = host_.Now() + std::max(-wait, zero);  // a negative wait: B acts before A has received SYNC
}

void TcpPunching::Dial() {
  const net::Instant now = host_.Now();
  report_.state = State::kTrying;
  report_.connected.reset();
  report_.data_received = 0;
  ++report_.tries;
  if (!report_.started) report_.started = now;
  report_.try_started = now;
  patience_ends_at_ = net::kNever;
  try_ends_at_ = now + options_.try_timeout;
  last_error_.clear();
  switch (options_.technique) {
    case PunchingTechnique::kConnect:
      if (is_a()) {
        Open();
      } else {
        Listen();
      }
      return;
    case PunchingTechnique::kSimultaneousOpen:
      Open();
      if (options_.also_listens) Listen();
      return;
    case PunchingTechnique::kSynThenListen:
      Open();
      if (!is_a() || !opening_) return;
      host_.Close(*std::exchange(opening_, std::nullopt));
      listen_at_ = now + options_.listen_after;
      Tell(PunchingSignal::Kind::kReady);
      return;
    case PunchingTechnique::kLowTtlSyn:
      Open();
      if (opening_) host_.SetTtl(*opening_, 0).IgnoreError();
      return;
    case PunchingTechnique::kForgedGuessedNumber:
      Open();
      if (opening_) Tell(PunchingSignal::Kind::kForge);
      return;
    case PunchingTechnique::kForgedExchangedNumber: {
      Open();
      if (!opening_) return;
      const absl::StatusOr<std::uint32_t> number = host_.InitialSequenceNumber(*opening_);
      if (number.ok()) {
        Tell(PunchingSignal::Kind::kForge, *number);
      } else {
        last_error_ = std::string(number.status().message());
      }
      return;
    }
    case PunchingTechnique::kUdp:
      answer_to_ = *report_.peer;
      SendPunch();
      return;
  }
}

void TcpPunching::Open() {
  const bool low = options_.technique == PunchingTechnique::kLowTtlSyn || is_forged();
  const absl::StatusOr<net::SocketId> connection =
      host_.Connect(local_, *report_.peer, OptionsOf(net::PacketClass::kCheck, low ? options_.ttl : 0));
  if (connection.ok()) {
    opening_ = *connection;
  } else {
    last_error_ = std::string(connection.status().message());
  }
}

void TcpPunching::Listen() {
  const absl::StatusOr<net::SocketId> listener = host_.Listen(local_, OptionsOf(net::PacketClass::kCheck, 0));
  if (listener.ok()) {
    listener_ = *listener;
  } else {
    last_error_ = std::string(listener.status().message());
  }
}

void TcpPunching::CloseTry() {
  for (std::optional<net::SocketId>* socket : {&opening_, &listener_}) {
    if (*socket) host_.Close(**socket);
    socket->reset();
  }
  if (connection_) host_.Abort(*connection_).IgnoreError();
  connection_.reset();
  dial_at_ = net::kNever;
  sync_at_ = net::kNever;
  listen_at_ = net::kNever;
  punch_at_ = net::kNever;
  try_ends_at_ = net::kNever;
  written_ = 0;
  peer_heard_ = false;
}

void TcpPunching::EndTry() {
  std::string why = last_error_;
  if (why.empty() && connection_) {
    why = absl::StrCat("connected, but of the data ", report_.data_received, " of ", options_.data_bytes,
                       " bytes came in time");
  }
  if (why.empty()) why = "no answer in time";
  const bool last = attempt_ >= options_.tries;
  if (last) {
    Fail(absl::StrCat(ToString(options_.technique), ": ", why));
    return;
  }
  CloseTry();
  report_.state = State::kWaiting;
  patience_ends_at_ = host_.Now() + options_.patience;
  if (!is_a()) BeginRound();
}

// Called when a handshake is over. From now on `connection` is the connection that data must confirm.
void TcpPunching::Adopt(net::SocketId connection) {
  connection_ = connection;
  report_.connected = host_.Now();
  host_.SetTtl(connection, 0).IgnoreError();
  if (opening_) host_.Close(*std::exchange(opening_, std::nullopt));
  if (listener_) host_.Close(*std::exchange(listener_, std::nullopt));
  WriteData();
}

void TcpPunching::OnTcpConnected(net::SocketId connection) {
  if (rendezvous_ == connection) {
    PunchingSignal hello;
    hello.session = options_.session;
    hello.side = options_.side;
    hello.udp = is_udp();
    net::SendOptions options;
    options.packet_class = net::PacketClass::kSignalling;
    host_.Write(connection, BytesOf(hello.ToLine()), options).IgnoreError();
    if (is_udp()) SendUdpHello();
  } else if (opening_ == connection) {
    opening_.reset();
    Adopt(connection);
  }
  SetAlarm();
}

void TcpPunching::OnTcpAccepted(net::SocketId listener, net::SocketId connection, const net::SocketAddress& from) {
  if (listener_ != listener || connection_ || from.address() != report_.peer->address()) {
    host_.Abort(connection).IgnoreError();
    return;
  }
  Adopt(connection);
  SetAlarm();
}

void TcpPunching::OnTcpReadable(net::SocketId connection) {
  std::array<std::uint8_t, 4096> buffer;
  while (rendezvous_ == connection || connection_ == connection) {
    const absl::StatusOr<std::size_t> read = host_.Read(connection, buffer);
    if (!read.ok() || *read == 0) break;
    if (rendezvous_ == connection) {
      lines_.Add(net::ByteView(buffer.data(), *read));
      while (const std::optional<std::string> line = lines_.Take()) {
        if (const std::optional<PunchingSignal> signal = PunchingSignal::Parse(*line)) OnSignal(*signal);
      }
    } else {
      report_.data_received += *read;
      WriteData();
      // The byte after the data says that the peer has received all data of this side.
      if (report_.data_received > options_.data_bytes) Confirm();
    }
    if (*read < buffer.size()) break;
  }
  SetAlarm();
}

void TcpPunching::OnTcpWritable(net::SocketId connection) {
  if (connection_ == connection) WriteData();
}

void TcpPunching::OnTcpClosed(net::SocketId connection) {
  if (rendezvous_ == connection) {
    host_.Close(*std::exchange(rendezvous_, std::nullopt));
    if (!report_.peer) Fail("the rendezvous closed the connection");
  }
  SetAlarm();
}

void TcpPunching::OnTcpReset(net::SocketId connection, const absl::Status& why) {
  if (rendezvous_ == connection) {
    rendezvous_.reset();
    if (!report_.peer) Fail(absl::StrCat("rendezvous: ", why.message()));
  } else if (opening_ == connection || connection_ == connection) {
    last_error_ = absl::StrCat(opening_ == connection ? "" : "connected, then ", why.message());
    opening_.reset();
    connection_.reset();
  }
  SetAlarm();
}

// ---- Data --------------------------------------------------------------------------------------------------------

// Writes all data, and one more byte after all data of the peer has arrived.
void TcpPunching::WriteData() {
  static constexpr std::array<std::uint8_t, 4096> kPattern = {};
  net::SendOptions options;
  options.packet_class = net::PacketClass::kData;
  while (connection_) {
    const std::uint64_t wanted = options_.data_bytes + (report_.data_received >= options_.data_bytes ? 1 : 0);
    if (written_ >= wanted) return;
    const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(wanted - written_, kPattern.size()));
    const absl::StatusOr<std::size_t> taken = host_.Write(*connection_, net::ByteView(kPattern.data(), size), options);
    if (!taken.ok() || *taken == 0) return;
    written_ += *taken;
  }
}

void TcpPunching::SendPunch() {
  const std::uint8_t punch[2] = {kPunchByte, static_cast<std::uint8_t>(peer_heard_ ? 1 : 0)};
  net::SendOptions options;
  options.packet_class = peer_heard_ ? net::PacketClass::kData : net::PacketClass::kCheck;
  host_.SendTo(*udp_, answer_to_, punch, options);
  if (finished()) return;
  const net::Duration interval =
      is_a() ? kPunchInterval
             : std::chrono::milliseconds(kPunchIntervalMinMs +
                                         host_.Random("punching/interval").Below(kPunchIntervalSpreadMs));
  punch_at_ = host_.Now() + interval;
}

void TcpPunching::OnDatagram(const net::Datagram& datagram) {
  if (udp_ != datagram.socket || datagram.payload.size() != 2 || datagram.payload[0] != kPunchByte) return;
  if (report_.state != State::kTrying && report_.state != State::kConfirmed) return;
  OnPunch(datagram);
  SetAlarm();
}

// Answers go to the source of the received datagram, even if the rendezvous reported another endpoint.
void TcpPunching::OnPunch(const net::Datagram& datagram) {
  const bool heard_us = datagram.payload[1] == 1;
  const bool news = !peer_heard_;
  peer_heard_ = true;
  answer_to_ = datagram.from;
  if (!report_.connected) report_.connected = host_.Now();
  if (heard_us) Confirm();
  if (news || !heard_us) SendPunch();
}

void TcpPunching::Confirm() {
  if (finished()) return;
  report_.state = State::kConfirmed;
  report_.confirmed = host_.Now();
}

}  // namespace pinhole::apps
