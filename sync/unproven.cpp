#include "sync/unproven.hpp"

#include <algorithm>

#include "ledger/kinds.hpp"

namespace tally {
namespace {

constexpr node_id head_office_node{1};

amount plus(amount a, amount b) { return __builtin_add_overflow(a, b, &a) ? amount_max : a; }

using by_unit = unproven_rights::by_unit;

/// A right to refund, or to take at risk, is no right to create value: it counts by itself.
bool counts_alone(unit_id u) { return class_of(u) == unit_class::refund || class_of(u) == unit_class::risk; }
unit_id counted_as(unit_id u) { return counts_alone(u) ? u : value_of(u); }

amount right_left(const state& s, const writer_id& w, unit_id unit) {
  return counts_alone(unit) ? -s.balance(quota_account(w, unit)) : quota_left(s, w, unit);
}

void add_items(by_unit& out, const std::vector<value_item>& items) {
  for (const auto& v : items) {
    auto& of = out[counted_as(v.unit)];
    auto& to = v.purse == 0 ? of.quota : of.rights;
    to = plus(to, std::max<amount>(v.amount, 0));
  }
}

by_unit values_of(const entry& e) {
  by_unit out;
  add_items(out, e.values);
  return out;
}

/// Rights are credits, so what makes some is below zero.
by_unit made_by(const std::vector<posting>& postings) {
  by_unit out;
  for (const auto& p : postings) {
    if (p.amount >= 0 || p.amount == INT64_MIN) continue;
    auto unit = counted_as(p.account.unit);
    bool rights = p.account.type == account_type::hold || p.account.type == account_type::held;
    if (rights) out[unit].rights = plus(out[unit].rights, -p.amount);
    if (p.account.type == account_type::quota) out[unit].quota = plus(out[unit].quota, -p.amount);
  }
  return out;
}

/// The whole budget is proven, and with it all that was lent from it.
void prove_lent(by_unit& of) {
  for (auto& [unit, sums] : of) {
    if (class_of(unit) != unit_class::risk || sums.made == 0) continue;
    if (auto lent = of.find(value_of(unit)); lent != of.end())
      lent->second.rights = std::max<amount>(lent->second.rights - sums.made, 0);
    sums.made = 0;
  }
}

cell_key half(bool received, std::uint64_t channel, const writer_id& from, const writer_id& to) {
  return {.type = cell_type::transfer, .a = channel, .b = received ? 0U : 1U, .writer = from, .peer = to};
}

bool fits(const entry& receive, const entry& send, const writer_id& receiver) {
  return send.kind == entry_kind::send && send.peer == receiver && send.channel == receive.channel &&
         transfer_text(send) == transfer_text(receive);
}

bool is_proven(const entry& e, const writer_id& receiver, node_id self, const state& s,
               const unproven_rights::read_addressed& read) {
  // Own sends are known: of this life completely, and one that was not made is contested. The half may be gone only
  // where head office took the send back from a closed epoch, before the receive turned up after all. What a lost disk
  // of this node sent, only the receiver says.
  if (e.peer.node == self && static_cast<std::uint64_t>(number(s, channel_key(true, e.peer, receiver))) >= e.channel)
    return true;
  // A half that is here says the same, or the entry would be contested.
  if (s.find(half(false, e.channel, e.peer, receiver))) return true;
  if (!read || !e.head || e.head->size == 0) return false;
  const auto& id = e.head->stream;
  if (id != stream_id{e.peer, sub_stream::addressed, receiver.node} || e.peer.node != head_office_node) return false;
  auto send = read(id, e.head->size - 1);
  return send && fits(e, *send, receiver);
}

}  // namespace

status unproven_rights::check(const entry& e, const entry_place& place, node_id self, const state& s) const {
  if (e.kind != entry_kind::send || e.peer.node != self || place.role != node_role::store) return done();
  auto it = sums_.find(place.writer);
  if (it == sums_.end()) return done();
  for (const auto& [unit, sent] : values_of(e)) {
    auto of = it->second.find(unit);
    if (of == it->second.end()) continue;
    bool rights = sent.rights == 0 || plus(sent.rights, of->second.rights) <= held_total(s, place.writer, unit);
    bool quota = sent.quota == 0 || plus(sent.quota, of->second.quota) <= right_left(s, place.writer, unit);
    if (rights && quota) continue;
    return error{errc::bad_proof, "of what " + writer_name(place.writer) + " holds, " +
                                      std::to_string(rights ? of->second.quota : of->second.rights) +
                                      " is proven by nothing"};
  }
  return done();
}

void unproven_rights::count(const entry& e, const entry_place& place, const std::vector<posting>& postings, errc why,
                            node_id self, const state& s, const read_addressed& read) {
  if (why == errc::ok && e.kind == entry_kind::send) release(e, place.writer, e.peer, s);
  if (why == errc::ok && e.kind == entry_kind::regrant && e.cited_kind == entry_kind::send)
    release(e, e.subject, e.peer, s);
  if (place.role != node_role::store) return;
  bool received = e.kind == entry_kind::receive && e.reason == errc::ok;
  if (why != errc::ok || (received && !is_proven(e, place.writer, self, s, read))) {
    return add(place.writer, made_by(postings));
  }
  bool loads = e.kind == entry_kind::top_up || e.kind == entry_kind::issue;
  bool refund = e.kind == entry_kind::refund || e.kind == entry_kind::refund_elsewhere;
  if (!loads && !refund && e.earned.empty() && e.risk == 0) return;
  auto it = sums_.find(place.writer);
  if (it == sums_.end() || e.kind == entry_kind::reverse) return;
  if (e.risk != 0) lend(e, place.writer, it->second, s);
  // What it creates is taken to come from the proven part of the quota first.
  by_unit created, made;
  if (loads) add_items(created, e.values);
  add_items(created, refund ? e.values : e.earned);
  for (const auto& [unit, sum] : created) {
    // Money back to a card comes from the right to refund.
    auto from = refund && unit == main_unit ? refund_of(unit) : unit;
    auto of = it->second.find(from);
    if (of == it->second.end() || of->second.quota == 0) continue;
    auto clean = std::max<amount>(right_left(s, place.writer, from) - of->second.quota, 0);
    auto from_it = std::clamp<amount>(sum.rights - clean, 0, of->second.quota);
    made[unit].rights = plus(made[unit].rights, from_it);
    made[from].made = plus(made[from].made, from_it);
  }
  add(place.writer, made);
}

// What is lent from a budget that nothing proves is proven by nothing, wherever it goes: also when it was spent, since
// a reversal brings it back. The budget is one of money, what is lent from it of many units: how much of each is
// counted under a budget of that unit, which nobody has.
void unproven_rights::lend(const entry& e, const writer_id& w, const by_unit& known, const state& s) {
  auto budget = risk_of(main_unit);
  auto of = known.find(budget);
  if (of == known.end() || of->second.quota == 0) return;
  auto clean = std::max<amount>(right_left(s, w, budget) - of->second.quota, 0);
  if (e.risk <= clean) return;
  by_unit made;
  for (const auto& d : e.debts) {
    if (d.amount <= 0) continue;
    auto &rights = made[counted_as(d.unit)].rights, &from = made[risk_of(value_of(d.unit))].made;
    rights = plus(rights, d.amount);
    from = plus(from, d.amount);
  }
  add(w, made);
}

bool unproven_rights::proved(const entry& send, const writer_id& from, const state& s) {
  return release(send, from, send.peer, s);
}

bool unproven_rights::release(const entry& e, const writer_id& from, const writer_id& to, const state& s) {
  auto it = sums_.find(to);
  if (it == sums_.end()) return false;
  auto received = s.find(half(true, e.channel, from, to));
  if (!received || received->data != transfer_text(e)) return false;
  for (const auto& [unit, sent] : values_of(e)) {
    auto of = it->second.find(unit);
    if (of == it->second.end()) continue;
    of->second.rights = std::max<amount>(of->second.rights - sent.rights, 0);
    of->second.quota = std::max<amount>(of->second.quota - sent.quota, 0);
    // What was created is taken to come from the proven part first, so no more than what is left can be unproven.
    auto proven = std::max<amount>(of->second.made - of->second.quota, 0);
    of->second.made -= proven;
    auto& rights = it->second[value_of(unit)].rights;
    rights = std::max<amount>(rights - proven, 0);
    if (class_of(unit) == unit_class::risk && of->second.quota == 0) prove_lent(it->second);
  }
  changed_.insert(to);
  return true;
}

void unproven_rights::add(const writer_id& w, const by_unit& made) {
  for (const auto& [unit, sum] : made) {
    if (sum.rights == 0 && sum.quota == 0 && sum.made == 0) continue;
    auto& to = sums_[w][unit];
    to.rights = plus(to.rights, sum.rights);
    to.quota = plus(to.quota, sum.quota);
    to.made = plus(to.made, sum.made);
    changed_.insert(w);
  }
}

unproven_rights::by_unit unproven_rights::all(const writer_id& w) const {
  auto it = sums_.find(w);
  return it == sums_.end() ? by_unit{} : it->second;
}

unproven_rights::sums unproven_rights::of(const writer_id& w, unit_id unit) const {
  auto of_writer = all(w);
  auto it = of_writer.find(unit);
  return it == of_writer.end() ? sums{} : it->second;
}

bool unproven_rights::any(const writer_id& w) const {
  auto it = sums_.find(w);
  return it != sums_.end() &&
         std::ranges::any_of(it->second, [](const auto& x) { return x.second.rights > 0 || x.second.quota > 0; });
}

}  // namespace tally
