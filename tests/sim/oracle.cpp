#include "sim/oracle.hpp"

#include "ledger/fold.hpp"
#include "ledger/kinds.hpp"
#include "ledger/pins.hpp"
#include "storage/entry_codec.hpp"

namespace tally::sim {
namespace {

std::string name(const oracle::place& p) { return writer_name(p.writer) + "#" + std::to_string(p.seq); }

amount card_value(const entry& e) {
  amount sum = 0;
  for (const auto& v : e.values)
    if (v.unit == main_unit) sum += v.amount;
  return sum;
}

}  // namespace

std::string describe(const entry& e) {
  std::string t(kind_name(e.kind));
  if (e.terminal != 0) t += " key " + std::to_string(e.terminal) + "/" + std::to_string(e.counter);
  if (e.account.value != 0) t += " account " + std::to_string(e.account.value);
  if (!e.values.empty()) t += " value " + std::to_string(card_value(e));
  auto units = [&](const char* what, const auto& list) {
    for (const auto& v : list)
      if (v.unit != main_unit)
        t += std::string(" ") + what + " " + std::to_string(v.amount) + " of U" + std::to_string(v.unit.value);
  };
  units("takes", e.values);
  units("gives", e.earned);
  units("owes", e.debts);
  if (e.peer != writer_id{}) t += " peer " + writer_name(e.peer) + " channel " + std::to_string(e.channel);
  if (e.cites) t += " cites " + std::to_string(*e.cites);
  return t;
}

std::uint64_t oracle::closed_first(const writer_id& w) const {
  auto it = closed_.find(w);
  return it == closed_.end() ? size(w) : it->second;
}

std::uint64_t oracle::size(const writer_id& w) const {
  auto it = journals_.find(w);
  return it == journals_.end() ? 0 : it->second.size();
}

amount oracle::balance(account_id a) const {
  auto of = [&](const auto& m) {
    auto it = m.find(a.value);
    return it == m.end() ? amount{0} : it->second;
  };
  return of(loaded_) - of(spent_);
}

amount oracle::owed(account_id a) const {
  auto it = owed_.find(a.value);
  return it == owed_.end() ? amount{0} : it->second;
}

void oracle::durable(const writer_id& writer, sequence seq, byte_view data) {
  auto& journal = journals_[writer];
  place p{writer, seq};
  ensure(seq == journal.size(),
         [&] { return "entry " + name(p) + " became durable twice or out of order: a life of this node was forked"; });
  journal.emplace_back(data);
  auto e = decode_entry(data);
  ensure(e.ok(), [&] { return "entry " + name(p) + " does not decode"; });
  auto postings = expand(*e, writer);
  ensure(postings.ok() && balances(*postings), [&] { return "entry " + name(p) + " does not balance"; });
  note_known(writer, seq, *e);
  if (e->pin_checked != 0) wrong_pins_.erase({writer, e->account.value});
  if (e->code_checked != 0)
    ensure(codes_.insert(e->code_checked).second,
           "a one-time code opened two entries: " + name(p) + " " + describe(*e));
  if (e->counter != 0 && e->kind != entry_kind::adjust)
    for (auto account : {e->account, e->to_account})
      if (account.value != 0) uses_[account.value].push_back({p, month_of(e->business_date)});
  for (const auto& post : *postings)
    ensure(post.account.writer == writer, [&] { return "entry " + name(p) + " posts to an account of somebody else"; });
  switch (e->kind) {
    case entry_kind::sale:
    case entry_kind::capture:
    case entry_kind::top_up:
    case entry_kind::adjust:
    case entry_kind::reverse: return trade(p, *e);
    case entry_kind::issue:
    case entry_kind::activate:
    case entry_kind::hand_back: return card(p, *e);
    case entry_kind::authorise: return put_aside(p, *e);
    case entry_kind::void_hold: once(p, *e, name(p)); return end_hold(p, *e, name(p) + " " + describe(*e));
    case entry_kind::time_out: return end_hold(p, *e, name(p) + " " + describe(*e));
    case entry_kind::refund:
    case entry_kind::refund_elsewhere: return refund(p, *e);
    case entry_kind::gift: once(p, *e, name(p)); return hand_over(p, *e, 1);
    case entry_kind::settle:
      ensure(writer.node == head_office, "somebody else than head office settles debts: entry " + name(p));
      return settle(p, *e, name(p) + " " + describe(*e));
    case entry_kind::take_back:
      ensure(writer.node == head_office, "somebody else than head office takes units back: entry " + name(p));
      if (evens_paid(*e)) return even_out(p, *e, -1);
      return take_back(p, *e);
    case entry_kind::count:
    case entry_kind::stock:
    case entry_kind::claim: return once(p, *e, name(p) + " " + describe(*e));
    case entry_kind::pin_set:
    case entry_kind::pin_failed: once(p, *e, name(p) + " " + describe(*e)); return pin(p, *e);
    case entry_kind::voucher_grant:
      ensure(writer.node == head_office, "somebody else than head office grants vouchers: entry " + name(p));
      for (const auto& v : e->values) {
        move(writer, e->account, v.unit, v.amount, name(p));
        move(writer, {}, quota_of(v.unit), -v.amount, name(p));
        loaded_[e->account.value] += v.amount;
      }
      return give(p, *e, 1, name(p) + " " + describe(*e));
    case entry_kind::earn:
      ensure(writer.node == head_office, "somebody else than head office credits units: entry " + name(p));
      if (evens_paid(*e)) return even_out(p, *e, 1);
      give(p, *e, 1, name(p) + " " + describe(*e));
      return settle(p, *e, name(p) + " " + describe(*e));
    case entry_kind::expire: return expire(p, *e, -1);
    case entry_kind::fee: return fee(p, *e);
    case entry_kind::ruling: return ruling(p, *e);
    case entry_kind::execute: return execute(p, *e);
    case entry_kind::give_back:
      ensure(writer.node == head_office, "somebody else than head office gives units back: entry " + name(p));
      return expire(p, *e, 1);
    case entry_kind::send:
    case entry_kind::receive: return transfer(p, *e);
    case entry_kind::regrant: return regrant(p, *e);
    case entry_kind::close_epoch:
      // Head office's own is closed at the end of what it had published.
      return void(closed_.emplace(
          e->subject, e->head->stream.sub == sub_stream::journal ? e->head->size : restored_.at(e->subject)));
    default: return;
  }
}

void oracle::move(const writer_id& w, account_id a, unit_id u, amount delta, const std::string& where) {
  auto& r = rights_[{w, a.value, u.value}];
  r += delta;
  bool source = w.node == head_office && a.value == 0;  // quotas come from nowhere but head office
  ensure(r >= 0 || source, "a right below zero: " + where);
}

// Between two right ones no store takes more wrong PINs of a card than it may, unless it was changed or refilled.
void oracle::pin(const place& p, const entry& e) {
  auto& [against, n] = wrong_pins_[{p.writer, e.account.value}];
  if (e.kind == entry_kind::pin_set || against != e.pin) n = 0;
  against = e.pin;
  if (e.kind != entry_kind::pin_failed) return;
  ensure(++n <= pin_tries_max, "a wrong PIN too many: " + name(p) + " " + describe(e));
}

void oracle::once(const place& p, const entry& e, const std::string& where) {
  auto& places = keys_[{e.terminal, e.counter}];
  for (const auto& other : places) {
    ensure(other.writer != p.writer, "a key was executed twice: " + where);
    ensure(was_restored(other.writer), "a key was executed in two lives of a node that was never restored: " + where);
  }
  places.push_back(p);
}

void oracle::give(const place& p, const entry& e, amount sign, const std::string& where) {
  for (const auto& v : e.earned) {
    move(p.writer, e.account, v.unit, sign * v.amount, where);
    move(p.writer, {}, quota_of(v.unit), -sign * v.amount, where);
    units_[{e.account.value, v.purse}] += sign * v.amount;
  }
}

// Debts are the part of what is taken back that was not there, or of what is given that pays an older one.
void oracle::settle(const place& p, const entry& e, const std::string& where) {
  for (const auto& d : e.debts)
    owe(p, e, d, where);
}

void oracle::owe(const place& p, const entry& e, const value_item& d, const std::string& where) {
  move(p.writer, e.account, d.unit, d.amount, where);
  if (d.unit == main_unit) {
    owed_[e.account.value] += d.amount;
    ensure(owed_[e.account.value] >= 0 || !restored_.empty(), "more was paid back than owed: " + where);
  } else {
    units_[{e.account.value, d.purse}] += d.amount;
  }
}

void oracle::new_debts(const place& p, const entry& e, const std::string& where) {
  if (e.risk != 0) move(p.writer, {}, risk_of(main_unit), -e.risk, where);
  for (const auto& d : e.debts)
    if (d.amount > 0) owe(p, e, d, where);
}

void oracle::paid_debts(const place& p, const entry& e, const std::string& where) {
  for (const auto& d : e.debts)
    if (d.amount < 0) owe(p, e, d, where);
}

void oracle::trade(const place& p, const entry& e) {
  auto where = name(p) + " " + describe(e);
  once(p, e, where);
  bool undo = e.kind == entry_kind::reverse;
  auto kind = undo ? e.cited_kind : e.kind;
  if (kind == entry_kind::gift) return hand_over(p, e, -1);
  bool card_sale = kind == entry_kind::issue || kind == entry_kind::activate;
  if (undo) {
    auto cited = decode_entry(journals_.at(p.writer).at(static_cast<std::size_t>(*e.cites)));
    ensure(cited && cited->kind == kind && cited->account == e.account && cited->values == e.values &&
               cited->earned == e.earned,
           "a reversal of something else: " + where);
  }
  auto sign = undo ? -1 : 1;
  auto value = card_value(e);
  // What a capture takes left the holding when it was put aside; its reversal brings it back there.
  bool aside = e.kind == entry_kind::capture;
  if (aside) {
    end_hold(p, e, where);
    for (const auto& v : e.values)
      move(p.writer, e.account, v.unit, v.amount, where);
  }
  new_debts(p, e, where);
  if (card_sale) {
    ensure(p.writer.node == head_office && std::erase(sold_[e.account.value], place{p.writer, *e.cites}) == 1,
           "the sale of a card is undone that is none: " + where);
  }
  if (kind == entry_kind::top_up || card_sale) {
    move(p.writer, e.account, main_unit, sign * value, where);
    move(p.writer, {}, quota_of(main_unit), -sign * value, where);
    loaded_[e.account.value] += sign * value;
  } else if (value != 0) {
    move(p.writer, e.account, main_unit, -sign * value, where);
    spent_[e.account.value] += sign * value;
  }
  for (const auto& v : e.values)
    if (v.unit != main_unit) {
      move(p.writer, e.account, v.unit, -sign * v.amount, where);
      units_[{e.account.value, v.purse}] -= sign * v.amount;
    }
  give(p, e, sign, where);
  paid_debts(p, e, where);
  // What a lost tail spent can be spent again; then the known entries alone must add up, at the end (check_value).
  ensure(balance(e.account) + owed(e.account) >= 0 || !restored_.empty(),
         "more was spent than loaded, over the whole chain: " + where);
}

// Sold once and given back once in the whole chain, but for lives that knew nothing of one another.
void oracle::card(const place& p, const entry& e) {
  auto where = name(p) + " " + describe(e);
  once(p, e, where);
  bool back = e.kind == entry_kind::hand_back;
  // What is left on a card that is gone head office pays out, as often as something comes.
  const bool paid_out = back && p.writer.node == head_office;
  auto& places = back ? given_back_[e.account.value] : sold_[e.account.value];
  for (const auto& other : paid_out ? std::vector<place>{} : places)
    ensure(back ? other.writer.node != p.writer.node || was_restored(other.writer)
                : was_restored(other.writer) || was_restored(p.writer),
           std::string(back ? "given back" : "sold") + " twice: " + where);
  if (!paid_out) places.push_back(p);
  auto value = card_value(e);
  if (value == 0) return;
  move(p.writer, e.account, main_unit, back ? -value : value, where);
  if (!back) move(p.writer, {}, quota_of(main_unit), -value, where);
  (back ? spent_ : loaded_)[e.account.value] += value;
  ensure(balance(e.account) + owed(e.account) >= 0 || !restored_.empty(), "more came back than was loaded: " + where);
}

std::optional<sequence> oracle::sale_of(const writer_id& writer, account_id card) const {
  auto it = sold_.find(card.value);
  if (it == sold_.end()) return std::nullopt;
  for (const auto& p : it->second)
    if (p.writer == writer) return p.seq;
  return std::nullopt;
}

void oracle::expire(const place& p, const entry& e, amount sign) {
  for (const auto& v : e.values) {
    move(p.writer, e.account, v.unit, sign * v.amount, name(p) + " " + describe(e));
    units_[{e.account.value, v.purse}] += sign * v.amount;
  }
}

void oracle::fee(const place& p, const entry& e) {
  auto where = name(p) + " " + describe(e);
  ensure(p.writer.node == head_office, "somebody else than head office takes fees: " + where);
  auto [taken, first] = fees_.try_emplace({e.account.value, e.deadline}, p);
  ensure(first || is_lost(taken->second), "a fee was taken twice for one month: " + where);
  taken->second = p;
  auto month = month_of(day_of(e.deadline) - 1);
  for (const auto& [use, when] : uses_[e.account.value]) {
    auto had = heard_.find(use.writer);
    bool known = had != heard_.end() && use.seq < had->second && !was_restored(use.writer);
    ensure(!known || add_months(when, dormant_months_min) <= month,
           "a fee of a card that was used, at " + name(use) + ": " + where);
  }
  for (const auto& v : e.values) {
    move(p.writer, e.account, v.unit, -v.amount, where);
    if (v.unit == main_unit) {
      spent_[e.account.value] += v.amount;
    } else {
      units_[{e.account.value, v.purse}] -= v.amount;
    }
  }
  ensure(balance(e.account) + owed(e.account) >= 0 || !restored_.empty(), "a fee of what was spent: " + where);
}

// All at once: units that come back and units that are taken back may be of one purse and one quota.
void oracle::refund(const place& p, const entry& e) {
  auto where = name(p) + " " + describe(e);
  once(p, e, where);
  std::map<std::pair<std::uint64_t, std::uint32_t>, amount> change;  // account (0: the store's own right) and unit
  amount money = 0;
  for (const auto& t : e.tenders)
    money += t.amount;
  for (const auto& v : e.values) {
    change[{e.account.value, v.unit.value}] += v.amount;
    if (v.unit == main_unit) {
      money += v.amount;
      spent_[e.account.value] -= v.amount;
    } else {
      change[{0, quota_of(v.unit).value}] -= v.amount;
      units_[{e.account.value, v.purse}] += v.amount;
    }
  }
  change[{0, refund_of(main_unit).value}] -= money;
  bool elsewhere = e.kind == entry_kind::refund_elsewhere;
  for (const auto& v : e.earned) {
    change[{e.account.value, v.unit.value}] -= v.amount;
    if (!elsewhere) change[{0, quota_of(v.unit).value}] += v.amount;
    units_[{e.account.value, v.purse}] -= v.amount;
  }
  for (const auto& d : e.debts) {
    change[{e.account.value, d.unit.value}] += d.amount;
    units_[{e.account.value, d.purse}] += d.amount;
  }
  for (const auto& [of, n] : change)
    move(p.writer, {of.first}, {of.second}, n, where);
  if (elsewhere)
    for (const auto& l : e.lines)
      goods_back_[{e.subject, *e.cites}][l.product.value] += l.quantity;
}

// Between two cards at one node; `sign` -1: it is taken back.
void oracle::hand_over(const place& p, const entry& e, amount sign) {
  auto where = name(p) + " " + describe(e);
  new_debts(p, e, where);
  for (const auto& v : e.values) {
    move(p.writer, sign > 0 ? e.account : e.to_account, v.unit, -v.amount, where);
    move(p.writer, sign > 0 ? e.to_account : e.account, v.unit, v.amount, where);
    if (v.unit == main_unit) {
      spent_[e.account.value] += sign * v.amount;
      loaded_[e.to_account.value] += sign * v.amount;
    } else {
      units_[{e.account.value, v.purse}] -= sign * v.amount;
      units_[{e.to_account.value, v.purse}] += sign * v.amount;
    }
  }
  paid_debts(p, e, where);
}

// What is not there becomes a debt in the same entry.
void oracle::take_back(const place& p, const entry& e) {
  auto where = name(p) + " " + describe(e);
  settle(p, e, where);
  for (const auto& v : e.earned) {
    move(p.writer, e.account, v.unit, -v.amount, where);
    units_[{e.account.value, v.purse}] -= v.amount;
  }
}

// What stores gave back too little of what had paid a sale was not spent after all.
void oracle::even_out(const place& p, const entry& e, amount sign) {
  auto where = name(p) + " " + describe(e);
  if (sign < 0) settle(p, e, where);
  for (const auto& v : e.earned) {
    move(p.writer, e.account, v.unit, sign * v.amount, where);
    if (v.unit == main_unit) {
      spent_[e.account.value] -= sign * v.amount;
    } else {
      units_[{e.account.value, v.purse}] += sign * v.amount;
    }
    if (sign > 0) move(p.writer, {}, v.unit == main_unit ? refund_of(v.unit) : quota_of(v.unit), -v.amount, where);
  }
  if (sign > 0) settle(p, e, where);
}

void oracle::put_aside(const place& p, const entry& e) {
  auto where = name(p) + " " + describe(e);
  once(p, e, where);
  ensure(e.cites == p.seq && !aside_.count(p), "an authorisation under another name: " + where);
  for (const auto& v : e.values) {
    move(p.writer, e.account, v.unit, -v.amount, where);
    aside_[p][{v.purse, v.bucket}] += v.amount;
  }
}

void oracle::end_hold(const place& p, const entry& e, const std::string& where) {
  auto it = aside_.find({p.writer, *e.cites});
  ensure(it != aside_.end(), "the end of an authorisation that is not open: " + where);
  auto authorise = decode_entry(journals_.at(p.writer).at(static_cast<std::size_t>(*e.cites)));
  ensure(authorise && authorise->account == e.account, "the end of another card's authorisation: " + where);
  ensure(e.kind != entry_kind::time_out || business_moment(e) >= authorise->deadline, "timed out too early: " + where);
  ensure(e.kind != entry_kind::capture || business_moment(e) < authorise->deadline, "captured too late: " + where);
  for (const auto* list : {&e.values, &e.released})
    for (const auto& v : *list)
      it->second[{v.purse, v.bucket}] -= v.amount;
  for (const auto& v : e.released)
    move(p.writer, e.account, v.unit, v.amount, where);
  for (const auto& [of, n] : it->second)
    ensure(n == 0, "an authorisation that ends in part: " + where);
  aside_.erase(it);
}

std::vector<sequence> oracle::open_holds(const writer_id& w) const {
  std::vector<sequence> out;
  for (const auto& [p, items] : aside_)
    if (p.writer == w) out.push_back(p.seq);
  return out;
}

void oracle::transfer(const place& p, const entry& e) {
  auto where = name(p) + " " + describe(e);
  bool out = e.kind == entry_kind::send;
  channel c = out ? channel{p.writer, e.peer, e.channel} : channel{e.peer, p.writer, e.channel};
  if (out) {
    ensure(e.channel == 1 || sent_.count({p.writer, e.peer, e.channel - 1}) != 0, "a channel has a gap: " + where);
    ensure(sent_.emplace(c, e).second, "a channel number was used twice: " + where);
    if (e.cause == send_cause::sweep && !was_restored(e.peer)) {  // a life that ended takes nothing: it returns
      ++swept_;
      auto& on_way = sweeping_[{p.writer, e.peer}];
      on_way += card_value(e);
      ensure(on_way <= sweeps_max_, "more is on its way unused than was agreed: " + where);
    }
  } else {
    auto half = sent_.find(c);
    ensure(half != sent_.end(), "a receive without its send: " + where);
    ensure(received_.insert(c).second, "a send was received twice: " + where);
    if (e.reason == errc::revoked)  // sent behind the place where its writer was revoked: it counts for nothing
      return ensure(e.values.empty() && e.debts.empty() && was_restored(e.peer), "a send counts for nothing: " + where);
    ensure(half->second.account == e.account && half->second.values == e.values && half->second.debts == e.debts,
           "a receive differs from its send, " + std::string(errc_name(e.reason)) + ": " + where);
    ensure(!returned_.count(c) || was_restored(p.writer), "a send that had returned was received: " + where);
    if (half->second.cause == send_cause::sweep && !was_restored(p.writer))
      sweeping_[{e.peer, p.writer}] -= card_value(e);
  }
  for (const auto& v : e.values)
    move(p.writer, v.purse == 0 ? account_id{} : e.account, v.unit, out ? -v.amount : v.amount, where);
}

// Head office grants anew only what lay at a life that ended; whether it was still there is checked at the end.
void oracle::regrant(const place& p, const entry& e) {
  auto where = name(p) + " " + describe(e);
  ensure(p.writer.node == head_office, "somebody else than head office grants anew: " + where);
  ensure(was_restored(e.subject) || (e.cited_kind == entry_kind::receive && was_restored(e.peer)),
         "granted anew from an epoch that never ended: " + where);
  if (e.cited_kind == entry_kind::send) return;
  if (e.cited_kind == entry_kind::receive) {
    auto half = sent_.find(channel{e.peer, e.subject, e.channel});
    ensure(half != sent_.end() && half->second.account == e.account && half->second.values == e.values,
           "a return of a send that was never made: " + where);
    auto [before, first] = returned_.try_emplace({e.peer, e.subject, e.channel}, p);
    ensure(first || is_lost(before->second), "a send returned twice: " + where);
    before->second = p;
  }
  for (const auto& v : e.values)
    move(p.writer, v.purse == 0 ? account_id{} : e.account, v.unit, v.amount, where);
}

void oracle::answered(const till_answer& a) {
  const auto* e = std::get_if<entry>(&a.outcome);
  const auto* r = std::get_if<refusal>(&a.outcome);
  bool wrong_pin = r && r->why.code == errc::pin_wrong;
  if (!e && !wrong_pin) return;
  if (was_restored(a.writer)) return;  // perhaps of a life that went on beside the other
  place p{a.writer, a.seq};
  auto it = journals_.find(a.writer);
  ensure(it != journals_.end() && a.seq < it->second.size(),
         "an approval was answered before it was durable: " + name(p));
  if (wrong_pin) {
    auto tried = decode_entry(it->second[static_cast<std::size_t>(a.seq)]);
    ensure(tried->kind == entry_kind::pin_failed, "a wrong PIN was told and is not in the ledger: " + name(p));
    approved_.emplace(p, *tried);
    return;
  }
  ensure(encode_entry(*e) == it->second[static_cast<std::size_t>(a.seq)],
         "an approval differs from the ledger: " + name(p));
  approved_.emplace(p, *e);
}

std::map<std::pair<writer_id, writer_id>, std::size_t> oracle::unreceived() const {
  std::map<std::pair<writer_id, writer_id>, std::size_t> out;
  for (const auto& [c, e] : sent_)
    if (!received_.count(c) && !returned_.count(c)) ++out[{std::get<0>(c), std::get<1>(c)}];
  return out;
}

}  // namespace tally::sim
