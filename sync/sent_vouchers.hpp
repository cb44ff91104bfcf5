#pragma once
#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ledger/result.hpp"
#include "ledger/types.hpp"

namespace tally {

/// What became of a voucher that head office sends to a member. Values are on disk.
enum class sent_state : std::uint8_t {
  waits = 1,      ///< in the outbox
  delivered = 2,  ///< whoever delivers said so
  too_old = 3,    ///< nobody said so in time
  dropped = 4,    ///< the member, the telephone, the consent or the voucher was gone when it was to be handed out
};
/// "", "waits", "delivered", "too_old", "dropped": in the order of the type.
inline constexpr std::array<std::string_view, 5> sent_state_names{"", "waits", "delivered", "too_old", "dropped"};

/// One voucher and who alone is sent it, for as long as it is good. Numbers of accounts; no telephone, name or code.
struct sent_voucher {
  account_id voucher, card, member;
  std::string batch;
  std::uint32_t until{};  ///< last date on which it is good; 0: no end
  sent_state state = sent_state::waits;
  unix_seconds at{};  ///< when it came to that
  friend bool operator==(const sent_voucher&, const sent_voucher&) = default;
};
bytes encode_sent_voucher(const sent_voucher& v);
/// Errors: corrupt.
result<sent_voucher> decode_sent_voucher(byte_view data);

/// Which vouchers are whose: none is sent to two people, and nobody is sent two of one batch.
///
/// Pure; owned by one thread. A record is to be durable before its message is in the outbox. A voucher that was given
/// to somebody is never given to somebody else, whatever became of the message: it may have been read.
class sent_vouchers {
public:
  static constexpr std::size_t kept_max = 500'000;
  static constexpr std::uint32_t kept_days = 30;  ///< after the last date on which it is good

  /// What was stored or is new; takes the place of what was known of that voucher.
  void put(sent_voucher v);
  const sent_voucher* find(account_id voucher) const;
  /// What the member had of that batch, or any of these cards: also while they were another member's, as before a
  /// merge.
  const sent_voucher* had(const std::string& batch, account_id member, std::span<const account_id> cards) const;
  bool is_full() const { return kept_.size() >= kept_max; }
  std::size_t size() const { return kept_.size(); }
  /// Forgets at most `max` that were good until more than `kept_days` ago; their records are to be erased.
  std::vector<account_id> forget_old(std::uint32_t today, std::size_t max);
  const std::map<account_id, sent_voucher>& all() const { return kept_; }

private:
  struct of_batch {
    std::map<account_id, account_id> by_member, by_card;  ///< to the voucher
  };
  std::map<account_id, sent_voucher> kept_;
  std::map<std::string, of_batch> batches_;
};

}  // namespace tally
