#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ledger/entry.hpp"
#include "ledger/pin_command.hpp"
#include "ledger/pricing.hpp"

namespace tally {

// What a till asks for, as `decide` (decide.hpp) takes it. Amounts in minor units of their unit; nothing is checked
// yet.

/// What the code of a voucher promises, as head office signed it; the account beside it is the code's own. No units:
/// there is no such code.
struct code_face {
  std::uint32_t purse{};
  amount units{};
  std::uint32_t until{};  ///< last business date on which it is good; 0: no end
  friend bool operator==(const code_face&, const code_face&) = default;
};
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
  code_face bearer = {};  ///< the account is a voucher's: it pays what its code promises, once, and nothing else
  code_proof code = {};
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
  sequence seq{};      ///< of an entry in this node's current journal
  pin_proof pin = {};  ///< of a top-up's card: what it brought is paid out
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
  code_proof code = {};
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
  code_proof code = {};
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
  bool genuine = false;   ///< as in a sale: of the giver
  pin_proof pin = {};     ///< of the giver
  code_face bearer = {};  ///< as in a sale: of the giver
  code_proof code = {};   ///< of the giver
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

}  // namespace tally
