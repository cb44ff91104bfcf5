#include "ledger/fold_units.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "ledger/kinds.hpp"
#include "ledger/programme.hpp"
#include "ledger/refund_price.hpp"
#include "ledger/risk.hpp"
#include "ledger/rules.hpp"

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

// One sum for each entry that owed: of whichever journal the parts come first, it is the same in the end.
void add_owed(const entry& e, const cell_key& of, const std::vector<value_item>& units, amount sign, state& s) {
  if (units.empty()) return;
  auto c = s.find(of);
  auto sum = c ? parse_owed_text(c->data) : owed_units{e.account, {}};
  for (const auto& v : units) {
    auto same = [&](const value_item& o) { return o.purse == v.purse && o.unit == v.unit && o.bucket == v.bucket; };
    auto at = std::ranges::find_if(sum.units, same);
    if (at == sum.units.end()) at = sum.units.insert(at, {v.purse, v.unit, v.bucket, 0});
    if (amount n = 0; checked_mul(v.amount, sign, n)) (void)checked_add(at->amount, n, at->amount);
  }
  std::erase_if(sum.units, [](const value_item& v) { return v.amount == 0; });
  std::ranges::sort(sum.units, {}, [](const value_item& v) { return std::tuple(v.purse, v.unit, v.bucket); });
  if (sum.units.empty()) return s.erase(of);
  s.put(of, {0, owed_text(sum)});
}

}  // namespace

