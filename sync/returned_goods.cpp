#include "sync/returned_goods.hpp"

#include <algorithm>
#include <map>
#include <set>

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
    if (back > most) out.beyond.push_back({product, back - most});
    if (auto n = std::min(back, most); n > 0) out.lines.push_back({product, n});
  }
  out.too_many = !out.beyond.empty();
  return out;
}

bool had_part_in(const state& seen, const std::vector<writer_id>& writers, node_id node, const writer_id& seller,
                 sequence seq, const entry& sale) {
  if (node == seller.node) return true;
  return std::ranges::any_of(writers, [&](const writer_id& w) {
    if (w.node != node) return false;
    return std::ranges::any_of(sale.lines, [&](const line_item& l) {
      const cell_key back{.type = cell_type::refunded, .a = seq, .b = l.product.value, .writer = w, .peer = seller};
      return number(seen, back) != 0;
    });
  });
}

// All that was sold of a product, as often as it came back beyond that, and what is left of the pieces.
amount beyond_worth(const catalogue& rules, const returned_goods& back, const entry& sale) {
  amount sum = 0;
  for (const auto& b : back.beyond) {
    const auto sold = sold_of(sale, b.product);
    if (sold == INT64_MAX) return amount_max;
    if (sold < 1) continue;
    auto worth = [&](std::int64_t pieces) -> amount {
      if (pieces == 0) return 0;
      auto priced = price_refund(rules, sale, {{b.product, pieces}}, [](product_id) { return std::int64_t{0}; });
      return priced ? priced->money : 0;
    };
    amount whole = 0;
    if (!checked_mul(worth(sold), b.quantity / sold, whole) || !checked_add(sum, whole, sum) ||
        !checked_add(sum, worth(b.quantity % sold), sum) || sum > amount_max)
      return amount_max;
  }
  return sum;
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

amount uneven_paid_most(const catalogue& rules, const returned_goods& back, const entry& sale, std::uint32_t purse) {
  if (back.journals < 2) return 0;
  std::set<product_id> products;
  for (const auto& l : sale.lines)
    products.insert(l.product);
  auto others = static_cast<amount>(back.journals - 1);
  auto most = others * static_cast<amount>(products.size());
  if (purse == purse_paid) return most;
  const auto* record = rules.rules(sale.rules_version);
  auto terms = record ? terms_of_entry(sale, record->programme) : std::nullopt;
  auto price = terms ? price_sale(rules, *terms) : result<priced_sale>(error{errc::bad_rules, ""});
  if (!price || price->gross <= price->discount) return 0;
  amount units = 0;
  for (const auto& u : price->uses)
    if (u.purse == purse) units += u.units;
  if (units == 0) return 0;
  return mul_div(units, most, price->gross - price->discount, rounding::down).value_or(units) + 1 + others;
}

result<uneven_units> uneven_paid_of(const state& seen, const catalogue& rules, const returned_goods& back,
                                    const writer_id& seller, sequence seq, const entry& sale) {
  uneven_units out;
  if (sale.account.value == 0 || sale.bearer != 0) return out;
  if (back.reversed || back.too_many || back.journals < 2 || back.lines.empty()) return out;
  auto price = price_refund(rules, sale, back.lines, [](product_id) { return std::int64_t{0}; });
  if (!price) return price.error();
  unit_sums given, had, missing;
  add_to(given, counted(seen, seller, seq, evened_part::paid_back), 1);
  std::int64_t pieces = 0;
  for (const auto& l : back.lines)
    pieces += l.quantity;  // at most what was sold, which is bounded
  if (auto all = given.extract({0, 0}); all.empty() || all.mapped() != pieces) return out;
  add_to(had, counted(seen, seller, seq, evened_part::paid_evened), 1);
  if (price->money > 0) missing[{purse_paid, 0}] = price->money;
  add_to(missing, price->units, 1);
  for (const auto& [of, sum] : had)
    given[of] += sum;
  std::map<std::uint32_t, amount> sums;  // what each purse should have got in all, less what it got
  for (const auto& [of, sum] : missing)
    sums[of.first] += sum;
  for (const auto& [of, sum] : given) {
    sums[of.first] -= sum;
    missing[of] -= sum;
  }
  std::map<std::uint32_t, amount> had_of;
  for (const auto& [of, sum] : had)
    had_of[of.first] += sum;
  for (auto& [purse, sum] : sums) {
    auto before = had_of[purse];
    auto due = std::clamp<amount>(sum + before, 0, uneven_paid_most(rules, back, sale, purse)) - before;
    // Youngest first, as a single store would have given them; and as much is taken again, oldest first.
    for (auto it = missing.rbegin(); it != missing.rend() && due > 0; ++it) {
      if (it->first.first != purse || it->second <= 0) continue;
      auto n = std::min(due, it->second);
      out.put_back.push_back({purse, unit_of(purse), it->first.second, n});
      due -= n;
    }
    for (auto it = had.begin(); it != had.end() && due < 0; ++it) {
      if (it->first.first != purse || it->second <= 0) continue;
      auto n = std::min(-due, it->second);
      out.take_back.push_back({purse, unit_of(purse), it->first.second, n});
      due += n;
    }
  }
  return out;
}

}  // namespace tally
