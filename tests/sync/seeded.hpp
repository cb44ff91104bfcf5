#pragma once
#include <cstdint>
#include <random>

#include "sync/entropy.hpp"

namespace tally::test {

/// Random octets from a seed: the same run each time.
class seeded_entropy final : public entropy {
public:
  explicit seeded_entropy(std::uint64_t seed) : engine_(seed) {}
  void fill(std::span<std::uint8_t> out) override {
    for (auto& b : out)
      b = static_cast<std::uint8_t>(engine_());
  }

private:
  std::mt19937_64 engine_;
};

}  // namespace tally::test
