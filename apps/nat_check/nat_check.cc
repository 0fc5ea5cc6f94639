#include "apps/nat_check/nat_check.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "net/contract.h"

namespace pinhole::apps {
namespace {

// Ford et al. §6.1.2.
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
  const net::SocketAddress any(net::IpAddress::Unspecified(options_.servers[0].family()), 0);
  udp_done_ = !options_.udp && !options_.udp_hairpin;
  tcp_done_ = !options_.tcp && !options_.tcp_hairpin;
  if (!udp_done_) {
    for (net::SocketId& socket : udp_) {
      const absl::StatusOr<net::SocketId> opened = host_.OpenUdp(any);
      if (!opened.ok()) {
        EndUdp();
        break;
      }
      socket = *opened;
    }
  }
  if (!udp_done_) {
    udp_ends_at_ = host_.Now() + options_.udp_patience;
    SendChecks();
  }
  if (!tcp_done_) StartTcp();
  finished_ = udp_done_ && tcp_done_;
  SetAlarm();
}

void NatCheckClient::SendChecks() {
  net::SendOptions options;
  options.packet_class = net::PacketClass::kDiscovery;
  for (int i = 0; i < 2; ++i) {
    if (!udp_seen_[i]) host_.SendTo(udp_[0], options_.servers[i], BytesOf("CHECK"), options);
  }
  if (udp_seen_[1] && options_.udp_hairpin && !udp_hairpinned_) {
    options.packet_class = net::PacketClass::kCheck;
    host_.SendTo(udp_[1], *udp_seen_[1], BytesOf("HAIRPIN"), options);
  }
  resend_at_ = host_.Now() + kResend;
}

void NatCheckClient::OnDatagram(const net::Datagram& datagram) {
  if (udp_done_ || datagram.socket != udp_[0]) return;
  const std::vector<std::string> words = WordsOf(datagram);
  if (words[0] == "HAIRPIN") {
    udp_hairpinned_ = true;
  } else if (words[0] == "SEEN" && words.size() == 2) {
    for (int i = 0; i < 2; ++i) {
      if (datagram.from != options_.servers[i] || udp_seen_[i]) continue;
      udp_seen_[i] = net::SocketAddress::Parse(words[1]);
      if (udp_seen_[1] && i == 1) SendChecks();
    }
  }
  if (udp_seen_[0] && udp_seen_[1] && (udp_hairpinned_ || !options_.udp_hairpin)) EndUdp();
  SetAlarm();
}

void NatCheckClient::EndUdp() {
  if (udp_done_) return;
  udp_done_ = true;
  resend_at_.reset();
  udp_ends_at_.reset();
  for (const std::optional<net::SocketAddress>& seen : udp_seen_) {
    if (seen) report_.udp_seen.push_back(*seen);
  }
  if (options_.udp) report_.udp = udp_seen_[0] && udp_seen_[0] == udp_seen_[1];
  if (options_.udp_hairpin) report_.udp_hairpin = udp_hairpinned_;
  finished_ = tcp_done_;
}

// From one port to servers 1 and 2, listening on it too.
void NatCheckClient::StartTcp() {
  const net::SocketAddress any(net::IpAddress::Unspecified(options_.servers[0].family()), 0);
  tcp_ends_at_ = host_.Now() + options_.tcp_patience;
  local_ = any;
  for (int i = 0; i < 2; ++i) {
    const absl::StatusOr<net::SocketId> connection = host_.Connect(local_, options_.servers[i], ReusingTcp());
    if (!connection.ok()) {
      EndTcp();
      return;
    }
    to_server_[i] = *connection;
    local_ = *host_.LocalAddress(*connection);
  }
  if (const absl::StatusOr<net::SocketId> listener = host_.Listen(local_, ReusingTcp()); listener.ok()) {
    listener_ = *listener;
  }
}

void NatCheckClient::OnTcpReadable(net::SocketId connection) {
  std::array<std::uint8_t, kLineBytesMax> buffer;
  for (int i = 0; i < 2; ++i) {
    if (to_server_[i] != connection) continue;
    const absl::StatusOr<std::size_t> read = host_.Read(connection, buffer);
    if (!read.ok()) continue;
    text_[i].append(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*read));
    const std::size_t end = text_[i].find('\n');
    if (end != std::string::npos && !tcp_seen_[i]) OnTcpSeen(i, text_[i].substr(0, end));
    if (text_[i].size() > kLineBytesMax) text_[i].clear();
  }
  SetAlarm();
}

void NatCheckClient::OnTcpSeen(int server, const std::string& line) {
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  if (words.size() != 3 || words[0] != "SEEN") return;
  tcp_seen_[server] = net::SocketAddress::Parse(words[1]);
  if (server != 1) return;
  for (const UnsolicitedSyn what : {UnsolicitedSyn::kSilent, UnsolicitedSyn::kRefused, UnsolicitedSyn::kAccepted}) {
    if (words[2] == ToString(what)) report_.unsolicited = what;
  }
  if (report_.unsolicited == UnsolicitedSyn::kSilent) {
    const absl::StatusOr<net::SocketId> connection = host_.Connect(local_, options_.servers[2], ReusingTcp());
    if (connection.ok()) to_server_[2] = *connection;
  }
  if (options_.tcp_hairpin && tcp_seen_[1]) {
    const net::SocketAddress other_port(local_.address(), 0);
    const absl::StatusOr<net::SocketId> connection = host_.Connect(other_port, *tcp_seen_[1], ReusingTcp());
    if (connection.ok()) hairpin_ = *connection;
  }
  // What is still open has as long as server 3 had.
  tcp_ends_at_ = host_.Now() + kGoAhead;
}

void NatCheckClient::OnTcpConnected(net::SocketId connection) {
  if (hairpin_ == connection) tcp_hairpinned_ = true;
  if (to_server_[2] == connection) report_.simultaneous_open = true;
}

void NatCheckClient::OnTcpReset(net::SocketId connection, const absl::Status& why) {
  (void)why;
  if (hairpin_ == connection) hairpin_.reset();
  for (std::optional<net::SocketId>& one : to_server_) {
    if (one == connection) one.reset();
  }
}

void NatCheckClient::EndTcp() {
  if (tcp_done_) return;
  tcp_done_ = true;
  tcp_ends_at_.reset();
  for (const std::optional<net::SocketAddress>& seen : tcp_seen_) {
    if (seen) report_.tcp_seen.push_back(*seen);
  }
  if (options_.tcp) {
    report_.tcp = tcp_seen_[0] && tcp_seen_[0] == tcp_seen_[1] && report_.unsolicited &&
                  *report_.unsolicited != UnsolicitedSyn::kRefused;
  }
  if (options_.tcp_hairpin) report_.tcp_hairpin = tcp_hairpinned_;
  finished_ = udp_done_;
}

void NatCheckClient::OnTimer() {
  const net::Instant now = host_.Now();
  if (udp_ends_at_ && *udp_ends_at_ <= now) EndUdp();
  if (resend_at_ && *resend_at_ <= now) SendChecks();
  if (tcp_ends_at_ && *tcp_ends_at_ <= now) EndTcp();
  SetAlarm();
}

void NatCheckClient::SetAlarm() {
  net::Earliest next;
  for (const auto& alarm : {resend_at_, udp_ends_at_, tcp_ends_at_}) next.Add(alarm.value_or(net::kNever));
  host_.WakeAt(next.at());
}

}  // namespace pinhole::apps
