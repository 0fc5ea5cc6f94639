#include "net/posix/list_interfaces.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bit>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/posix/sockaddr.h"

namespace pinhole::net {
namespace {

struct Ipv6Life {
  AddressLife life = AddressLife::kPreferred;
  bool temporary = false;
};

// Reads the state of each IPv6 address from /proc/net/if_inet6, because getifaddrs() does not return it. A line has 32
// hexadecimal digits, the index of the interface, the prefix length, the scope, the flags and the name.
std::map<std::pair<std::uint32_t, IpAddress>, Ipv6Life> ReadIpv6Lives() {
  constexpr unsigned kTemporary = 0x01, kDadFailed = 0x08, kDeprecated = 0x20, kTentative = 0x40;  // linux/if_addr.h
  std::map<std::pair<std::uint32_t, IpAddress>, Ipv6Life> lives;
  std::ifstream file("/proc/net/if_inet6");
  std::string line;
  while (std::getline(file, line)) {
    std::array<std::uint8_t, 16> bytes;
    unsigned index, prefix_length, scope, flags;
    bool ok = line.size() > 32;
    for (std::size_t i = 0; ok && i < 16; ++i) ok = std::sscanf(line.c_str() + 2 * i, "%2hhx", &bytes[i]) == 1;
    if (!ok || std::sscanf(line.c_str() + 32, "%x %x %x %x", &index, &prefix_length, &scope, &flags) != 4) continue;
    Ipv6Life& life = lives[{index, IpAddress::V6(bytes)}];
    life.temporary = (flags & kTemporary) != 0;
    if (flags & (kTentative | kDadFailed)) {
      life.life = AddressLife::kTentative;
    } else if (flags & kDeprecated) {
      life.life = AddressLife::kDeprecated;
    }
  }
  return lives;
}

InterfaceKind KindOf(const std::string& name, unsigned flags) {
  if (flags & IFF_LOOPBACK) return InterfaceKind::kLoopback;
  const std::string directory = absl::StrCat("/sys/class/net/", name, "/");
  std::ifstream uevent(directory + "uevent");
  std::string line;
  while (std::getline(uevent, line)) {
    if (line == "DEVTYPE=wlan") return InterfaceKind::kWifi;
    if (line == "DEVTYPE=wwan") return InterfaceKind::kCellular;
    if (line == "DEVTYPE=wireguard" || line == "DEVTYPE=ppp") return InterfaceKind::kVpn;
  }
  if (access((directory + "tun_flags").c_str(), F_OK) == 0) return InterfaceKind::kVpn;
  return (flags & IFF_POINTOPOINT) ? InterfaceKind::kVpn : InterfaceKind::kEthernet;
}

std::uint32_t MtuOf(int fd, const std::string& name) {
  ifreq request = {};
  std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  if (fd < 0 || ioctl(fd, SIOCGIFMTU, &request) != 0 || request.ifr_mtu < 0) return 1500;
  return static_cast<std::uint32_t>(request.ifr_mtu);
}

// The number of leading ones of a netmask.
int PrefixLength(const sockaddr* netmask, Family family) {
  const std::optional<SocketAddress> mask = FromSockaddr(netmask);
  if (!mask || mask->family() != family) return family == Family::kIpv4 ? 32 : 128;
  const int ones = std::countl_one(mask->address().high());
  return ones < 64 ? ones : ones + std::countl_one(mask->address().low());
}

}  // namespace

std::vector<Interface> ListInterfaces() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
  const auto lives = ReadIpv6Lives();
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  std::map<std::uint32_t, Interface> by_index;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    const std::string name = entry->ifa_name;
    const std::uint32_t index = if_nametoindex(name.c_str());
    if (index == 0) continue;  // the interface was removed meanwhile
    Interface& interface = by_index[index];
    if (interface.name.empty()) {
      interface.id = InterfaceId{index};
      interface.name = name;
      interface.kind = KindOf(name, entry->ifa_flags);
      interface.up = (entry->ifa_flags & IFF_UP) != 0 && (entry->ifa_flags & IFF_RUNNING) != 0;
      interface.mtu_bytes = MtuOf(fd, name);
    }
    const std::optional<SocketAddress> address = FromSockaddr(entry->ifa_addr);
    if (!address) continue;
    InterfaceAddress& added = interface.addresses.emplace_back();
    added.address = address->address();
    added.prefix_length = PrefixLength(entry->ifa_netmask, address->family());
    const auto life = lives.find({index, added.address});
    if (life != lives.end()) {
      added.life = life->second.life;
      added.temporary = life->second.temporary;
    }
  }
  if (fd >= 0) close(fd);

  std::vector<Interface> interfaces;
  for (auto& [index, interface] : by_index) interfaces.push_back(std::move(interface));
  return interfaces;
}

}  // namespace pinhole::net
