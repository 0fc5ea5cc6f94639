#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "apps/punching/punching_signal.h"
#include "net/host.h"

namespace pinhole::apps {

// Techniques to get a TCP connection between two hosts behind NATs that know each other's public endpoints
// (RFC 5128 §3.4; Ford, Srisuresh and Kegel 2005 §4). A is side 0, B is side 1. Each side uses one local port for
// everything.
enum class PunchingTechnique : std::uint8_t {
  kConnect,           // B listens, A connects
  kSimultaneousOpen,  // both connect; the SYNs cross (RFC 9293 §3.5)
  // A sends a SYN, closes that socket and listens; then it tells B, and B connects (the second variant of STUNT)
  kSynThenListen,
  kLowTtlSyn,            // both connect with a low TTL and restore it at once; a retransmitted SYN opens the connection
  kForgedGuessedNumber,  // both send low-TTL SYNs; the rendezvous forges SYN,ACKs that acknowledge a guessed number
  kForgedExchangedNumber,  // the same with the true sequence numbers of the SYNs (NATBLASTER, STUNT's first variant)
  kUdp,                    // both send datagrams, to compare with what the same peers get without TCP
};
inline constexpr int kPunchingTechniqueCount = static_cast<int>(PunchingTechnique::kUdp) + 1;

// Stable lower-case name, such as "low_ttl_syn".
const char* ToString(PunchingTechnique technique);
// The technique whose name is `name`; nullopt: there is none.
std::optional<PunchingTechnique> PunchingTechniqueOf(absl::string_view name);

// One side of a punching: A (side 0) or B (side 1). The sides start each try at the same time, as in libp2p's DCUtR: B
// sends CONNECT, and A answers. B thereby measures the round trip time, sends SYNC, and waits half of that time. A acts
// when SYNC arrives.
//
//   kStart --> kMeeting --PEER--> kWaiting --SYNC--> kTrying --data both ways--> kConfirmed
//                                     ^---next try-----'  `---tries used up----> kFailed
//
// PEER, CONNECT and SYNC are lines of punching_signal.h. SYNC in the diagram: A receives it, or half a round trip has
// passed since B sent it.
class TcpPunching final : public net::App {
 public:
  struct Options {
    std::string session;
    int side = 0;
    net::SocketAddress rendezvous;
    PunchingTechnique technique = PunchingTechnique::kSimultaneousOpen;
    int tries = 1;
    // For kLowTtlSyn and the forged techniques: large enough to pass this side's own NATs, too small to reach the
    // peer's NAT.
    std::uint8_t ttl = 2;
    // B acts too late by the sum of two errors: timing_error, and timing_error_ppm millionths of half the round trip
    // time that B measured. A negative sum makes B act too early.
    net::Duration timing_error{};
    std::int64_t timing_error_ppm = 0;
    // A try ends this long after it began.
    net::Duration try_timeout = std::chrono::seconds(5);
    // kSynThenListen: the time from closing the port to listening on it.
    net::Duration listen_after{};
    // kSimultaneousOpen: each side also listens on its port, as the peers of Ford, Srisuresh and Kegel (2005, §4.2) do.
    bool also_listens = false;
    // Bytes of application data that each side sends, and that the other side must receive completely. At least 1.
    std::uint64_t data_bytes = 100;
    net::Duration start_offset{};
    // Fails if nothing arrives from the rendezvous or the peer for this long.
    net::Duration patience = std::chrono::seconds(60);
  };
  enum class State : std::uint8_t { kStart, kMeeting, kWaiting, kTrying, kConfirmed, kFailed };

  struct Report {
    State state = State::kStart;
    std::string failure;                    // empty unless kFailed
    std::optional<net::SocketAddress> own;  // public endpoints, as the rendezvous reported them
    std::optional<net::SocketAddress> peer;
    int tries = 0;                            // number of tries begun
    std::optional<net::Instant> started;      // start of the first try
    std::optional<net::Instant> try_started;  // start of the last try
    std::optional<net::Instant> connected;    // end of the handshake of the connection that is used
    std::optional<net::Instant> confirmed;
    std::uint64_t data_received = 0;
  };

  // REQUIRES: `host` outlives the program.
  TcpPunching(net::Host& host, const Options& options) : host_(host), options_(options) {}

  const Report& report() const { return report_; }
  bool finished() const { return report_.state == State::kConfirmed || report_.state == State::kFailed; }

  void OnStart() override;
  void OnTimer() override;
  void OnDatagram(const net::Datagram& datagram) override;
  void OnTcpAccepted(net::SocketId listener, net::SocketId connection, const net::SocketAddress& from) override;
  void OnTcpConnected(net::SocketId connection) override;
  void OnTcpReadable(net::SocketId connection) override;
  void OnTcpWritable(net::SocketId connection) override;
  void OnTcpClosed(net::SocketId connection) override;
  void OnTcpReset(net::SocketId connection, const absl::Status& why) override;

 private:
  bool is_a() const { return options_.side == 0; }
  bool is_udp() const { return options_.technique == PunchingTechnique::kUdp; }
  bool is_forged() const {
    return options_.technique == PunchingTechnique::kForgedGuessedNumber ||
           options_.technique == PunchingTechnique::kForgedExchangedNumber;
  }

  // State kMeeting: exchanges lines with the rendezvous server.
  void Meet();
  void OnSignal(const PunchingSignal& signal);
  void Tell(PunchingSignal::Kind kind, std::optional<std::uint32_t> number = std::nullopt);
  void SendUdpHello();
  // States kWaiting and kTrying: starts a try, opens its sockets, and ends it.
  void BeginRound();  // B only
  void PlanDial(net::Duration round_trip);
  void Dial();
  void Open();  // connects to the peer
  void Listen();
  void EndTry();
  void CloseTry();
  void Adopt(net::SocketId connection);
  // Confirms a connection, or a path of kUdp, by sending data.
  void WriteData();
  void SendPunch();
  void OnPunch(const net::Datagram& datagram);
  void Confirm();

  void Fail(std::string why);
  net::TcpOptions OptionsOf(net::PacketClass packet_class, std::uint8_t ttl) const;
  void SetAlarm();

  net::Host& host_;
  const Options options_;
  Report report_;
  std::optional<net::SocketId> rendezvous_;
  PunchingLines lines_;
  net::SocketAddress local_;  // of all sockets
  std::optional<net::SocketId> udp_;

  int attempt_ = 0;
  std::string last_error_;  // of this try's sockets
  net::Instant connect_sent_{};
  std::optional<net::SocketId> opening_;  // a connection that is not established yet
  std::optional<net::SocketId> listener_;
  std::optional<net::SocketId> connection_;  // the established connection
  std::uint64_t written_ = 0;
  bool peer_heard_ = false;  // kUdp only
  net::SocketAddress answer_to_;

  // The times at which something is due; kNever: nothing is.
  net::Instant start_at_ = net::kNever;
  net::Instant hello_at_ = net::kNever;
  net::Instant sync_at_ = net::kNever;
  net::Instant dial_at_ = net::kNever;
  net::Instant listen_at_ = net::kNever;
  net::Instant punch_at_ = net::kNever;
  net::Instant try_ends_at_ = net::kNever;
  net::Instant patience_ends_at_ = net::kNever;
};

}  // namespace pinhole::apps
