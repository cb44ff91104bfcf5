#pragma once
#include <cstdint>
#include <span>

namespace tally {

/// Where random octets come from. A port, so that the simulator can pass a seeded source and replay a run.
///
/// Ownership: the caller of a function that takes one keeps it alive for that call only. Not thread-safe unless the
/// implementation says so.
class entropy {
public:
  virtual ~entropy() = default;
  /// Fills `out` completely. Cannot fail: an implementation that has no randomness stops the process.
  virtual void fill(std::span<std::uint8_t> out) = 0;
};

}  // namespace tally
