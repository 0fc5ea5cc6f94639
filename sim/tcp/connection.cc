#include "sim/tcp/connection.h"

#include <algorithm>

namespace pinhole::sim {

TcpConnection::TcpConnection(const TcpConnectionOptions& options)
    : options_(options), send_(options.send_buffer_bytes), receive_(options.receive_buffer_bytes), rto_(options) {}

const char* ToString(TcpState) { return ""; }
const char* ToString(TcpEnd) { return ""; }
TcpCall TcpConnection::OpenActive(net::Instant, std::uint32_t) { return TcpCall::kOk; }
TcpCall TcpConnection::OpenPassive(net::Instant, std::uint32_t, const TcpHeader&) { return TcpCall::kOk; }
TcpConnection::Taken TcpConnection::Write(net::Instant, net::ByteView) { return {}; }
TcpConnection::Taken TcpConnection::Read(net::Instant, std::span<std::uint8_t>) { return {}; }
TcpCall TcpConnection::FinishWriting(net::Instant) { return TcpCall::kOk; }
TcpCall TcpConnection::Close(net::Instant) { return TcpCall::kOk; }
TcpCall TcpConnection::Abort(net::Instant) { return TcpCall::kOk; }
TcpConnection::Verdict TcpConnection::OnSegment(net::Instant, const TcpHeader&, net::ByteView) { return {}; }
void TcpConnection::OnIcmpError(net::Instant, net::IcmpError::Kind, std::uint32_t) {}
void TcpConnection::OnPathMss(net::Instant, std::uint16_t, std::uint32_t) {}
void TcpConnection::OnTimer(net::Instant) {}
std::optional<net::Instant> TcpConnection::NextTimer() const { return std::nullopt; }
std::optional<TcpConnection::Output> TcpConnection::PollOutput() { return std::nullopt; }
bool TcpConnection::MayBeReplacedBy(const TcpHeader&) const { return false; }
const char* TcpConnection::BrokenInvariant() const { return nullptr; }

}  // namespace pinhole::sim
