#pragma once

#include <cstdint>
#include <ostream>

#include "absl/strings/string_view.h"
#include "net/bytes.h"
#include "net/time.h"

namespace pinhole::sim {

// Writes a capture file that Wireshark and tshark read: pcapng (draft-ietf-opsawg-pcapng), link type 101 (raw IP),
// times in nanoseconds since the run began, little-endian.
class PcapngWriter {
 public:
  enum class PacketDirection : std::uint8_t { kInbound = 1, kOutbound = 2 };

  // Writes the section header. `out` outlives the writer. The state of `out` says whether writing worked.
  explicit PcapngWriter(std::ostream& out);

  // Adds an interface, and returns its number, from 0.
  int AddInterface(absl::string_view name);
  void WritePacket(int interface, net::Instant at, PacketDirection direction, net::ByteView packet,
                   absl::string_view comment);

 private:
  std::ostream& out_;
  int interfaces_ = 0;
};

}  // namespace pinhole::sim
