#include "apps/turn/message_stream.h"

namespace pinhole::apps {

bool MessageStream::Send(net::ByteView message, const net::SendOptions& options) {
  if (unsent_bytes_ >= options_.unsent_bytes_max) return false;
  std::size_t taken = 0;
  if (unsent_.empty()) {
    const absl::StatusOr<std::size_t> written = host_.Write(connection_, message, options);
    if (!written.ok()) return false;
    taken = *written;
  }
  if (taken < message.size()) {
    unsent_.push_back({{message.begin() + static_cast<std::ptrdiff_t>(taken), message.end()}, options});
    unsent_bytes_ += message.size() - taken;
  }
  return true;
}

void MessageStream::OnWritable() {
  while (!unsent_.empty()) {
    Unsent& first = unsent_.front();
    const std::size_t taken = host_.Write(connection_, first.bytes, first.options).value_or(0);
    unsent_bytes_ -= taken;
    if (taken < first.bytes.size()) {
      first.bytes.erase(first.bytes.begin(), first.bytes.begin() + static_cast<std::ptrdiff_t>(taken));
      return;
    }
    unsent_.pop_front();
  }
}

std::vector<std::uint8_t> MessageStream::unsent() const {
  std::vector<std::uint8_t> all;
  for (const Unsent& one : unsent_) all.insert(all.end(), one.bytes.begin(), one.bytes.end());
  return all;
}

std::optional<net::ByteView> MessageStream::Next() {
  while (true) {
    if (const std::optional<net::ByteView> message = splitter_.Next()) return message;
    const std::span<std::uint8_t> space = splitter_.Space();
    if (space.empty()) return std::nullopt;
    const std::size_t count = host_.Read(connection_, space).value_or(0);
    if (count == 0) return std::nullopt;
    splitter_.Filled(count);
  }
}

}  // namespace pinhole::apps
