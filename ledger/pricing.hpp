#pragma once
#include "ledger/rules.hpp"

namespace tally {

/// Units of a purse that pay for a basket: points and bonus as money, vouchers by the piece.
struct unit_use {
  std::uint32_t purse{};
  amount units{};
  friend bool operator==(const unit_use&, const unit_use&) = default;
};

/// A basket and who buys it. Ascending order of `uses` is not needed; a purse is named once.
struct sale_terms {
  std::vector<line_item> lines;
  std::vector<gift_item> gifts;
  std::vector<unit_use> uses;
  customer who;
  std::uint64_t version{};
  std::uint32_t business_date{};
  bool plain = false;  ///< the rules are too old: no discounts, and nothing is given
  bool code = false;   ///< the units are promised by a voucher's code, which needs no card
};

/// One line with what was taken off. gross - discount - reduction = net, which is paid in money.
struct sold_line {
  line_item line;
  const product* item = nullptr;  ///< owned by the catalogue
  amount gross{}, discount{}, reduction{}, net{};
  const discount_rule* rule = nullptr;  ///< of the discount; owned by the catalogue
};
/// What units of one purse took off the basket.
struct unit_worth {
  std::uint32_t purse{};
  amount units{}, money{};
  friend bool operator==(const unit_worth&, const unit_worth&) = default;
};
struct priced_sale {
  std::vector<sold_line> lines;
  amount gross{}, discount{};
  std::vector<unit_worth> uses;    ///< in the order in which they are taken off: vouchers, points, bonus
  std::vector<unit_worth> gifts;   ///< units for gifts, one item per purse; money 0
  amount due{};                    ///< to be paid in money: paid purse and tenders
  amount card_max{};               ///< of it, the most that a card of this kind may pay: lines that it is good for
  std::vector<tax_item> taxes;     ///< contained in `due`, per rate, ascending
  std::vector<value_item> earned;  ///< by purse and bucket, ascending
};

/// What a sale costs and gives under one version of the rules: the one function for till, head office and audit.
///
/// Order: prices, the best discount of each line, vouchers, points, bonus; what is left is due. Tax per rate is
/// computed once from the sum of its lines; reductions are spread over the lines they apply to in proportion, exactly.
/// Pure. Errors: as `catalogue::price`; not_applicable with a sentence for people.
result<priced_sale> price_sale(const catalogue& rules, const sale_terms& terms);

/// The terms under which a sale was decided, read back from its entry: what an audit prices again. Nothing when its
/// gifts are not in those rules, or took more units than the entry took.
std::optional<sale_terms> terms_of_entry(const entry& e, const programme& plan);

/// Most money that units of a purse can take off this basket, with what is in `terms` taken off before; 0 when none.
/// `rule` is a row of the same version of the rules.
amount worth_max(const priced_sale& before, const purse_rule& rule);

/// Money that so many units are worth, as far as they divide; nothing when the purse pays no money.
std::optional<amount> worth_of(const purse_rule& rule, amount units);

/// What a top-up of `value` gives besides. `package` 0: none. `plain`: nothing, as in a sale.
/// Errors: not_applicable, bad_rules, overflow.
result<std::vector<value_item>> price_top_up(const catalogue& rules, std::uint64_t version, const customer& who,
                                             std::uint32_t business_date, amount value, std::uint32_t package,
                                             bool plain = false);

/// Units of a purse, given on a date, by month buckets.
std::vector<value_item> in_buckets(const purse_rule& rule, amount units, std::uint32_t business_date);

}  // namespace tally
