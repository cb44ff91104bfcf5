#pragma once
#include <cstdint>
#include <memory>

#include "ledger/result.hpp"

namespace tally {

/// One link of the demo network as a wire that can be cut: a TCP relay on the loopback, from the port that a node
/// calls to the port where its parent listens.
///
/// Cut means a silent black hole, as when a cable is pulled somewhere on the way: open connections stay open and
/// carry nothing, new ones are accepted and lead nowhere, nobody is told. Healed, everything flows on where it
/// stopped. Holds at most `sessions_max` connections and 32 KiB of each; at the limit the oldest one that leads
/// nowhere is closed, else the new one. Owns one thread, from `start` to the destructor. Every call may come from any
/// thread.
class demo_relay {
public:
  static constexpr std::size_t sessions_max = 64;

  /// Listens on a free port. `io` when there is none.
  static result<std::unique_ptr<demo_relay>> start(std::uint16_t target_port);
  ~demo_relay();

  std::uint16_t port() const;
  void set_cut(bool cut);
  bool is_cut() const;

private:
  struct impl;
  explicit demo_relay(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace tally
