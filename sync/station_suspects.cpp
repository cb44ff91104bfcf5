// A closed life that is not trusted, since it was revoked or wrote what is contested: what it made up is not granted
// anew, all else is. Customers' money that merely lay beside a thief's entry does not stay in doubt for ever.
#include <algorithm>

#include "ledger/accounts.hpp"
#include "ledger/closing.hpp"
#include "sync/station.hpp"

namespace tally {
namespace {

constexpr tick_ms suspects_apart_ms = 60'000;

amount plus(amount a, amount b) { return __builtin_add_overflow(a, b, &a) ? amount_max : a; }
amount minus(amount a, amount b) { return __builtin_sub_overflow(a, b, &a) ? (b < 0 ? amount_max : INT64_MIN) : a; }

/// What nothing proves of one unit of value, minor units, and where contested entries put their share of it.
struct made_up {
  amount contested{};  ///< made by contested entries
  amount released{};   ///< of these, by entries that head office lets stand
};

bool moves_rights(const posting& p) {
  return (p.account.type == account_type::hold || p.account.type == account_type::held) && p.amount != INT64_MIN;
}

/// Contested entries of a life: what each made, and whether a ruling lets it stand.
class contested_rights {
public:
  /// `behind`: it lies behind the end of what counts, so that a ruling may say that it never was, and took from a card.
  void add(sequence seq, const std::vector<posting>& postings, std::optional<ruling_outcome> ruled, bool behind) {
    const bool stands = ruled == ruling_outcome::stands || ruled == ruling_outcome::owed;
    seqs_.insert(seq);
    for (const auto& p : postings) {
      if (!moves_rights(p)) continue;
      // A slip and what undid it are nothing together. What took from a card and may stand yet has taken it; what the
      // store's owner owes, its holder did not lose.
      auto& at = at_[held_of(p.account)];
      const bool none = p.amount < 0 ? !stands : ruled.has_value() && ruled != ruling_outcome::stands;
      if (none) at = minus(at, p.amount);
      if (none && (behind || p.amount < 0)) never_[held_of(p.account)] = plus(never_[held_of(p.account)], p.amount);
      if (p.amount >= 0) continue;
      auto& of = by_unit_[value_of(p.account.unit)];
      of.contested = plus(of.contested, -p.amount);
      if (stands) of.released = plus(of.released, -p.amount);
      if (!stands && !first_) first_ = seq;
    }
  }
  bool has(sequence seq) const { return seqs_.count(seq) != 0; }
  std::optional<sequence> first() const { return first_; }
  made_up of(unit_id unit) const {
    auto it = by_unit_.find(unit);
    return it == by_unit_.end() ? made_up{} : it->second;
  }
  amount at(const ledger_account& held) const {
    auto it = at_.find(held);
    return it == at_.end() ? 0 : std::max<amount>(it->second, 0);
  }
  /// By holding, where above zero: what was taken by entries that never were, as rulings say, beyond what was made up.
  const std::map<ledger_account, amount>& never_taken() const { return never_; }

private:
  static ledger_account held_of(const ledger_account& a) {
    return a.type == account_type::held ? holding_behind(a) : a;
  }

