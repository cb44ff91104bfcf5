#pragma once
#include <functional>
#include <span>
#include <variant>

#include "ledger/fold.hpp"
#include "ledger/pin_command.hpp"
#include "ledger/pricing.hpp"

namespace tally {

struct sale_command {
  till_key key;
  account_id account;  ///< none for a sale in cash
  std::vector<line_item> lines;
  amount card{};                     ///< money to be taken from the account: paid purse and bonus, as the rules say
  std::vector<tender_item> tenders;  ///< the rest
  bool genuine = false;  ///< head office signed for this account on the card itself: it need not be known here yet
  std::vector<unit_use> uses = {};    ///< points and vouchers that the customer chose; not bonus
  std::vector<gift_item> gifts = {};  ///< pieces paid with units
  bytes once = {};                    ///< digest of the one-time number that names the account; else empty
  /// When the card has less money than `card`: put aside what it has (an `authorise`), to be captured with other
  /// payments for the rest.
  bool partial = false;
  pin_proof pin = {};
  friend bool operator==(const sale_command&, const sale_command&) = default;
};
struct top_up_command {
  till_key key;
  account_id account;
  amount value{};
  tender_kind tender = tender_kind::cash;
  bool genuine = false;       ///< as in a sale
  std::uint32_t package = 0;  ///< of the rules; its price is `value`
  bytes once = {};            ///< as in a sale
  friend bool operator==(const top_up_command&, const top_up_command&) = default;
};
struct reverse_command {
  till_key key;
  sequence seq{};  ///< of an entry in this node's current journal
  friend bool operator==(const reverse_command&, const reverse_command&) = default;
};
/// Pieces of an own sale come back. Each costs what it cost then, discounts, vouchers and units paid taken off.
struct refund_command {
  till_key key;
  sequence seq{};                ///< of the sale in this node's current journal
  std::vector<line_item> lines;  ///< product and pieces, each product once
  bool to_card = false;          ///< money goes to the account of the sale, else by `tender`
  tender_kind tender = tender_kind::cash;
  friend bool operator==(const refund_command&, const refund_command&) = default;
};
/// A customer reports a card. Acts at once at this node; head office publishes what becomes of it.
struct claim_command {
  till_key key;
  account_id account;
  card_status status = card_status::lost;  ///< lost or frozen
  bool genuine = false;                    ///< as in a sale
  friend bool operator==(const claim_command&, const claim_command&) = default;
};
/// A card of a run that lies at this store is sold: price and deposit as the rules say, and what is loaded at once.
struct card_sale_command {
  till_key key;
  account_id account;
  amount load{};
  tender_kind tender = tender_kind::cash;
  bytes once = {};  ///< as in a sale
  friend bool operator==(const card_sale_command&, const card_sale_command&) = default;
};
/// A card comes back for good: so much of its paid money, and its deposit, are paid out.
struct hand_back_command {
  till_key key;
  account_id account;
  amount paid{}, deposit{};
  tender_kind tender = tender_kind::cash;
  bytes once = {};  ///< as in a sale
  pin_proof pin = {};
  friend bool operator==(const hand_back_command&, const hand_back_command&) = default;
};
/// Puts money of a card aside until the deadline. Paid money only: what bonus may pay depends on the basket.
struct authorise_command {
  till_key key;
  account_id account;
  amount value{};
  std::int64_t seconds{};  ///< from now; at most what the rules allow
  bool genuine = false;    ///< as in a sale
  pin_proof pin = {};
  friend bool operator==(const authorise_command&, const authorise_command&) = default;
};
/// A sale that is paid from what an own authorise put aside, at most that; what is left of it goes back to the card.
/// `sale.account` is not looked at: it is that of the authorise.
struct capture_command {
  sale_command sale;
  sequence seq{};  ///< of the authorise in this node's current journal
  friend bool operator==(const capture_command&, const capture_command&) = default;
};
/// Gives back to the card what an own authorise put aside.
struct void_command {
  till_key key;
  sequence seq{};
  friend bool operator==(const void_command&, const void_command&) = default;
};
/// Pieces come back of a sale that another node made, or this one in an earlier life.
struct refund_elsewhere_command {
  till_key key;
  writer_id writer;  ///< of the sale's journal
  sequence seq{};
  entry sale;  ///< as the caller found it proven, and its octets
  bytes evidence;
  std::vector<line_item> lines;  ///< product and pieces, each product once
  bool to_card = false;          ///< money goes to the account of the sale, else by `tender`
  tender_kind tender = tender_kind::cash;
  friend bool operator==(const refund_elsewhere_command&, const refund_elsewhere_command&) = default;
};
/// One member gives money or units to another.
struct gift_command {
  till_key key;
  account_id account, to;
  std::uint32_t purse = purse_paid;
  amount units{};
  bool genuine = false;  ///< as in a sale: of the giver
  pin_proof pin = {};    ///< of the giver
  friend bool operator==(const gift_command&, const gift_command&) = default;
};
/// The shop gives units of a purse by hand, or takes them: for an activity, for a mistake.
struct adjust_command {
  till_key key;
  account_id account;
  std::uint32_t purse{};
  amount units{};        ///< given; below zero: taken
  std::string reason;    ///< UTF-8, at most `note_max` octets; it is in the journal for ever
  bool genuine = false;  ///< as in a sale
  friend bool operator==(const adjust_command&, const adjust_command&) = default;
};
/// Gifts on the shelf: what was counted there, or what came (below zero: went).
struct stock_command {
  till_key key;
  std::vector<line_item> lines;  ///< product and pieces, each product once
  bool counted = false;
  friend bool operator==(const stock_command&, const stock_command&) = default;
};
using till_command =
    std::variant<sale_command, top_up_command, reverse_command, refund_command, claim_command, card_sale_command,
                 hand_back_command, authorise_command, capture_command, void_command, refund_elsewhere_command,
                 gift_command, adjust_command, pin_command, stock_command>;

const till_key& key_of(const till_command& c);

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
  std::optional<std::uint32_t> tries = {};   ///< pin_wrong: that are left
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
