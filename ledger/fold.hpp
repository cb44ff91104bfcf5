#pragma once
#include "ledger/state.hpp"

namespace tally {

class catalogue;

/// Purses whose units expire, as head office counts what was lost by where they lay (lapses.hpp).
struct lapse_watch {
  std::vector<std::uint32_t> purses;  ///< ascending
  std::uint32_t month{};              ///< by head office's time; what is long past is forgotten; 0: nothing is
  friend bool operator==(const lapse_watch&, const lapse_watch&) = default;
};

/// Where an entry stands, and what is known of its writer.
struct entry_place {
  writer_id writer;
  node_role role{};  ///< of the writer
  sequence seq{};
  const entry* cited = nullptr;  ///< reverse: the entry that it cites, if the writer's journal has it
  /// The fold holds other journals too, so the halves of a transfer can meet in it. In a node's own fold they never do,
  /// and are not kept.
  bool watched = false;
  const state* directory = nullptr;     ///< who is whose parent; without it neighbours are not checked
  bool turnover = false;                ///< what accounts pay is counted by month
  std::uint32_t uses = 0;               ///< month (yyyymm) in which uses of cards are heard of; 0: they are not counted
  bool revocations = false;             ///< head office's view: what comes after a revocation is contested
  const lapse_watch* lapses = nullptr;  ///< what expires and what is spent meanwhile is counted of these purses
  const catalogue* rules = nullptr;     ///< what is published; without it nobody says what units at risk are worth
};

/// Whether everybody may believe an entry. Run by its writer before it is written, and by all who receive it.
///
/// Checks: the kind and its row, the fields, balance per unit, that no right goes below zero, channel numbers, the
/// idempotency key, that a reversal is own, once, and equal to what it cites, that rights move between neighbours, that
/// what is granted anew lay at a closed epoch. Does not check signatures, nor prices.
/// Returns the postings, merged. Pure: reads `s`, changes nothing.
result<std::vector<posting>> judge(const entry& e, const entry_place& place, const state& s);
/// The same into `postings`, whose memory is used again; after a failure they mean nothing.
status judge(const entry& e, const entry_place& place, const state& s, std::vector<posting>& postings);

/// Applies an entry to the fold of its writer's journal. `postings` are those of `judge`.
///
/// For a contested entry pass what `expand` and `merge` gave, and the reason in `why`: it is applied as its writer
/// applied it, so that later
/// entries still fit, and listed. Returns `overflow` if a balance would wrap; `s` is then unchanged.
/// REQUIRES: merged postings.
status apply(const entry& e, const entry_place& place, const std::vector<posting>& postings, state& s,
             errc why = errc::ok);

/// Applies one entry of head office's directory to what a node knows of the chain (cards, limits). Certificates and
/// publications carry encoded records; their decoded form is applied by the caller (put_node, catalogue).
void apply_directory(const entry& e, state& s);

/// One half of a transfer as text, equal on both sides exactly when account and values are equal.
bytes transfer_text(const entry& e);

/// Account and values of such a text; nothing for text that `transfer_text` does not make.
std::optional<std::pair<account_id, std::vector<value_item>>> parse_transfer_text(byte_view text);

/// Debts of such a text; empty for text that `transfer_text` does not make.
std::vector<value_item> parse_transfer_debts(byte_view text);

/// What an entry owes its account, as a cell says it (cell_type::owing): below zero, what is to be taken back.
struct owed_units {
  account_id account;
  std::vector<value_item> units;
};
bytes owed_text(const owed_units& o);
/// REQUIRES: text that `owed_text` made; of other text, what can be read.
owed_units parse_owed_text(byte_view text);

/// What refunds of one sale took of the units that it gave, over all stores, and what of that head office put back
/// since stores round each by itself: cells `evened`, as `owed_text`, in watched folds. `paid_back`: what came back
/// of what had paid (money in whichever way, as purse 1), and with purse 0 so many pieces; `paid_evened`: what
/// head office gave back besides.
enum class evened_part : std::uint8_t { given = 0, owed = 1, put_back = 2, paid_back = 3, paid_evened = 4 };
cell_key evened_key(const writer_id& seller, sequence sale, evened_part part);
/// Whether an entry gives back, or takes again, what several stores gave back too little of what had paid a sale.
constexpr bool evens_paid(const entry& e) {
  return (e.kind == entry_kind::earn || e.kind == entry_kind::take_back) && e.cited_kind == entry_kind::sale;
}
/// The unit under which such money is counted by day (`sent_on`): it takes nothing from the rights of its store.
constexpr unit_id evened_money_unit = unit_of(0, unit_class::refund);

/// Key of the channel counters: `out` for the sender's side.
cell_key channel_key(bool out, const writer_id& from, const writer_id& to);

}  // namespace tally
