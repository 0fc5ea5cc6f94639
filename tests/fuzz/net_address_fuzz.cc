// Fuzzes the parsers of addresses: text that parses must be printed as text that parses to the same address.
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "net/socket_address.h"

namespace pinhole::net {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

template <typename T>
void RoundTrip(absl::string_view text) {
  const std::optional<T> parsed = T::Parse(text);
  if (parsed) Require(T::Parse(parsed->ToString()) == parsed);
}

}  // namespace
}  // namespace pinhole::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  pinhole::net::RoundTrip<pinhole::net::IpAddress>(text);
  pinhole::net::RoundTrip<pinhole::net::IpPrefix>(text);
  pinhole::net::RoundTrip<pinhole::net::SocketAddress>(text);
  return 0;
}
