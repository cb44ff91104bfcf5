// Pieces of gifts on a store's shelf.
#include "ledger/decide_parts.hpp"

namespace tally::decide_detail {

// The shelf is right, whatever is written of it: nothing is refused because of what was counted before. But what nobody
// counted has nothing to take from: it would be below nothing.
decision decide_stock(const stock_command& c, const situation& s, std::vector<posting>& postings) {
  entry e = start(c.counted ? entry_kind::count : entry_kind::stock, c.key, s);
  e.rules_version = s.rules.version_at(e.business_date);
  const auto* rules = s.rules.rules(e.rules_version);
  if (!rules) return refuse(errc::bad_rules, "no rules are in force here yet");
  for (const auto& l : c.lines)
    if (!rules->programme.is_gift(l.product))
      return refuse(errc::not_applicable, "product " + std::to_string(l.product.value) + " is no gift of any purse");
  for (const auto& l : c.lines)
    if (!c.counted && l.quantity < 0 && l.quantity >= -pieces_max && !pieces_left(s.st, s.self, l.product))
      return refuse(errc::not_applicable,
                    "product " + std::to_string(l.product.value) + " was never counted here: count its pieces first");
  e.lines = c.lines;
  return judged(std::move(e), s, postings);
}

bool same_stock(const stock_command& c, const entry& e) {
  return e.kind == (c.counted ? entry_kind::count : entry_kind::stock) && e.lines == c.lines;
}

}  // namespace tally::decide_detail
