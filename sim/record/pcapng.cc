#include "sim/record/pcapng.h"

#include <string>

namespace pinhole::sim {
namespace {

constexpr std::uint16_t kLinkTypeRaw = 101;
constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint16_t kOptionEnd = 0;
constexpr std::uint16_t kOptionComment = 1;
constexpr std::uint16_t kOptionInterfaceName = 2;
constexpr std::uint16_t kOptionPacketFlags = 2;
constexpr std::uint16_t kOptionTimeResolution = 9;

// One block of a pcapng file: type, length, body padded to four bytes, length again.
class Block {
 public:
  explicit Block(std::uint32_t type) {
    Add32(type);
    Add32(0);  // length, below
  }
  void Add8(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void Add16(std::uint16_t value) {
    Add8(static_cast<std::uint8_t>(value));
    Add8(static_cast<std::uint8_t>(value >> 8));
  }
  void Add32(std::uint32_t value) {
    Add16(static_cast<std::uint16_t>(value));
    Add16(static_cast<std::uint16_t>(value >> 16));
  }
  void AddPadded(absl::string_view bytes) {
    bytes_.append(bytes.data(), bytes.size());
    while (bytes_.size() % 4 != 0) Add8(0);
  }
  void AddOption(std::uint16_t code, absl::string_view value) {
    Add16(code);
    Add16(static_cast<std::uint16_t>(value.size()));
    AddPadded(value);
  }
  void WriteTo(std::ostream& out) {
    const std::uint32_t length = static_cast<std::uint32_t>(bytes_.size() + 4);
    Add32(length);
    for (std::size_t i = 0; i < 4; ++i) bytes_[4 + i] = static_cast<char>(length >> (8 * i));
    out.write(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
  }

 private:
  std::string bytes_;
};

}  // namespace

PcapngWriter::PcapngWriter(std::ostream& out) : out_(out) {
  Block block(kSectionHeader);
  block.Add32(0x1a2b3c4d);
  block.Add16(1);  // version 1.0
  block.Add16(0);
  block.Add32(0xffffffff);  // section length not given
  block.Add32(0xffffffff);
  block.WriteTo(out_);
}

int PcapngWriter::AddInterface(absl::string_view name) {
  Block block(kInterfaceDescription);
  block.Add16(kLinkTypeRaw);
  block.Add16(0);
  block.Add32(0);  // no snapshot limit
  block.AddOption(kOptionInterfaceName, name);
  block.AddOption(kOptionTimeResolution, absl::string_view("\x09", 1));  // 10^-9 s
  block.AddOption(kOptionEnd, "");
  block.WriteTo(out_);
  return interfaces_++;
}

void PcapngWriter::WritePacket(int interface, net::Instant at, PacketDirection direction, net::ByteView packet,
                               absl::string_view comment) {
  const std::uint64_t time = static_cast<std::uint64_t>(at.time_since_epoch().count());
  Block block(kEnhancedPacket);
  block.Add32(static_cast<std::uint32_t>(interface));
  block.Add32(static_cast<std::uint32_t>(time >> 32));
  block.Add32(static_cast<std::uint32_t>(time));
  block.Add32(static_cast<std::uint32_t>(packet.size()));  // captured
  block.Add32(static_cast<std::uint32_t>(packet.size()));  // on the wire
  block.AddPadded(absl::string_view(reinterpret_cast<const char*>(packet.data()), packet.size()));
  if (!comment.empty()) block.AddOption(kOptionComment, comment);
  const char flags[4] = {static_cast<char>(direction), 0, 0, 0};
  block.AddOption(kOptionPacketFlags, absl::string_view(flags, 4));
  block.AddOption(kOptionEnd, "");
  block.WriteTo(out_);
}

}  // namespace pinhole::sim
