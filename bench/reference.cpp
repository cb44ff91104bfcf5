#include "bench/reference.hpp"

namespace tally::bench {

amount price_of(std::uint32_t product) { return 100 + static_cast<amount>(product * 7919U % 1000U) * 5; }

rules_record reference_rules() {
  rules_record r;
  r.version = 1;
  r.header = "Reference store";
  r.top_up_min = 100;
  r.top_up_max = 10'000'000;
  r.taxes = {{"A", 1300}, {"B", 900}};
  return r;
}

product reference_product(std::uint32_t id) {
  product p;
  p.id = product_id{id};
  p.version = 1;
  p.names[0] = "product " + std::to_string(id);
  p.price = price_of(id);
  p.tax = id % 4 == 0 ? 1 : 0;
  return p;
}

sale_command till_script::next_sale() {
  sale_command c;
  c.key = key();
  c.account = account_id{1 + below(reference::cards)};
  for (unsigned i = 0; i < reference::lines; ++i) {
    auto id = 1 + static_cast<std::uint32_t>(below(reference::products));
    auto pieces = 1 + static_cast<std::int64_t>(below(reference::pieces));
    c.lines.push_back({product_id{id}, pieces});
    c.card += price_of(id) * pieces;
  }
  return c;
}

till_command till_script::next() {
  auto dice = below(100);
  if (dice < reference::top_up_percent)
    return top_up_command{key(), account_id{1 + below(reference::cards)}, reference::top_up, tender_kind::cash};
  if (dice < reference::top_up_percent + reference::reverse_percent && last_sale_) {
    auto seq = *last_sale_;
    last_sale_.reset();
    return reverse_command{key(), seq};
  }
  return next_sale();
}

void till_script::approved(const till_command& c, sequence seq) {
  if (std::holds_alternative<sale_command>(c)) last_sale_ = seq;
}

}  // namespace tally::bench
