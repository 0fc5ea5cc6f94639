#include "ice/description.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace pinhole::ice {
namespace {

using std::chrono::milliseconds;

bool IsIceChars(absl::string_view text) {  // RFC 8839 §5.1
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '/'; });
}

// Removes the next word from `rest` and returns it; empty if there is none.
absl::string_view TakeWord(absl::string_view& rest) {
  std::size_t begin = 0;
  while (begin < rest.size() && rest[begin] == ' ') ++begin;
  std::size_t end = begin;
  while (end < rest.size() && rest[end] != ' ') ++end;
  const absl::string_view word = rest.substr(begin, end - begin);
  rest.remove_prefix(end);
  return word;
}

// Digits only (absl also takes signs and space), at most `digits_max` of them.
std::optional<std::uint64_t> ParseNumber(absl::string_view text, std::size_t digits_max) {
  if (text.empty() || text.size() > digits_max) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = 10 * value + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

std::optional<CandidateType> ParseType(absl::string_view text) {
  for (CandidateType type : {CandidateType::kHost, CandidateType::kPeerReflexive, CandidateType::kServerReflexive,
                             CandidateType::kRelayed}) {
    if (text == ToString(type)) return type;
  }
  return std::nullopt;
}

std::optional<Transport> ParseTcpType(absl::string_view text) {
  for (Transport transport : {Transport::kTcpActive, Transport::kTcpPassive, Transport::kTcpSimultaneousOpen}) {
    if (text == ToString(transport)) return transport;
  }
  return std::nullopt;
}

// A longer pacing is ignored, because it would only make an agent wait.
constexpr std::uint64_t kPacingMsMax = 3'600'000;

}  // namespace

std::string Serialize(const Description& description) {
  std::string text;
  text.reserve(160 + 90 * description.candidates.size());
  if (description.ice2) text += "a=ice-options:ice2\n";
  if (description.lite) text += "a=ice-lite\n";
  if (description.ta.has_value()) {
    absl::StrAppend(&text, "a=ice-pacing:", std::chrono::ceil<milliseconds>(*description.ta).count(), "\n");
  }
  absl::StrAppend(&text, "a=ice-ufrag:", description.ufrag, "\na=ice-pwd:", description.password, "\n");
  for (int stream = 0; stream < description.streams; ++stream) {
    absl::StrAppend(&text, "a=mid:", stream, "\n");
    for (const Candidate& candidate : description.candidates) {
      if (candidate.stream != stream) continue;
      text += "a=";
      AppendTo(text, candidate);
      text += '\n';
    }
  }
  if (description.complete) text += "a=end-of-candidates\n";
  return text;
}

