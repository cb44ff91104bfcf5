#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "devices/chip.hpp"
#include "ledger/result.hpp"
#include "ledger/types.hpp"

namespace tally {

/// How the card service and its readers are: `no_service` when pcscd does not answer, `unplugged` when it knows no
/// reader that fits.
enum class pcsc_state : std::uint8_t { no_service, unplugged, ready };

/// Stable name, as in the HTTP interface: "no_service".
std::string_view pcsc_state_name(pcsc_state state);

struct pcsc_options {
  std::string reader = "any";  ///< "any", or a part of a reader's name; slots for SAMs are left out unless named
  tick_ms retry_interval_ms = 500;
};

/// Contactless and chip readers through pcscd (PC/SC lite): watches every slot that fits, runs a `chip_reader` on
/// each card and hands out what it read. Readers may come and go, and pcscd may die and come back.
///
/// Owns one thread, from `start` to `stop` or the destructor. Callbacks run on it, one at a time; they must not throw
/// and must not call `stop`. `on_state` tells the first state and every change.
/// A card is held exclusively while it is read, a few milliseconds, and let go then. Only the first `slots_max` slots
/// count. A pcscd that hangs in the middle of an exchange is waited for; `stop` then leaves the thread behind after
/// `stop_wait_ms`, and no callback comes from it any more.
class pcsc_reader {
public:
  static constexpr std::size_t slots_max = 8;
  static constexpr tick_ms stop_wait_ms = 3000;

  struct callbacks {
    std::function<void(const reader_event&)> on_event;
    std::function<void(pcsc_state)> on_state;
  };

  pcsc_reader(pcsc_options options, callbacks calls);
  ~pcsc_reader();
  pcsc_reader(const pcsc_reader&) = delete;
  pcsc_reader& operator=(const pcsc_reader&) = delete;

  /// Starts watching; a service that is away is no error. `bad_config` for an empty name. REQUIRES: not started.
  status start();
  void stop();

private:
  struct inner;
  std::shared_ptr<inner> inner_;
};

/// Names of all slots that pcscd knows now, for people who set a node up. `offline` when pcscd is not there, `timeout`
/// when it hangs: then a thread is left behind that waits for it.
result<std::vector<std::string>> pcsc_slots(tick_ms patience_ms = 5000);

}  // namespace tally
