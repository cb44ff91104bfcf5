// expand(), engine revision 1. Frozen: a change of meaning is a new revision beside this one.
#include "ledger/accounts.hpp"
#include "ledger/card_sale.hpp"
#include "ledger/fold.hpp"
#include "ledger/ruling.hpp"

namespace tally {
namespace {

class sheet {
public:
  sheet(const writer_id& w, std::vector<posting>& list) : writer_(w), list_(list) { list_.clear(); }

  void post(const ledger_account& a, amount v) {
    if (v != 0) list_.push_back({a, v});
  }
  // Rights are credits: giving some to the account is a credit, taking them is a debit.
  void rights(const entry& e, const value_item& v, amount taken) {
    if (v.purse == 0) {
      post(quota_account(writer_, v.unit), taken);
    } else {
      post(hold_account(writer_, e.account, v.purse, v.bucket, v.unit), taken);
    }
  }
  /// What the authorisation that the entry cites put aside.
  void aside(const entry& e, const value_item& v, amount taken) {
    post(held_account(writer_, e.account, v, *e.cites), taken);
  }
  void plain(account_type type, unit_id unit, std::uint64_t a, std::uint64_t b, amount v) {
    post({.type = type, .unit = unit, .a = a, .b = b, .c = 0, .writer = writer_, .from = {}, .to = {}}, v);
  }
  const writer_id& writer() const { return writer_; }
  std::size_t size() const { return list_.size(); }
  void negate_from(std::size_t first) {
    for (; first < list_.size(); ++first)
      list_[first].amount = -list_[first].amount;  // cannot wrap: each is an amount above zero, or its negation
  }

private:
  writer_id writer_;
  std::vector<posting>& list_;
};

error wrapped() { return {errc::overflow, "the entry's amounts"}; }

// Created against the issue quota of the unit. What was not paid for, the shop has given.
status expand_created(const entry& e, const std::vector<value_item>& items, bool paid, sheet& s) {
  for (const auto& v : items) {
    if (v.purse == 0 || v.amount <= 0 || class_of(v.unit) != unit_class::value || e.account.value == 0)
      return error{errc::malformed, "an item that is created"};
    if (!paid && v.unit != unit_of(v.purse)) return error{errc::malformed, "an item that is given"};
    s.rights(e, v, -v.amount);
    if (!paid) s.plain(account_type::given, v.unit, v.purse, 0, v.amount);
    auto q = quota_of(v.unit);
    s.post(quota_account(s.writer(), q), v.amount);
    s.plain(account_type::issued, q, base_of(q), 0, -v.amount);
  }
  return done();
}

bool is_purse_item(const entry& e, const value_item& v) {
  return v.purse != 0 && v.unit == unit_of(v.purse) && v.amount > 0 && e.account.value != 0;
}

// `aside`: paid from what was authorised.
status expand_sale(const entry& e, sheet& s, bool aside) {
  amount net = 0;
  unit_id unit = main_unit;
  for (const auto& v : e.values) {
    if (v.purse == 0 || v.unit != unit_of(v.purse) || v.amount <= 0)
      return error{errc::malformed, "a sale's purse item"};
    if (aside) {
      s.aside(e, v, v.amount);
    } else {
      s.rights(e, v, v.amount);
    }
    if (v.unit != unit) {
      s.plain(account_type::redeemed, v.unit, v.purse, 0, -v.amount);
    } else if (!checked_add(net, v.amount, net)) {
      return wrapped();
    }
  }
  for (const auto& t : e.tenders) {
    if (t.unit != unit || t.amount <= 0) return error{errc::malformed, "a sale's tender"};
    s.plain(account_type::tender, unit, static_cast<std::uint64_t>(t.kind), e.shift, t.amount);
    if (!checked_add(net, t.amount, net)) return wrapped();
  }
  for (const auto& t : e.taxes) {
    if (t.unit != unit || t.amount < 0) return error{errc::malformed, "a sale's tax"};
    s.plain(account_type::tax, unit, t.rate, 0, -t.amount);
    if (!checked_add(net, -t.amount, net)) return wrapped();
  }
  if (net < 0) return error{errc::malformed, "more tax than sale"};
  s.plain(account_type::sales, unit, 0, 0, -net);
  return expand_created(e, e.earned, false, s);
}

// Put aside, or given back.
status expand_aside(const entry& e, const std::vector<value_item>& items, bool back, sheet& s) {
  for (const auto& v : items) {
    if (!is_purse_item(e, v) || !e.cites) return error{errc::malformed, "an item that is put aside"};
    s.rights(e, v, back ? -v.amount : v.amount);
    s.aside(e, v, back ? v.amount : -v.amount);
  }
  return done();
}

status expand_capture(const entry& e, sheet& s) {
  if (e.account.value == 0 || !e.cites) return error{errc::malformed, "a capture of nothing"};
  TALLY_TRY(expand_sale(e, s, true));
  return expand_aside(e, e.released, true, s);
}

// Paid for, or given: head office needs no quota of its own, and takes none from anybody.
status expand_voucher_grant(const entry& e, sheet& s) {
  for (const auto& t : e.tenders) {
    if (t.unit != main_unit || t.amount <= 0) return error{errc::malformed, "a tender of a voucher"};
    s.plain(account_type::tender, main_unit, static_cast<std::uint64_t>(t.kind), e.shift, t.amount);
  }
  TALLY_TRY(expand_created(e, e.values, true, s));
  return expand_created(e, e.earned, false, s);
}

status expand_top_up(const entry& e, sheet& s) {
  for (const auto& t : e.tenders) {
    if (t.amount <= 0) return error{errc::malformed, "a top-up's tender"};
    s.plain(account_type::tender, t.unit, static_cast<std::uint64_t>(t.kind), e.shift, t.amount);
  }
  TALLY_TRY(expand_created(e, e.values, true, s));
  return expand_created(e, e.earned, false, s);
}

// Given here, or by another node: then only its own quota would know of it.
status expand_taken_back(const entry& e, sheet& s) {
  for (const auto& v : e.earned) {
    if (!is_purse_item(e, v)) return error{errc::malformed, "an item that is taken back"};
    s.rights(e, v, v.amount);
    s.plain(account_type::given, v.unit, v.purse, 0, -v.amount);
  }
  return done();
}

// Money for goods that came back, against the right to give such money; the units that had paid come back, and what the
// sale gave is taken back.
status expand_refund(const entry& e, sheet& s) {
  amount money = 0;
  auto quota = refund_of(main_unit);
  for (const auto& v : e.values) {
    if (v.purse == 0 || v.unit != unit_of(v.purse) || v.amount <= 0 || e.account.value == 0)
      return error{errc::malformed, "a refund's purse item"};
    s.rights(e, v, -v.amount);
    if (v.unit == main_unit) {
      if (!checked_add(money, v.amount, money)) return wrapped();
      continue;
    }
    s.plain(account_type::redeemed, v.unit, v.purse, 0, v.amount);
    s.post(quota_account(s.writer(), quota_of(v.unit)), v.amount);
    s.plain(account_type::issued, quota_of(v.unit), base_of(v.unit), 0, -v.amount);
  }
  for (const auto& t : e.tenders) {
    if (t.unit != main_unit || t.amount <= 0) return error{errc::malformed, "a refund's tender"};
    s.plain(account_type::tender, t.unit, static_cast<std::uint64_t>(t.kind), e.shift, -t.amount);
    if (!checked_add(money, t.amount, money)) return wrapped();
  }
  s.post(quota_account(s.writer(), quota), money);
  s.plain(account_type::issued, quota, base_of(quota), 0, -money);
  for (const auto& t : e.taxes) {
    if (t.unit != main_unit || t.amount < 0 || !checked_add(money, -t.amount, money))
      return error{errc::malformed, "a refund's tax"};
    s.plain(account_type::tax, t.unit, t.rate, 0, t.amount);
  }
  if (money < 0) return error{errc::malformed, "more tax than refund"};
  s.plain(account_type::sales, main_unit, 0, 0, money);
  if (e.kind == entry_kind::refund_elsewhere) return expand_taken_back(e, s);
  std::size_t first = s.size();
  TALLY_TRY(expand_created(e, e.earned, false, s));
  s.negate_from(first);
  return done();
}

// What stores gave back too little of what had paid a sale, each by itself: money out of what was sold, units as with
// their refund. What is taken again of it gives no right back.
status expand_evened(const entry& e, bool back, sheet& s) {
  for (const auto& v : e.earned) {
    if (!is_purse_item(e, v)) return error{errc::malformed, "an item that is evened out"};
    auto n = back ? v.amount : -v.amount;
    s.rights(e, v, -n);
    const bool money = v.unit == main_unit;
    s.plain(money ? account_type::sales : account_type::redeemed, v.unit, money ? 0 : v.purse, 0, n);
    if (!back) continue;
    auto quota = money ? refund_of(v.unit) : quota_of(v.unit);
    s.post(quota_account(s.writer(), quota), v.amount);
    s.plain(account_type::issued, quota, base_of(quota), 0, -v.amount);
  }
  return done();
}

// A card is sold: what is left of the payment, when load and deposit are taken off, is its price.
status expand_issue(const entry& e, sheet& s) {
  amount price = 0;
  for (const auto& t : e.tenders) {
    if (t.unit != main_unit || t.amount <= 0) return error{errc::malformed, "a tender of a card's sale"};
    s.plain(account_type::tender, main_unit, static_cast<std::uint64_t>(t.kind), e.shift, t.amount);
    if (!checked_add(price, t.amount, price)) return wrapped();
  }
  for (const auto& v : e.values) {
    bool known = v.purse == purse_paid || v.purse == purse_deposit;
    if (!known || v.unit != main_unit || v.bucket != 0 || v.amount <= 0 || !checked_add(price, -v.amount, price))
      return error{errc::malformed, "what is loaded with a card's sale"};
  }
  if (price < 0) return error{errc::unbalanced, "a card's sale that was not paid for"};
  s.plain(account_type::fees, main_unit, 0, 0, -price);
  return expand_created(e, e.values, true, s);
}

status expand_hand_back(const entry& e, sheet& s) {
  for (const auto& v : e.values) {
    bool known = v.purse == purse_paid || v.purse == purse_deposit;
    if (!known || v.unit != main_unit || v.bucket != 0 || v.amount <= 0)
      return error{errc::malformed, "what a card that comes back is paid for"};
    s.rights(e, v, v.amount);
  }
  for (const auto& t : e.tenders) {
    if (t.unit != main_unit || t.amount <= 0) return error{errc::malformed, "a tender of a card that comes back"};
    s.plain(account_type::tender, main_unit, static_cast<std::uint64_t>(t.kind), e.shift, -t.amount);
  }
  return done();
}

// From one card to another, both at this node.
status expand_gift(const entry& e, sheet& s) {
  for (const auto& v : e.values) {
    if (!is_purse_item(e, v) || e.to_account.value == 0) return error{errc::malformed, "an item that is given away"};
    s.rights(e, v, v.amount);
    s.post(hold_account(s.writer(), e.to_account, v.purse, v.bucket, v.unit), -v.amount);
  }
  return done();
}

// Units that the shop gives by hand, against its quota as any others; or takes, which gives the quota nothing back.
status expand_adjust(const entry& e, sheet& s) {
  for (const auto& v : e.values) {
    if (!is_purse_item(e, v) || v.purse == purse_paid) return error{errc::malformed, "an item that is taken by hand"};
    s.rights(e, v, v.amount);
    s.plain(account_type::given, v.unit, v.purse, 0, -v.amount);
  }
  return expand_created(e, e.earned, false, s);
}

// What the owner of the case's node, or of the one that is named, owes, and what the chain bore.
status expand_ruling(const entry& e, sheet& s) {
  for (const auto& v : e.values) {
    if (v.purse != purse_paid || v.unit != main_unit || v.bucket != 0 || v.amount <= 0)
      return error{errc::malformed, "what is owed by a ruling"};
    s.plain(account_type::contested, main_unit, debtor_of(e).value, 0, v.amount);
    s.plain(account_type::contested, main_unit, 0, 0, -v.amount);
  }
  return done();
}

// Money is head office's fee; bonus is gone, as what expires.
status expand_fee(const entry& e, sheet& s) {
  for (const auto& v : e.values) {
    if (!is_purse_item(e, v)) return error{errc::malformed, "an item of a fee"};
    s.rights(e, v, v.amount);
    if (v.unit == main_unit) {
      s.plain(account_type::fees, v.unit, 0, 0, -v.amount);
    } else {
      s.plain(account_type::expired, v.unit, v.purse, 0, -v.amount);
    }
  }
  return done();
}

status expand_expire(const entry& e, sheet& s) {
  for (const auto& v : e.values) {
    if (v.purse < 2 || v.unit != unit_of(v.purse) || v.bucket == 0 || v.amount <= 0)
      return error{errc::malformed, "an item that expires"};
    s.rights(e, v, v.amount);
    s.plain(account_type::expired, v.unit, v.purse, 0, -v.amount);
  }
  return done();
}

// Younger units come back in place of older ones that expired: what expired is that much less.
status expand_give_back(const entry& e, sheet& s) {
  for (const auto& v : e.values) {
    if (!is_purse_item(e, v) || v.purse == purse_paid || v.bucket == 0)
      return error{errc::malformed, "an item that is given back"};
    s.rights(e, v, -v.amount);
    s.plain(account_type::expired, v.unit, v.purse, 0, v.amount);
  }
  return done();
}

/// What the debts of a kind may be: made (above zero), paid (below), or either.
bool may_owe(entry_kind k, amount n) {
  switch (k) {
    case entry_kind::sale:
    case entry_kind::gift:
    case entry_kind::reverse: return n != 0 && n != INT64_MIN;
    case entry_kind::refund:
    case entry_kind::refund_elsewhere:
    case entry_kind::take_back: return n > 0;
    default: return n < 0 && n != INT64_MIN;
  }
}

// What is taken back and was spent already stays as a debt, and so does what did not lie here; what is earned goes to
// an older debt first.
status expand_debts(const entry& e, sheet& s) {
  if (e.kind == entry_kind::send || e.kind == entry_kind::receive || e.kind == entry_kind::regrant) return done();
  if (e.risk != 0) {
    auto budget = risk_of(main_unit);
    if (e.risk < 0) return error{errc::malformed, "a risk below zero"};
    s.post(quota_account(s.writer(), budget), e.risk);
    s.plain(account_type::issued, budget, base_of(budget), 0, -e.risk);
  }
  for (const auto& d : e.debts) {
    if (d.purse == 0 || d.unit != unit_of(d.purse) || !may_owe(e.kind, d.amount))
      return error{errc::malformed, "a debt"};
    s.post(hold_account(s.writer(), e.account, d.purse, d.bucket, d.unit), -d.amount);
    s.post(debt_account(s.writer(), e.account, d.purse, d.unit), d.amount);
  }
  return done();
}

status expand_move(const entry& e, sheet& s, bool out) {
  auto from = out ? s.writer() : e.peer;
  auto to = out ? e.peer : s.writer();
  for (const auto& v : e.values) {
    if (v.amount <= 0) return error{errc::malformed, "a moved item"};
    if (v.purse == 0 ? class_of(v.unit) == unit_class::value : e.account.value == 0)
      return error{errc::malformed, "a moved item without its account"};
    s.rights(e, v, out ? v.amount : -v.amount);
    s.post(transit_account(s.writer(), from, to, v.unit), out ? -v.amount : v.amount);
  }
  // A debt is a debit and travels the other way round.
  for (const auto& d : e.debts) {
    if (!is_purse_item(e, d) || d.bucket != 0) return error{errc::malformed, "a debt that travels"};
    s.post(debt_account(s.writer(), e.account, d.purse, d.unit), out ? -d.amount : d.amount);
    s.post(transit_account(s.writer(), from, to, d.unit), out ? d.amount : -d.amount);
  }
  return done();
}

// Head office takes over what lay at a closed epoch, or books the half of a transfer that its disk took with it.
status expand_regrant(const entry& e, sheet& s) {
  bool half = e.cited_kind == entry_kind::send || e.cited_kind == entry_kind::receive;
  if (half != (e.channel != 0) || half != (e.peer != writer_id{}) || (!half && e.cited_kind != entry_kind{}))
    return error{errc::malformed, "a half of a transfer needs its kind, its other side and its number"};
  for (const auto& v : e.values) {
    // Less than nothing covers what an earlier life of head office passed on and nothing explains.
    const bool covers = !half && e.subject.node == s.writer().node && e.subject != s.writer() && v.amount != INT64_MIN;
    if (v.amount == 0 || (v.amount < 0 && !covers)) return error{errc::malformed, "an item granted anew"};
    if (v.purse == 0 ? class_of(v.unit) == unit_class::value || e.cited_kind != entry_kind::receive
                     : e.account.value == 0)
      return error{errc::malformed, "an item granted anew without its account"};
    auto held = hold_account(e.subject, e.account, v.purse, v.bucket, v.unit);
    if (e.cited_kind == entry_kind::receive) {  // a send that the closed epoch never took: it returns
      s.post(transit_account(s.writer(), e.peer, e.subject, v.unit), v.amount);
      s.rights(e, v, -v.amount);
    } else if (e.cited_kind == entry_kind::send) {  // a send of the closed epoch that only its receive proves
      s.post(doubt_account(s.writer(), e.subject, held), v.amount);
      s.post(transit_account(s.writer(), e.subject, e.peer, v.unit), -v.amount);
    } else {
      s.post(doubt_account(s.writer(), e.subject, held), v.amount);
      s.rights(e, v, -v.amount);
    }
  }
  for (const auto& d : e.debts) {
    if (!half || !is_purse_item(e, d) || d.bucket != 0) return error{errc::malformed, "a debt that returns"};
    bool returns = e.cited_kind == entry_kind::receive;
    auto from = returns ? e.peer : e.subject, to = returns ? e.subject : e.peer;
    s.post(transit_account(s.writer(), from, to, d.unit), returns ? -d.amount : d.amount);
    if (returns) {
      s.post(debt_account(s.writer(), e.account, d.purse, d.unit), d.amount);
    } else {  // that it left is on a lost disk: it stands twice, there and where it arrived
      s.plain(account_type::contested, d.unit, 0, 0, -d.amount);
    }
  }
  return done();
}

status expand_into(const entry& e, entry_kind as, sheet& s) {
  switch (as) {
    case entry_kind::sale: return expand_sale(e, s, false);
    case entry_kind::authorise: return expand_aside(e, e.values, false, s);
    case entry_kind::capture: return expand_capture(e, s);
    case entry_kind::gift: return expand_gift(e, s);
    case entry_kind::void_hold:
    case entry_kind::time_out: return expand_aside(e, e.released, true, s);
    case entry_kind::top_up: return expand_top_up(e, s);
    case entry_kind::voucher_grant: return expand_voucher_grant(e, s);
    case entry_kind::send: return expand_move(e, s, true);
    case entry_kind::receive: return expand_move(e, s, false);
    case entry_kind::regrant: return expand_regrant(e, s);
    case entry_kind::refund:
    case entry_kind::refund_elsewhere: return expand_refund(e, s);
    case entry_kind::take_back: return evens_paid(e) ? expand_evened(e, false, s) : expand_taken_back(e, s);
    case entry_kind::earn: return evens_paid(e) ? expand_evened(e, true, s) : expand_created(e, e.earned, false, s);
    case entry_kind::expire: return expand_expire(e, s);
    case entry_kind::adjust: return expand_adjust(e, s);
    case entry_kind::execute:
    case entry_kind::fee: return expand_fee(e, s);
    case entry_kind::ruling: return expand_ruling(e, s);
    case entry_kind::issue: return expand_issue(e, s);
    case entry_kind::hand_back: return expand_hand_back(e, s);
    case entry_kind::give_back: return expand_give_back(e, s);
    default: return done();
  }
}

}  // namespace

bool balances(const std::vector<posting>& postings) {
  // Entries have few units: each is summed at its first posting.
  for (std::size_t i = 0; i < postings.size(); ++i) {
    auto unit = postings[i].account.unit;
    bool seen = false;
    for (std::size_t j = 0; j < i && !seen; ++j)
      seen = postings[j].account.unit == unit;
    if (seen) continue;
    amount sum = 0;
    for (std::size_t j = i; j < postings.size(); ++j)
      if (postings[j].account.unit == unit && !checked_add(sum, postings[j].amount, sum)) return false;
    if (sum != 0) return false;
  }
  return true;
}

bool merge(std::vector<posting>& postings) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < postings.size(); ++i) {
    std::size_t j = 0;
    while (j < kept && !(postings[j].account == postings[i].account))
      ++j;
    if (j == kept) {
      postings[kept++] = postings[i];
    } else if (!checked_add(postings[j].amount, postings[i].amount, postings[j].amount)) {
      return false;
    }
  }
  postings.resize(kept);
  return true;
}

status expand(const entry& e, const writer_id& writer, std::vector<posting>& out) {
  sheet s(writer, out);
  bool reversal = e.kind == entry_kind::reverse;
  if (reversal && !is_reversible(e.cited_kind) && !sells_card(e.cited_kind))
    return error{errc::malformed, "a reversal of a kind that cannot be reversed"};
  // What a capture took goes back to the holding: its authorisation is over.
  auto as = !reversal ? e.kind : sells(e.cited_kind) ? entry_kind::sale : e.cited_kind;
  TALLY_TRY(expand_into(e, as, s));
  if (reversal)
    for (auto& p : out)
      p.amount = -p.amount;  // cannot wrap: every amount above is the negation of a positive one or vice versa
  TALLY_TRY(expand_debts(e, s));
  if (!balances(out)) return error{errc::unbalanced, "the entry's amounts do not sum to zero"};
  return done();
}

result<std::vector<posting>> expand(const entry& e, const writer_id& writer) {
  std::vector<posting> list;
  TALLY_TRY(expand(e, writer, list));
  return list;
}

}  // namespace tally
