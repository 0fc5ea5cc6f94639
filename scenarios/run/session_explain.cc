#include "scenarios/run/session_explain.h"

#include "absl/strings/str_cat.h"
#include "net/contract.h"
#include "scenarios/run/killer.h"

namespace pinhole::scenarios {
namespace {

// The reason for the end of a pair that the agent itself knows. Empty if the pair did not end.
std::string Ended(const ice::PairView& pair) {
  switch (pair.end) {
    case ice::PairEnd::kNone:
      return "";
    case ice::PairEnd::kTimeout:
      return "no answer";
    case ice::PairEnd::kIntegrityViolated:
      return "answered, but never with the peer's integrity (RFC 8489 §9.1.4)";
    case ice::PairEnd::kNotSymmetric:
      return "the answer came from or to another address (RFC 8445 §7.2.5.2.1)";
    case ice::PairEnd::kErrorResponse:
      return absl::StrCat("refused by the peer with error ", pair.error_code);
    case ice::PairEnd::kIcmpError:
      return "an ICMP error came back";
    case ice::PairEnd::kSendRefused:
      return "the machine refused to send";
    case ice::PairEnd::kPermissionRefused:
      return "the TURN server gave no permission";
    case ice::PairEnd::kRelayLost:
      return "the allocation is gone";
    case ice::PairEnd::kConnectionFailed:
      return absl::StrCat("no TCP connection",
                          pair.connection_end ? absl::StrCat(": ", ice::ToString(*pair.connection_end)) : "");
    case ice::PairEnd::kConnectionLost:
      return absl::StrCat("its TCP connection broke",
                          pair.connection_end ? absl::StrCat(": ", ice::ToString(*pair.connection_end)) : "");
    case ice::PairEnd::kNotStun:
      return "what answered over TCP was not the peer";
    case ice::PairEnd::kDiscarded:
      return "made room for a UDP pair";
    case ice::PairEnd::kConcluded:
      return "given up: another pair was nominated";
  }
  net::CannotHappen();
}

std::string DescribeKiller(const CellRun& run, const Killer& killer) {
  PINHOLE_REQUIRES(killer.drop.has_value());
  std::string text = Describe(run, *killer.drop);
  if (killer.by.kind == "rst") return absl::StrCat(text, ", and answered with RST");
  if (killer.by.kind == "icmp") return absl::StrCat(text, ", and answered with ICMP");
  const bool moved = run.world().node(killer.drop->node).name() != killer.by.node;
  if (moved) absl::StrAppend(&text, ", for ", killer.by.node, " sends from another port than was asked");
  return text;
}

}  // namespace

std::string ExplainPair(const CellRun& run, const ice::PairView& pair, const PairDeath* death) {
  std::string text = Ended(pair);
  // The last lost packet is left out for a valid pair and for a pair that was answered with an error, because no loss
  // explains these. It is told for a pair that is still checked, because it may explain the delay.
  const bool says_it_all = pair.valid || pair.end == ice::PairEnd::kErrorResponse;
  if (death == nullptr || says_it_all) return text;
  return absl::StrCat(text, text.empty() ? "" : "; last lost: ", Describe(run, death->drop));
}

std::string ExplainSession(const CellRun& run, const PacketBook* book, const SessionTrial& session) {
  std::string text;
  std::string ended_by_agent;  // the last failed pair that ended for another reason than a timeout
  bool connected = true;
  for (int side = 0; side < 2; ++side) {
    const apps::IceEndpoint& endpoint = session.endpoint(side);
    const PlannedSession::Peer& peer = session.plan().peer(side);
    if (endpoint.state() == apps::EndpointState::kConnected) continue;
    connected = false;
    absl::StrAppend(&text, text.empty() ? "" : "; ", peer.name, ": ",
                    endpoint.finished() ? endpoint.Failure()
                                        : absl::StrCat("still ", apps::ToString(endpoint.state()), " at the end"));
    for (const ice::PairView& pair : endpoint.agent().CheckListSnapshot()) {
      if (pair.state != ice::PairState::kFailed || pair.end == ice::PairEnd::kTimeout) continue;
      ended_by_agent = absl::StrCat("pair ", pair.local.address.ToString(), " > ", pair.remote.address.ToString(),
                                    " ended at ", run.host(peer.node).name(), ": ", ice::ToString(pair.end));
    }
  }
  if (connected) return "";
  const std::optional<Killer> killer = FindKiller(run, book, session);
  if (!ended_by_agent.empty() && (!killer || !killer->drop || IsHopeless(run, *killer->drop))) {
    absl::StrAppend(&text, "; last hope: ", ended_by_agent);
  } else if (killer) {
    absl::StrAppend(&text, "; last hope: ", DescribeKiller(run, *killer));
  }
  if (run.out_of_events()) absl::StrAppend(&text, "; the run was stopped at events_max");
  return text;
}

}  // namespace pinhole::scenarios
