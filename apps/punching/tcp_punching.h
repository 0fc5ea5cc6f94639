#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/punching/punching_signal.h"
#include "net/host.h"

namespace pinhole::apps {

// Ways to a TCP connection between two hosts behind NATs that know each other's public endpoints (RFC 5128 §3.4;
// Ford, Srisuresh and Kegel 2005 §4). A is side 0, B side 1; both use one local port for everything.
enum class PunchingTechnique : std::uint8_t {
  kConnect,                // B listens, A connects
  kSimultaneousOpen,       // both connect: RFC 9293 §3.5's crossing SYNs
  kSynThenListen,          // A sends a SYN, closes that socket and listens; told so, B connects (STUNT's second way)
  kLowTtlSyn,              // both connect with a low TTL, which is put back at once: a retransmitted SYN opens
  kForgedGuessedNumber,    // both send low-TTL SYNs; the rendezvous forges SYN,ACKs that acknowledge a guess
  kForgedExchangedNumber,  // the same, with the sequence numbers that the SYNs had (NATBLASTER, STUNT's first way)
  kUdp,                    // both send datagrams: what the same peers would get without TCP
};
const char* ToString(PunchingTechnique technique);

// One side. The sides start each try together as libp2p's DCUtR does: B sends CONNECT, A answers, B takes the round
// trip time, sends SYNC and waits half of it; A acts when SYNC comes.
//
//   kStart --> kMeeting --PEER--> kWaiting --SYNC--> kTrying --data both ways--> kConfirmed
//                                     ^---next try-----'  `---tries used up----> kFailed
class TcpPunching final : public net::App {
 public:
  struct Options {
    std::string session;
    int side = 0;
    net::SocketAddress rendezvous;
    PunchingTechnique technique = PunchingTechnique::kSimultaneousOpen;
    int tries = 1;
    // Of kLowTtlSyn and the forged ones: past all own NATs and short of the peer's.
    std::uint8_t ttl = 2;
    // B acts so much later than it should; sooner if negative. The second is a share of half the round trip time
    // that B measured, in millionths. They add up.
    net::Duration timing_error{};
    std::int64_t timing_error_ppm = 0;
    // A try is over this long after it began.
    net::Duration try_timeout = std::chrono::seconds(5);
    // kSynThenListen: from closing to listening. The port is closed meanwhile.
    net::Duration listen_after{};
    // kSimultaneousOpen: each side listens on its port besides, as Ford's peers do (§4.2).
    bool also_listens = false;
    // Of application data that each side sends, and the other must have whole: at least 1.
    std::uint64_t data_bytes = 100;
    net::Duration start_offset{};
    // The next word from the rendezvous or the peer comes within this, or never.
    net::Duration patience = std::chrono::seconds(60);
  };
  enum class State : std::uint8_t { kStart, kMeeting, kWaiting, kTrying, kConfirmed, kFailed };

  struct Report {
    State state = State::kStart;
    std::string failure;                    // empty unless kFailed
    std::optional<net::SocketAddress> own;  // public endpoints, as the rendezvous told
    std::optional<net::SocketAddress> peer;
    int tries = 0;                            // begun
    std::optional<net::Instant> started;      // of the first try
    std::optional<net::Instant> try_started;  // of the last
    std::optional<net::Instant> connected;    // handshake over, of the connection that counts
    std::optional<net::Instant> confirmed;
    std::uint64_t data_received = 0;
  };

  // `host` must outlive the program.
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

  // Meeting.
  void Meet();
  void OnSignal(const PunchingSignal& signal);
  void Tell(PunchingSignal::Kind kind, std::optional<std::uint32_t> number = std::nullopt);
  void SendUdpHello();
  // Trying.
  void BeginRound();  // B
  void PlanDial(net::Duration round_trip);
  void Dial();
  void Open();  // a connection to the peer
  void Listen();
  void EndTry();
  void CloseTry();
  void Adopt(net::SocketId connection);
  // Data.
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
  net::SocketAddress local_;  // of everything
  std::optional<net::SocketId> udp_;

  int attempt_ = 0;
  std::string last_error_;  // of the try's sockets
  net::Instant connect_sent_{};
  std::optional<net::SocketId> opening_;  // not established yet
  std::optional<net::SocketId> listener_;
  std::optional<net::SocketId> connection_;  // established
  std::uint64_t written_ = 0;
  bool peer_heard_ = false;  // kUdp
  net::SocketAddress answer_to_;

  // Alarms.
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
