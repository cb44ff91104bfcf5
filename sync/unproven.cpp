#include "sync/unproven.hpp"

#include <algorithm>

#include "ledger/kinds.hpp"

namespace tally {
namespace {

constexpr node_id head_office_node{1};

amount plus(amount a, amount b) { return __builtin_add_overflow(a, b, &a) ? amount_max : a; }

unproven_rights::sums values_of(const entry& e) {
  unproven_rights::sums out;
  for (const auto& v : e.values) {
    auto& to = v.purse == 0 ? out.quota : out.rights;
    to = plus(to, std::max<amount>(v.amount, 0));
  }
  return out;
}

/// Rights are credits, so what makes some is below zero.
unproven_rights::sums made_by(const std::vector<posting>& postings) {
  unproven_rights::sums out;
  for (const auto& p : postings) {
    if (p.amount >= 0 || p.amount == INT64_MIN) continue;
    if (p.account.type == account_type::hold) out.rights = plus(out.rights, -p.amount);
    if (p.account.type == account_type::quota) out.quota = plus(out.quota, -p.amount);
  }
  return out;
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
  // Own sends are known completely: one that was not made is contested. Its half may be gone only where head office
  // took the send back from a closed epoch, before the receive turned up after all.
  if (e.peer.node == self) return true;
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
  auto sent = values_of(e);
  bool rights = sent.rights == 0 || plus(sent.rights, it->second.rights) <= held_total(s, place.writer);
  bool quota = sent.quota == 0 || plus(sent.quota, it->second.quota) <= quota_left(s, place.writer);
  if (rights && quota) return done();
  return error{errc::bad_proof, "of what " + writer_name(place.writer) + " holds, " +
                                    std::to_string(rights ? it->second.quota : it->second.rights) +
                                    " is proven by nothing"};
}

void unproven_rights::count(const entry& e, const entry_place& place, const std::vector<posting>& postings, errc why,
                            node_id self, const state& s, const read_addressed& read) {
  if (why == errc::ok && e.kind == entry_kind::send) release(e, place.writer, e.peer, s);
  if (why == errc::ok && e.kind == entry_kind::regrant && e.cited_kind == entry_kind::send)
    release(e, e.subject, e.peer, s);
  if (place.role != node_role::store) return;
  bool received = e.kind == entry_kind::receive && e.reason == errc::ok;
  if (why != errc::ok || (received && !is_proven(e, place.writer, self, s, read))) {
    auto made = made_by(postings);
    return add(place.writer, made.rights, made.quota);
  }
  if (e.kind != entry_kind::top_up) return;
  auto it = sums_.find(place.writer);
  if (it == sums_.end() || it->second.quota == 0) return;
  auto loaded = values_of(e).rights;
  auto clean = std::max<amount>(quota_left(s, place.writer) - it->second.quota, 0);
  add(place.writer, std::clamp<amount>(loaded - clean, 0, it->second.quota), 0);
}

bool unproven_rights::proved(const entry& send, const writer_id& from, const state& s) {
  return release(send, from, send.peer, s);
}

bool unproven_rights::release(const entry& e, const writer_id& from, const writer_id& to, const state& s) {
  auto it = sums_.find(to);
  if (it == sums_.end()) return false;
  auto received = s.find(half(true, e.channel, from, to));
  if (!received || received->data != transfer_text(e)) return false;
  auto sent = values_of(e);
  it->second.rights = std::max<amount>(it->second.rights - sent.rights, 0);
  it->second.quota = std::max<amount>(it->second.quota - sent.quota, 0);
  changed_.insert(to);
  return true;
}

void unproven_rights::add(const writer_id& w, amount rights, amount quota) {
  if (rights == 0 && quota == 0) return;
  auto& to = sums_[w];
  to.rights = plus(to.rights, rights);
  to.quota = plus(to.quota, quota);
  changed_.insert(w);
}

unproven_rights::sums unproven_rights::of(const writer_id& w) const {
  auto it = sums_.find(w);
  return it == sums_.end() ? sums{} : it->second;
}

}  // namespace tally
