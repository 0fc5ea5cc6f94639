#include "sim/record/lineage.h"

#include "net/contract.h"

namespace pinhole::sim {

const char* ToString(Relation relation) {
  switch (relation) {
    case Relation::kSent:
      return "sent";
    case Relation::kCausedBy:
      return "caused_by";
    case Relation::kTranslated:
      return "translated";
    case Relation::kDuplicated:
      return "duplicated";
    case Relation::kQuotes:
      return "quotes";
    case Relation::kAnswers:
      return "answers";
  }
  net::CannotHappen();
}

PacketId Lineage::Emitted(PacketId id) const {
  while (true) {
    const Entry& entry = at(id);
    if (entry.relation != Relation::kTranslated && entry.relation != Relation::kDuplicated) return id;
    id = entry.parent;
  }
}

}  // namespace pinhole::sim
