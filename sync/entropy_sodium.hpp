#pragma once
#include "sync/entropy.hpp"

namespace tally {

/// The operating system's random source, through libsodium. Thread-safe; stateless. The only one for real keys.
class system_entropy final : public entropy {
public:
  void fill(std::span<std::uint8_t> out) override;
};

}  // namespace tally
