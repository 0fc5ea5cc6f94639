#pragma once

#include <vector>

#include "net/bytes.h"
#include "net/socket_address.h"

// The text of an ICE description, as it travels over the referral channel: the attribute lines of RFC 8839 §5.
namespace pinhole::apps {

// Every transport address named in `description`, candidates and their related addresses, each once, in the order
// of the text: what anybody who relays it can read. Lines that are no candidates are passed over.
std::vector<net::SocketAddress> AddressesIn(net::ByteView description);

}  // namespace pinhole::apps
