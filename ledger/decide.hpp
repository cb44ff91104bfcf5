#pragma once
#include <functional>
#include <span>
#include <variant>

#include "ledger/commands.hpp"
#include "ledger/fold.hpp"

namespace tally {

/// Everything that a decision may look at. `find_entry` reads this node's own journals, undecided groups included.
struct situation {
  const state& st;
  const catalogue& rules;
  writer_id self;
  node_role role{};
  unix_seconds now{};
  std::int64_t hq_time{};   ///< last time that head office signed, 0 when never told
  errc stopped = errc::ok;  ///< why card value is stopped at this node, e.g. rolled_back
  sequence next{};          ///< the sequence that a new entry would get
  std::function<std::optional<entry>(const writer_id&, sequence)> find_entry;
  std::span<const writer_id> earlier =
      {};  ///< epochs of this node that came before, newest first: their keys stay used
  /// What lies elsewhere can still be asked for: a refusal for want of it makes the caller ask, then decide without it.
  bool pulls = false;
  /// Everybody who could be asked was, and all that they have is here.
  bool asked = false;
  /// Nobody could be asked, or nobody answered: what the rules allow is taken at risk.
  bool alone = false;
  /// Whose store this is, as its newest certificate here says; nothing at head office.
  std::optional<std::uint32_t> owner = {};
};

/// The request was executed before: its entry is the answer.
struct replayed {
  writer_id writer;  ///< this node, in this or an earlier epoch
  sequence seq{};
};
/// Units of a purse that a request needs and this node has too few of.
struct purse_lack {
  std::uint32_t purse{};
  amount here{}, missing{};
  friend bool operator==(const purse_lack&, const purse_lack&) = default;
};
/// A refusal; nothing was written. `here` and `missing` are set when rights are too few.
struct refusal {
  tally::error why;
  account_id account;
  std::optional<amount> here;
  amount missing{};
  std::uint32_t purse = purse_paid;          ///< insufficient: of which purse
  std::vector<purse_lack> lacks = {};        ///< insufficient, of a sale: all purses that lack, this one among them
  std::optional<card_status> standing = {};  ///< card_blocked: what the card is here
  std::optional<amount> without_pin = {};    ///< pin_required, pin_locked: so much goes without the PIN
  std::optional<std::uint32_t> tries = {};   ///< pin_wrong, code_wrong: that are left
  std::optional<amount> without_code = {};   ///< code_required, code_wrong: so much goes without a code
  std::optional<amount> card_goods = {};     ///< other_goods: the most that the card may pay of this basket
};
using decision = std::variant<entry, replayed, refusal>;

/// A sale as it would be decided now: what a till shows before it asks for it. Nothing is checked against a key.
struct quote {
  priced_sale price;
  std::vector<unit_worth> bonus;  ///< of the money from the card, what bonus would pay, per purse
};
/// `c.card` may be anything from 0 to the price's `card_max`; tenders are not looked at. Errors: as `price_sale`, and
/// what is wrong with the card.
result<quote> quote_sale(const sale_command& c, const situation& now);

/// Decides one request of a till. Pure; the entry that it returns passes `judge`.
/// A repeated key gives `replayed` if the request is the same, and `key_reused` otherwise. Keys `key_window` or more
/// below the newest are refused with `key_too_old` (keys.hpp), never executed.
///
/// A wrong PIN gives a `pin_failed` in place of what was asked for: a refusal, once it is durable.
/// `postings`, if given, is set to those of the entry, so that who writes it need not judge it again.
decision decide(const till_command& c, const situation& now, std::vector<posting>* postings = nullptr);

/// Longest that an authorisation lasts under these rules.
std::int64_t hold_seconds_of(const programme& plan);
/// Most authorisations that are open at one node; more are refused as `busy`.
constexpr std::int64_t open_holds_max = 10'000;
/// How long the money of a partly approved sale waits for the other payments.
constexpr std::int64_t partial_hold_seconds = 15 * 60;
/// Gives back what the authorise of that number put aside, once its deadline has passed by this node's business time;
/// nothing before, or when it has ended.
std::optional<entry> decide_time_out(const situation& now, sequence authorise);

/// As this node knows, its own claim included: nobody has that card any more, so what comes to it is nobody's here.
bool was_given_back(account_id account, const situation& now);

/// Writes off what has expired of one account's purses here, by head office's time; nothing when there is none.
std::optional<entry> decide_expiry(const situation& now, account_id account);

/// Calendar days that the business date may run ahead of the last time that head office signed.
constexpr std::uint32_t business_days_ahead_max = 40;

/// The business date of an entry written now: never back, never too far ahead of head office's time.
std::uint32_t business_date(const state& s, const writer_id& self, unix_seconds now, std::int64_t hq_time);
/// The same from the newest date that the node wrote.
std::uint32_t business_date(std::uint32_t newest, unix_seconds now, std::int64_t hq_time);
/// Sets business date and stamp.
void date_entry(entry& e, const state& s, const writer_id& self, unix_seconds now, std::int64_t hq_time);

/// Builds the send of rights on the channel self → to. Errors: insufficient, no_quota, over_ceiling, bad_amount,
/// not_entitled
/// (the receiver is unknown here), wrong_epoch, revoked. `held_there` is what the receiver holds as far as is known,
/// transit to it included; it is checked against the receiver's ceiling and daily inflow for card value.
result<entry> decide_send(const situation& now, const writer_id& to, account_id account,
                          const std::vector<value_item>& values, send_cause cause, std::uint64_t request,
                          amount held_there, const std::vector<value_item>& debts = {});

/// Head office: what the account holds here pays what it owes here; nothing when there is none of either.
std::optional<entry> decide_settlement(const situation& now, account_id account, std::uint32_t purse);

/// Head office: the fee of the oldest month that is due of a card that nobody used (`seen` tells of uses at all nodes),
/// from what lies here; nothing when none is due, or nothing is there. `wanted`: what it would take, per purse, if it
/// lay here.
std::optional<entry> decide_fee(const situation& now, const state& seen, account_id account,
                                std::vector<unit_use>* wanted = nullptr);

}  // namespace tally
