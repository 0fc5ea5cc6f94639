#include "apps/punching/punching_signal.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "net/contract.h"

namespace pinhole::apps {
namespace {

constexpr std::size_t kSessionBytesMax = 64;
constexpr std::size_t kBufferBytesMax = 16 * kPunchingLineBytesMax;

struct Word {
  PunchingSignal::Kind kind;
  absl::string_view word;
};
constexpr Word kAttemptWords[] = {
    {PunchingSignal::Kind::kConnect, "CONNECT"}, {PunchingSignal::Kind::kSync, "SYNC"},
    {PunchingSignal::Kind::kReady, "READY"},     {PunchingSignal::Kind::kForge, "FORGE"},
    {PunchingSignal::Kind::kRefused, "REFUSED"},
};

bool IsSessionName(absl::string_view name) {
  if (name.empty() || name.size() > kSessionBytesMax) return false;
  for (const char c : name) {
    if (c <= ' ' || c > '~') return false;
  }
  return true;
}

}  // namespace

std::optional<PunchingSignal> PunchingSignal::Parse(absl::string_view line) {
  if (line.size() >= kPunchingLineBytesMax) return std::nullopt;
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
  PunchingSignal signal;
  if (words[0] == "HELLO") {
    if (words.size() != 4 || !IsSessionName(words[1])) return std::nullopt;
    if ((words[2] != "0" && words[2] != "1") || (words[3] != "tcp" && words[3] != "udp")) return std::nullopt;
    signal.kind = Kind::kHello;
    signal.session = std::string(words[1]);
    signal.side = words[2] == "1" ? 1 : 0;
    signal.udp = words[3] == "udp";
    return signal;
  }
  if (words[0] == "PEER") {
    if (words.size() != 3) return std::nullopt;
    const std::optional<net::SocketAddress> own = net::SocketAddress::Parse(words[1]);
    const std::optional<net::SocketAddress> other = net::SocketAddress::Parse(words[2]);
    if (!own || !other) return std::nullopt;
    signal.kind = Kind::kPeer;
    signal.own = *own;
    signal.other = *other;
    return signal;
  }
  for (const Word& word : kAttemptWords) {
    if (words[0] != word.word) continue;
    if (words.size() != 3 || !absl::SimpleAtoi(words[1], &signal.attempt) || signal.attempt < 1) return std::nullopt;
    signal.kind = word.kind;
    if (words[2] == "-") return signal;
    std::uint32_t number = 0;
    if (signal.kind != Kind::kForge || !absl::SimpleAtoi(words[2], &number)) return std::nullopt;
    signal.number = number;
    return signal;
  }
  return std::nullopt;
}

std::string PunchingSignal::ToLine() const {
  PINHOLE_REQUIRES(kind != Kind::kHello || IsSessionName(session));
  if (kind == Kind::kHello) return absl::StrCat("HELLO ", session, " ", side, udp ? " udp\n" : " tcp\n");
  if (kind == Kind::kPeer) return absl::StrCat("PEER ", own.ToString(), " ", other.ToString(), "\n");
  for (const Word& word : kAttemptWords) {
    if (word.kind != kind) continue;
    return absl::StrCat(word.word, " ", attempt, " ", number ? absl::StrCat(*number) : "-", "\n");
  }
  net::CannotHappen();
}

void PunchingLines::Add(net::ByteView bytes) {
  if (broken_) return;
  buffer_.append(bytes.begin(), bytes.end());
  if (buffer_.size() > kBufferBytesMax) broken_ = true;
}

std::optional<std::string> PunchingLines::Take() {
  if (broken_) return std::nullopt;
  const std::size_t end = buffer_.find('\n');
  if (end == std::string::npos ? buffer_.size() >= kPunchingLineBytesMax : end >= kPunchingLineBytesMax) {
    broken_ = true;
    return std::nullopt;
  }
  if (end == std::string::npos) return std::nullopt;
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

}  // namespace pinhole::apps