std::optional<Candidate> ParseCandidate(absl::string_view line, int stream) {
  absl::ConsumePrefix(&line, "a=");
  if (!absl::ConsumePrefix(&line, "candidate:")) return std::nullopt;
  Candidate candidate;
  candidate.stream = stream;

  const absl::string_view foundation = TakeWord(line);
  if (foundation.empty() || foundation.size() > Foundation::kLengthMax || !IsIceChars(foundation)) return std::nullopt;
  candidate.foundation = Foundation(foundation);

  const std::optional<std::uint64_t> component = ParseNumber(TakeWord(line), 3);
  if (!component.has_value() || *component < 1 || *component > 256) return std::nullopt;
  candidate.component = static_cast<int>(*component);

  const absl::string_view protocol = TakeWord(line);
  const bool tcp = absl::EqualsIgnoreCase(protocol, "TCP");
  if (!tcp && !absl::EqualsIgnoreCase(protocol, "UDP")) return std::nullopt;

  const std::optional<std::uint64_t> priority = ParseNumber(TakeWord(line), 10);
  if (!priority.has_value() || *priority < 1 || *priority > 0x7FFFFFFF) return std::nullopt;
  candidate.priority = static_cast<std::uint32_t>(*priority);

  const std::optional<net::IpAddress> address = net::IpAddress::Parse(TakeWord(line));
  const std::optional<std::uint64_t> port = ParseNumber(TakeWord(line), 5);
  if (!address.has_value() || !port.has_value() || *port < 1 || *port > 65535) return std::nullopt;
  if (address->IsUnspecified() || address->IsMulticast()) return std::nullopt;
  candidate.address = net::SocketAddress(*address, static_cast<std::uint16_t>(*port));

  if (TakeWord(line) != "typ") return std::nullopt;
  const std::optional<CandidateType> type = ParseType(TakeWord(line));
  if (!type.has_value()) return std::nullopt;
  candidate.type = *type;

  // The rest of the line consists of pairs of a name and a value. All names but these three are ignored.
  std::optional<net::IpAddress> related;
  std::uint16_t related_port = 0;
  std::optional<Transport> tcp_type;
  for (absl::string_view name = TakeWord(line); !name.empty(); name = TakeWord(line)) {
    const absl::string_view value = TakeWord(line);
    if (name == "raddr") related = net::IpAddress::Parse(value);
    if (name == "rport") related_port = static_cast<std::uint16_t>(ParseNumber(value, 5).value_or(0));
    if (name == "tcptype") tcp_type = ParseTcpType(value);
  }
  if (tcp) {
    if (!tcp_type.has_value()) return std::nullopt;  // RFC 6544 §4.5
    candidate.transport = *tcp_type;
  }
  if (related.has_value() && !related->IsUnspecified()) {
    candidate.related = net::SocketAddress(*related, related_port);
  } else if (candidate.type == CandidateType::kHost) {
    candidate.related = candidate.address;
  }
  candidate.base = candidate.type == CandidateType::kHost || candidate.type == CandidateType::kRelayed
                       ? candidate.address
                       : candidate.related;
  return candidate;
}

std::optional<Description> ParseDescription(net::ByteView bytes) {
  if (bytes.size() > Description::kBytesMax) return std::nullopt;
  absl::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Description description;
  description.ice2 = false;
  description.complete = false;
  description.streams = 0;
  constexpr std::size_t kUsualCandidates = 8;
  description.candidates.reserve(kUsualCandidates);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    absl::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    absl::ConsumeSuffix(&line, "\r");
    if (!absl::ConsumePrefix(&line, "a=")) continue;
    if (absl::StartsWith(line, "candidate:")) {
      if (description.candidates.size() >= Description::kCandidatesMax) return std::nullopt;
      const int stream = description.streams == 0 ? 0 : description.streams - 1;
      if (std::optional<Candidate> candidate = ParseCandidate(line, stream)) {
        description.candidates.push_back(*candidate);
      }
    } else if (absl::ConsumePrefix(&line, "ice-ufrag:")) {
      if (line.size() < 4 || line.size() > 256 || !IsIceChars(line)) return std::nullopt;
      description.ufrag = std::string(line);
    } else if (absl::ConsumePrefix(&line, "ice-pwd:")) {
      if (line.size() < 22 || line.size() > 256 || !IsIceChars(line)) return std::nullopt;
      description.password = std::string(line);
    } else if (absl::ConsumePrefix(&line, "ice-pacing:")) {
      const std::optional<std::uint64_t> pacing = ParseNumber(line, 10);
      if (pacing.has_value() && *pacing <= kPacingMsMax) description.ta = milliseconds(*pacing);
    } else if (absl::ConsumePrefix(&line, "ice-options:")) {
      for (absl::string_view word = TakeWord(line); !word.empty(); word = TakeWord(line)) {
        if (word == "ice2") description.ice2 = true;
      }
    } else if (absl::StartsWith(line, "mid:")) {
      if (++description.streams > Description::kStreamsMax) return std::nullopt;
    } else if (line == "ice-lite") {
      description.lite = true;
    } else if (line == "end-of-candidates") {
      description.complete = true;
    }
  }
  if (description.ufrag.empty() || description.password.empty()) return std::nullopt;
  description.streams = std::max(description.streams, 1);
  return description;
}

}  // namespace pinhole::ice
