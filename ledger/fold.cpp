#include "ledger/fold.hpp"

#include <algorithm>

#include "ledger/keys.hpp"
#include "ledger/kinds.hpp"

namespace tally {
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
              e.lines.size() <= lines_max && e.blob.size() <= blob_max;
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
    if (p.amount <= 0 || !must_hold_credit(p.account)) continue;
    amount after = s.balance(p.account);
    if (!checked_add(after, p.amount, after)) return error{errc::overflow, account_name(p.account)};
    if (after > 0) {
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
  if (c.kind != e.cited_kind || (c.kind != entry_kind::sale && c.kind != entry_kind::top_up))
    return error{errc::not_reversible, std::string(kind_name(c.kind))};
  if (c.account != e.account || c.values != e.values || c.tenders != e.tenders || c.taxes != e.taxes ||
      c.shift != e.shift)
    return error{errc::malformed, "a reversal that differs from what it reverses"};
  if (s.find(key(cell_type::reversed, *e.cites, 0, p.writer))) return error{errc::already_reversed, ""};
  return done();
}

status check_transfer(const entry& e, const entry_place& p, const state& s) {
  bool out = e.kind == entry_kind::send;
  auto from = out ? p.writer : e.peer;
  auto to = out ? e.peer : p.writer;
  if (from.node == to.node) return error{errc::malformed, "a transfer to itself"};
  auto last = number(s, channel_key(out, from, to));
  if (e.channel != static_cast<std::uint64_t>(last) + 1)
    return error{errc::gap, "channel number " + std::to_string(e.channel) + " after " + std::to_string(last)};
  auto other = s.find({.type = cell_type::transfer, .a = e.channel, .b = out ? 0U : 1U, .writer = from, .peer = to});
  if (other && other->data != transfer_text(e)) return error{errc::bad_proof, "the two halves of a transfer differ"};
  return done();
}

status check_sale(const entry& e) {
  if (e.values.empty() && e.tenders.empty() && e.taxes.empty()) return done();  // everything free of charge
  if (!e.values.empty() && e.account.value == 0) return error{errc::malformed, "card value without an account"};
  return done();
}

status check_top_up(const entry& e) {
  amount paid = 0, loaded = 0;
  for (const auto& t : e.tenders)
    if (!checked_add(paid, t.amount, paid)) return error{errc::overflow, "tenders"};
  for (const auto& v : e.values)
    if (!checked_add(loaded, v.amount, loaded)) return error{errc::overflow, "values"};
  return paid == loaded ? done() : status(error{errc::unbalanced, "a top-up's value differs from what was paid"});
}

status check_kind(const entry& e, const entry_place& p, const state& s) {
  switch (e.kind) {
    case entry_kind::sale: TALLY_TRY(check_key(e, p, s)); return check_sale(e);
    case entry_kind::top_up: TALLY_TRY(check_key(e, p, s)); return check_top_up(e);
    case entry_kind::reverse: TALLY_TRY(check_key(e, p, s)); return check_reversal(e, p, s);
    case entry_kind::send:
    case entry_kind::receive: return check_transfer(e, p, s);
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
  // Each half waits for the other; when both were seen nothing is left.
  cell_key other{.type = cell_type::transfer, .a = e.channel, .b = out ? 0U : 1U, .writer = from, .peer = to};
  cell_key mine = other;
  mine.b = out ? 1U : 0U;
  if (s.find(other)) {
    s.erase(other);
  } else {
    s.put(mine, {e.business_date, transfer_text(e)});
  }
}

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
  return t;
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
  TALLY_TRY(check_kind(e, p, s));
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
  auto held = held_total(s, p.writer), held_before = held;
  for (std::size_t i = 0; i < postings.size(); ++i) {
    const auto& post = postings[i];
    bool fits = checked_add(s.balance(post.account), post.amount, after[i]);
    if (fits && post.account.type == account_type::hold && post.account.unit == main_unit)
      fits = !__builtin_sub_overflow(held, post.amount, &held);
    if (!fits) return error{errc::overflow, account_name(post.account)};
  }
  for (std::size_t i = 0; i < postings.size(); ++i)
    s.set_balance(postings[i].account, after[i]);
  if (held != held_before) s.put(key(cell_type::held_total, 0, 0, p.writer), {held, {}});
  if (auto k = key(cell_type::business_date, 0, 0, p.writer); e.business_date != 0 && number(s, k) != e.business_date)
    s.put(k, {e.business_date, {}});
  if (e.counter != 0) s.set_answered({p.writer, e.terminal, e.counter}, p.seq);
  if (e.kind == entry_kind::reverse && e.cites)
    s.put(key(cell_type::reversed, *e.cites, 0, p.writer), {static_cast<std::int64_t>(p.seq), {}});
  if (e.kind == entry_kind::send || e.kind == entry_kind::receive) apply_transfer(e, p, s, why == errc::ok);
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
  switch (e.kind) {
    case entry_kind::map_media:
      if (e.medium.size() != 16) return;
      put_medium(s, e.medium, e.account);
      [[fallthrough]];
    case entry_kind::card_state: {
      auto c = card_of(s, e.account).value_or(card_record{});
      c.status = e.status;
      if (e.card_kind != 0) c.kind = e.card_kind;
      c.version = e.account_version;
      put_card(s, e.account, c);
      break;
    }
    case entry_kind::limits:
      if (e.limits) put_limits(s, e.subject.node, *e.limits);
      break;
    default: break;
  }
}

}  // namespace tally