  std::map<unit_id, made_up> by_unit_;
  std::map<ledger_account, amount> never_;
  std::map<ledger_account, amount> at_;  ///< by entries that no ruling lets stand, less what counts for nothing as well
  std::set<sequence> seqs_;
  std::optional<sequence> first_;  ///< that made something, and that no ruling lets stand
};

/// What may be granted anew of each unit: all that lies there, less what nothing proves.
using allowance = std::map<unit_id, amount>;

/// `at_its_place`: what was made up lies where it was made, or was spent by entries that are contested as well.
allowance allowed(const unproven_rights::by_unit& unproven, const contested_rights& contested,
                  const std::map<ledger_account, amount>& left, bool at_its_place) {
  allowance out;
  for (const auto& [unit, sums] : unproven) {
    const auto made = contested.of(unit);
    const auto open = std::max<amount>(sums.rights - made.released, 0);
    if (open == 0) continue;
    auto& sum = out[unit];
    // Rights that came from nobody knows where can lie anywhere: somebody has to look.
    if (sums.rights > made.contested) continue;
    // Each card is cut by what was made up on it. What is spent of that, another card's holder does not pay.
    if (at_its_place) {
      sum = amount_max;
      continue;
    }
    for (const auto& [held, v] : left)
      if (value_of(held.unit) == unit) sum = plus(sum, std::max<amount>(v, 0));
    sum = std::max<amount>(sum - open, 0);
  }
  return out;
}

/// What entries that never were took from a card is the card's: as much more of it is granted.
void put_back(doubt_found& found, const observer& seen, node_id by, const writer_id& closed,
              const contested_rights& contested) {
  for (const auto& [held, taken] : contested.never_taken()) {
    if (taken <= 0) continue;
    auto [it, fresh] = found.left.try_emplace(held, 0);
    auto& left = it->second;
    if (fresh) left = minus(0, granted_of(seen, lives_of(seen, by), closed, held));  // nothing is left there
    left = plus(left, taken);
    if (left <= 0) continue;
    std::erase_if(found.grants, [&](const entry& e) {
      return e.cited_kind == entry_kind{} && held_at(closed, e.account, e.values.front()) == held;
    });
    found.grants.push_back(granted_anew(
        closed, {held.a}, {{static_cast<std::uint32_t>(held.b), held.unit, static_cast<std::uint32_t>(held.c), left}}));
  }
}

/// Cuts a grant down to what may be granted. True when something stays in doubt.
/// Of a transfer nothing is left then, of a holding what may go.
bool cut(entry& e, const writer_id& closed, allowance& room, const contested_rights& contested) {
  bool stays = false;
  const bool whole = e.cited_kind == entry_kind::send || e.cited_kind == entry_kind::receive;
  for (auto& v : e.values) {
    auto of = room.find(value_of(v.unit));
    if (of == room.end()) continue;
    auto part = v.amount;
    if (!whole) part -= std::min(part, contested.at(held_at(closed, e.account, v)));
    part = std::min(part, of->second);
    if (whole && part < v.amount) part = 0;  // one half of a transfer is the other
    of->second -= part;
    stays = stays || part < v.amount;
    v.amount = part;
  }
  if (whole && stays) e.values.clear(), e.debts.clear();
  std::erase_if(e.values, [](const value_item& v) { return v.amount == 0; });
  return stays;
}

}  // namespace

// At once when somebody has ruled about an entry of that life, else now and then: each look reads all of its contested
// entries, and a thief can have written many.
doubt_found station::trusted_doubt(const writer_id& closed) {
  const auto open = observer_->open_cases().find(closed);
  const auto cases = open == observer_->open_cases().end() ? 0 : open->second.size();
  auto& look = lives_.suspects[closed];
  if (tick_ < look.due && cases >= look.cases) return {{}, {}, true};
  look = {cases, tick_ + suspects_apart_ms};
  auto found = find_doubt(closed);
  contested_rights contested;
  observer_->all().each_contested([&](const writer_id& w, sequence seq, errc why) {
    if (w != closed) return;
    auto e = find_foreign({w, sub_stream::journal, {}}, seq);
    auto postings = e ? expand(*e, w) : result<std::vector<posting>>(error{errc::not_found, ""});
    const auto ruled = ruling_of(book_->st(), w, seq);
    // What was sent on took nothing from the card: it lies where it was received, or returns.
    const bool never = why == errc::revoked && e && e->kind != entry_kind::send;
    if (postings && merge(*postings)) contested.add(seq, *postings, ruled, never);
  });
  // An entry that is good by itself may have given away what was made up, or put it onto another card.
  bool at_its_place = true;
  for (auto seq = contested.first().value_or(UINT64_MAX); at_its_place && seq < observer_->position(closed); ++seq) {
    if (contested.has(seq)) continue;
    auto e = find_foreign({closed, sub_stream::journal, {}}, seq);
    auto postings = e ? expand(*e, closed) : result<std::vector<posting>>(error{errc::not_found, ""});
    at_its_place = postings && std::ranges::none_of(*postings, moves_rights);
  }
  if (at_its_place) put_back(found, *observer_, config_.self, closed, contested);
  auto room = allowed(observer_->all_unproven(closed), contested, found.left, at_its_place);
  for (auto& e : found.grants)
    found.waits = cut(e, closed, room, contested) || found.waits;
  std::erase_if(found.grants, [](const entry& e) { return e.values.empty() && e.debts.empty(); });
  return found;
}

}  // namespace tally
