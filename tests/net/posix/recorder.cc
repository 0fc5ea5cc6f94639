#include "tests/net/posix/recorder.h"

#include "gtest/gtest.h"

namespace pinhole::net {

void Recorder::Call() {
  EXPECT_FALSE(in_call_) << "called from inside a call";
  in_call_ = true;
  if (during_call) during_call();
  in_call_ = false;
}

void Recorder::OnStart() {
  ++starts;
  Call();
}

void Recorder::OnDatagram(const Datagram& datagram) {
  Received kept = {datagram, std::string(datagram.payload.begin(), datagram.payload.end())};
  kept.datagram.payload = {};
  received.push_back(std::move(kept));
  Call();
}

void Recorder::OnIcmpError(const IcmpError& error) {
  errors.push_back(error);
  Call();
}

void Recorder::OnTimer() {
  ++timers;
  Call();
}

ByteView Bytes(const std::string& text) {
  return ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

SocketAddress Addr(absl::string_view text) {
  const std::optional<SocketAddress> address = SocketAddress::Parse(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address.value_or(SocketAddress());
}

}  // namespace pinhole::net
