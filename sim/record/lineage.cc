#include "sim/record/lineage.h"

#include "net/contract.h"

namespace pinhole::sim {

PacketId Lineage::Emitted(PacketId id) const {
  while (true) {
    const Entry& entry = at(id);
    if (entry.relation != Relation::kTranslated && entry.relation != Relation::kDuplicated) return id;
    id = entry.parent;
  }
}

}  // namespace pinhole::sim
