#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devices/printer_profile.hpp"
#include "ledger/rules.hpp"
#include "ledger/state.hpp"
#include "node/json_write.hpp"
#include "storage/kv.hpp"

namespace tally {

/// What a customer holds in hand, made from one durable entry and the prices that it cites. A value.
struct receipt {
  struct line {
    std::uint32_t product{};
    std::string name;
    std::int64_t quantity{};
    tally::amount price{}, sum{};
    std::string tax;  ///< letter
    tally::amount discount{};
    std::string discount_name = {};
    std::string purse = {};  ///< paid with units of this purse: `price` and `sum` are its units
    std::uint32_t purse_id{};
    bool open = false;  ///< sold by amount: no pieces to show
  };
  /// A voucher, or units of a purse that were given, taken back or are left.
  struct units {
    std::uint32_t purse{};
    std::string name;
    tally::amount units{};
    tally::amount money{};  ///< voucher: what it took off
    std::uint32_t month{};  ///< of the bucket, 0: none
    bool is_money = false;  ///< bonus: units are minor units of the currency
  };
  struct tender {
    std::string_view kind;  ///< "card", "bonus", "points", "cash", "bank", "online", "transfer"
    tally::amount sum{};
    std::string name = {};  ///< of the purse: bonus, points
  };
  struct tax {
    std::string letter, percent;  ///< "A", "13.00"
    tally::amount sum{};
  };
  std::string id;         ///< "3.5f0c1a2b3c4d5e6f.41"
  std::string_view kind;  ///< "sale", "top_up", "reversal", "refund", "card_sale", "card_return", "card_report",
                          ///< "authorisation", "capture", "void", "gift", "adjustment"
  std::uint32_t terminal{};
  std::uint64_t counter{};
  unix_seconds stamp{};
  std::uint32_t business_date{};
  std::string store;
  account_id account;
  std::string masked;  ///< "**** 3931", or "card 17" when no card was presented here; empty: no card
  std::vector<line> lines;
  tally::amount total{};
  tally::amount card_price{}, deposit{}, loaded{};  ///< of a card that is sold; or paid out when it comes back
  card_status reported{};                           ///< of a report
  std::vector<tender> tenders;
  std::vector<tax> taxes;
  std::vector<units> vouchers, earned, owed;
  std::vector<units> debts;              ///< taken back but spent before; of a sale or top-up: what went to such a debt
  tally::amount on_credit{}, at_risk{};  ///< of a sale: card money that did not lie here; what the store risks by all
  std::vector<units> returned;           ///< of a refund: units that had paid
  std::vector<units> left;               ///< what the card has of other purses here, now
  std::optional<tally::amount> here, elsewhere;
  unix_seconds elsewhere_as_of{};
  std::string currency = "CNY";
  int exponent = 2;
  std::string header, footer;
  receipt_form form;                  ///< of the rules that it cites
  std::string reverses, reversed_by;  ///< ids, or empty
  std::string authorisation;          ///< of a capture or void: id of what it ends; else empty
  unix_seconds deadline{};            ///< of an authorisation
  std::vector<units> released;        ///< of a capture or void: what went back to the card
  std::string to_masked;              ///< of a gift: who was given it, as `masked`
  account_id to_account;
  std::vector<units> given;                ///< of a gift; of an adjustment: what was taken
  std::string reason;                      ///< of an adjustment
  std::optional<tally::amount> remainder;  ///< of a sale approved in part: to be paid otherwise
  std::string level;                       ///< its name, of a sale, capture or top-up; empty: none
  bool new_level = false;                  ///< the receipt before at this store had another, as far as it knows
  std::string proof;                       ///< text of the code that proves it (sync/receipt_code.hpp); empty: none
};

/// How this store's receipts look, on paper and, the same, on the till's screen.
struct receipt_layout {
  language lang = language::en;
  printer_profile printer;
  charset display = charset::cp437;   ///< of the customer's display
  charset rewriter = charset::cp437;  ///< of the printer of rewritable cards
  bool qr = false;                    ///< the id of a receipt without proof as a QR code under it, for a scanner
};

/// Members of a JSON object: how it was paid (under `name`), and the tax that it contains (under "tax").
void write_tenders(json_writer& w, std::string_view name, const std::vector<receipt::tender>& list);
void write_taxes(json_writer& w, const std::vector<receipt::tax>& list);

/// "node.epoch.sequence", and back; nothing for other text.
std::string receipt_id(const writer_id& w, sequence seq);
struct receipt_name {
  writer_id writer;
  sequence seq{};
};
std::optional<receipt_name> parse_receipt_id(std::string_view text);

/// Describes a sale, top-up or reversal of this node. A reversal's lines and total are those of the entry that
/// it cites, read from `store`. `here`, `elsewhere`, `masked` of a known number and `reversed_by` are the
/// caller's to fill in. Products have their names of that language, or else any. Errors: not_found (another kind), io,
/// corrupt.
result<receipt> describe_receipt(const entry& e, const writer_id& writer, sequence seq, const catalogue& rules,
                                 const kv_store& store, std::string_view store_name, language lang = language::en);

/// Fills in `left`.
void describe_purses(receipt& r, const rules_record& rules, const state& st, const writer_id& self, language lang);

/// Money that a sale or top-up moved, as its entry says without rules: card value and tenders, without points, bonus
/// and vouchers. 0 for a reversal, whose sum is that of what it cites.
tally::amount receipt_paid(const entry& e);

/// "2026-11-22 14:05" in the machine's time zone.
std::string local_time(unix_seconds t);

/// What a card is worth changes, so only the ticket that is printed at once says it. A repeated answer and a copy leave
/// it out, and are the same text whenever they are asked for.
enum class ticket_balance : std::uint8_t { printed, left_out };

/// The ticket line by line, as wide as the paper at most, each character as the printer has it. Time is the machine's
/// local time.
std::vector<std::string> receipt_text(const receipt& r, ticket_balance b = ticket_balance::printed,
                                      const receipt_layout& layout = {});

/// Bytes for the printer of the receipt `id`, with the code `proof` under it, if there is one. Errors as of
/// escpos::encode.
result<bytes> receipt_ticket(std::string_view id, const std::vector<std::string>& text, bool copy,
                             const receipt_layout& layout = {}, std::string_view proof = {});
/// The ticket as often as the receipt's kind asks for, all but the first marked as copies.
result<std::vector<bytes>> receipt_tickets(const receipt& r, const std::vector<std::string>& text,
                                           const receipt_layout& layout = {});
/// What is printed in front of a ticket that may be on paper already. Never refused.
bytes duplicate_head(const receipt_layout& layout);

/// As the interfaces name it: cash, bank, online, transfer.
std::string_view tender_name(tender_kind k);

/// Writes the fields of docs/http-api.md, without brackets and without `next_counter` and `seen`.
void write_receipt(json_writer& w, const receipt& r, const std::vector<std::string>& text);

}  // namespace tally
