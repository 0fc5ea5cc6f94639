#include "apps/description.h"

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace pinhole::apps {
namespace {

constexpr absl::string_view kCandidateLine = "a=candidate:";

// Takes the leading word off `rest`; empty at the end.
absl::string_view TakeWord(absl::string_view& rest) {
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  const absl::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(word.size());
  return word;
}

absl::string_view TakeLine(absl::string_view& rest) {
  const std::size_t end = rest.find('\n');
  absl::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == absl::string_view::npos ? rest.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

std::optional<net::SocketAddress> ToAddress(absl::string_view address, absl::string_view port) {
  const std::optional<net::IpAddress> ip = net::IpAddress::Parse(address);
  std::uint32_t number = 0;
  if (!ip || !absl::SimpleAtoi(port, &number) || number > 65535) return std::nullopt;
  return net::SocketAddress(*ip, static_cast<std::uint16_t>(number));
}

}  // namespace

std::vector<net::SocketAddress> AddressesIn(net::ByteView description) {
  std::vector<net::SocketAddress> addresses;
  const auto add = [&addresses](std::optional<net::SocketAddress> address) {
    if (address && std::find(addresses.begin(), addresses.end(), *address) == addresses.end()) {
      addresses.push_back(*address);
    }
  };
  absl::string_view rest(reinterpret_cast<const char*>(description.data()), description.size());
  while (!rest.empty()) {
    absl::string_view line = TakeLine(rest);
    if (line.substr(0, kCandidateLine.size()) != kCandidateLine) continue;
    line.remove_prefix(kCandidateLine.size());
    // foundation, component, transport, priority
    for (int i = 0; i < 4; ++i) TakeWord(line);
    absl::string_view address = TakeWord(line);
    add(ToAddress(address, TakeWord(line)));
    absl::string_view related;
    while (!line.empty()) {
      const absl::string_view key = TakeWord(line);
      const absl::string_view value = TakeWord(line);
      if (key == "raddr") related = value;
      if (key == "rport") add(ToAddress(related, value));
    }
  }
  return addresses;
}

}  // namespace pinhole::apps
