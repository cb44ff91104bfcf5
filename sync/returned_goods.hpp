#pragma once
#include "ledger/fold.hpp"
#include "ledger/rules.hpp"
#include "storage/book.hpp"

namespace tally {

/// Goods of one sale that came back, over all stores, as a watched fold has them.
struct returned_goods {
  std::vector<line_item> lines;   ///< pieces of each product, those of which some came back; at most what was sold
  bool too_many = false;          ///< of a product more came back than was sold: a case
  std::vector<line_item> beyond;  ///< by how much
  bool reversed = false;          ///< the sale itself was undone: then all of it counts as back
  std::size_t journals = 0;       ///< that gave something back
};
/// `writers`: whose journals the fold has. Pure.
returned_goods returned_of(const state& seen, const std::vector<writer_id>& writers, const writer_id& seller,
                           sequence seq, const entry& sale);

/// Whether any life of that node sold it, or gave goods of it back. Pure.
bool had_part_in(const state& seen, const std::vector<writer_id>& writers, node_id node, const writer_id& seller,
                 sequence seq, const entry& sale);

/// What the pieces beyond what was sold are worth at the prices of the sale: what stores paid out too much, as far as
/// the fold has heard. 0 when the rules of that sale are not here; at most `amount_max`. Pure.
tally::amount beyond_worth(const catalogue& rules, const returned_goods& back, const entry& sale);

/// Each store rounds up by itself what it takes back of the units that a sale gave, since in the dark it knows of no
/// other part. What they took together beyond what the same pieces cost at once, head office puts back; when later
/// pieces come back whose units it had put back, it takes those again.
struct uneven_units {
  std::vector<value_item> put_back, take_back;
};
/// Most units of a purse that may be put back: one for each journal but one, as rounding can do no more, of what the
/// sale gave and of what it owed.
tally::amount uneven_most(const returned_goods& back, const entry& sale, std::uint32_t purse, std::uint32_t bucket);
/// What is to be put back or taken now, less what was before. Nothing for a sale that was reversed or of which too much
/// came back: that is a case for people. `credited`: head office credited what the sale owed. Pure.
/// Errors: as `price_refund`.
result<uneven_units> uneven_of(const state& seen, const catalogue& rules, const returned_goods& back,
                               const writer_id& seller, sequence seq, const entry& sale, bool credited);

/// The same of what had paid the sale, money and units: each store rounds down what it gives back, so together they may
/// give too little, never too much. What is missing goes to the sale's account, in units that expire last as far as
/// stores gave them back first. Nothing for a sale without account, or paid with a voucher's code; nor where
/// the fold has not seen all that came back.
/// Errors: as `price_refund`.
result<uneven_units> uneven_paid_of(const state& seen, const catalogue& rules, const returned_goods& back,
                                    const writer_id& seller, sequence seq, const entry& sale);
/// Most of a purse that may be given back besides: for each journal but one, of money a minor unit of each product; of
/// units one, and what they paid of so much of the basket.
tally::amount uneven_paid_most(const catalogue& rules, const returned_goods& back, const entry& sale,
                               std::uint32_t purse);

/// Whether the day's measure of writer `w` has room for `units`: of one store and unit at most its quota in a day,
/// since what nothing bounds at the store must be bounded at head office. What has no room waits for another day.
bool may_credit(const book& b, const writer_id& w, const std::vector<value_item>& units, std::uint32_t today);

}  // namespace tally
