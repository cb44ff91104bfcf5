#include "sync/observer.hpp"

#include <algorithm>

#include "ledger/closing.hpp"
#include "ledger/kinds.hpp"
#include "ledger/member_state.hpp"
#include "ledger/risk.hpp"
#include "storage/kv_state.hpp"
#include "sync/returned_goods.hpp"

namespace tally {
namespace {

bytes writer_key(char kind, const writer_id& w) {
  byte_writer out;
  out.u8(static_cast<std::uint8_t>(kind));
  write_writer(out, w);
  return out.take();
}
bytes position_key(const writer_id& w) { return writer_key('p', w); }
cell_key contested_count(const writer_id& w) {
  return {.type = cell_type::counters, .a = 1, .b = 0, .writer = w, .peer = {}};
}

/// Each life behind the one that it followed: it may add to what that one said.
std::vector<stream_id> in_order_of_lives(std::vector<stream_id> journals, const state& directory) {
  std::set<writer_id> waiting;
  for (const auto& id : journals)
    waiting.insert(id.writer);
  std::map<writer_id, writer_id> before;
  for (const auto& w : waiting)
    if (auto how = closing_of(directory, w); how && how->successor != epoch_id{}) before[{w.node, how->successor}] = w;
  std::vector<stream_id> out;
  while (!journals.empty()) {
    auto follows = [&](const stream_id& id) {
      auto it = before.find(id.writer);
      return it != before.end() && it->second != id.writer && waiting.count(it->second) != 0;
    };
    auto next = std::ranges::find_if_not(journals, follows);
    if (next == journals.end()) next = journals.begin();  // a circle, which nobody could write: in any order
    waiting.erase(next->writer);
    out.push_back(*next);
    journals.erase(next);
  }
  return out;
}

}  // namespace

status observer::load(const stream_reader& reader, node_id self) {
  TALLY_TRY(state_.load(reader.store()));
  if (self_role_ == node_role::hq) TALLY_TRY(late_.load(reader.store()));
  replays_ = true;
  state_.each_contested([&](const writer_id& w, sequence seq, errc why) { open_case(w, seq, why); });
  state_.each_open_claim([&](const writer_id& w, sequence seq, account_id m) { open_claims_[{w, seq}] = m; });
  state_.each_returned([&](const writer_id& seller, sequence seq) { returned_.emplace(seller, seq); });
  auto c = reader.store().scan(family::state, "p");
  for (; c->valid() && c->key()[0] == 'p'; c->next()) {
    byte_reader key(c->key().substr(1)), value(c->value());
    auto w = read_writer(key);
    positions_[w] = value.uv();
    if (!key.ok() || !value.ok()) return error{errc::corrupt, "an observed position"};
  }
  TALLY_TRY(c->state());
  for (c = reader.store().scan(family::state, "u"); c->valid() && c->key()[0] == 'u'; c->next()) {
    byte_reader key(c->key().substr(1)), value(c->value());
    auto w = read_writer(key);
    // The main unit, then others with their number.
    for (unit_id unit = main_unit; value.ok();) {
      auto rights = value.sv(), quota = value.sv();
      unproven_.load(w, unit, {rights, quota});
      if (value.at_end()) break;
      unit.value = static_cast<std::uint32_t>(value.uv(UINT32_MAX));
    }
    bytes made;
    if (reader.store().get(family::state, writer_key('m', w), made) == lookup::found) {
      byte_reader more(made);
      while (more.ok() && !more.at_end()) {
        unit_id unit{static_cast<std::uint32_t>(more.uv(UINT32_MAX))};
        auto sums = unproven_.of(w, unit);
        sums.made = more.sv();
        unproven_.load(w, unit, sums);
      }
      if (!more.ok()) return error{errc::corrupt, "what was made of quota that nothing proves"};
    }
    if (!key.at_end() || !value.ok()) return error{errc::corrupt, "rights that nothing proves"};
  }
  TALLY_TRY(c->state());

  auto addressed = [&](const stream_id& id, sequence s) -> std::optional<entry> {
    auto data = reader.entry_of(id, s, {self, {}});
    if (!data) return std::nullopt;
    auto e = decode_entry(*data);
    if (!e) return std::nullopt;
    return std::move(*e);
  };
  auto streams = reader.list();
  if (!streams) return streams.error();
  std::erase_if(*streams, [](const stream_id& id) { return id.sub != sub_stream::journal; });
  for (const auto& id : in_order_of_lives(std::move(*streams), directory_)) {
    auto find = [&](sequence s) { return addressed(id, s); };
    for (auto end = reader.size(id), at = position(id.writer); at < end; at = position(id.writer)) {
      if (id.writer.node == self) {
        auto own = reader.own_entries(id, at, end, segment_entries_max);
        if (!own) return own.error();
        observe(id.writer, at, *own, find, addressed);
        continue;
      }
      auto s = reader.foreign_segment(id, at);
      if (!s) return error{errc::corrupt, "a segment is missing: " + s.error().detail};
      auto entries = unpack_entries(*s);
      if (!entries) return error{errc::corrupt, "a stored segment"};
      entry_list left;
      for (auto i = static_cast<std::size_t>(at - s->first); i < entries->size(); ++i)
        left.add((*entries)[i]);
      observe(id.writer, at, at == s->first ? *entries : left, find, addressed);
    }
  }
  replays_ = false;
  for (const auto& [at, what] : late_.all())
    if (what == late_uses::state::used) open_case(at.first, at.second, errc::used_lost);
  for (const auto& [seller, seq] : returned_)
    check_returns(seller, seq, addressed({seller, sub_stream::journal, {}}, seq));
  codes_to_check_.clear();
  check_all_codes([&](const writer_id& w, sequence at) { return addressed({w, sub_stream::journal, {}}, at); });
  return done();
}

std::vector<verdict> observer::observe(const writer_id& writer, std::uint64_t first, const entry_list& entries,
                                       const std::function<std::optional<entry>(sequence)>& find,
                                       const unproven_rights::read_addressed& addressed) {
  std::vector<verdict> out;
  out.reserve(entries.size());
  auto node = node_of(directory_, writer.node);
  auto role = writer.node == self_ && self_role_ != node_role{} ? self_role_ : node ? node->role : node_role{};
  // A reversal may cite an entry that lies in the same run, which the caller cannot read yet.
  auto find_here = [&](sequence s) -> std::optional<entry> {
    if (s < first || s >= first + entries.size()) return find(s);
    auto e = decode_entry(entries[static_cast<std::size_t>(s - first)]);
    if (!e) return std::nullopt;
    return std::move(*e);
  };
  for (std::size_t i = 0; i < entries.size(); ++i)
    out.push_back(observe_one(writer, role, first + i, entries[i], find_here, addressed));
  positions_[writer] = first + entries.size();
  // A sale may come after the refunds that others wrote for it.
  for (auto it = returned_.lower_bound({writer, first}); it != returned_.end() && it->first == writer; ++it)
    if (it->second < first + entries.size()) returns_to_check_.insert(*it);
  for (const auto& [seller, seq] : std::exchange(returns_to_check_, {})) {
    auto sale = seller == writer ? find_here(seq)
                : addressed      ? addressed({seller, sub_stream::journal, {}}, seq)
                                 : std::nullopt;
    check_returns(seller, seq, sale);
  }
  for (auto account : std::exchange(codes_to_check_, {}))
    check_code(account, [&](const writer_id& w, sequence seq) {
      return w == writer ? find_here(seq) : addressed ? addressed({w, sub_stream::journal, {}}, seq) : std::nullopt;
    });
  moved_.insert(writer);
  since_checkpoint_ += entries.size();
  return out;
}

// By number: head office may have taken back a send that was not received, and the receive come after all.
bool observer::sent_by_us(const entry& receive, const writer_id& writer) const {
  return static_cast<std::uint64_t>(number(state_, channel_key(true, receive.peer, writer))) >= receive.channel;
}

verdict observer::observe_one(const writer_id& writer, node_role role, sequence seq, byte_view data,
                              const std::function<std::optional<entry>(sequence)>& find,
                              const unproven_rights::read_addressed& addressed) {
  verdict v{seq, peek_kind(data), errc::ok, {}};
  auto contest = [&](const error& why) {
    bool counted = v.why != errc::ok;
    v.why = why.code;
    v.detail = why.detail;
    if (counted) return;
    auto k = contested_count(writer);
    state_.put(k, {number(state_, k) + 1, {}});
  };
  auto& e = entry_;
  if (auto decoded = decode_entry(data, e); !decoded) {
    contest(decoded.error());
    state_.put({.type = cell_type::contested, .a = seq, .b = 0, .writer = writer, .peer = {}},
               {static_cast<std::int64_t>(v.why), {}});
    open_case(writer, seq, v.why);
    return v;
  }
  entry_place place{.writer = writer,
                    .role = role,
                    .seq = seq,
                    .watched = true,
                    .directory = &directory_,
                    .turnover = counts_turnover_,
                    .uses = uses_,
                    .revocations = self_role_ == node_role::hq,
                    .lapses = lapses_.purses.empty() ? nullptr : &lapses_,
                    .rules = rules_};
  std::optional<entry> cited;
  if (e.cites && (cited = find(*e.cites))) place.cited = &*cited;
  auto judged = judge(e, place, state_, postings_);
  // This node knows its own sends completely: a receive of one that it never wrote is made up.
  if (judged && e.kind == entry_kind::receive && e.peer == life_ && !sent_by_us(e, writer))
    judged = error{errc::bad_proof, "a receive of a send that was never made"};
  // What was sent to an earlier life of the owner is credited by nobody.
  if (judged && e.peer == life_) judged = unproven_.check(e, place, self_, state_);
  if (!judged) {
    contest(judged.error());
    // Applied as its writer applied it, so that what follows still fits. What cannot be expanded moves nothing.
    if (!expand(e, writer, postings_) || !merge(postings_)) postings_.clear();
  }
  unproven_.count(e, place, postings_, v.why, self_, state_, addressed);
  auto applied = apply(e, place, postings_, state_, v.why);
  if (!applied) {
    contest(applied.error());
    (void)apply(e, place, {}, state_, v.why);
  }
  if (v.why != errc::ok) open_case(writer, seq, v.why);
  if (v.why == errc::ok) note_late(e, writer, seq);
  if (v.why == errc::ok && e.kind == entry_kind::profile_claim && state_.find(open_claim_key(writer, seq, false)))
    open_claims_[{writer, seq}] = e.account;
  if (e.kind == entry_kind::profile && e.cites) open_claims_.erase({e.subject, *e.cites});
  note_returns(e, writer);
  if (e.bearer != 0 && v.why == errc::ok) codes_to_check_.insert(e.account);
  auto note = [&](turned_accounts& list) {
    list.overflowed = list.overflowed || list.accounts.size() >= turned_max;
    if (!list.overflowed) list.accounts.insert(e.account);
  };
  if (e.account.value == 0) return v;
  bool goods_back = e.kind == entry_kind::refund || e.kind == entry_kind::refund_elsewhere ||
                    (e.kind == entry_kind::reverse && sells(e.cited_kind));
  if (counts_turnover_ && (sells(e.kind) || goods_back)) note(turned_);
  const auto of_month = [](const value_item& i) { return i.bucket != 0; };
  bool of_months =
      place.lapses && (std::ranges::any_of(e.values, of_month) || std::ranges::any_of(e.debts, of_month));
  if (of_months && e.kind != entry_kind::send && e.kind != entry_kind::receive) note(lapsed_);
  if (e.kind == entry_kind::sale ? !e.medium.empty()
                                 : e.kind == entry_kind::reverse && once_of(state_, writer, e.account))
    note(once_);
  return v;
}

void observer::note_returns(const entry& e, const writer_id& writer) {
  if (!e.cites) return;
  if (e.kind == entry_kind::refund_elsewhere) {
    returned_.emplace(e.subject, *e.cites);
    returns_to_check_.emplace(e.subject, *e.cites);
  } else if (e.kind == entry_kind::refund || e.kind == entry_kind::reverse) {
    if (returned_.count({writer, *e.cites})) returns_to_check_.emplace(writer, *e.cites);
  }
}

// Each store was right by what it knew; together they gave back more than was sold. The sale is the case.
void observer::check_returns(const writer_id& seller, sequence seq, const std::optional<entry>& sale) {
  if (!sale) return;
  returns_moved_.emplace(seller, seq);
  const auto back = returned_of(state_, writers(), seller, seq, *sale);
  if (!back.too_many) return;
  open_case(seller, seq, errc::over_returned);
  if (rules_ && is_open_case(seller, seq)) beyond_[{seller, seq}] = beyond_worth(*rules_, back, *sale);
}

tally::amount observer::beyond_of(const writer_id& w, sequence seq) const {
  auto it = beyond_.find({w, seq});
  return it == beyond_.end() ? 0 : it->second;
}

// More was taken with a voucher's code than head office put behind it: what was taken at risk is a case, whichever
// store's came first. Only head office knows what it granted.
void observer::check_code(account_id account, const read_entry& read) {
  if (self_role_ != node_role::hq) return;
  std::vector<code_use> uses;
  for (const auto& [w, n] : positions_) {
    auto c = state_.find(code_key(w, account, false));
    auto granted = number(state_, code_key(w, account, true));
    if (c || granted != 0)
      uses.push_back({w, granted, c ? c->n : 0, c ? takings_in(c->data) : std::vector<sequence>{}});
  }
  judge_code(account, uses, read);
}

void observer::check_all_codes(const read_entry& read) {
  if (self_role_ != node_role::hq) return;
  std::map<account_id, std::vector<code_use>> all;
  state_.each_code([&](const cell_key& k, const cell& c) {
    if (k.b == 1) {
      all[{k.a}].push_back({k.writer, c.n, 0, {}});
    } else {
      all[{k.a}].push_back({k.writer, 0, c.n, takings_in(c.data)});
    }
  });
  for (const auto& [account, uses] : all)
    judge_code(account, uses, read);
}

// What was taken too often is one loss, wherever the code was shown: a ruling about uses that took as much of it is
// about all of them.
amount observer::code_case::left() const {
  amount ruled = 0;
  for (const auto& u : uses)
    if (u.ruled && !checked_add(ruled, u.units, ruled)) ruled = INT64_MAX;
  return over > ruled ? over - ruled : 0;
}

void observer::judge_code(account_id account, const std::vector<code_use>& uses, const read_entry& read) {
  amount granted = 0, taken = 0;
  for (const auto& u : uses)
    if (!checked_add(granted, u.granted, granted) || !checked_add(taken, u.taken, taken)) taken = INT64_MAX;
  std::vector<risky_use> before;
  if (auto old = code_cases_.extract(account); !old.empty()) before = std::move(old.mapped().uses);
  auto find = [](const std::vector<risky_use>& list, const auto& at) {
    auto it = std::ranges::lower_bound(list, at, {}, &risky_use::at);
    return it != list.end() && it->at == at ? &*it : nullptr;
  };
  code_case now{taken > granted ? taken - std::max<amount>(granted, 0) : 0, {}, {}};
  for (const auto& u : uses)
    for (auto seq : u.at_risk) {
      if (now.over == 0) continue;
      risky_use use{{u.writer, seq}, 0, 0, ruling_of(directory_, u.writer, seq).has_value()};
      // What is known of is not read again: a code that many know would have all its uses read at each of them.
      if (const auto* old = find(before, use.at)) use.units = old->units, use.worth = old->worth;
      if (use.units == 0)
        if (auto e = read(u.writer, seq)) use.units = units_at_risk(*e), use.worth = e->risk;
      now.uses.push_back(use);
    }
  std::ranges::sort(now.uses, {}, &risky_use::at);
  for (const auto& old : before) {
    if (find(now.uses, old.at)) continue;
    close_case(old.at.first, old.at.second, errc::voucher_used);
    code_of_.erase(old.at);
  }
  if (now.uses.empty()) return;
  for (const auto& u : now.uses)
    code_of_[u.at] = account;
  show_code_case(now);
  code_cases_.emplace(account, std::move(now));
}

void observer::show_code_case(code_case& c) {
  const bool open = c.left() > 0;
  c.joint = {};
  for (const auto& u : c.uses) {
    if (!open) close_case(u.at.first, u.at.second, errc::voucher_used);
    if (!open || u.ruled) continue;
    open_case(u.at.first, u.at.second, errc::voucher_used);
    if (c.joint.all++ < joint_uses_max) c.joint.first.push_back(u.at);
  }
}

const observer::joint_uses* observer::same_case(const writer_id& w, sequence seq) const {
  auto of = code_of_.find({w, seq});
  auto c = of == code_of_.end() ? code_cases_.end() : code_cases_.find(of->second);
  return c != code_cases_.end() && c->second.joint.all > 1 ? &c->second.joint : nullptr;
}

tally::amount observer::lost_of(const writer_id& w, sequence seq) const {
  auto of = code_of_.find({w, seq});
  auto c = of == code_of_.end() ? code_cases_.end() : code_cases_.find(of->second);
  if (c == code_cases_.end()) return 0;
  auto use = std::ranges::find(c->second.uses, std::pair(w, seq), &risky_use::at);
  if (use == c->second.uses.end() || use->ruled || use->units <= 0) return 0;
  const auto units = std::min(c->second.left(), use->units);
  return mul_div(use->worth, units, use->units, rounding::half_up).value_or(0);
}

void observer::open_case(const writer_id& w, sequence seq, errc why) {
  if (ruling_of(directory_, w, seq)) return;
  auto [it, fresh] = open_cases_[w].try_emplace(seq, why);
  if (fresh || it->second == why) return;
  auto& more = more_reasons_[{w, seq}];
  if (std::ranges::find(more, why) == more.end()) more.push_back(why);
}

void observer::close_case(const writer_id& w, sequence seq, errc why) {
  auto of = open_cases_.find(w);
  if (of == open_cases_.end()) return;
  auto it = of->second.find(seq);
  if (it == of->second.end()) return;
  auto more = more_reasons_.find({w, seq});
  if (more != more_reasons_.end()) {
    // The other reasons stay, and the next one is the first now.
    if (it->second == why) {
      it->second = more->second.front();
      more->second.erase(more->second.begin());
    } else {
      std::erase(more->second, why);
    }
    if (more->second.empty()) more_reasons_.erase(more);
    return;
  }
  if (it->second == why) of->second.erase(it);
  if (of->second.empty()) open_cases_.erase(of);
}

// Head office alone: what it adopted first is its order and nobody else's.
void observer::note_late(const entry& e, const writer_id& writer, sequence seq) {
  if (replays_ || self_role_ != node_role::hq) return;
  if (writer.node == self_) return card_said(e);
  switch (late_.note(e, writer, seq)) {
    case late_uses::state::used: return open_case(writer, seq, errc::used_lost);
    case late_uses::state::undone: return close_case(writer, *e.cites, errc::used_lost);
    default: return;
  }
}

bool observer::is_open_case(const writer_id& w, sequence seq) const {
  auto of = open_cases_.find(w);
  return of != open_cases_.end() && of->second.count(seq) > 0;
}

std::vector<errc> observer::reasons_of(const writer_id& w, sequence seq) const {
  if (!is_open_case(w, seq)) return {};
  std::vector<errc> out{open_cases_.at(w).at(seq)};
  if (auto more = more_reasons_.find({w, seq}); more != more_reasons_.end())
    out.insert(out.end(), more->second.begin(), more->second.end());
  return out;
}

void observer::ruled(const entry& ruling) {
  auto of = open_cases_.find(ruling.subject);
  if (!ruling.cites) return;
  beyond_.erase({ruling.subject, *ruling.cites});
  if (of != open_cases_.end()) {
    more_reasons_.erase({ruling.subject, *ruling.cites});
    of->second.erase(*ruling.cites);
    if (of->second.empty()) open_cases_.erase(of);
  }
  auto at = std::pair(ruling.subject, *ruling.cites);
  auto code = code_of_.find(at);
  if (code == code_of_.end()) return;
  auto& c = code_cases_.at(code->second);
  std::ranges::find(c.uses, at, &risky_use::at)->ruled = true;
  show_code_case(c);
}

void observer::checkpoint(kv_view& view) {
  state_.checkpoint(view);
  for (const auto& w : moved_) {
    byte_writer value;
    value.uv(positions_[w]);
    view.put(family::state, position_key(w), value.take());
  }
  for (const auto& w : unproven_.changed()) {
    byte_writer value, made;
    auto sums = unproven_.of(w);
    value.sv(sums.rights);
    value.sv(sums.quota);
    for (const auto& [unit, sum] : unproven_.all(w)) {
      if (sum.made != 0) {
        made.uv(unit.value);
        made.sv(sum.made);
      }
      if (unit == main_unit) continue;
      value.uv(unit.value);
      value.sv(sum.rights);
      value.sv(sum.quota);
    }
    view.put(family::state, writer_key('u', w), value.take());
    view.put(family::state, writer_key('m', w), made.take());
  }
  unproven_.written();
  moved_.clear();
  since_checkpoint_ = 0;
}

std::uint64_t observer::position(const writer_id& w) const {
  auto it = positions_.find(w);
  return it == positions_.end() ? 0 : it->second;
}

std::vector<writer_id> observer::writers() const {
  std::vector<writer_id> out;
  for (const auto& [w, n] : positions_)
    out.push_back(w);
  return out;
}

std::uint64_t observer::contested_of(const writer_id& w) const {
  return static_cast<std::uint64_t>(number(state_, contested_count(w)));
}

}  // namespace tally
