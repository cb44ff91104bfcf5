#include "ledger/lapses.hpp"

#include <algorithm>
#include <map>

#include "ledger/programme.hpp"

namespace tally {
namespace {

using spent_item = lapse_record::spent_item;
using item = lapse_record::item;

cell_key lapse_key(account_id account, std::uint32_t purse) {
  return {.type = cell_type::lapse, .a = account.value, .b = purse, .writer = {}, .peer = {}};
}

void add_to(amount& sum, amount v) {
  if (!checked_add(sum, v, sum)) sum = v > 0 ? INT64_MAX : INT64_MIN;
}

void add_item(std::vector<item>& list, std::uint32_t bucket, amount units) {
  auto at = std::ranges::lower_bound(list, bucket, {}, &item::bucket);
  if (at == list.end() || at->bucket != bucket) at = list.insert(at, {bucket, 0});
  add_to(at->units, units);
}

void add_spent(lapse_record& r, std::uint32_t bucket, std::uint32_t month, amount units) {
  if (bucket == 0 || month >= bucket) return;  // nothing that expires before it can have been spared by it
  auto at = std::ranges::lower_bound(r.spent, std::pair(bucket, month), {},
                                     [](const spent_item& x) { return std::pair(x.bucket, x.month); });
  if (at == r.spent.end() || at->bucket != bucket || at->month != month) at = r.spent.insert(at, {bucket, month, 0});
  add_to(at->units, units);
  if (at->units == 0) r.spent.erase(at);
}

/// What can make good of each bucket, by the month in which it was spent, at most `cap` of each bucket.
std::vector<spent_item> supplies(const lapse_record& r, const std::map<std::uint32_t, amount>& cap) {
  std::vector<spent_item> out;
  for (auto it = r.spent.begin(); it != r.spent.end();) {
    auto end = std::find_if(it, r.spent.end(), [&](const spent_item& x) { return x.bucket != it->bucket; });
    amount back = 0;
    for (auto x = it; x != end; ++x)
      if (x->units < 0) add_to(back, x->units == INT64_MIN ? INT64_MAX : -x->units);
    auto limit = cap.find(it->bucket);
    auto left = limit == cap.end() ? 0 : limit->second;
    std::vector<spent_item> of(it, end);
    // Of which sale goods came back is not always known: the newest, which helps least.
    for (auto x = of.rbegin(); x != of.rend(); ++x) {
      x->units = std::max<amount>(x->units, 0);
      auto less = std::min(back, x->units);
      x->units -= less;
      back -= less;
    }
    for (auto& x : of) {
      x.units = std::min(x.units, left);
      left -= x.units;
      if (x.units > 0) out.push_back(x);
    }
    it = end;
  }
  return out;
}

/// Most units that expired and can be charged with what was spent. A spend is good for what expired from its own month
/// on and before its bucket; of several that are good the one whose bucket ends first goes first.
amount matched(const lapse_record& r, const std::map<std::uint32_t, amount>& cap) {
  auto left = supplies(r, cap);  // ascending by bucket
  amount sum = 0;
  for (const auto& l : r.lapsed) {
    auto want = std::max<amount>(l.units, 0);
    for (auto& x : left) {
      if (x.month > l.bucket || x.bucket <= l.bucket) continue;
      auto n = std::min(want, x.units);
      x.units -= n;
      want -= n;
      add_to(sum, n);
    }
  }
  return sum;
}

std::map<std::uint32_t, amount> given_by_bucket(const lapse_record& r) {
  std::map<std::uint32_t, amount> out;
  for (const auto& g : r.given)
    out[g.bucket] = g.units;
  return out;
}

std::uint32_t month_number(std::uint32_t yyyymm) { return yyyymm / 100 * 12 + yyyymm % 100 - 1; }
std::uint32_t months_back(std::uint32_t yyyymm, std::uint32_t n) {
  auto months = month_number(yyyymm);
  months -= std::min(n, months);
  return months / 12 * 100 + months % 12 + 1;
}

void put_varint(bytes& out, std::uint64_t v) {
  for (; v >= 0x80; v >>= 7)
    out += static_cast<char>(static_cast<unsigned char>(v) | 0x80U);
  out += static_cast<char>(v);
}
std::uint64_t zigzag(amount v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ (v < 0 ? ~std::uint64_t{0} : std::uint64_t{0});
}

/// Reads numbers until the first that is none.
struct number_reader {
  byte_view in;
  bool ok = true;
  std::uint64_t next() {
    std::uint64_t v = 0;
    for (unsigned i = 0; i < 10 && i < in.size(); ++i) {
      auto b = static_cast<unsigned char>(in[i]);
      v |= static_cast<std::uint64_t>(b & 0x7f) << (7 * i);
      if (b & 0x80) continue;
      in.remove_prefix(i + 1);
      return v;
    }
    ok = false;
    return 0;
  }
  std::uint32_t month() { return static_cast<std::uint32_t>(next()); }
  amount units() {
    auto v = next();
    return static_cast<amount>(v >> 1) ^ -static_cast<amount>(v & 1);
  }
};

}  // namespace

// A bucket that is gone makes nothing good any more, but for what it has. Not at once: at a start journals come again
// in another order, and what was given of it may come behind what it was given for.
void forget_lapses(lapse_record& r, std::uint32_t month) {
  if (month != 0) {
    auto given = given_by_bucket(r);
    auto old = months_back(month, lapse_months_kept), gone = months_back(month, lapse_months_gone);
    std::erase_if(r.spent, [&](const spent_item& x) {
      return x.bucket < old || (x.bucket < gone && given.count(x.bucket) == 0);
    });
    for (auto* list : {&r.lapsed, &r.given})
      std::erase_if(*list, [&](const item& x) { return x.bucket < old; });
  }
  auto trim = [](auto& list) {
    if (list.size() > lapse_items_max)
      list.erase(list.begin(), list.end() - static_cast<std::ptrdiff_t>(lapse_items_max));
  };
  trim(r.spent);
  trim(r.lapsed);
  trim(r.given);
}

std::vector<value_item> due_back(const lapse_record& r, std::uint32_t purse, std::uint32_t month) {
  std::vector<value_item> out;
  if (r.lapsed.empty() || r.spent.empty()) return out;
  auto cap = given_by_bucket(r);
  amount sum = 0;
  for (const auto& [bucket, units] : cap)
    add_to(sum, units);
  for (const auto& x : r.spent) {
    if (x.bucket < month || (!out.empty() && out.back().bucket == x.bucket)) continue;
    if (cap[x.bucket] == INT64_MAX) continue;
    auto before = std::exchange(cap[x.bucket], INT64_MAX);
    auto all = matched(r, cap);
    if (all <= sum) continue;
    auto units = all - sum;
    sum = all;
    cap[x.bucket] = before + units;  // no more of this bucket than that
    out.push_back({purse, unit_of(purse), x.bucket, units});
    if (out.size() >= values_max) break;
  }
  return out;
}

amount founded(const lapse_record& r) { return matched(r, given_by_bucket(r)); }

void add_claims(const entry& e, const entry_place& p, const lapse_watch& watch, state& s) {
  const bool back = e.kind == entry_kind::refund || e.kind == entry_kind::refund_elsewhere;
  if (e.kind != entry_kind::reverse && !back) return;
  const auto month = month_of(e.business_date);
  for (const auto& d : e.debts) {
    if (d.amount <= 0 || d.bucket == 0 || d.bucket >= month) continue;  // what is good still was spent
    if (!std::ranges::binary_search(watch.purses, d.purse)) continue;
    // The sale of another store is not at hand.
    const auto end = month_number(d.bucket);
    const bool own = p.cited && e.kind != entry_kind::refund_elsewhere;
    const auto given = own ? month_number(month_of(p.cited->business_date)) : end - 1;
    auto r = lapses_of(s, e.account, d.purse);
    add_spent(r, add_months(month, end - std::min(given, end)), d.bucket, d.amount);
    forget_lapses(r, watch.month);
    s.put(lapse_key(e.account, d.purse), {0, encode_lapses(r)});
  }
}

void add_lapses(const entry& e, const entry_place& p, const lapse_watch& watch, state& s) {
  add_claims(e, p, watch, s);
  const auto month = month_of(e.business_date);
  auto each = [&](const auto& change) {
    for (const auto& v : e.values) {
      if (v.bucket == 0 || !std::ranges::binary_search(watch.purses, v.purse)) continue;
      auto r = lapses_of(s, e.account, v.purse);
      change(r, v);
      forget_lapses(r, watch.month);
      s.put(lapse_key(e.account, v.purse), {0, encode_lapses(r)});
    }
  };
  auto back = [&](std::uint32_t of) {
    each([&](lapse_record& r, const value_item& v) { add_spent(r, v.bucket, of, -v.amount); });
  };
  switch (e.kind) {
    case entry_kind::sale:
    case entry_kind::capture:
    case entry_kind::gift:
    case entry_kind::fee:
    case entry_kind::execute:
    case entry_kind::adjust:
      return each([&](lapse_record& r, const value_item& v) { add_spent(r, v.bucket, month, v.amount); });
    case entry_kind::reverse:
      if (e.cited_kind != entry_kind::top_up && p.cited) back(month_of(p.cited->business_date));
      return;
    case entry_kind::refund:
      if (p.cited) back(month_of(p.cited->business_date));
      return;
    // The sale is in another journal, which may come later.
    case entry_kind::refund_elsewhere: return back(0);
    case entry_kind::expire:
      return each([](lapse_record& r, const value_item& v) { add_item(r.lapsed, v.bucket, v.amount); });
    case entry_kind::give_back:
      return each([](lapse_record& r, const value_item& v) { add_item(r.given, v.bucket, v.amount); });
    default: return;
  }
}

lapse_record lapses_of(const state& s, account_id account, std::uint32_t purse) {
  auto c = s.find(lapse_key(account, purse));
  return c ? decode_lapses(c->data).value_or(lapse_record{}) : lapse_record{};
}

bytes encode_lapses(const lapse_record& r) {
  bytes out;
  put_varint(out, r.spent.size());
  for (const auto& x : r.spent) {
    put_varint(out, x.bucket);
    put_varint(out, x.month);
    put_varint(out, zigzag(x.units));
  }
  for (const auto* list : {&r.lapsed, &r.given}) {
    put_varint(out, list->size());
    for (const auto& x : *list) {
      put_varint(out, x.bucket);
      put_varint(out, zigzag(x.units));
    }
  }
  return out;
}

std::optional<lapse_record> decode_lapses(byte_view data) {
  number_reader in{data};
  lapse_record r;
  auto count = [&] {
    auto n = in.next();
    return in.ok && n <= lapse_items_max ? n : (in.ok = false, std::uint64_t{0});
  };
  for (auto n = count(); n > 0 && in.ok; --n) {
    auto bucket = in.month(), month = in.month();
    r.spent.push_back({bucket, month, in.units()});
  }
  for (auto* list : {&r.lapsed, &r.given})
    for (auto n = count(); n > 0 && in.ok; --n) {
      auto bucket = in.month();
      list->push_back({bucket, in.units()});
    }
  if (!in.ok || !in.in.empty() || encode_lapses(r) != data) return std::nullopt;
  return r;
}

}  // namespace tally
