#include "ice/views.h"

#include "net/contract.h"

namespace pinhole::ice {

const char* ToString(PairState state) {
  switch (state) {
    case PairState::kFrozen:
      return "frozen";
    case PairState::kWaiting:
      return "waiting";
    case PairState::kInProgress:
      return "in_progress";
    case PairState::kSucceeded:
      return "succeeded";
    case PairState::kFailed:
      return "failed";
  }
  net::CannotHappen();
}

const char* ToString(Nomination nomination) {
  switch (nomination) {
    case Nomination::kNone:
      return "none";
    case Nomination::kChosen:
      return "chosen";
    case Nomination::kRequested:
      return "requested";
    case Nomination::kNominated:
      return "nominated";
  }
  net::CannotHappen();
}

const char* ToString(PairEnd end) {
  switch (end) {
    case PairEnd::kNone:
      return "none";
    case PairEnd::kTimeout:
      return "timeout";
    case PairEnd::kIntegrityViolated:
      return "integrity_violated";
    case PairEnd::kNotSymmetric:
      return "not_symmetric";
    case PairEnd::kErrorResponse:
      return "error_response";
    case PairEnd::kIcmpError:
      return "icmp_error";
    case PairEnd::kSendRefused:
      return "send_refused";
    case PairEnd::kPermissionRefused:
      return "permission_refused";
    case PairEnd::kRelayLost:
      return "relay_lost";
    case PairEnd::kConnectionFailed:
      return "connection_failed";
    case PairEnd::kConnectionLost:
      return "connection_lost";
    case PairEnd::kNotStun:
      return "not_stun";
    case PairEnd::kDiscarded:
      return "discarded";
    case PairEnd::kConcluded:
      return "concluded";
  }
  net::CannotHappen();
}

const char* ToString(ConnectionEnd end) {
  switch (end) {
    case ConnectionEnd::kRefused:
      return "refused";
    case ConnectionEnd::kUnreachable:
      return "unreachable";
    case ConnectionEnd::kNotPermitted:
      return "not_permitted";
    case ConnectionEnd::kTimedOut:
      return "timed_out";
    case ConnectionEnd::kInUse:
      return "in_use";
    case ConnectionEnd::kReset:
      return "reset";
    case ConnectionEnd::kFinished:
      return "finished";
    case ConnectionEnd::kOther:
      return "other";
  }
  net::CannotHappen();
}

const char* ToString(Phase phase) {
  switch (phase) {
    case Phase::kGathering:
      return "gathering";
    case Phase::kExchange:
      return "exchange";
    case Phase::kChecking:
      return "checking";
    case Phase::kNominating:
      return "nominating";
    case Phase::kConnected:
      return "connected";
  }
  net::CannotHappen();
}

const char* ToString(FailureReason reason) {
  switch (reason) {
    case FailureReason::kNone:
      return "none";
    case FailureReason::kNoLocalCandidates:
      return "no_local_candidates";
    case FailureReason::kNoRemoteCandidates:
      return "no_remote_candidates";
    case FailureReason::kNoPairs:
      return "no_pairs";
    case FailureReason::kAllPairsFailed:
      return "all_pairs_failed";
    case FailureReason::kNominationFailed:
      return "nomination_failed";
    case FailureReason::kNominationNeverCame:
      return "nomination_never_came";
    case FailureReason::kNoRemoteDescription:
      return "no_remote_description";
  }
  net::CannotHappen();
}

}  // namespace pinhole::ice
