#pragma once
#include <filesystem>
#include <mutex>

#include "devices/driver_fd.hpp"
#include "ledger/result.hpp"
#include "ledger/types.hpp"

namespace tally {

/// A reader or scanner for the demo and tests: the far end of a pseudo-terminal, reached through a link at a
/// stable path.
///
/// No thread of its own; every call may come from any thread. The link is made by `plug` and removed by
/// `unplug` and the destructor. An existing link at the path is replaced; anything else there is refused.
class pty_device {
public:
  explicit pty_device(std::filesystem::path link) : link_(std::move(link)) {}
  ~pty_device() { unplug(); }
  pty_device(const pty_device&) = delete;
  pty_device& operator=(const pty_device&) = delete;

  /// Makes the terminal and its link. Harmless when plugged. `io` with the cause.
  status plug();
  /// Whoever reads the terminal sees it vanish. Harmless when unplugged.
  void unplug();
  [[nodiscard]] bool plugged() const;

  /// Sends bytes as the device would, whether or not someone reads yet. `offline` when unplugged; `busy` when the
  /// terminal's buffer (4 KiB) is full, with nothing or a part sent.
  status write(byte_view data);

  /// What was sent to the device since the last call, at most 4 KiB; empty: nothing. `offline` when unplugged.
  result<bytes> read();

private:
  mutable std::mutex mutex_;
  std::filesystem::path link_;
  unique_fd master_;
  unique_fd slave_;  // kept open, or the master would report a hang-up whenever no one reads
};

}  // namespace tally