namespace fold_detail {

// Value that did not lie here, and what of the risk budget that took. Of a card that is paid money; units beside it are
// promised by a code, and each is worth something: how much is for who has the rules to say (`check_worth`).
status check_risk(const entry& e) {
  amount owed = 0, taken = 0;
  for (const auto& d : e.debts) {
    if (d.amount <= 0) continue;
    if (!checked_add(owed, d.amount, owed)) return error{errc::overflow, "debts"};
    if (d.purse != purse_paid && e.bearer == 0) return error{errc::malformed, "units at risk without a voucher's code"};
  }
  if ((owed != 0) != (e.risk != 0) || e.risk < owed) return error{errc::malformed, "what is taken at risk"};
  if (e.bearer < 0 || (e.bearer != 0 && e.account.value == 0)) return error{errc::malformed, "a voucher's code"};
  if (e.bearer == 0) return done();
  for (const auto& v : e.values)
    if (v.purse != e.values.front().purse || !checked_add(taken, v.amount, taken))
      return error{errc::malformed, "a voucher's code of two purses"};
  return taken <= e.bearer ? done() : status(error{errc::malformed, "more than the voucher's code promises"});
}

status check_worth(const entry& e, const entry_place& p) {
  const auto* record = p.rules ? p.rules->rules(e.rules_version) : nullptr;
  if (!record && !p.revocations) return done();  // who is not head office may not have them yet
  static const programme none;
  auto worth = worth_at_risk(e, record ? record->programme : none);
  if (!worth) return error{errc::bad_rules, "units at risk that are worth nothing by the rules"};
  if (*worth > e.risk) return error{errc::no_quota, "worth " + std::to_string(*worth) + " at risk"};
  return done();
}

namespace {

bool same_item(const value_item& a, const value_item& b) {
  return a.purse == b.purse && a.unit == b.unit && a.bucket == b.bucket;
}

/// Whether a debt is at most an item of the list, which has one of it.
bool is_part(const value_item& d, const std::vector<value_item>& list) {
  auto same = [&](const value_item& v) { return same_item(v, d); };
  auto of = std::ranges::find_if(list, same);
  return of != list.end() && of->amount > 0 && d.amount <= of->amount && d.amount >= -of->amount &&
         std::ranges::count_if(list, same) == 1;
}

bool named_once(const entry& e) {
  return std::ranges::all_of(e.debts, [&](const value_item& d) {
    return std::ranges::count_if(e.debts, [&](const value_item& o) { return same_item(o, d); }) == 1;
  });
}

}  // namespace

// A debt is a part of what the entry gives or takes back, item by item; or of what a sale or a gift takes (above zero),
// or a top-up loads (below zero).
status check_debts(const entry& e) {
  bool takes = e.kind == entry_kind::sale || e.kind == entry_kind::gift;
  for (const auto& d : e.debts) {
    bool of_values = takes ? d.amount > 0 : e.kind == entry_kind::top_up && d.amount < 0 && is_part(d, e.values);
    if (!is_part(d, of_values ? e.values : e.earned))
      return error{errc::malformed,
                   of_values ? "a debt of nothing that was taken" : "a debt of nothing that was earned"};
  }
  return named_once(e) ? done() : status(error{errc::malformed, "a debt that is named twice"});
}

// What was taken at risk is owed no more, at most; what a top-up paid of a debt is owed again, at most; and of what was
// given, what was spent meanwhile is owed.
status check_undone_debts(const entry& e, const entry& cited) {
  for (const auto& d : e.debts) {
    auto of = std::ranges::find_if(cited.debts, [&](const value_item& o) { return same_item(o, d); });
    bool value = of != cited.debts.end() && is_part(*of, cited.values);
    bool lent = value && of->amount > 0 && d.amount < 0 && d.amount >= -of->amount;
    bool paid = value && of->amount < 0 && d.amount > 0 && d.amount <= -of->amount && cited.kind == entry_kind::top_up;
    if (!lent && !paid && !(d.amount > 0 && is_part(d, e.earned)))
      return error{errc::malformed, "a debt that the entry did not make"};
  }
  return named_once(e) ? done() : status(error{errc::malformed, "a debt that is named twice"});
}

// Each piece once, and in all not more money than was paid. What a piece cost is for who has the rules to say.
status check_refund(const entry& e, const entry_place& p, const state& s) {
  if (*e.cites >= p.seq || !p.cited) return error{errc::not_found, "the sale to refund"};
  const auto& c = *p.cited;
  if (!sells(c.kind)) return error{errc::not_reversible, std::string(kind_name(c.kind))};
  if (c.account != e.account || c.rules_version != e.rules_version)
    return error{errc::malformed, "a refund that differs from its sale"};
  if (s.find(unit_key(cell_type::reversed, *e.cites, 0, p.writer))) return error{errc::already_reversed, ""};
  for (std::size_t i = 0; i < e.lines.size(); ++i) {
    const auto& l = e.lines[i];
    auto before = number(s, unit_key(cell_type::refunded, *e.cites, l.product.value, p.writer));
    const auto sold = sold_of(c, l.product);
    bool twice = std::any_of(e.lines.begin(), e.lines.begin() + static_cast<std::ptrdiff_t>(i),
                             [&](const line_item& o) { return o.product == l.product; });
    if (twice || l.quantity < 1 || l.quantity > open_amount_max || before > sold - l.quantity)
      return error{errc::already_reversed, "of product " + std::to_string(l.product.value) + " " +
                                               std::to_string(std::max<std::int64_t>(sold - before, 0)) + " are left"};
  }
  auto before = number(s, unit_key(cell_type::refunded, *e.cites, 0, p.writer));
  // How much of it may be cash is for the writer: whether the card was given back by then, others hear in any order.
  if (money_of(e) > money_of(c) - before) return error{errc::malformed, "more money back than was paid"};
  for (const auto& v : e.earned) {
    auto fits = [&](const value_item& o) {
      return o.purse == v.purse && o.unit == v.unit && o.bucket == v.bucket && v.amount <= o.amount;
    };
    if (std::ranges::none_of(c.earned, fits)) return error{errc::malformed, "units that the sale did not give"};
  }
  return check_debts(e);
}

// What was sold is in another journal, which the one who gives back need not have: pieces over that are for head office
// to find, whatever the order in which journals come.
status check_refund_elsewhere(const entry& e, const entry_place& p) {
  if (e.subject == p.writer) return error{errc::malformed, "a refund of an own sale"};
  for (std::size_t i = 0; i < e.lines.size(); ++i) {
    const auto& l = e.lines[i];
    bool twice = std::any_of(e.lines.begin(), e.lines.begin() + static_cast<std::ptrdiff_t>(i),
                             [&](const line_item& o) { return o.product == l.product; });
    if (twice || l.quantity < 1 || l.quantity > open_amount_max)
      return error{errc::malformed, "pieces of product " + std::to_string(l.product.value)};
  }
  bool cash = !e.tenders.empty(),
       card = std::ranges::any_of(e.values, [](const value_item&v) { return v.unit == main_unit; });
  if (cash && card) return error{errc::malformed, "money back in two ways"};
  return check_debts(e);
}

status check_gift(const entry& e) {
  if (e.to_account == e.account) return error{errc::malformed, "a gift to oneself"};
  for (const auto& v : e.values)
    if (v.purse != e.values.front().purse) return error{errc::malformed, "a gift of two purses"};
  TALLY_TRY(check_risk(e));
  return check_debts(e);
}

status check_voucher_grant(const entry& e, const entry_place& p, const state& s) {
  if (s.find(code_key(p.writer, e.account, true))) return error{errc::key_reused, "granted before"};
  amount paid = 0, loaded = 0;
  for (const auto& t : e.tenders)
    if (!checked_add(paid, t.amount, paid)) return error{errc::overflow, "tenders"};
  for (const auto& v : e.values)
    if (v.purse != purse_paid || !checked_add(loaded, v.amount, loaded)) return error{errc::malformed, "values"};
  if (paid != loaded) return error{errc::unbalanced, "a voucher's value differs from what was paid"};
  if (e.values.size() + e.earned.size() != 1 || e.blob.size() > note_max)
    return error{errc::malformed, "a voucher is of one purse, and its batch has a short name"};
  return done();
}

// Counted per writer, so that a code that was used here opens nothing here again; and what a store took at risk since
// its debts went up.
void apply_codes(const entry& e, const entry_place& p, state& s) {
  bool taken = (e.kind == entry_kind::sale || e.kind == entry_kind::gift) && (e.bearer != 0 || e.risk != 0);
  bool goods = e.kind == entry_kind::refund || e.kind == entry_kind::refund_elsewhere;
  bool back = e.bearer != 0 && (goods || e.kind == entry_kind::reverse);
  bool granted = e.kind == entry_kind::voucher_grant;
  if (taken || back || granted) {
    if (e.bearer != 0 || granted) {
      auto k = code_key(p.writer, e.account, granted);
      auto c = s.find(k).value_or(cell{});
      for (const auto* list : {&e.values, granted ? &e.earned : nullptr})
        for (const auto& v : list ? *list : std::vector<value_item>{})
          if ((!goods || v.unit == main_unit) && !checked_add(c.n, back ? -v.amount : v.amount, c.n)) c.n = INT64_MAX;
      if (e.risk != 0) c.data = with_taking(c.data, p.seq);
      if (e.kind == entry_kind::reverse && e.cites) c.data = without_taking(c.data, *e.cites);
      if (granted) c.data = grant_text(e);
      s.put(k, std::move(c));
    } else if (!p.watched) {
      s.put(risk_count_key(p.writer, e.account), {risk_count(s, p.writer, e.account) + 1, {}});
    }
  }
  auto money = [](const value_item& d) { return d.purse == purse_paid; };
  if (!p.watched && e.kind == entry_kind::send && std::ranges::any_of(e.debts, money))
    s.erase(risk_count_key(p.writer, e.account));
}

status check_expire(const entry& e) {
  auto month = month_of(day_of(e.hq_time));
  for (const auto& v : e.values)
    if (v.bucket >= month) return error{errc::not_entitled, "head office's time has not passed that month"};
  return done();
}

status check_give_back(const entry& e) {
  auto month = month_of(day_of(e.hq_time));
  for (const auto& v : e.values) {
    auto same = [&](const value_item& o) { return o.purse == v.purse && o.bucket == v.bucket; };
    if (v.bucket < month) return error{errc::malformed, "units given back into a month that has passed"};
    if (std::ranges::count_if(e.values, same) != 1) return error{errc::malformed, "units given back twice"};
  }
  return done();
}

// What refunds at several stores took too much, or gave too little, may come back in parts: its measure is the watched
// fold of head office.
status check_earn(const entry& e, const state& s) {
  if (e.cited_kind != entry_kind{} && e.cited_kind != entry_kind::refund && !evens_paid(e))
    return error{errc::malformed, "units for something else than goods that came back"};
  if (evens_paid(e))
    for (const auto& v : e.earned)
      if (v.purse == purse_deposit || (v.purse == purse_paid && v.bucket != 0))
        return error{errc::malformed, "nothing that pays a sale"};
  if (e.cited_kind == entry_kind{} && e.kind == entry_kind::earn &&
      s.find(unit_key(cell_type::credited, *e.cites, 0, e.subject)))
    return error{errc::key_reused, "credited before"};
  return check_debts(e);
}

// Pieces are counted beside: a fold that was begun by an older version has not all of them, and proves nothing.
static std::vector<value_item> paid_back(const entry& e) {
  value_item pieces{0, {}, 0, 0};
  const value_item money{purse_paid, main_unit, 0, money_of(e)};
  std::vector<value_item> out;
  for (const auto& v : e.values)
    if (v.unit != main_unit) out.push_back(v);
  for (const auto& l : e.lines)
    if (!checked_add(pieces.amount, l.quantity, pieces.amount)) pieces.amount = INT64_MAX;
  for (const auto& v : {pieces, money})
    if (v.amount > 0) out.push_back(v);
  return out;
}

// Only chains whose rules look at kinds of cards state them, and only their rules have limits per day.
void apply_spent(const entry& e, const entry_place& p, state& s) {
  for (const auto& v : e.values)
    if (v.unit == main_unit)
      add_spent(s, e.business_date, p.writer, e.account, v.amount);
    else
      add_taken(s, e.business_date, p.writer, e.account, v.purse, v.amount);
}

void apply_refund(const entry& e, const entry_place& p, state& s) {
  auto add = [&](std::uint64_t of, std::int64_t n) {
    auto k = unit_key(cell_type::refunded, *e.cites, of, p.writer);
    if (e.kind == entry_kind::refund_elsewhere) k.peer = e.subject;
    auto sum = number(s, k);
    if (!checked_add(sum, n, sum)) sum = INT64_MAX;
    s.put(k, {sum, {}});
  };
  add(0, money_of(e));
  if (!e.tenders.empty()) add(std::uint64_t{1} << 32, tenders_of(e));
  for (const auto& l : e.lines)
    add(l.product.value, l.quantity);
  if (!p.watched) return;
  auto seller = e.kind == entry_kind::refund_elsewhere ? e.subject : p.writer;
  add_owed(e, evened_key(seller, *e.cites, evened_part::given), e.earned, 1, s);
  add_owed(e, evened_key(seller, *e.cites, evened_part::owed), e.owed, 1, s);
  if (e.account.value != 0) add_owed(e, evened_key(seller, *e.cites, evened_part::paid_back), paid_back(e), 1, s);
}

// Money that comes back was paid in the sale's month: it does not weigh on months in which the sale no longer counts.
// What another store sold is in its journal, which may come later: that weighs on the month in which it comes back,
// whatever the order of journals.
void apply_turnover(const entry& e, const entry_place& p, state& s) {
  bool back = e.kind == entry_kind::refund || e.kind == entry_kind::refund_elsewhere ||
              (e.kind == entry_kind::reverse && sells(e.cited_kind));
  if (e.account.value == 0 || (!sells(e.kind) && !back)) return;
  bool own = back && p.cited && e.kind != entry_kind::refund_elsewhere;
  auto date = own ? p.cited->business_date : e.business_date;
  if (auto money = money_of(e); money != 0) s.add_turnover(e.account, month_of(date), back ? -money : money);
}

// What an entry could not give waits at its watchers until head office gives it; what comes back of it is not given, or
// is taken back.
void apply_owed(const entry& e, const entry_place& p, state& s) {
  auto owed_of = [&](const writer_id& w, sequence seq) { return unit_key(cell_type::owing, seq, 0, w); };
  const bool evens = e.kind == entry_kind::earn || e.kind == entry_kind::take_back;
  if (evens && (e.cited_kind == entry_kind::refund || evens_paid(e))) {
    auto sign = e.kind == entry_kind::earn ? 1 : -1;
    if (sign > 0)
      for (const auto& v : e.earned)
        add_sent(s, e.business_date, v.unit == main_unit ? evened_money_unit : v.unit, p.writer, e.subject, v.amount);
    auto part = evens_paid(e) ? evened_part::paid_evened : evened_part::put_back;
    if (p.watched) add_owed(e, evened_key(e.subject, *e.cites, part), e.earned, sign, s);
    return;
  }
  if (e.kind == entry_kind::earn) {
    s.put(unit_key(cell_type::credited, *e.cites, 0, e.subject), {static_cast<std::int64_t>(p.seq), {}});
    for (const auto& v : e.earned)
      add_sent(s, e.business_date, v.unit, p.writer, e.subject, v.amount);
  }
  if (!p.watched) return;
  switch (e.kind) {
    case entry_kind::earn: return add_owed(e, owed_of(e.subject, *e.cites), e.earned, -1, s);
    case entry_kind::take_back: return add_owed(e, owed_of(e.subject, *e.cites), e.earned, 1, s);
    case entry_kind::refund: return add_owed(e, owed_of(p.writer, *e.cites), e.owed, -1, s);
    case entry_kind::refund_elsewhere: return add_owed(e, owed_of(e.subject, *e.cites), e.owed, -1, s);
    case entry_kind::reverse:
      if (p.cited) add_owed(e, owed_of(p.writer, *e.cites), p.cited->owed, -1, s);
      return;
    default: return add_owed(e, owed_of(p.writer, p.seq), e.owed, 1, s);
  }
}

}  // namespace fold_detail

