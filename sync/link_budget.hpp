#pragma once
#include <cstdint>

#include "ledger/types.hpp"
#include "storage/varint.hpp"

namespace tally {

/// A month's octets on a link that costs money, and how long sales wait for others to travel with so that they last.
///
/// Nothing is ever held back for good: what somebody waits for goes at once, whatever was used, and sales go at least
/// once an hour. What is saved is messages: a sale that travels with many others takes a fifteenth of one alone.
///
/// Months are those of UTC by the clock that `now` is read from. A clock that is wrong moves the month's begin and
/// nothing else. Pure; one owner thread.
struct link_budget_config {
  std::uint64_t octets = 0;    ///< of a month, both ways, down to IP; 0: as many as it takes
  tick_ms hold_ms = 0;         ///< session_config::hold_ms while there is enough
  std::uint64_t entries = 64;  ///< session_config::hold_entries while there is enough
};

class link_budget {
public:
  explicit link_budget(link_budget_config config) : config_(config) {}

  /// A message of so many octets was sent or came: what it takes on the wire with CURVE, TCP and IP is estimated.
  void count(std::size_t octets, unix_seconds now);
  void add(std::uint64_t on_wire, unix_seconds now);  ///< the same of octets as they are on the wire

  struct window {
    tick_ms hold_ms = 0;
    std::uint64_t entries = 0;
    friend bool operator==(const window&, const window&) = default;
  };
  /// For the session: as configured while the share of the days so far (of seven eighths) is not used up, else longer,
  /// at most an hour and 4,096 entries. The share of a day is there on the first.
  window now_for(unix_seconds now) const;

  struct figures {
    std::uint32_t month = 0;   ///< yyyymm; 0: nothing was counted yet
    std::uint64_t used = 0;    ///< in that month, estimated
    std::uint64_t octets = 0;  ///< of the budget; 0: none
    window holds;
  };
  figures at(unix_seconds now) const;
  /// The budget is used up, and this was not said in this month yet.
  bool is_news(unix_seconds now);

  /// What a restart must not forget. `restore` leaves things as they are when the data is not of this form.
  bytes save() const;
  void restore(byte_view data);
  /// Octets were counted since the last `save` that are worth a write: a sixteenth of a day's share, or 64 KiB.
  bool is_worth_saving() const;

private:
  std::uint64_t share(unix_seconds now) const;
  void turn(unix_seconds now);

  link_budget_config config_;
  std::uint32_t month_ = 0, told_ = 0;
  std::uint64_t used_ = 0;
  mutable std::uint64_t saved_ = 0;
};

/// Octets of one message of `octets` on the wire: frame and seal of CURVE, TCP and IPv4 with time stamps, its part of
/// the acknowledgements.
std::uint64_t octets_on_wire(std::size_t octets);

}  // namespace tally
