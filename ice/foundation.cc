#include "ice/foundation.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace pinhole::ice {

FoundationId LocalFoundations::Of(CandidateType type, const net::IpAddress& base, const net::IpAddress& server,
                                  Transport transport) {
  const Key key{type, transport, base, server};
  const auto found = std::find(keys_.begin(), keys_.end(), key);
  const auto id = static_cast<FoundationId>(found - keys_.begin());
  if (found == keys_.end()) keys_.push_back(key);
  return id;
}

Foundation LocalFoundations::Text(FoundationId id) { return Foundation(absl::AlphaNum(id + 1).Piece()); }

FoundationId RemoteFoundations::Of(const Foundation& text) {
  const auto found = std::find(texts_.begin(), texts_.end(), text);
  const auto id = static_cast<FoundationId>(found - texts_.begin());
  if (found == texts_.end()) texts_.push_back(text);
  return id;
}

FoundationId RemoteFoundations::Unique() {
  texts_.push_back(Foundation());
  return static_cast<FoundationId>(texts_.size() - 1);
}

}  // namespace pinhole::ice
