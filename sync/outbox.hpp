#pragma once
#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/result.hpp"
#include "ledger/types.hpp"

namespace tally {

/// What a message says. Values are on disk.
enum class message_kind : std::uint8_t { code = 0, voucher = 1, level = 2, fee = 3, expiry = 4 };
/// "code", "voucher", "level", "fee", "expiry": in the order of the type.
inline constexpr std::array<std::string_view, 5> message_kind_names{"code", "voucher", "level", "fee", "expiry"};

/// A message on its way to the telephone of a card's member. The telephone itself is not in it: it is looked up in
/// the member's profile when the message is taken, so that an erased member leaves nothing here. Nor is a voucher's
/// code, which head office can sign again: all of it comes of the voucher's grant.
struct outbox_message {
  std::uint64_t number{};    ///< ascends for ever: the entry that the code opens names it
  std::uint64_t question{};  ///< of the store that asked: it is served once
  node_id store;
  account_id card;
  amount up_to{};          ///< card money that it is good for
  unix_seconds at{};       ///< when it was asked for
  unix_seconds expires{};  ///< from then on it opens nothing
  std::string ends_in;     ///< last digits of the telephone's number, as the till was told
  std::string code;        ///< empty: forgotten, and only counted
  unix_seconds taken{};    ///< when it was given to whoever delivers; 0: it waits. Not stored
  // Of other kinds than codes: notices.
  message_kind kind = message_kind::code;
  account_id voucher;          ///< its account
  account_id member;           ///< of a voucher: nobody else is sent it
  std::uint32_t from{}, to{};  ///< levels; 0: none; of expiry: `from` is the purse, and `up_to` its units
  std::uint32_t
      day{};           ///< of expiry: the last good day; of a fee: when the first is taken, `up_to` is the most a month
  std::string origin;  ///< what it came of: it is added once
  bool over = false;   ///< delivered, dropped or too old
  bool waits() const { return kind == message_kind::code ? !code.empty() : !over; }
  friend bool operator==(const outbox_message&, const outbox_message&) = default;
};
bytes encode_outbox_message(const outbox_message& m);
/// Errors: corrupt.
result<outbox_message> decode_outbox_message(byte_view data);

struct outbox_limits {
  unix_seconds good_for = 300;    ///< of a code
  unix_seconds again_after = 60;  ///< what was taken and not said to be delivered is given out again
  unix_seconds window = 3600;     ///< over which is counted
  std::size_t per_card = 5, per_store = 60;
  std::size_t waiting_max = 1'000;  ///< messages with their codes
  std::size_t kept_max = 20'000;    ///< codes of the window, forgotten ones included
  // Notices: they are never in the way of codes.
  unix_seconds notice_good_for = 7 * 86'400;
  std::size_t notices_per_card = 4, notices_max = 10'000;  ///< that wait
};

/// One-time codes that head office has drawn: those that wait to be delivered, and how many each card and store had;
/// and notices, which are erased when they are over.
///
/// Pure: the time comes in, and what is to be stored or erased goes out. Owned by one thread. A message is to be
/// durable before the store is answered; then a crash sends a code twice at most, or one that nobody waits for. What
/// was said to be delivered, or is too old, is forgotten but for number, store and card, which are counted for an hour.
/// The newest number is kept for ever, so that none comes twice even after a clock was set back.
class outbox {
public:
  explicit outbox(outbox_limits limits = {}) : limits_(limits) {}

  /// At a start: what was stored. Any order.
  void restore(outbox_message m);

  /// Why another message cannot be sent: busy (too many for that card or store, for `wait` seconds), full.
  struct refusal {
    errc code = errc::ok;
    unix_seconds wait{};
  };
  std::optional<refusal> may_send(unix_seconds now, node_id store, account_id card) const;
  /// Whether that question was served, as far as is remembered.
  bool served(node_id store, std::uint64_t question) const;
  /// Why another notice for that card cannot wait: busy (so many wait for it), full.
  errc may_note(account_id card) const;
  /// Whether so many notices wait that those are held back which are made for many cards at once.
  bool more_than_half_full() const;
  /// Whether a notice came of that, as far as is remembered. REQUIRES: not empty.
  bool has(std::string_view origin) const;
  /// `m` with the next number, given in now, until `expires` at the latest if that is not 0. REQUIRES: as `next`.
  outbox_message next_notice(unix_seconds now, outbox_message m) const;
  /// What `number` would be. REQUIRES of the caller: nothing else is added before it.
  outbox_message next(unix_seconds now, node_id store, account_id card, std::uint64_t question, amount up_to,
                      std::string ends_in, std::string code) const;
  /// Messages whose records have changed, to be stored: the new one, and those that it makes void.
  [[nodiscard]] std::vector<outbox_message> add(outbox_message m);

  /// At most `max` that wait, codes before notices, then oldest first; each is given out again after `again_after`,
  /// until it is said to be delivered or is too old.
  [[nodiscard]] std::vector<outbox_message> take(unix_seconds now, std::size_t max);
  /// It was delivered, or never can be. The record to be stored; nothing when there is no such message any more.
  [[nodiscard]] std::optional<outbox_message> done(std::uint64_t number);

  /// What time has changed since the last look: records to be stored, and numbers of those to be erased.
  struct changes {
    std::vector<outbox_message> store;
    std::vector<std::uint64_t> erase;
  };
  [[nodiscard]] changes look(unix_seconds now);

  /// Those that wait or are being delivered, oldest first.
  std::vector<outbox_message> waiting() const;

private:
  std::uint64_t next_number(unix_seconds now) const;
  bool is_too_old(const outbox_message& m, unix_seconds now) const;

  outbox_limits limits_;
  std::map<std::uint64_t, outbox_message> kept_;
};

}  // namespace tally
