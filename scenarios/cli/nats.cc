#include "scenarios/cli/nats.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "google/protobuf/text_format.h"
#include "scenarios/conversion/nat_conversion.h"
#include "scenarios/language/nat_profiles.h"

namespace pinhole::scenarios {
namespace {

// ADDRESS_AND_PORT_DEPENDENT -> "address and port".
std::string Words(absl::string_view constant) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(constant),
                             {{"_dependent", ""}, {"_independent", " independent"}, {"_", " "}});
}

std::string Seconds(std::uint64_t us) {
  if (us % 1000000 == 0) return absl::StrCat(us / 1000000);
  return absl::StrFormat("%d.%06d", us / 1000000, us % 1000000);
}

template <typename TransportNat>
std::string Memory(const TransportNat& nat) {
  if (nat.filtering() == proto::Filtering::ENDPOINT_INDEPENDENT) return nat.inbound_sessions() ? "sessions" : "";
  return absl::StrCat(nat.filter_memory() == proto::FilterMemory::PER_ENDPOINT ? "per endpoint" : "per mapping",
                      nat.inbound_sessions() ? ", sessions" : "");
}

std::string Ports(const proto::PortAllocation& ports) {
  std::string text = Words(proto::PortAllocation::Policy_Name(ports.policy()));
  if (ports.has_first_port()) absl::StrAppend(&text, " ", ports.first_port(), "-", ports.last_port());
  if (ports.block_ports() > 0) absl::StrAppend(&text, ", blocks of ", ports.block_ports());
  if (ports.keep_parity()) absl::StrAppend(&text, ", parity");
  return text;
}

// The different lifetimes that a UDP mapping may have, shortest first, and the direction of traffic that renews them.
std::string Timeouts(proto::UdpNat udp) {
  FillDependentDefaults(&udp);
  std::vector<std::uint64_t> lives = {udp.unreplied_timeout_us(), udp.idle_timeout_us(), udp.assured_timeout_us()};
  if (udp.has_first_timeout_us()) lives.push_back(udp.first_timeout_us());
  std::sort(lives.begin(), lives.end());
  lives.erase(std::unique(lives.begin(), lives.end()), lives.end());
  const std::string text =
      absl::StrJoin(lives, " / ", [](std::string* out, std::uint64_t us) { absl::StrAppend(out, Seconds(us)); });
  return absl::StrCat(text, " s, ", Words(proto::Refresh::Kind_Name(udp.refresh())));
}

// The lifetimes of a TCP connection in this order: while it opens; established; half closed, if that differs from
// established; while it closes; after a RST.
std::string Timeouts(proto::TcpNat tcp) {
  FillDependentDefaults(&tcp);
  const auto join = [](std::vector<std::uint64_t> lives) {
    std::sort(lives.begin(), lives.end());
    lives.erase(std::unique(lives.begin(), lives.end()), lives.end());
    return absl::StrJoin(lives, " / ", [](std::string* out, std::uint64_t us) { absl::StrAppend(out, Seconds(us)); });
  };
  std::string text = absl::StrCat(join({tcp.syn_sent_timeout_us(), tcp.syn_received_timeout_us()}), " s, ",
                                  Seconds(tcp.established_timeout_us()), " s, ");
  const std::string half_closed = join({tcp.fin_wait_timeout_us(), tcp.close_wait_timeout_us()});
  if (half_closed != Seconds(tcp.established_timeout_us())) absl::StrAppend(&text, "half closed ", half_closed, " s, ");
  absl::StrAppend(&text, join({tcp.last_ack_timeout_us(), tcp.time_wait_timeout_us()}), " s, RST ",
                  Seconds(tcp.close_timeout_us()), " s");
  if (tcp.has_unacknowledged_timeout_us()) {
    absl::StrAppend(&text, ", unacknowledged ", Seconds(tcp.unacknowledged_timeout_us()), " s");
  }
  return text;
}

