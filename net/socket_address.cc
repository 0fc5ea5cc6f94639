#include "net/socket_address.h"

#include "absl/strings/str_cat.h"
#include "net/parse_decimal.h"

namespace pinhole::net {

std::optional<SocketAddress> SocketAddress::Parse(absl::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return std::nullopt;
  const std::optional<std::uint32_t> port = ParseDecimal(text.substr(colon + 1), 65535);
  if (!port) return std::nullopt;
  absl::string_view host = text.substr(0, colon);
  const bool brackets = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  const std::optional<IpAddress> address = IpAddress::Parse(host);
  // IPv6 addresses must have brackets, and IPv4 addresses must not: "::1:80" would be another address.
  if (!address || address->is_v6() != brackets) return std::nullopt;
  return SocketAddress(*address, static_cast<std::uint16_t>(*port));
}

std::string SocketAddress::ToString() const {
  if (address_.is_v4()) return absl::StrCat(address_.ToString(), ":", port_);
  return absl::StrCat("[", address_.ToString(), "]:", port_);
}

}  // namespace pinhole::net
