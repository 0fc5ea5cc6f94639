#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "net/host.h"

// NAT Check, the program of Ford, Srisuresh and Kegel (2005, §6.1). A client behind a NAT and three servers find out
// whether the NAT allows UDP and TCP hole punching.
//
//     client --UDP, TCP--> server 1      reports the endpoint that it sees
//        `---UDP, TCP----> server 2      the same; for TCP only after server 3 has reported the result of its SYN
//                              `---> server 3 --SYN--> the client's endpoint, unsolicited. After 5 s it reports
//                                                      "silent", and keeps trying for 20 s, in which the client
//                                                      connects to it
//
// Messages are lines of text. UDP: "CHECK" is answered by "SEEN <endpoint>". "HAIRPIN" is sent from a second socket of
// the client to the public endpoint of the first one. TCP: the server sends the first line, "SEEN <endpoint>
// <silent|refused|accepted|->". Between servers 2 and 3, over UDP: "ASK <endpoint>" is answered by "TOLD <endpoint>
// <silent|refused|accepted>".
namespace pinhole::apps {

// The result of the SYN that server 3 sends, unsolicited, to the public endpoint of the client.
enum class UnsolicitedSyn : std::uint8_t { kSilent, kRefused, kAccepted };
const char* ToString(UnsolicitedSyn what);

class NatCheckServer final : public net::App {
 public:
  struct Options {
    int number = 1;               // 1 to 3
    net::SocketAddress listen;    // for UDP and TCP
    net::SocketAddress server_3;  // for server 2 only
  };

  // REQUIRES: `host` outlives the server.
  NatCheckServer(net::Host& host, const Options& options) : host_(host), options_(options) {}

  void OnStart() override;
  void OnDatagram(const net::Datagram& datagram) override;
  void OnTimer() override;
  void OnTcpAccepted(net::SocketId listener, net::SocketId connection, const net::SocketAddress& from) override;
  void OnTcpConnected(net::SocketId connection) override;
  void OnTcpReset(net::SocketId connection, const absl::Status& why) override;

  const absl::Status& status() const { return status_; }

 private:
  // One attempt of server 3 to reach a client.
  struct Attempt {
    net::SocketAddress client;
    net::SocketAddress asked_by;
    net::Instant tell_at;
    net::Instant give_up_at;
    bool told = false;
    std::optional<net::SocketId> connection;
  };
  void Tell(Attempt& attempt, UnsolicitedSyn what);
  void SendLine(const net::SocketAddress& to, const std::string& line);
  void WriteSeen(net::SocketId connection, const net::SocketAddress& client, const char* what);
  void SetAlarm();

  net::Host& host_;
  const Options options_;
  absl::Status status_;
  std::optional<net::SocketId> udp_;
  std::map<net::SocketAddress, net::SocketId> waiting_;  // server 2: clients that wait for the result of server 3
  std::vector<Attempt> attempts_;
};

// The client runs two tests side by side. Each test has its own phases:
//
//     UDP   kNotStarted --> kAsking --server 2 has answered--> kHairpinning --all is back, or udp_patience--> kOver
//                              `------------------------udp_patience-----------------------------------------^
//
//           kAsking:      CHECK goes to servers 1 and 2 until they answer.
//           kHairpinning: HAIRPIN goes to the endpoint that server 2 sees, and CHECK to server 1 until it answers.
//
//     TCP   kNotStarted --> kAsking --server 2 has answered--> kConnecting --5 s--> kOver
//                              `---tcp_patience, or no port to connect from---------^
//
//           kAsking:      connected to servers 1 and 2 from one port, and listening on it; server 2 answers when
//                         server 3 has reported the result of its SYN.
//           kConnecting:  connects to the endpoint that server 2 sees, and to server 3 if its SYN was not answered.
//
// A test that is not wanted is kOver from the start.
class NatCheckClient final : public net::App {
 public:
  struct Options {
    net::SocketAddress servers[3];
    // Which tests are run. In the paper, not every volunteer ran every test.
    bool udp = true;
    bool udp_hairpin = true;
    bool tcp = true;
    bool tcp_hairpin = true;
    net::Duration udp_patience = std::chrono::seconds(3);
    net::Duration tcp_patience = std::chrono::seconds(25);
  };
  // The results. A std::optional without a value means that its test was not run.
  struct Report {
    // Servers 1 and 2 saw the same endpoint.
    std::optional<bool> udp;
    std::optional<bool> udp_hairpin;
    // Servers 1 and 2 saw the same endpoint, and the NAT did not refuse the SYN of server 3.
    std::optional<bool> tcp;
    std::optional<bool> tcp_hairpin;
    std::vector<net::SocketAddress> udp_seen;  // endpoints that servers 1 and 2 saw
    std::vector<net::SocketAddress> tcp_seen;
    std::optional<UnsolicitedSyn> unsolicited;
    bool simultaneous_open = false;  // with server 3, afterwards
  };

  // REQUIRES: `host` outlives the client.
  NatCheckClient(net::Host& host, const Options& options) : host_(host), options_(options) {}

  void OnStart() override;
  void OnDatagram(const net::Datagram& datagram) override;
  void OnTimer() override;
  void OnTcpConnected(net::SocketId connection) override;
  void OnTcpReadable(net::SocketId connection) override;
  void OnTcpReset(net::SocketId connection, const absl::Status& why) override;

  bool finished() const { return udp_.phase == UdpTest::Phase::kOver && tcp_.phase == TcpTest::Phase::kOver; }
  Report report() const;

 private:
  struct UdpTest {
    enum class Phase : std::uint8_t { kNotStarted, kAsking, kHairpinning, kOver };
    Phase phase = Phase::kNotStarted;
    net::SocketId asking{};
    net::SocketId hairpinning{};
    std::optional<net::SocketAddress> seen[2];  // by servers 1 and 2
    bool hairpinned = false;
    // The times of the next resend and of the end of the test; kNever: the test is not running.
    net::Instant resend_at = net::kNever;
    net::Instant ends_at = net::kNever;

    bool running() const { return phase == Phase::kAsking || phase == Phase::kHairpinning; }
  };
  struct TcpTest {
    enum class Phase : std::uint8_t { kNotStarted, kAsking, kConnecting, kOver };
    Phase phase = Phase::kNotStarted;
    net::SocketAddress local;                   // of all connections but the hairpin
    std::optional<net::SocketId> to_server[3];  // nullopt: not opened, or reset
    std::string text[2];                        // from servers 1 and 2
    std::optional<net::SocketAddress> seen[2];  // by servers 1 and 2
    std::optional<UnsolicitedSyn> unsolicited;
    std::optional<net::SocketId> hairpin;
    bool hairpinned = false;
    bool simultaneous_open = false;
    net::Instant ends_at = net::kNever;  // kNever: not running

    bool running() const { return phase == Phase::kAsking || phase == Phase::kConnecting; }
  };

  void StartUdp();
  void SendChecks();
  void EndUdp();
  void StartTcp();
  void OnTcpSeen(int server, const std::string& line);
  void ConnectBack();
  void EndTcp();
  void SetAlarm();

  net::Host& host_;
  const Options options_;
  UdpTest udp_;
  TcpTest tcp_;
};

}  // namespace pinhole::apps
