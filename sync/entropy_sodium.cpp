#include "sync/entropy_sodium.hpp"

#include <sodium.h>

#include "ledger/result.hpp"

namespace tally {

void system_entropy::fill(std::span<std::uint8_t> out) {
  // Without sodium_init the first use could race on opening the source.
  static const int ready = sodium_init();
  invariant(ready >= 0, "libsodium initialises");
  if (!out.empty()) randombytes_buf(out.data(), out.size());
}

}  // namespace tally
