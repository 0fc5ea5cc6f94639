#pragma once

// Every attribute struct: one per attribute of RFC 8489, RFC 8445, RFC 8656 and RFC 5780. Each has
//   static constexpr AttributeType kType;
//   static std::optional<T> Parse(net::ByteView value, const TransactionId& id);  // nullopt: malformed
//   void AppendTo(MessageBuilder& message) const;
// MessageView::Get<T>() and MessageBuilder::Add(T) call them.
#include "stun/attributes_address.h"    // IWYU pragma: export
#include "stun/attributes_auth.h"       // IWYU pragma: export
#include "stun/attributes_discovery.h"  // IWYU pragma: export
#include "stun/attributes_error.h"      // IWYU pragma: export
#include "stun/attributes_ice.h"        // IWYU pragma: export
#include "stun/attributes_text.h"       // IWYU pragma: export
#include "stun/attributes_turn.h"       // IWYU pragma: export
