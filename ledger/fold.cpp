#include "ledger/fold.hpp"

#include <algorithm>
#include <charconv>

#include "ledger/card_sale.hpp"
#include "ledger/cards.hpp"
#include "ledger/closing.hpp"
#include "ledger/fold_cards.hpp"
#include "ledger/fold_pins.hpp"
#include "ledger/fold_units.hpp"
#include "ledger/keys.hpp"
#include "ledger/kinds.hpp"
#include "ledger/lapses.hpp"
#include "ledger/member_state.hpp"
#include "ledger/programme.hpp"
#include "ledger/ruling.hpp"
#include "ledger/topics.hpp"

namespace tally {

using namespace fold_detail;

namespace {

cell_key key(cell_type t, std::uint64_t a, std::uint64_t b, const writer_id& w) {
  return {.type = t, .a = a, .b = b, .writer = w, .peer = {}};
}

status check_fields(const entry& e, const kind_row& row) {
  auto has = fields_of(e);
  if ((has & row.required) != row.required) return error{errc::malformed, std::string(row.name) + " lacks a field"};
  if ((has & ~(row.required | row.optional)) != 0)
    return error{errc::malformed, std::string(row.name) + " has a field that it cannot have"};
  return done();
}

// What a decoder refuses must never be written: nobody could read it again, its writer included.
status check_bounds(const entry& e) {
  bool fits = e.values.size() <= values_max && e.tenders.size() <= tenders_max && e.taxes.size() <= taxes_max &&
              e.lines.size() <= lines_max && e.earned.size() <= values_max && e.owed.size() <= values_max &&
              e.debts.size() <= values_max && e.released.size() <= values_max && e.gifts.size() <= gifts_max &&
              e.blob.size() <= blob_max;
  for (const auto& t : e.tenders)
    fits = fits && t.kind >= tender_kind::cash && t.kind <= tender_kind::transfer;
  if (!fits) return error{errc::malformed, "an entry over its bounds"};
  if (!e.medium.empty() && e.medium.size() != 16) return error{errc::malformed, "a medium has 16 octets"};
  if (e.limits)
    for (amount v : {e.limits->ceiling, e.limits->daily_inflow, e.limits->quota_target, e.limits->daily_quota})
      if (v < 0) return error{errc::malformed, "a limit below zero"};
  return done();
}

// REQUIRES: merged postings, so that two items of one purse cannot each pass alone.
status check_rights(const std::vector<posting>& postings, const state& s) {
  for (const auto& p : postings) {
    bool debt = p.account.type == account_type::debt && p.amount < 0;
    if (!debt && (p.amount <= 0 || !must_hold_credit(p.account))) continue;
    amount after = s.balance(p.account);
    if (!checked_add(after, p.amount, after)) return error{errc::overflow, account_name(p.account)};
    if (debt && after < 0) return error{errc::malformed, account_name(p.account) + " is not that much"};
    if (!debt && after > 0) {
      auto code = p.account.type == account_type::quota ? errc::no_quota : errc::insufficient;
      return error{code, account_name(p.account) + " lacks " + std::to_string(after)};
    }
  }
  return done();
}

status check_key(const entry& e, const entry_place& p, const state& s) {
  // A counter beyond the newest was never used.
  auto last = s.newest_counter(p.writer, e.terminal);
  if (e.counter > last) return done();
  auto where = [&] { return "terminal " + std::to_string(e.terminal) + " counter " + std::to_string(e.counter); };
  // Whether it was used is no longer known, and no honest node writes it.
  if (last - e.counter >= key_window) return error{errc::key_too_old, where()};
  if (s.answered({p.writer, e.terminal, e.counter})) return error{errc::key_reused, where()};
  return done();
}

status check_reversal(const entry& e, const entry_place& p, const state& s) {
  if (*e.cites >= p.seq || !p.cited) return error{errc::not_found, "the entry to reverse"};
  const auto& c = *p.cited;
  // A till's customer gives a card back; head office undoes what it sold by mistake, and has no tills.
  bool can = p.role == node_role::hq ? sells_card(c.kind) : is_reversible(c.kind);
  if (c.kind != e.cited_kind || !can) return error{errc::not_reversible, what_stays(c.kind)};
  if (c.account != e.account || c.values != e.values || c.tenders != e.tenders || c.taxes != e.taxes ||
      c.shift != e.shift || c.earned != e.earned || c.to_account != e.to_account || c.bearer != e.bearer)
    return error{errc::malformed, "a reversal that differs from what it reverses"};
  if (s.find(key(cell_type::reversed, *e.cites, 0, p.writer))) return error{errc::already_reversed, ""};
  if (s.find(key(cell_type::refunded, *e.cites, 0, p.writer)))
    return error{errc::not_reversible, "a part of it was refunded"};
  return check_undone_debts(e, c);
}

status check_transfer(const entry& e, const entry_place& p, const state& s) {
  bool out = e.kind == entry_kind::send;
  auto from = out ? p.writer : e.peer;
  auto to = out ? e.peer : p.writer;
  if (from.node == to.node) return error{errc::malformed, "a transfer to itself"};
  auto last = number(s, channel_key(out, from, to));
  if (e.channel != static_cast<std::uint64_t>(last) + 1)
    return error{errc::gap, "channel number " + std::to_string(e.channel) + " after " + std::to_string(last)};
  if (out && p.directory && !are_neighbours(*p.directory, from.node, to.node))
    return error{errc::not_entitled, "node " + std::to_string(to.node.value) + " is neither parent nor child"};
  bool nothing = e.values.empty() && e.debts.empty();
  if (out && nothing) return error{errc::malformed, "a send of nothing"};
  if (!out && nothing == (e.reason == errc::ok))
    return error{errc::malformed, "a receive has values, or a reason why it has none"};
  if (!out && e.reason != errc::ok) return done();
  auto other = s.find({.type = cell_type::transfer, .a = e.channel, .b = out ? 0U : 1U, .writer = from, .peer = to});
  if (other && other->data != transfer_text(e)) return error{errc::bad_proof, "the two halves of a transfer differ"};
  return done();
}

status check_closing(const entry& e, const entry_place& p, const state& s) {
  auto before = closing_of(s, e.subject);
  // Head office's own, which others have no journal of, at the end of what it had published.
  bool published = e.subject.node == p.writer.node;
  if (e.head->stream != stream_id{e.subject, published ? sub_stream::directory : sub_stream::journal, {}})
    return error{errc::malformed, "an epoch is closed at a head of its journal"};
  if (e.peer != writer_id{} && (e.peer.node != e.subject.node || e.peer.epoch == e.subject.epoch))
    return error{errc::malformed, "an epoch is followed by another one of its node"};
  if (before && (before->successor != epoch_id{} || e.peer == writer_id{}))
    return error{errc::malformed, "an epoch is closed once"};
  return done();
}

// Only of its own journal: the order in which journals meet must not change a verdict.
status check_once(const entry& e, const entry_place& p, const state& s) {
  if (e.medium.empty()) return done();
  if (e.account.value == 0) return error{errc::malformed, "a one-time number without an account"};
  auto seen = once_of(s, p.writer, e.account);
  if (seen && seen->used_by != 0 && seen->medium == e.medium)
    return error{errc::number_used, "by entry " + std::to_string(seen->used_by)};
  return done();
}

status check_sale(const entry& e) {
  if (e.lines.empty() && e.gifts.empty()) return error{errc::malformed, "a sale of nothing"};
  for (const auto& v : e.values)
    if (v.purse == purse_deposit) return error{errc::malformed, "nothing is bought with a card's deposit"};
  bool card = !e.values.empty() || !e.earned.empty() || !e.owed.empty() || !e.gifts.empty() || e.level != 0;
  if (card && e.account.value == 0) return error{errc::malformed, "card value without an account"};
  for (const auto& g : e.gifts)
    if (g.purse < 2 || g.quantity < 1 || g.quantity > quantity_max) return error{errc::malformed, "a gift"};
  for (const auto& v : e.owed)
    if (v.purse < 2 || v.amount < 1) return error{errc::malformed, "units that are owed"};
  if (e.kind == entry_kind::sale) TALLY_TRY(check_risk(e));
  return check_debts(e);
}

status check_top_up(const entry& e) {
  amount paid = 0, loaded = 0;
  for (const auto& t : e.tenders)
    if (!checked_add(paid, t.amount, paid)) return error{errc::overflow, "tenders"};
  for (const auto& v : e.values)
    if (v.purse == purse_deposit || !checked_add(loaded, v.amount, loaded)) return error{errc::malformed, "values"};
  for (const auto& v : e.owed)
    if (v.purse < 2 || v.amount < 1) return error{errc::malformed, "units that are owed"};
  if (paid != loaded) return error{errc::unbalanced, "a top-up's value differs from what was paid"};
  return check_debts(e);
}

status check_kind(const entry& e, const entry_place& p, const state& s) {
  switch (e.kind) {
    case entry_kind::sale:
      TALLY_TRY(check_key(e, p, s));
      TALLY_TRY(check_once(e, p, s));
      if (e.risk != 0) TALLY_TRY(check_worth(e, p));
      return check_sale(e);
    case entry_kind::top_up:
      TALLY_TRY(check_key(e, p, s));
      TALLY_TRY(check_once(e, p, s));
      TALLY_TRY(check_reference(e, p, s));
      return check_top_up(e);
    case entry_kind::reverse: TALLY_TRY(check_key(e, p, s)); return check_reversal(e, p, s);
    case entry_kind::authorise: TALLY_TRY(check_key(e, p, s)); return check_authorise(e, p);
    case entry_kind::capture:
      TALLY_TRY(check_key(e, p, s));
      TALLY_TRY(check_hold_end(e, p, s));
      return check_sale(e);
    case entry_kind::void_hold: TALLY_TRY(check_key(e, p, s)); return check_hold_end(e, p, s);
    case entry_kind::time_out: return check_hold_end(e, p, s);
    case entry_kind::gift:
      TALLY_TRY(check_key(e, p, s));
      if (e.risk != 0) TALLY_TRY(check_worth(e, p));
      return check_gift(e);
    case entry_kind::send:
    case entry_kind::receive: return check_transfer(e, p, s);
    case entry_kind::refund: TALLY_TRY(check_key(e, p, s)); return check_refund(e, p, s);
    case entry_kind::refund_elsewhere: TALLY_TRY(check_key(e, p, s)); return check_refund_elsewhere(e, p);
    case entry_kind::take_back: return check_earn(e, s);
    case entry_kind::expire: return check_expire(e);
    case entry_kind::give_back: return check_give_back(e);
    case entry_kind::count:
    case entry_kind::stock: TALLY_TRY(check_key(e, p, s)); return check_stock(e);
    case entry_kind::adjust: TALLY_TRY(check_key(e, p, s)); return check_adjust(e, p, s);
    case entry_kind::fee: return check_fee(e, p, s);
    case entry_kind::voucher_grant: return check_voucher_grant(e, p, s);
    case entry_kind::earn: return check_earn(e, s);
    case entry_kind::close_epoch: return check_closing(e, p, s);
    case entry_kind::regrant: return check_regrant(e, p, s);
    case entry_kind::ruling: return check_ruling(e, p, s);
    case entry_kind::execute: return check_execute(e, p, s);
    case entry_kind::claim: TALLY_TRY(check_key(e, p, s)); return check_claim(e, p, s);
    case entry_kind::issue:
    case entry_kind::activate: TALLY_TRY(check_key(e, p, s)); return check_card_sale(e, p, s);
    case entry_kind::hand_back: TALLY_TRY(check_key(e, p, s)); return check_hand_back(e, p, s);
    case entry_kind::pin_set: TALLY_TRY(check_key(e, p, s)); return check_pin_set(e, p, s);
    case entry_kind::pin_failed: TALLY_TRY(check_key(e, p, s)); return check_pin_failed(e, p, s);
    case entry_kind::recall:
    case entry_kind::allot: return check_allot(e);
    case entry_kind::bring_back: return check_bring_back(e, p, s);
    case entry_kind::topic_run: return check_topic_run(e);
    case entry_kind::card_state: return check_card_state(e);
    case entry_kind::profile:
    case entry_kind::profile_claim:
    case entry_kind::erase_member: return check_member_entry(e, p, s);
    case entry_kind::open_epoch: return p.seq == 0 ? done() : status(error{errc::malformed, "an epoch opens once"});
    default: return done();
  }
}

void apply_transfer(const entry& e, const entry_place& p, state& s, bool matched) {
  bool out = e.kind == entry_kind::send;
  auto from = out ? p.writer : e.peer;
  auto to = out ? e.peer : p.writer;
  s.put(channel_key(out, from, to), {static_cast<std::int64_t>(e.channel), {}});
  if (!matched) return;
  if (out)
    for (const auto& v : e.values)
      add_sent(s, e.business_date, v.unit, from, to, v.amount);
  if (!p.watched) return;
  if (e.reason != errc::ok) return s.put(withheld_key(from, to, e.channel), {static_cast<std::int64_t>(e.reason), {}});
  // Each half waits for the other; when both were seen nothing is left.
  cell_key other{.type = cell_type::transfer, .a = e.channel, .b = out ? 0U : 1U, .writer = from, .peer = to};
  cell_key mine = other;
  mine.b = out ? 1U : 0U;
  if (s.find(other)) {
    s.erase(other);
  } else {
    s.put(mine, {out ? e.business_date : 0, transfer_text(e)});
  }
}

// A half that head office booked counts as the half itself, in whichever order the two come to a watcher.
void apply_booked_half(const entry& e, state& s) {
  bool send = e.cited_kind == entry_kind::send;
  auto from = send ? e.subject : e.peer;
  auto to = send ? e.peer : e.subject;
  cell_key other{.type = cell_type::transfer, .a = e.channel, .b = send ? 0U : 1U, .writer = from, .peer = to};
  cell_key mine = other;
  mine.b = send ? 1U : 0U;
  if (s.find(other)) {
    s.erase(other);
  } else {
    s.put(mine, {send ? e.business_date : 0, transfer_text(e)});
  }
}

void apply_life(const entry& e, const entry_place& p, state& s) {
  if (e.kind == entry_kind::open_epoch && e.head && e.head->stream.writer.node == p.writer.node) {
    put_heritage(s, p.writer, {e.head->stream.writer.epoch, std::max(e.size, e.head->size)});
  } else if (e.kind == entry_kind::close_epoch && e.head) {
    put_closing(s, e.subject, {e.head->size, e.head->root, e.size, e.peer.epoch, e.business_date});
  } else if (e.kind == entry_kind::revoke && !revoking_of(s, e.subject)) {
    put_revoking(s, e.subject, {e.size, e.serial});
  } else if (e.kind == entry_kind::regrant && e.channel != 0 && p.watched) {
    apply_booked_half(e, s);
  }
}

// The first sale uses it up; a reversal of that sale gives it back.
void apply_once(const entry& e, const entry_place& p, state& s) {
  if (e.kind == entry_kind::reverse) {
    auto seen = once_of(s, p.writer, e.account);
    if (seen && e.cites && seen->used_by == *e.cites) put_once(s, p.writer, e.account, {0, seen->medium});
  } else if (e.counter != 0 && !e.medium.empty()) {  // what a till wrote
    put_once(s, p.writer, e.account, {e.kind == entry_kind::sale ? p.seq : 0, e.medium});
  }
}

/// What one entry changes of its writer's sums per unit. Nearly always of the main unit alone.
class held_change {
public:
  held_change(const state& s, const writer_id& w) : s_(s), w_(w) {}
  [[nodiscard]] bool take(unit_id unit, amount posted) {
    auto it = std::ranges::find(sums_, unit, &sum::unit);
    if (it == sums_.end()) it = sums_.insert(it, {unit, held_total(s_, w_, unit), 0});
    return !__builtin_sub_overflow(it->now, posted, &it->now) &&
           !__builtin_sub_overflow(it->change, posted, &it->change);
  }
  void put(state& s) const {
    for (const auto& x : sums_)
      if (x.change != 0) s.put(held_total_key(w_, x.unit), {x.now, {}});
  }

private:
  struct sum {
    unit_id unit;
    amount now{}, change{};
  };
  const state& s_;
  writer_id w_;
  std::vector<sum> sums_;
};

}  // namespace

cell_key channel_key(bool out, const writer_id& from, const writer_id& to) {
  // The writer of the cell is the side that counts, so a node that observes both sides keeps two numbers.
  return out ? cell_key{.type = cell_type::channel_out, .a = 0, .b = 0, .writer = from, .peer = to}
             : cell_key{.type = cell_type::channel_in, .a = 0, .b = 0, .writer = to, .peer = from};
}

bytes transfer_text(const entry& e) {
  bytes t = std::to_string(e.account.value);
  for (const auto& v : e.values)
    t += ' ' + std::to_string(v.purse) + ' ' + std::to_string(v.unit.value) + ' ' + std::to_string(v.bucket) + ' ' +
         std::to_string(v.amount);
  if (!e.debts.empty()) t += '/';
  for (const auto& d : e.debts)
    t += ' ' + std::to_string(d.purse) + ' ' + std::to_string(d.unit.value) + ' ' + std::to_string(d.bucket) + ' ' +
         std::to_string(d.amount);
  return t;
}

std::vector<value_item> parse_transfer_debts(byte_view text) {
  auto at = text.find('/');
  if (at == byte_view::npos) return {};
  auto list = parse_transfer_text("0" + bytes(text.substr(at + 1)));
  return list ? std::move(list->second) : std::vector<value_item>{};
}

std::optional<std::pair<account_id, std::vector<value_item>>> parse_transfer_text(byte_view text) {
  text = text.substr(0, text.find('/'));
  std::vector<std::uint64_t> numbers;
  for (std::size_t at = 0; at <= text.size() && numbers.size() <= 1 + 4 * values_max;) {
    auto end = std::min(text.find(' ', at), text.size());
    std::uint64_t n = 0;
    auto [rest, fault] = std::from_chars(text.data() + at, text.data() + end, n);
    if (fault != std::errc{} || rest != text.data() + end) return std::nullopt;
    numbers.push_back(n);
    at = end + 1;
  }
  if (numbers.size() % 4 != 1 || numbers.size() > 1 + 4 * values_max) return std::nullopt;
  std::pair<account_id, std::vector<value_item>> out;
  out.first.value = numbers[0];
  for (std::size_t i = 1; i < numbers.size(); i += 4) {
    if (numbers[i] > UINT32_MAX || numbers[i + 1] > UINT32_MAX || numbers[i + 2] > UINT32_MAX ||
        numbers[i + 3] > static_cast<std::uint64_t>(INT64_MAX))
      return std::nullopt;
    out.second.push_back({static_cast<std::uint32_t>(numbers[i]),
                          {static_cast<std::uint32_t>(numbers[i + 1])},
                          static_cast<std::uint32_t>(numbers[i + 2]),
                          static_cast<amount>(numbers[i + 3])});
  }
  return out;
}

status judge(const entry& e, const entry_place& p, const state& s, std::vector<posting>& postings) {
  const auto* row = row_of(e.kind);
  if (!row || !row->built) return error{errc::unsupported, "kind " + std::to_string(static_cast<int>(e.kind))};
  if (!may_write(p.role, e.kind))
    return error{errc::not_entitled, std::string(role_name(p.role)) + " may not write " + std::string(row->name)};
  TALLY_TRY(check_fields(e, *row));
  TALLY_TRY(check_bounds(e));
  if ((p.seq == 0) != (e.kind == entry_kind::open_epoch))
    return error{errc::malformed, "a journal opens with its epoch"};
  if (e.business_date != 0 && e.business_date < number(s, key(cell_type::business_date, 0, 0, p.writer)))
    return error{errc::malformed, "the business date moved back"};
  // How far a node had read the directory moves nothing, and is nobody's case.
  if (p.revocations && p.directory && e.kind != entry_kind::adopt)
    if (auto r = revoking_of(*p.directory, p.writer); r && p.seq >= r->size)
      return error{errc::revoked, writer_name(p.writer) + " stands up to " + std::to_string(r->size)};
  TALLY_TRY(check_kind(e, p, s));
  TALLY_TRY(check_code_once(e, p, s));
  TALLY_TRY(expand(e, p.writer, postings));
  if (!merge(postings)) return error{errc::overflow, "the entry's amounts"};
  return check_rights(postings, s);
}

result<std::vector<posting>> judge(const entry& e, const entry_place& p, const state& s) {
  std::vector<posting> postings;
  TALLY_TRY(judge(e, p, s, postings));
  return postings;
}

status apply(const entry& e, const entry_place& p, const std::vector<posting>& postings, state& s, errc why) {
  // All sums first, so that an overflow leaves nothing half done.
  std::array<amount, 16> few;
  std::vector<amount> many;
  if (postings.size() > few.size()) many.resize(postings.size());
  auto* after = many.empty() ? few.data() : many.data();
  held_change held(s, p.writer);
  for (std::size_t i = 0; i < postings.size(); ++i) {
    const auto& post = postings[i];
    bool fits = checked_add(s.balance(post.account), post.amount, after[i]);
    bool rights = post.account.type == account_type::hold || post.account.type == account_type::held;
    if (fits && rights) fits = held.take(post.account.unit, post.amount);
    if (!fits) return error{errc::overflow, account_name(post.account)};
  }
  for (std::size_t i = 0; i < postings.size(); ++i) {
    const auto& a = postings[i].account;
    s.set_balance(a, after[i]);
    if (a.type == account_type::hold && a.c != 0) s.note_month(a, after[i] == 0);
  }
  held.put(s);
  if (auto k = key(cell_type::business_date, 0, 0, p.writer); e.business_date != 0 && number(s, k) != e.business_date)
    s.put(k, {e.business_date, {}});
  if (e.counter != 0) s.set_answered({p.writer, e.terminal, e.counter}, p.seq);
  if (e.kind == entry_kind::reverse && e.cites)
    s.put(key(cell_type::reversed, *e.cites, 0, p.writer), {static_cast<std::int64_t>(p.seq), {}});
  if (why == errc::ok && e.account.value != 0) apply_once(e, p, s);
  // What was authorised was counted then.
  bool spends = e.kind == entry_kind::sale || e.kind == entry_kind::authorise;
  if (spends && e.card_kind != 0 && !p.watched) apply_spent(e, p, s);
  if (!p.watched) apply_hold(e, p, s);
  if (!p.watched && e.kind == entry_kind::gift)
    for (const auto& v : e.values)
      add_gifted(s, e.business_date, p.writer, e.account, v.purse, v.amount);
  apply_uses(e, p, s, why);
  if (why == errc::ok) apply_codes(e, p, s);
  if (why == errc::ok) apply_stock(e, p, s);
  if (e.kind == entry_kind::send || e.kind == entry_kind::receive) apply_transfer(e, p, s, why == errc::ok);
  bool goods_back = e.kind == entry_kind::refund || e.kind == entry_kind::refund_elsewhere;
  if (goods_back && e.cites) apply_refund(e, p, s);
  bool about_owed =
      !e.owed.empty() || e.kind == entry_kind::reverse || e.kind == entry_kind::earn || e.kind == entry_kind::take_back;
  if (why == errc::ok && about_owed) apply_owed(e, p, s);
  if (why == errc::ok && p.watched && p.turnover) apply_turnover(e, p, s);
  if (why == errc::ok && p.watched && p.lapses) add_lapses(e, p, *p.lapses, s);
  if (why == errc::ok) apply_life(e, p, s);
  if (why == errc::ok && e.kind == entry_kind::execute && e.cites)
    s.put(executed_key(e.subject, *e.cites, p.writer), {static_cast<std::int64_t>(p.seq), {}});
  if (why == errc::ok) apply_card_life(e, p, s);
  if (why == errc::ok && (e.pin_checked != 0 || e.pin != pin_state{})) apply_pin(e, p, s);
  if (why == errc::ok && e.code_checked != 0) apply_code(e, p, s);
  if (why == errc::ok) apply_member_entry(e, p, s);
  if (e.kind == entry_kind::adopt && e.head)
    s.put({.type = cell_type::adopted,
           .a = static_cast<std::uint64_t>(e.head->stream.sub),
           .b = e.head->stream.to.value,
           .writer = p.writer,
           .peer = e.head->stream.writer},
          {static_cast<std::int64_t>(e.head->size), {}});
  if (why != errc::ok) s.put(key(cell_type::contested, p.seq, 0, p.writer), {static_cast<std::int64_t>(why), {}});
  return done();
}

void apply_directory(const entry& e, state& s) {
  // Dates go on, so that the newest fact is the youngest: that is how old a node's list of blocked cards is.
  // Certificates come to a node before it trusts the directory, and go to a book of their own.
  if (e.business_date != 0 && e.kind != entry_kind::certify)
    s.put(key(cell_type::directory_at, 0, 0, {}), {start_of_day(e.business_date) + e.stamp, {}});
  switch (e.kind) {
    case entry_kind::map_media:
      if (e.medium.size() != 16) return;
      put_medium(s, e.medium, e.account);
      [[fallthrough]];
    case entry_kind::card_state: learn_card(e, s); break;
    case entry_kind::allot: learn_batch(e, s); break;
    case entry_kind::recall: learn_recall(e, s); break;
    case entry_kind::claims_stand:
      s.put(key(cell_type::claims_stand, 0, 0, e.subject),
            {static_cast<std::int64_t>(std::min<std::uint64_t>(e.size, INT64_MAX)), {}});
      break;
    case entry_kind::close_epoch:
      if (e.head) put_closing(s, e.subject, {e.head->size, e.head->root, e.size, e.peer.epoch, e.business_date});
      break;
    case entry_kind::revoke:
      if (!revoking_of(s, e.subject)) put_revoking(s, e.subject, {e.size, e.serial});
      break;
    case entry_kind::ruling:
      if (!e.cites || ruling_of(s, e.subject, *e.cites)) break;
      put_ruling(s, e.subject, *e.cites, e.outcome);
      if (!e.released.empty()) put_instruction(s, e.subject, *e.cites, {e.peer, e.account, e.released});
      break;
    case entry_kind::erase_member: note_erased(s, e.account); break;
    case entry_kind::publish:
      if (e.topic == publish_topic::pin_key) learn_pin_key(e, s);
      break;
    case entry_kind::limits:
      if (e.limits) put_limits(s, e.subject.node, *e.limits);
      break;
    default: break;
  }
}

}  // namespace tally
