#pragma once
#include "sync/keys.hpp"

namespace tally::fuzz {

/// Believes every signature, so that what a forger could only dream of is tried as well.
struct trusting final : verifier {
  bool verify(const public_key&, byte_view, const signature&) const override { return true; }
};

}  // namespace tally::fuzz
