#include "ledger/fold_units.hpp"

#include <algorithm>

#include "ledger/kinds.hpp"
#include "ledger/programme.hpp"

namespace tally {
namespace {

cell_key unit_key(cell_type t, std::uint64_t a, std::uint64_t b, const writer_id& w) {
  return {.type = t, .a = a, .b = b, .writer = w, .peer = {}};
}

amount tenders_of(const entry& e) {
  amount sum = 0;
  for (const auto& t : e.tenders)
    if (!checked_add(sum, t.amount, sum)) return INT64_MAX;
  return sum;
}

amount money_of(const entry& e) {
  amount sum = 0;
  for (const auto& v : e.values)
    if (v.unit == main_unit && !checked_add(sum, v.amount, sum)) return INT64_MAX;
  for (const auto& t : e.tenders)
    if (!checked_add(sum, t.amount, sum)) return INT64_MAX;
  return sum;
}

// A refund takes back of what is owed as of what was given.
void reduce_owed(const entry& e, const entry_place& p, state& s) {
  auto k = unit_key(cell_type::owing, *e.cites, 0, p.writer);
  auto c = s.find(k);
  auto owed = c ? parse_transfer_text(c->data) : std::nullopt;
  if (!owed) return;
  for (const auto& back : e.owed)
    for (auto& v : owed->second)
      if (v.purse == back.purse && v.bucket == back.bucket) v.amount -= std::min(v.amount, back.amount);
  std::erase_if(owed->second, [](const value_item& v) { return v.amount == 0; });
  if (owed->second.empty()) return s.erase(k);
  entry text;
  text.account = owed->first;
  text.values = std::move(owed->second);
  s.put(k, {0, transfer_text(text)});
}

}  // namespace

namespace fold_detail {

// A debt is a part of what the entry gives or takes back, item by item.
status check_debts(const entry& e) {
  for (std::size_t i = 0; i < e.debts.size(); ++i) {
    const auto& d = e.debts[i];
    auto same = [&](const value_item& v) { return v.purse == d.purse && v.unit == d.unit && v.bucket == d.bucket; };
    auto of = std::ranges::find_if(e.earned, same);
    bool fits = of != e.earned.end() && d.amount <= of->amount && d.amount >= -of->amount &&
                std::ranges::count_if(e.debts, same) == 1 && std::ranges::count_if(e.earned, same) == 1;
    if (!fits) return error{errc::malformed, "a debt of nothing that was earned"};
  }
  return done();
}

// Each piece once, and in all not more money than was paid. What a piece cost is for who has the rules to say.
status check_refund(const entry& e, const entry_place& p, const state& s) {
  if (*e.cites >= p.seq || !p.cited) return error{errc::not_found, "the sale to refund"};
  const auto& c = *p.cited;
  if (c.kind != entry_kind::sale) return error{errc::not_reversible, std::string(kind_name(c.kind))};
  if (c.account != e.account || c.rules_version != e.rules_version)
    return error{errc::malformed, "a refund that differs from its sale"};
  if (s.find(unit_key(cell_type::reversed, *e.cites, 0, p.writer))) return error{errc::already_reversed, ""};
  for (std::size_t i = 0; i < e.lines.size(); ++i) {
    const auto& l = e.lines[i];
    auto before = number(s, unit_key(cell_type::refunded, *e.cites, l.product.value, p.writer));
    std::int64_t sold = 0;
    for (const auto& of : c.lines)
      if (of.product == l.product) sold += of.quantity;  // a sale's quantities are bounded
    bool twice = std::any_of(e.lines.begin(), e.lines.begin() + static_cast<std::ptrdiff_t>(i),
                             [&](const line_item& o) { return o.product == l.product; });
    if (twice || l.quantity < 1 || l.quantity > quantity_max || before > sold - l.quantity)
      return error{errc::already_reversed, "of product " + std::to_string(l.product.value) + " " +
                                               std::to_string(std::max<std::int64_t>(sold - before, 0)) + " are left"};
  }
  auto before = number(s, unit_key(cell_type::refunded, *e.cites, 0, p.writer));
  auto cash = number(s, refunded_money_key(p.writer, *e.cites, true));
  if (money_of(e) > money_of(c) - before || tenders_of(e) > tenders_of(c) - cash)
    return error{errc::malformed, "more money back than was paid"};
  for (const auto& v : e.earned) {
    auto fits = [&](const value_item& o) {
      return o.purse == v.purse && o.unit == v.unit && o.bucket == v.bucket && v.amount <= o.amount;
    };
    if (std::ranges::none_of(c.earned, fits)) return error{errc::malformed, "units that the sale did not give"};
  }
  return check_debts(e);
}

status check_expire(const entry& e) {
  auto month = month_of(day_of(e.hq_time));
  for (const auto& v : e.values)
    if (v.bucket >= month) return error{errc::not_entitled, "head office's time has not passed that month"};
  return done();
}

status check_earn(const entry& e, const state& s) {
  if (s.find(unit_key(cell_type::credited, *e.cites, 0, e.subject))) return error{errc::key_reused, "credited before"};
  return done();
}

// Only chains whose rules look at kinds of cards state them, and only their rules have limits per day.
void apply_spent(const entry& e, const entry_place& p, state& s) {
  for (const auto& v : e.values)
    if (v.unit == main_unit) add_spent(s, e.business_date, p.writer, e.account, v.amount);
}

void apply_refund(const entry& e, const entry_place& p, state& s) {
  auto add = [&](std::uint64_t of, std::int64_t n) {
    auto k = unit_key(cell_type::refunded, *e.cites, of, p.writer);
    auto sum = number(s, k);
    if (!checked_add(sum, n, sum)) sum = INT64_MAX;
    s.put(k, {sum, {}});
  };
  add(0, money_of(e));
  if (!e.tenders.empty()) add(std::uint64_t{1} << 32, tenders_of(e));
  for (const auto& l : e.lines)
    add(l.product.value, l.quantity);
}

void apply_turnover(const entry& e, state& s) {
  bool back = e.kind == entry_kind::refund || (e.kind == entry_kind::reverse && e.cited_kind == entry_kind::sale);
  if (e.account.value == 0 || (e.kind != entry_kind::sale && !back)) return;
  if (auto money = money_of(e); money != 0) s.add_turnover(e.account, month_of(e.business_date), back ? -money : money);
}

// What an entry could not give waits at its watchers until head office gives it, or the entry is taken back.
void apply_owed(const entry& e, const entry_place& p, state& s) {
  // A watcher may fold head office's journal before the one that owes.
  if (e.kind == entry_kind::refund) return p.watched ? reduce_owed(e, p, s) : void();
  if (!e.owed.empty() && p.watched && !s.find(unit_key(cell_type::credited, p.seq, 0, p.writer))) {
    entry text;
    text.account = e.account;
    text.values = e.owed;
    s.put(unit_key(cell_type::owing, p.seq, 0, p.writer), {0, transfer_text(text)});
  }
  if (e.kind == entry_kind::reverse && p.watched) s.erase(unit_key(cell_type::owing, *e.cites, 0, p.writer));
  if (e.kind != entry_kind::earn) return;
  s.put(unit_key(cell_type::credited, *e.cites, 0, e.subject), {static_cast<std::int64_t>(p.seq), {}});
  for (const auto& v : e.earned)
    add_sent(s, e.business_date, v.unit, p.writer, e.subject, v.amount);
  if (p.watched) s.erase(unit_key(cell_type::owing, *e.cites, 0, e.subject));
}

}  // namespace fold_detail
}  // namespace tally