cell_key evened_key(const writer_id& seller, sequence sale, evened_part part) {
  return unit_key(cell_type::evened, sale, static_cast<std::uint64_t>(part), seller);
}

bytes owed_text(const owed_units& o) {
  bytes t = std::to_string(o.account.value);
  for (const auto& v : o.units)
    t += ' ' + std::to_string(v.purse) + ' ' + std::to_string(v.unit.value) + ' ' + std::to_string(v.bucket) + ' ' +
         std::to_string(v.amount);
  return t;
}

owed_units parse_owed_text(byte_view text) {
  owed_units out;
  std::vector<std::int64_t> numbers;
  bool first = true;
  for (std::size_t at = 0; at <= text.size();) {
    auto end = std::min(text.find(' ', at), text.size());
    if (first) {
      std::from_chars(text.data() + at, text.data() + end, out.account.value);
    } else {
      std::from_chars(text.data() + at, text.data() + end, numbers.emplace_back());
    }
    first = false;
    at = end + 1;
  }
  for (std::size_t i = 0; i + 3 < numbers.size(); i += 4)
    out.units.push_back({static_cast<std::uint32_t>(numbers[i]),
                         {static_cast<std::uint32_t>(numbers[i + 1])},
                         static_cast<std::uint32_t>(numbers[i + 2]),
                         numbers[i + 3]});
  return out;
}

}  // namespace tally
