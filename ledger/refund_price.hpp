#pragma once
#include <functional>

#include "ledger/pricing.hpp"

namespace tally {

/// What pieces that come back are worth.
struct priced_refund {
  amount money{};                  ///< to be given back, tax included
  std::vector<tax_item> taxes;     ///< contained in it, per rate
  std::vector<value_item> units;   ///< points and bonus that had paid: they come back into their months
  std::vector<value_item> earned;  ///< what the sale gave for these pieces
  std::vector<value_item> owed;    ///< the same of what it still owed
};

/// Pieces of a product in a sale; INT64_MAX where they are too many to count.
std::int64_t sold_of(const entry& sale, product_id product);

/// What `lines` of a sale are worth under the rules that the sale names: the one function for till, head office and
/// audit. `before` says how many pieces of a product came back earlier, as far as the one who gives back knows: the
/// parts of a sale are rounded so that they make the whole.
///
/// Pure. Errors: bad_rules (the rules of that sale are not here), already_reversed (more than is left), overflow.
result<priced_refund> price_refund(const catalogue& rules, const entry& sale, const std::vector<line_item>& lines,
                                   const std::function<std::int64_t(product_id)>& before);

}  // namespace tally
