#include "ice/candidate.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "net/contract.h"

namespace pinhole::ice {

const char* ToString(CandidateType type) {
  switch (type) {
    case CandidateType::kHost:
      return "host";
    case CandidateType::kPeerReflexive:
      return "prflx";
    case CandidateType::kServerReflexive:
      return "srflx";
    case CandidateType::kRelayed:
      return "relay";
  }
  net::CannotHappen();
}

const char* ToString(Transport transport) {
  switch (transport) {
    case Transport::kUdp:
      return "udp";
    case Transport::kTcpActive:
      return "active";
    case Transport::kTcpPassive:
      return "passive";
    case Transport::kTcpSimultaneousOpen:
      return "so";
  }
  net::CannotHappen();
}

Foundation::Foundation(absl::string_view text) : length_(static_cast<std::uint8_t>(text.size())) {
  PINHOLE_REQUIRES(text.size() <= kLengthMax);
  std::memcpy(text_.data(), text.data(), text.size());
}

void AppendTo(std::string& line, const Candidate& candidate) {
  absl::StrAppend(&line, "candidate:", candidate.foundation.text(), " ", candidate.component,
                  IsTcp(candidate.transport) ? " TCP " : " UDP ", candidate.priority, " ",
                  candidate.address.address().ToString(), " ", candidate.address.port(), " typ ",
                  ToString(candidate.type));
  if (candidate.type != CandidateType::kHost) {
    // RFC 8839 §5.1: raddr and rport MUST be present for these types. 0.0.0.0 and port 9 stand for an address that is
    // not told.
    const bool told = candidate.related != net::SocketAddress();
    absl::StrAppend(&line, " raddr ", candidate.related.address().ToString(), " rport ",
                    told ? candidate.related.port() : 9);
  }
  if (IsTcp(candidate.transport)) absl::StrAppend(&line, " tcptype ", ToString(candidate.transport));
}

std::string ToString(const Candidate& candidate) {
  std::string line;
  AppendTo(line, candidate);
  return line;
}

}  // namespace pinhole::ice
