#include "sim/packet/tcp_header.h"

#include <utility>

namespace pinhole::sim {

std::string TcpFlagNames(std::uint8_t flags) {
  std::string names;
  for (const auto& [bit, name] :
       {std::pair{kTcpSyn, "SYN"}, {kTcpFin, "FIN"}, {kTcpRst, "RST"}, {kTcpPsh, "PSH"}, {kTcpAck, "ACK"}}) {
    if ((flags & bit) == 0) continue;
    if (!names.empty()) names += ',';
    names += name;
  }
  return names;
}

}  // namespace pinhole::sim
