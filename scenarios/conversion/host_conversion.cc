#include "scenarios/conversion/host_conversion.h"

#include <chrono>

#include "net/contract.h"

namespace pinhole::scenarios {
namespace {

using std::chrono::microseconds;

}  // namespace

net::InterfaceKind ToInterfaceKind(proto::Interface::Kind kind) {
  switch (kind) {
    case proto::Interface::ETHERNET:
      return net::InterfaceKind::kEthernet;
    case proto::Interface::WIFI:
      return net::InterfaceKind::kWifi;
    case proto::Interface::CELLULAR:
      return net::InterfaceKind::kCellular;
    case proto::Interface::VPN:
      return net::InterfaceKind::kVpn;
  }
  net::CannotHappen();
}

void SetTcp(const proto::HostTcp& tcp, sim::TcpConnectionOptions* options) {
  if (tcp.has_window_scale()) options->window_scale = static_cast<std::uint8_t>(tcp.window_scale());
  if (!tcp.window_scaling()) options->window_scale.reset();
  options->receive_buffer_bytes = tcp.receive_buffer_bytes();
  options->rto_initial = microseconds(tcp.initial_rto_us());
  options->soft_errors_abort_connect = tcp.soft_errors_abort_connect();
}

}  // namespace pinhole::scenarios
