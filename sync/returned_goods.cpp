#include "sync/returned_goods.hpp"

#include <algorithm>
#include <map>

#include "ledger/refund_price.hpp"

namespace tally {
namespace {

/// Units by purse and month.
using unit_sums = std::map<std::pair<std::uint32_t, std::uint32_t>, amount>;

void add_to(unit_sums& sums, const std::vector<value_item>& units, amount sign) {
  for (const auto& v : units) {
    auto& sum = sums[{v.purse, v.bucket}];
    amount n = 0;
    if (!checked_mul(v.amount, sign, n) || !checked_add(sum, n, sum)) sum = 0;  // what does not fit asks for nothing
  }
}

std::vector<value_item> counted(const state& seen, const writer_id& seller, sequence seq, evened_part part) {
  auto c = seen.find(evened_key(seller, seq, part));
  return c ? parse_owed_text(c->data).units : std::vector<value_item>{};
}

}  // namespace

returned_goods returned_of(const state& seen, const std::vector<writer_id>& writers, const writer_id& seller,
                           sequence seq, const entry& sale) {
  returned_goods out;
  auto pieces = [&](const writer_id& w, std::uint64_t of) {
    return number(
        seen,
        {.type = cell_type::refunded, .a = seq, .b = of, .writer = w, .peer = w == seller ? writer_id{} : seller});
  };
  out.reversed = seen.find({.type = cell_type::reversed, .a = seq, .b = 0, .writer = seller, .peer = {}}).has_value();
  std::map<product_id, std::int64_t> sold;
  for (const auto& l : sale.lines)
    sold[l.product] += l.quantity;
  auto journals = writers;
  if (std::ranges::find(journals, seller) == journals.end()) journals.push_back(seller);
  std::erase_if(journals, [&](const writer_id& w) {
    return std::ranges::none_of(sold, [&](const auto& of) { return pieces(w, of.first.value) != 0; });
  });
  out.journals = journals.size();
  for (auto [product, most] : sold) {
    auto back = out.reversed ? most : 0;
    for (const auto& w : journals)
      if (!(out.reversed && w == seller) && !checked_add(back, pieces(w, product.value), back)) back = INT64_MAX;
    out.too_many = out.too_many || back > most;
    if (auto n = std::min(back, most); n > 0) out.lines.push_back({product, n});
  }
  return out;
}

amount uneven_most(const returned_goods& back, const entry& sale, std::uint32_t purse, std::uint32_t bucket) {
  amount lists = 0;
  for (const auto* list : {&sale.earned, &sale.owed})
    lists += std::ranges::any_of(*list, [&](const value_item& v) { return v.purse == purse && v.bucket == bucket; });
  return back.journals < 2 ? 0 : lists * static_cast<amount>(back.journals - 1);
}

result<uneven_units> uneven_of(const state& seen, const catalogue& rules, const returned_goods& back,
                               const writer_id& seller, sequence seq, const entry& sale, bool credited) {
  uneven_units out;
  if (back.reversed || back.too_many || back.journals < 2 || back.lines.empty()) return out;
  auto price = price_refund(rules, sale, back.lines, [](product_id) { return std::int64_t{0}; });
  if (!price) return price.error();
  unit_sums taken, before;
  add_to(taken, counted(seen, seller, seq, evened_part::given), 1);
  add_to(taken, price->earned, -1);
  // What was never credited is not taken beyond what was owed, whatever the refunds said.
  auto of_owed = counted(seen, seller, seq, evened_part::owed);
  if (!credited)
    for (auto& v : of_owed) {
      auto same = [&](const value_item& o) { return o.purse == v.purse && o.bucket == v.bucket; };
      auto most = std::ranges::find_if(sale.owed, same);
      v.amount = std::min(v.amount, most == sale.owed.end() ? 0 : most->amount);
    }
  add_to(taken, of_owed, 1);
  add_to(taken, price->owed, -1);
  add_to(before, counted(seen, seller, seq, evened_part::put_back), 1);
  for (const auto& [of, sum] : before)
    taken.try_emplace(of, 0);
  for (const auto& [of, sum] : taken) {
    auto due = std::clamp<amount>(sum, 0, uneven_most(back, sale, of.first, of.second));
    auto had = before.contains(of) ? before.at(of) : 0;
    value_item v{of.first, unit_of(of.first), of.second, due > had ? due - had : had - due};
    if (v.amount > 0) (due > had ? out.put_back : out.take_back).push_back(v);
  }
  return out;
}

}  // namespace tally