std::string Tracking(const proto::TcpNat& tcp) {
  std::string text = Words(proto::TcpTracking::Depth_Name(tcp.tracking()));
  if (tcp.loose()) text += ", loose";
  if (tcp.liberal()) text += ", liberal";
  if (!tcp.simultaneous_open()) text += ", no simultaneous open";
  if (tcp.idle() != proto::TcpIdle::SILENT)
    absl::StrAppend(&text, ", idle ", Words(proto::TcpIdle::Answer_Name(tcp.idle())));
  return text;
}

std::string UnsolicitedSyn(const proto::TcpNat& tcp) {
  const bool answers = tcp.unsolicited() != proto::Unsolicited::DROP && tcp.unsolicited() != proto::Unsolicited::INPUT;
  const std::string text = Words(proto::Unsolicited::Answer_Name(tcp.unsolicited()));
  return answers && tcp.unsolicited_hold_us() > 0
             ? absl::StrCat(text, " after ", Seconds(tcp.unsolicited_hold_us()), " s")
             : text;
}

std::string Trust(const proto::NatProfile& profile) {
  return absl::AsciiStrToLower(proto::Trust::Level_Name(profile.trust()));
}

void PrintTable(const NatProfiles& profiles, std::ostream& out) {
  std::size_t width = 0;
  for (const proto::NatProfile& profile : profiles.all()) width = std::max(width, profile.name().size());
  for (const proto::NatProfile& profile : profiles.all()) {
    out << absl::StrFormat("%-*s  %s\n", static_cast<int>(width), profile.name(), profile.summary());
  }
}

void PrintMarkdown(const NatProfiles& profiles, std::ostream& out) {
  out << "<!-- From scenarios/nats/*.textproto by `pinhole nats --markdown`. Edit those; a test compares. -->\n"
         "# NAT profiles\n\n"
         "How far to trust a row: *definition*, the name says it all; *measured*, by our own probes; *documented*, by "
         "the\nvendor; *composite*, a mixture of published figures. Timeouts are the lives of a UDP mapping (new, "
         "replied, in use,\nwhere they differ) and the direction of traffic that renews them.\n\n"
         "| profile | also called | mapping | filtering | filter memory | ports | UDP timeouts | hairpin | unsolicited "
         "| trust | source |\n|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const proto::NatProfile& profile : profiles.all()) {
    const proto::UdpNat& udp = profile.udp();
    out << "| " << profile.name() << " | " << absl::StrJoin(profile.alias(), ", ") << " | "
        << Words(proto::Mapping::Kind_Name(udp.mapping())) << " | "
        << Words(proto::Filtering::Kind_Name(udp.filtering())) << " | " << Memory(udp) << " | " << Ports(udp.ports())
        << " | " << Timeouts(udp) << " | " << Words(proto::Hairpin::Kind_Name(udp.hairpin())) << " | "
        << Words(proto::Unsolicited::Answer_Name(udp.unsolicited()))
        << (udp.unsolicited_claims_tuple() ? ", claims the tuple" : "") << " | " << Trust(profile) << " | "
        << absl::StrJoin(profile.source(), "; ") << " |\n";
  }
  out << "\n## TCP\n\n"
         "Timeouts: while opening, established (half closed where that differs), while closing, after a RST. Tracking "
         "is how\nclosely segments are looked at: *addresses* (not at all), *flags*, *syn ack number*, *window*, "
         "*linux*, *rewrites isn*;\neach does what the ones before it do. Invalid is what becomes of a segment that "
         "the "
         "tracking refuses.\n\n"
         "| profile | mapping | filtering | filter memory | ports | TCP timeouts | hairpin | unsolicited SYN | "
         "tracking "
         "| invalid | RST |\n|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const proto::NatProfile& profile : profiles.all()) {
    const proto::TcpNat& tcp = profile.tcp();
    out << "| " << profile.name() << " | " << Words(proto::Mapping::Kind_Name(tcp.mapping())) << " | "
        << Words(proto::Filtering::Kind_Name(tcp.filtering())) << " | " << Memory(tcp) << " | " << Ports(tcp.ports())
        << " | " << Timeouts(tcp) << " | " << Words(proto::Hairpin::Kind_Name(tcp.hairpin())) << " | "
        << UnsolicitedSyn(tcp) << " | " << Tracking(tcp) << " | "
        << Words(proto::TcpInvalid::Answer_Name(tcp.invalid())) << " | "
        << Words(proto::TcpReset::Effect_Name(tcp.on_reset())) << " |\n";
  }
}

