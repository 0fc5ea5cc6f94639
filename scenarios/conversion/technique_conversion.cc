#include "scenarios/conversion/technique_conversion.h"

#include "net/contract.h"

namespace pinhole::scenarios {

apps::PunchingTechnique ToTechnique(proto::Punching::Technique technique) {
  switch (technique) {
    case proto::Punching::CONNECT:
      return apps::PunchingTechnique::kConnect;
    case proto::Punching::SIMULTANEOUS_OPEN:
      return apps::PunchingTechnique::kSimultaneousOpen;
    case proto::Punching::SYN_THEN_LISTEN:
      return apps::PunchingTechnique::kSynThenListen;
    case proto::Punching::LOW_TTL_SYN:
      return apps::PunchingTechnique::kLowTtlSyn;
    case proto::Punching::FORGED_GUESSED_NUMBER:
      return apps::PunchingTechnique::kForgedGuessedNumber;
    case proto::Punching::FORGED_EXCHANGED_NUMBER:
      return apps::PunchingTechnique::kForgedExchangedNumber;
    case proto::Punching::UDP:
      return apps::PunchingTechnique::kUdp;
  }
  net::CannotHappen();
}

}  // namespace pinhole::scenarios
