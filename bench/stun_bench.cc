// The CPU time of the STUN codec, divided by that of the cryptography that it cannot avoid.
//
// One connectivity check like that of RFC 5769 §2.1 (108 bytes: SOFTWARE, PRIORITY, ICE-CONTROLLED, USERNAME,
// MESSAGE-INTEGRITY, FINGERPRINT) is built, then parsed and verified as an agent does. The other side of the comparison
// makes and checks one HMAC and one CRC of the same bytes with nettle directly (crypto_floor.h). Only the ratio
// `over_crypto` is a claim, because the two sides run alternately.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>

#include "bench/crypto_floor.h"
#include "bench/stopwatch.h"
#include "stun/attributes.h"
#include "stun/fingerprint.h"
#include "stun/message.h"
#include "stun/message_builder.h"

namespace pinhole::bench {
namespace {

using stun::HmacSha1Key;
using stun::MessageBuilder;
using stun::MessageClass;
using stun::MessageView;
using stun::Method;
using stun::TransactionId;

constexpr int kMessagesPerTurn = 1000;
constexpr std::int64_t kHashedBytes = 108 - stun::kIntegrityBytes - stun::kFingerprintBytes;

net::ByteView BuildCheck(std::span<std::uint8_t> buffer, const TransactionId& id, const HmacSha1Key& key) {
  MessageBuilder message(buffer, MessageClass::kRequest, Method::kBinding, id);
  message.Add(stun::Software{"STUN test client"})
      .Add(stun::Priority{0x6E0001FF})
      .Add(stun::IceControlled{0x932FF9B151263B36u})
      .Add(stun::Username{"evtj:h6vY"})
      .AddIntegrity(key)
      .AddFingerprint();
  return message.Finish().value();
}

// Reads a check as an agent does before it answers.
bool Understand(net::ByteView datagram, const HmacSha1Key& key) {
  const std::optional<MessageView> message = MessageView::Parse(datagram);
  if (!message.has_value() || !message->FingerprintOk()) return false;
  if (message->HasUnknownRequired(stun::kIceAttributes)) return false;
  const bool complete = message->Get<stun::Username>().has_value() && message->Get<stun::Priority>().has_value() &&
                        message->Get<stun::IceControlled>().has_value();
  return complete && message->CheckIntegrity(key);
}

void BM_StunCheckOverCrypto(benchmark::State& state) {
  const HmacSha1Key key("VOkJxbRl1RmTxUk/WvJxBt");
  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  TransactionId id;
  Stopwatch ours, floor;
  for (auto _ : state) {
    ours.Time([&] {
      for (int i = 0; i < kMessagesPerTurn; ++i) {
        net::StoreU32(id.bytes.data(), static_cast<std::uint32_t>(i));
        if (!Understand(BuildCheck(buffer, id, key), key)) state.SkipWithError("a check did not verify");
      }
    });
    floor.Time([] { Repeat({.messages = kMessagesPerTurn, .message_bytes = kHashedBytes}); });
  }
  const double messages = static_cast<double>(state.iterations()) * kMessagesPerTurn;
  state.counters["over_crypto"] = ours / floor;
  state.counters["ns_per_message"] = static_cast<double>(ours.total_ns()) / messages;
  state.counters["floor_ns"] = static_cast<double>(floor.total_ns()) / messages;
}
BENCHMARK(BM_StunCheckOverCrypto);

void BM_StunBuild(benchmark::State& state) {
  const HmacSha1Key key("VOkJxbRl1RmTxUk/WvJxBt");
  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  for (auto _ : state) benchmark::DoNotOptimize(BuildCheck(buffer, TransactionId{}, key));
}
BENCHMARK(BM_StunBuild);

void BM_StunParse(benchmark::State& state) {
  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  const net::ByteView check = BuildCheck(buffer, TransactionId{}, HmacSha1Key());
  for (auto _ : state) benchmark::DoNotOptimize(MessageView::Parse(check));
}
BENCHMARK(BM_StunParse);

void BM_StunParseAndVerify(benchmark::State& state) {
  const HmacSha1Key key("VOkJxbRl1RmTxUk/WvJxBt");
  std::array<std::uint8_t, stun::kMessageBytesMax> buffer;
  const net::ByteView check = BuildCheck(buffer, TransactionId{}, key);
  for (auto _ : state) benchmark::DoNotOptimize(Understand(check, key));
}
BENCHMARK(BM_StunParseAndVerify);

void BM_StunHmacSha1Of100Bytes(benchmark::State& state) {
  const HmacSha1Key key("VOkJxbRl1RmTxUk/WvJxBt");
  std::array<std::uint8_t, 100> text = {};
  for (auto _ : state) benchmark::DoNotOptimize(key.Compute(text));
}
BENCHMARK(BM_StunHmacSha1Of100Bytes);

void BM_StunCrc32Of100Bytes(benchmark::State& state) {
  std::array<std::uint8_t, 100> text = {};
  for (auto _ : state) {
    benchmark::DoNotOptimize(text.data());
    benchmark::DoNotOptimize(stun::Crc32(text));
  }
}
BENCHMARK(BM_StunCrc32Of100Bytes);

}  // namespace
}  // namespace pinhole::bench