void PrintProfile(proto::NatProfile profile, std::ostream& out) {
  out << profile.name() << ": " << profile.summary() << "\n";
  if (profile.alias_size() > 0) out << "  also called   " << absl::StrJoin(profile.alias(), ", ") << "\n";
  const proto::UdpNat& udp = profile.udp();
  out << "  mapping       " << Words(proto::Mapping::Kind_Name(udp.mapping())) << "\n"
      << "  filtering     " << Words(proto::Filtering::Kind_Name(udp.filtering())) << "\n";
  if (!Memory(udp).empty()) out << "  filter memory " << Memory(udp) << "\n";
  out << "  ports         " << Ports(udp.ports()) << "\n"
      << "  UDP timeouts  " << Timeouts(udp) << "\n"
      << "  hairpin       " << Words(proto::Hairpin::Kind_Name(udp.hairpin())) << "\n"
      << "  unsolicited   " << Words(proto::Unsolicited::Answer_Name(udp.unsolicited()))
      << (udp.unsolicited_claims_tuple() ? ", claims the tuple" : "") << "\n"
      << "  TCP\n";
  const proto::TcpNat& tcp = profile.tcp();
  out << "    mapping     " << Words(proto::Mapping::Kind_Name(tcp.mapping())) << "\n"
      << "    filtering   " << Words(proto::Filtering::Kind_Name(tcp.filtering())) << (Memory(tcp).empty() ? "" : ", ")
      << Memory(tcp) << "\n"
      << "    ports       " << Ports(tcp.ports()) << "\n"
      << "    timeouts    " << Timeouts(tcp) << "\n"
      << "    hairpin     " << Words(proto::Hairpin::Kind_Name(tcp.hairpin())) << "\n"
      << "    unsolicited " << UnsolicitedSyn(tcp) << "\n"
      << "    tracking    " << Tracking(tcp) << "\n"
      << "    invalid     " << Words(proto::TcpInvalid::Answer_Name(tcp.invalid())) << "\n"
      << "    RST         " << Words(proto::TcpReset::Effect_Name(tcp.on_reset())) << "\n"
      << "  trust         " << Trust(profile) << "\n";
  for (const std::string& source : profile.source()) out << "  source        " << source << "\n";
  profile.clear_name();
  profile.clear_alias();
  profile.clear_summary();
  profile.clear_trust();
  profile.clear_source();
  std::string text;
  google::protobuf::TextFormat::PrintToString(profile, &text);
  out << "\nAs fields of a nat in a scenario:\n" << text;
}

}  // namespace

ExitCode Nats(const NatsFlags& flags, FileReader& files, std::ostream& out, std::ostream& err) {
  Problems problems;
  const NatProfiles profiles = NatProfiles::Load(files, flags.data_directory, &problems);
  if (!problems.empty()) {
    err << problems.ToStatus().message() << "\n";
    return ExitCode::kBadScenario;
  }
  if (flags.markdown) {
    PrintMarkdown(profiles, out);
    return ExitCode::kOk;
  }
  if (flags.name.empty()) {
    PrintTable(profiles, out);
    return ExitCode::kOk;
  }
  const proto::NatProfile* profile = profiles.Find(flags.name);
  if (profile == nullptr) {
    err << "nats: no profile \"" << flags.name << "\"" << Suggestion(flags.name, profiles.names()) << "\n";
    return ExitCode::kBadScenario;
  }
  PrintProfile(*profile, out);
  return ExitCode::kOk;
}

}  // namespace pinhole::scenarios
