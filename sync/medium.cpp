#include "sync/medium.hpp"

#include <sodium.h>

#include <array>

#include "ledger/result.hpp"

namespace tally {

bytes medium_of(std::string_view chain, std::string_view number) {
  bytes text = "tallystick medium v1\n";
  text += chain;
  text += '\n';
  text += number;
  std::array<std::uint8_t, 16> out{};
  static_assert(out.size() >= crypto_generichash_BYTES_MIN);
  int failed = crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()),
                                  text.size(), nullptr, 0);
  invariant(failed == 0, "BLAKE2b of a text in memory");
  return bytes(view_of(out));
}

}  // namespace tally
