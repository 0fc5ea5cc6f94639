#include "apps/nat_check/nat_check.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "net/contract.h"

namespace pinhole::apps {
namespace {

// Times of server 3 (Ford, Srisuresh and Kegel 2005, §6.1.2). If its SYN to the client is not answered, it reports
// "silent" to server 2 after kGoAhead, and gives up connecting after kServer3Tries.
constexpr net::Duration kGoAhead = std::chrono::seconds(5);
constexpr net::Duration kServer3Tries = std::chrono::seconds(20);
constexpr net::Duration kResend = std::chrono::milliseconds(500);
constexpr std::size_t kLineBytesMax = 128;

net::ByteView BytesOf(const std::string& text) {
  return net::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

std::vector<std::string> WordsOf(const net::Datagram& datagram) {
  const std::string text(
      datagram.payload.begin(),
      datagram.payload.begin() + static_cast<std::ptrdiff_t>(std::min(datagram.payload.size(), kLineBytesMax)));
  return absl::StrSplit(text, ' ');
}

net::TcpOptions ReusingTcp() {
  net::TcpOptions options;
  options.reuse_address = true;
  options.packet_class = net::PacketClass::kCheck;
  return options;
}

}  // namespace

const char* ToString(UnsolicitedSyn what) {
  switch (what) {
    case UnsolicitedSyn::kSilent:
      return "silent";
    case UnsolicitedSyn::kRefused:
      return "refused";
    case UnsolicitedSyn::kAccepted:
      return "accepted";
  }
  net::CannotHappen();
}

// ---- Servers -----------------------------------------------------------------------------------------------------

void NatCheckServer::OnStart() {
  const absl::StatusOr<net::SocketId> udp = host_.OpenUdp(options_.listen);
  if (udp.ok()) {
    udp_ = *udp;
  } else {
    status_ = udp.status();
  }
  if (const absl::StatusOr<net::SocketId> listener = host_.Listen(options_.listen, ReusingTcp()); !listener.ok()) {
    status_ = listener.status();
  }
}

void NatCheckServer::SendLine(const net::SocketAddress& to, const std::string& line) {
  net::SendOptions options;
  options.packet_class = net::PacketClass::kDiscovery;
  if (udp_) host_.SendTo(*udp_, to, BytesOf(line), options);
}

void NatCheckServer::OnDatagram(const net::Datagram& datagram) {
  const std::vector<std::string> words = WordsOf(datagram);
  if (words[0] == "CHECK") {
    SendLine(datagram.from, absl::StrCat("SEEN ", datagram.from.ToString()));
  } else if (words[0] == "ASK" && options_.number == 3 && words.size() == 2) {
    const std::optional<net::SocketAddress> client = net::SocketAddress::Parse(words[1]);
    if (!client) return;
    Attempt attempt;
    attempt.client = *client;
    attempt.asked_by = datagram.from;
    attempt.tell_at = host_.Now() + kGoAhead;
    attempt.give_up_at = host_.Now() + kServer3Tries;
    const absl::StatusOr<net::SocketId> connection = host_.Connect(options_.listen, *client, ReusingTcp());
    if (connection.ok()) attempt.connection = *connection;
    attempts_.push_back(attempt);
    SetAlarm();
  } else if (words[0] == "TOLD" && words.size() == 3) {
    const std::optional<net::SocketAddress> client = net::SocketAddress::Parse(words[1]);
    if (!client) return;
    const auto found = waiting_.find(*client);
    if (found == waiting_.end()) return;
    WriteSeen(found->second, *client, words[2].c_str());
    waiting_.erase(found);
  }
}

void NatCheckServer::OnTcpAccepted(net::SocketId listener, net::SocketId connection, const net::SocketAddress& from) {
  (void)listener;
  if (options_.number == 2) {
    waiting_[from] = connection;
    SendLine(options_.server_3, absl::StrCat("ASK ", from.ToString()));
  } else if (options_.number == 1) {
    WriteSeen(connection, from, "-");
  }
}

void NatCheckServer::WriteSeen(net::SocketId connection, const net::SocketAddress& client, const char* what) {
  net::SendOptions options;
  options.packet_class = net::PacketClass::kDiscovery;
  host_.Write(connection, BytesOf(absl::StrCat("SEEN ", client.ToString(), " ", what, "\n")), options).IgnoreError();
}

void NatCheckServer::Tell(Attempt& attempt, UnsolicitedSyn what) {
  if (attempt.told) return;
  attempt.told = true;
  SendLine(attempt.asked_by, absl::StrCat("TOLD ", attempt.client.ToString(), " ", ToString(what)));
}

void NatCheckServer::OnTcpConnected(net::SocketId connection) {
  for (Attempt& attempt : attempts_) {
    if (attempt.connection == connection) Tell(attempt, UnsolicitedSyn::kAccepted);
  }
  SetAlarm();
}

void NatCheckServer::OnTcpReset(net::SocketId connection, const absl::Status& why) {
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    if (it->second != connection) continue;
    waiting_.erase(it);
    break;
  }
  for (Attempt& attempt : attempts_) {
    if (attempt.connection != connection) continue;
    attempt.connection.reset();
    Tell(attempt, absl::IsUnavailable(why) ? UnsolicitedSyn::kRefused : UnsolicitedSyn::kSilent);
  }
  SetAlarm();
}

void NatCheckServer::OnTimer() {
  const net::Instant now = host_.Now();
  for (Attempt& attempt : attempts_) {
    if (attempt.tell_at <= now) Tell(attempt, UnsolicitedSyn::kSilent);
    if (attempt.give_up_at <= now && attempt.connection) {
      host_.Close(*attempt.connection);
      attempt.connection.reset();
    }
  }
  attempts_.erase(std::remove_if(attempts_.begin(), attempts_.end(),
                                 [now](const Attempt& attempt) { return attempt.give_up_at <= now; }),
                  attempts_.end());
  SetAlarm();
}

void NatCheckServer::SetAlarm() {
  net::Earliest next;
  for (const Attempt& attempt : attempts_) next.Add(attempt.told ? attempt.give_up_at : attempt.tell_at);
  host_.WakeAt(next.at());
}

// ---- Client ------------------------------------------------------------------------------------------------------

void NatCheckClient::OnStart() {
  if (options_.udp || options_.udp_hairpin) {
    StartUdp();
  } else {
    EndUdp();
  }
  if (options_.tcp || options_.tcp_hairpin) {
    StartTcp();
  } else {
    EndTcp();
  }
  SetAlarm();
}

void NatCheckClient::StartUdp() {
  const net::SocketAddress any(net::IpAddress::Unspecified(options_.servers[0].family()), 0);
  for (net::SocketId* socket : {&udp_.asking, &udp_.hairpinning}) {
    const absl::StatusOr<net::SocketId> opened = host_.OpenUdp(any);
    if (!opened.ok()) return EndUdp();
    *socket = *opened;
  }
  udp_.phase = UdpTest::Phase::kAsking;
  udp_.ends_at = host_.Now() + options_.udp_patience;
  SendChecks();
}

void NatCheckClient::SendChecks() {
  net::SendOptions options;
  options.packet_class = net::PacketClass::kDiscovery;
  for (int i = 0; i < 2; ++i) {
    if (!udp_.seen[i]) host_.SendTo(udp_.asking, options_.servers[i], BytesOf("CHECK"), options);
  }
  if (udp_.phase == UdpTest::Phase::kHairpinning && options_.udp_hairpin && !udp_.hairpinned) {
    options.packet_class = net::PacketClass::kCheck;
    host_.SendTo(udp_.hairpinning, *udp_.seen[1], BytesOf("HAIRPIN"), options);
  }
  udp_.resend_at = host_.Now() + kResend;
}

void NatCheckClient::OnDatagram(const net::Datagram& datagram) {
  if (!udp_.running() || datagram.socket != udp_.asking) return;
  const std::vector<std::string> words = WordsOf(datagram);
  if (words[0] == "HAIRPIN") {
    udp_.hairpinned = true;
  } else if (words[0] == "SEEN" && words.size() == 2) {
    for (int i = 0; i < 2; ++i) {
      if (datagram.from != options_.servers[i] || udp_.seen[i]) continue;
      udp_.seen[i] = net::SocketAddress::Parse(words[1]);
    }
    if (udp_.phase == UdpTest::Phase::kAsking && udp_.seen[1]) {
      udp_.phase = UdpTest::Phase::kHairpinning;
      SendChecks();
    }
  }
  if (udp_.seen[0] && udp_.seen[1] && (udp_.hairpinned || !options_.udp_hairpin)) EndUdp();
  SetAlarm();
}

void NatCheckClient::EndUdp() {
  udp_.phase = UdpTest::Phase::kOver;
  udp_.resend_at = udp_.ends_at = net::kNever;
}

// Connects to servers 1 and 2 from one local port, and listens on the same port.
void NatCheckClient::StartTcp() {
  tcp_.local = net::SocketAddress(net::IpAddress::Unspecified(options_.servers[0].family()), 0);
  for (int i = 0; i < 2; ++i) {
    const absl::StatusOr<net::SocketId> connection = host_.Connect(tcp_.local, options_.servers[i], ReusingTcp());
    if (!connection.ok()) return EndTcp();
    tcp_.to_server[i] = *connection;
    tcp_.local = *host_.LocalAddress(*connection);
  }
  host_.Listen(tcp_.local, ReusingTcp()).IgnoreError();
  tcp_.phase = TcpTest::Phase::kAsking;
  tcp_.ends_at = host_.Now() + options_.tcp_patience;
}

void NatCheckClient::OnTcpReadable(net::SocketId connection) {
  std::array<std::uint8_t, kLineBytesMax> buffer;
  for (int i = 0; i < 2; ++i) {
    if (tcp_.to_server[i] != connection) continue;
    const absl::StatusOr<std::size_t> read = host_.Read(connection, buffer);
    if (!read.ok()) continue;
    std::string& text = tcp_.text[i];
    text.append(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*read));
    const std::size_t end = text.find('\n');
    if (end != std::string::npos && !tcp_.seen[i]) OnTcpSeen(i, text.substr(0, end));
    if (text.size() > kLineBytesMax) text.clear();
  }
  SetAlarm();
}

