#include "ledger/clearing.hpp"

#include <algorithm>

#include "ledger/fold.hpp"
#include "ledger/programme.hpp"
#include "ledger/rules.hpp"
#include "ledger/ruling.hpp"

namespace tally {
namespace {

/// Rights that only move between nodes, or are granted anew beside a holding: nobody took or gave anything.
bool only_moves(entry_kind kind) {
  return kind == entry_kind::send || kind == entry_kind::receive || kind == entry_kind::regrant;
}

constexpr node_id head_office_node{1};

/// What a node's owner owes to the chain, head office's is owed.
bool clear_ruling(const entry& e, const writer_id& writer, const std::function<clearing_sums&(node_id)>& of) {
  amount sum = 0;
  for (const auto& v : e.values)
    if (!checked_add(sum, v.amount, sum)) return false;
  if (sum == 0) return true;
  auto& owes = of(debtor_of(e)).ruled;
  if (sum == INT64_MIN || !checked_add(owes, sum, owes)) return false;
  auto& owed = of(writer.node).ruled;
  return checked_add(owed, -sum, owed);
}

/// Which sum the money belongs to, and whether it is counted as it is owed, or the other way round.
amount* sum_of(clearing_sums& s, entry_kind kind, bool& owed) {
  owed = !sells(kind) && kind != entry_kind::hand_back && kind != entry_kind::fee && kind != entry_kind::execute;
  switch (kind) {
    case entry_kind::top_up:
    case entry_kind::voucher_grant:
    case entry_kind::issue: return &s.loaded;
    case entry_kind::hand_back: return &s.paid_out;
    case entry_kind::refund:
    case entry_kind::earn:
    case entry_kind::take_back:  // of money: what stores gave back too little of a sale
    case entry_kind::refund_elsewhere: return &s.returned;
    case entry_kind::sale:
    case entry_kind::execute:
    case entry_kind::fee:  // head office's own
    case entry_kind::capture: return &s.spent;
    default: return nullptr;
  }
}

bool add_units(clearing_sums::units& to, account_type type, amount v) {
  switch (type) {
    case account_type::given: return checked_add(to.given, v, to.given);
    case account_type::redeemed: return v != INT64_MIN && checked_add(to.redeemed, -v, to.redeemed);
    case account_type::expired: return v != INT64_MIN && checked_add(to.expired, -v, to.expired);
    default: return true;
  }
}

}  // namespace

unit_price_list unit_prices(const programme& p) {
  unit_price_list out;
  for (const auto& purse : p.purses) {
    unit_price price;
    switch (purse.kind) {
      case purse_kind::bonus: price = {1, 1}; break;
      case purse_kind::points:
      case purse_kind::visits: price = {purse.rate_units, purse.rate_money}; break;
      case purse_kind::voucher:
        if (purse.off != 0) price = {1, purse.off};
        break;
    }
    out[unit_of(purse.id)] = price;
  }
  return out;
}

price_history::price_history(const catalogue& rules, const std::map<std::uint64_t, std::uint32_t>& published) {
  // Whoever was a day ahead of head office gave units of a purse before its rules were in force here.
  unit_price_list later;
  for (auto it = published.rbegin(); it != published.rend(); ++it) {
    const auto* r = rules.rules(it->first);
    if (!r) continue;
    auto prices = unit_prices(r->programme);
    prices.insert(later.begin(), later.end());
    later = prices;
    versions_[it->first] = {std::max(r->effective_from, it->second), it->first, std::move(prices)};
  }
  for (auto& [version, e] : versions_)
    e.same = std::ranges::find(versions_, e.prices, [](const auto& v) { return v.second.prices; })->first;
}

std::uint64_t price_history::version_on(std::uint32_t day) const {
  for (auto it = versions_.rbegin(); it != versions_.rend(); ++it)
    if (it->second.from <= day) return it->first;
  return versions_.empty() ? 0 : versions_.begin()->first;
}

std::uint64_t price_history::same_prices(std::uint64_t version) const {
  auto it = versions_.find(version);
  return it == versions_.end() ? version : it->second.same;
}

const unit_price_list& price_history::prices_of(std::uint64_t version) const {
  static const unit_price_list none;
  auto it = versions_.find(version);
  return it == versions_.end() ? none : it->second.prices;
}

std::vector<std::pair<std::uint32_t, std::uint64_t>> price_history::in_force(std::uint32_t first,
                                                                             std::uint32_t last) const {
  std::vector<std::pair<std::uint32_t, std::uint64_t>> out;
  if (versions_.empty()) return out;
  std::vector<std::uint32_t> days{first};
  for (const auto& [version, e] : versions_)
    if (e.from > first && e.from <= last) days.push_back(e.from);
  std::ranges::sort(days);
  for (auto day : days) {
    const auto version = version_on(day);
    if (!out.empty() && same_prices(out.back().second) == same_prices(version)) {
      out.back().second = version;
    } else {
      out.emplace_back(day, version);
    }
  }
  return out;
}

bool clearing_position::add(const clearing_position& more) {
  return checked_add(given, more.given, given) && checked_add(redeemed, more.redeemed, redeemed) &&
         checked_add(owes, more.owes, owes);
}

bool clearing_sums::add(const clearing_sums& more) {
  bool fits = checked_add(loaded, more.loaded, loaded) && checked_add(paid_out, more.paid_out, paid_out) &&
              checked_add(spent, more.spent, spent) && checked_add(returned, more.returned, returned) &&
              checked_add(ruled, more.ruled, ruled);
  for (const auto& [unit, u] : more.beside) {
    auto& mine = beside[unit];
    fits = fits && checked_add(mine.given, u.given, mine.given) &&
           checked_add(mine.redeemed, u.redeemed, mine.redeemed) && checked_add(mine.expired, u.expired, mine.expired);
  }
  return fits;
}

bool clearing_sums::empty() const {
  return loaded == 0 && paid_out == 0 && spent == 0 && returned == 0 && ruled == 0 && beside.empty();
}

bool clear_entry(const entry& e, const writer_id& writer, const std::vector<posting>& postings,
                 const std::function<clearing_sums&(node_id)>& of) {
  if (only_moves(e.kind)) return true;
  if (e.kind == entry_kind::ruling) return clear_ruling(e, writer, of);
  amount taken = 0;  // by the cards, in money: a credit of theirs
  bool fits = true;
  for (const auto& p : postings) {
    const auto& a = p.account;
    if (a.unit == main_unit) {
      // What is owed back by a card is the scheme's claim, as what lies on a card, or was put aside of it, is its debt.
      bool card = a.type == account_type::hold || a.type == account_type::held || a.type == account_type::debt;
      if (card) fits = fits && p.amount != INT64_MIN && checked_add(taken, -p.amount, taken);
    } else if (a.type == account_type::given || a.type == account_type::redeemed || a.type == account_type::expired) {
      bool credits = e.kind == entry_kind::earn || e.kind == entry_kind::take_back;
      auto& sums = of(credits ? e.subject.node : writer.node);
      fits = fits && add_units(sums.beside[a.unit], a.type, p.amount);
    }
  }
  if (taken == 0) return fits;
  bool owed = true;
  // What a ruling made a node write off is the chain's, as a fee; what head office evens out is of the one who sold.
  auto whose = e.kind == entry_kind::execute ? head_office_node : evens_paid(e) ? e.subject.node : writer.node;
  auto* sum = sum_of(of(whose), e.kind == entry_kind::reverse ? e.cited_kind : e.kind, owed);
  return fits && sum != nullptr && taken != INT64_MIN && checked_add(*sum, owed ? taken : -taken, *sum);
}

bool position_of(const clearing_sums& s, const unit_price_list& prices, clearing_position& out) {
  out = {};
  bool fits = checked_add(s.loaded, s.returned, out.owes) && checked_add(out.owes, s.ruled, out.owes);
  for (auto v : {s.spent, s.paid_out})
    fits = fits && v != INT64_MIN && checked_add(out.owes, -v, out.owes);
  for (const auto& [unit, u] : s.beside) {
    auto price = prices.find(unit);
    if (price == prices.end() || price->second.units == 0) continue;
    auto given = mul_div(u.given, price->second.money, price->second.units, rounding::half_up);
    auto redeemed = mul_div(u.redeemed, price->second.money, price->second.units, rounding::half_up);
    fits = fits && given && redeemed && *redeemed != INT64_MIN && checked_add(out.given, *given, out.given) &&
           checked_add(out.redeemed, *redeemed, out.redeemed);
    if (!fits) return false;
  }
  return fits && out.redeemed != INT64_MIN && checked_add(out.owes, out.given, out.owes) &&
         checked_add(out.owes, -out.redeemed, out.owes);
}

}  // namespace tally
