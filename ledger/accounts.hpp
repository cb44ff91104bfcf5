#pragma once
#include <string>
#include <vector>

#include "ledger/entry.hpp"

namespace tally {

/// Families of ledger accounts. Numbers are for ever: they are part of keys on disk.
enum class account_type : std::uint8_t {
  hold = 1,     ///< spending rights of a card account at one node
  quota = 2,    ///< rights to create value
  issued = 3,   ///< what was created against a quota
  transit = 4,  ///< rights sent and not yet received
  tender = 5,   ///< money taken over the counter
  sales = 6,
  tax = 7,
  contested = 8,  ///< the other side of entries that the writer was not entitled to
  doubt = 9,      ///< value of a closed epoch that head office granted anew; the writer is head office
  redeemed = 10,  ///< units that were spent: what they paid for was given without money
  debt = 11,      ///< units taken back that were spent already: a debit, until the account earns them anew
  given = 12,     ///< units that the rules gave: a debit, what the shop has promised
  expired = 13,   ///< units whose month has passed
  fees = 16,      ///< what was paid for cards themselves
  held = 17,      ///< authorised and not captured: a credit that only its capture, void or time-out touches
};

/// One ledger account. It ends with its only writer, so nobody else can change it.
///
/// `a`, `b`, `c` by type: hold: account, purse, bucket · debt: account, purse · redeemed, given, expired: purse
/// · held: account, purse + bucket × 2^32, sequence of the authorise
/// · contested: 0, or the node whose owner owes by a ruling · quota, issued: base unit · transit: 0 (from and to are
/// `from` and `to`) · tender: kind, shift · tax: rate · doubt: as hold, `from` the closed epoch.
/// For transit, `writer` is the side that posted.
struct ledger_account {
  account_type type{};
  unit_id unit{};
  std::uint64_t a{}, b{}, c{};
  writer_id writer;
  writer_id from, to;
  friend constexpr auto operator<=>(const ledger_account&, const ledger_account&) = default;
};

/// A change of one account, debit positive (as in hledger).
struct posting {
  ledger_account account;
  tally::amount amount{};
  friend bool operator==(const posting&, const posting&) = default;
};

ledger_account hold_account(writer_id w, account_id account, std::uint32_t purse, std::uint32_t bucket, unit_id unit);
ledger_account quota_account(writer_id w, unit_id quota_unit);
/// What the authorisation of that number put aside.
ledger_account held_account(writer_id w, account_id account, const value_item& v, sequence authorise);
/// The holding that an account of type `held` came from.
ledger_account holding_behind(const ledger_account& held);
ledger_account debt_account(writer_id w, account_id account, std::uint32_t purse, unit_id unit);
/// What head office (`writer`) took over from the holding of a closed epoch: a debit.
ledger_account doubt_account(writer_id writer, writer_id closed, const ledger_account& holding);
ledger_account transit_account(writer_id writer, writer_id from, writer_id to, unit_id unit);

/// True for accounts that hold rights: their balance is a credit and must never become a debit.
/// Head office's own quota account is the source of quotas and the one exception.
bool must_hold_credit(const ledger_account& a);

/// Name for people and for hledger: "hold:17:paid:3.5f0c1a2b3c4d5e6f". Unique per account.
std::string account_name(const ledger_account& a);
/// "3.5f0c1a2b3c4d5e6f".
std::string writer_name(const writer_id& w);
/// Name of a unit as hledger takes a commodity: the main unit's code from the rules, else "U7", "Q:CNY" for its quota.
std::string unit_name(unit_id unit, std::string_view main_code);

/// What an entry means for the accounts. Pure, without state, frozen per engine revision.
///
/// Sums to zero per unit, or fails with `overflow` or `malformed` (an item that the kind cannot have). Kinds that move
/// nothing give an empty list. Items of one account are not merged.
result<std::vector<posting>> expand(const entry& e, const writer_id& writer);
/// The same into `out`, whose memory is used again; what it held is gone, also after a failure.
status expand(const entry& e, const writer_id& writer, std::vector<posting>& out);

/// Adds up the postings of each account, in order of first mention; false on overflow.
[[nodiscard]] bool merge(std::vector<posting>& postings);

/// True if the postings sum to zero in every unit, without overflow.
bool balances(const std::vector<posting>& postings);

}  // namespace tally