void NatCheckClient::OnTcpSeen(int server, const std::string& line) {
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  if (!tcp_.running() || words.size() != 3 || words[0] != "SEEN") return;
  tcp_.seen[server] = net::SocketAddress::Parse(words[1]);
  if (server != 1 || tcp_.phase != TcpTest::Phase::kAsking) return;
  for (const UnsolicitedSyn what : {UnsolicitedSyn::kSilent, UnsolicitedSyn::kRefused, UnsolicitedSyn::kAccepted}) {
    if (words[2] == ToString(what)) tcp_.unsolicited = what;
  }
  ConnectBack();
}

// Called when server 2 has answered. Connects to server 3 if server 3 has reported that its SYN was not answered, and
// to the client's own public endpoint for the hairpin test.
void NatCheckClient::ConnectBack() {
  tcp_.phase = TcpTest::Phase::kConnecting;
  tcp_.ends_at = host_.Now() + kGoAhead;  // the same time that server 3 had
  if (tcp_.unsolicited == UnsolicitedSyn::kSilent) {
    const absl::StatusOr<net::SocketId> connection = host_.Connect(tcp_.local, options_.servers[2], ReusingTcp());
    if (connection.ok()) tcp_.to_server[2] = *connection;
  }
  if (options_.tcp_hairpin && tcp_.seen[1]) {
    const net::SocketAddress other_port(tcp_.local.address(), 0);
    const absl::StatusOr<net::SocketId> connection = host_.Connect(other_port, *tcp_.seen[1], ReusingTcp());
    if (connection.ok()) tcp_.hairpin = *connection;
  }
}

void NatCheckClient::OnTcpConnected(net::SocketId connection) {
  if (tcp_.hairpin == connection && tcp_.running()) tcp_.hairpinned = true;
  if (tcp_.to_server[2] == connection) tcp_.simultaneous_open = true;
}

void NatCheckClient::OnTcpReset(net::SocketId connection, const absl::Status& why) {
  (void)why;
  if (tcp_.hairpin == connection) tcp_.hairpin.reset();
  for (std::optional<net::SocketId>& one : tcp_.to_server) {
    if (one == connection) one.reset();
  }
}

void NatCheckClient::EndTcp() {
  tcp_.phase = TcpTest::Phase::kOver;
  tcp_.ends_at = net::kNever;
}

NatCheckClient::Report NatCheckClient::report() const {
  Report report;
  if (udp_.phase == UdpTest::Phase::kOver) {
    for (const std::optional<net::SocketAddress>& seen : udp_.seen) {
      if (seen) report.udp_seen.push_back(*seen);
    }
    if (options_.udp) report.udp = udp_.seen[0] && udp_.seen[0] == udp_.seen[1];
    if (options_.udp_hairpin) report.udp_hairpin = udp_.hairpinned;
  }
  if (tcp_.phase == TcpTest::Phase::kOver) {
    for (const std::optional<net::SocketAddress>& seen : tcp_.seen) {
      if (seen) report.tcp_seen.push_back(*seen);
    }
    if (options_.tcp) {
      report.tcp = tcp_.seen[0] && tcp_.seen[0] == tcp_.seen[1] && tcp_.unsolicited &&
                   *tcp_.unsolicited != UnsolicitedSyn::kRefused;
    }
    if (options_.tcp_hairpin) report.tcp_hairpin = tcp_.hairpinned;
  }
  report.unsolicited = tcp_.unsolicited;
  report.simultaneous_open = tcp_.simultaneous_open;
  return report;
}

void NatCheckClient::OnTimer() {
  const net::Instant now = host_.Now();
  if (udp_.ends_at <= now) EndUdp();
  if (udp_.resend_at <= now) SendChecks();
  if (tcp_.ends_at <= now) EndTcp();
  SetAlarm();
}

void NatCheckClient::SetAlarm() {
  net::Earliest next;
  for (const net::Instant at : {udp_.resend_at, udp_.ends_at, tcp_.ends_at}) next.Add(at);
  host_.WakeAt(next.at());
}

}  // namespace pinhole::apps
