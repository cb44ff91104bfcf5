#include "ledger/ruling.hpp"

#include <algorithm>

#include "ledger/closing.hpp"
#include "ledger/fold.hpp"
#include "ledger/purses.hpp"

namespace tally {
namespace {

cell_key instructed_key(const writer_id& subject, sequence seq) {
  return {.type = cell_type::instructed, .a = seq, .b = 0, .writer = subject, .peer = {}};
}

void put_le(bytes& out, std::uint64_t v, int octets) {
  for (int i = 0; i < octets; ++i)
    out += static_cast<char>(v >> (8 * i) & 255);
}
std::uint64_t take_le(byte_view& in, std::size_t octets) {
  std::uint64_t v = 0;
  for (std::size_t i = 0; i < octets; ++i)
    v |= static_cast<std::uint64_t>(static_cast<unsigned char>(in[i])) << (8 * i);
  in.remove_prefix(octets);
  return v;
}

constexpr std::size_t holder_octets = 4 + 8, item_octets = 4 + 8;

tally::amount add(tally::amount a, tally::amount b) {
  if (b == INT64_MIN) return amount_max;
  return checked_add(a, b < 0 ? -b : b, a) ? std::min(a, amount_max) : amount_max;
}

tally::amount card_value(const entry& e) {
  tally::amount sum = 0;
  for (const auto& v : e.values)
    if (v.unit == main_unit) sum = add(sum, v.amount);
  return sum;
}

tally::amount paid_in_all(const entry& e) {
  auto sum = card_value(e);
  for (const auto& t : e.tenders)
    if (t.unit == main_unit) sum = add(sum, t.amount);
  return sum;
}

/// What bonus paid, or what of it was moved.
tally::amount bonus_in(const entry& e, const rules_record* rules) {
  tally::amount sum = 0;
  for (const auto& v : e.values) {
    const auto* p = rules ? rules->programme.purse(v.purse) : nullptr;
    if (p && p->kind == purse_kind::bonus) sum = add(sum, v.amount);
  }
  return sum;
}

/// Whether everybody who has the directory can say what was ruled: its writer, and head office. A region may hear of a
/// store's entry before it hears of the ruling.
bool knows_rulings(const entry_place& p) { return p.directory && (!p.watched || p.revocations); }

}  // namespace

tally::amount case_sum(const entry& e, errc why, const rules_record* rules) {
  if (why == errc::over_returned) return paid_in_all(e);
  return e.bearer != 0 && e.risk != 0 ? e.risk : add(card_value(e), bonus_in(e, rules));
}
tally::amount case_sum_max(const entry& e, const rules_record* rules) {
  return std::max(add(paid_in_all(e), bonus_in(e, rules)), e.risk);
}

bool owes_by_default(errc why) { return why == errc::used_lost || why == errc::voucher_used; }

std::optional<instruction> parse_instruction(const cell& c) {
  byte_view in = c.data;
  if (in.size() < holder_octets || (in.size() - holder_octets) % item_octets != 0) return std::nullopt;
  instruction out;
  out.account.value = static_cast<std::uint64_t>(c.n);
  out.holder.node.value = static_cast<std::uint32_t>(take_le(in, 4));
  for (auto& octet : out.holder.epoch.value)
    octet = static_cast<std::uint8_t>(take_le(in, 1));
  while (!in.empty()) {
    auto purse = static_cast<std::uint32_t>(take_le(in, 4));
    out.items.push_back({purse, unit_of(purse), 0, static_cast<tally::amount>(take_le(in, 8))});
  }
  return out;
}

std::optional<instruction> instruction_of(const state& s, const writer_id& subject, sequence seq) {
  auto c = s.find(instructed_key(subject, seq));
  return c ? parse_instruction(*c) : std::nullopt;
}

void put_instruction(state& s, const writer_id& subject, sequence seq, const instruction& i) {
  cell c{static_cast<std::int64_t>(i.account.value), {}};
  put_le(c.data, i.holder.node.value, 4);
  c.data += view_of(i.holder.epoch.value);
  for (const auto& v : i.items) {
    put_le(c.data, v.purse, 4);
    put_le(c.data, static_cast<std::uint64_t>(v.amount), 8);
  }
  s.put(instructed_key(subject, seq), std::move(c));
}

cell_key executed_key(const writer_id& subject, sequence seq, const writer_id& holder) {
  return {.type = cell_type::executed, .a = seq, .b = 0, .writer = subject, .peer = holder};
}

// Whether that entry was a case, and of how much, is for who sees its journal to say, as with a regrant.
status check_ruling(const entry& e, const entry_place& p, const state& s) {
  if (ruling_outcome_name(e.outcome) == "unknown") return error{errc::malformed, "no outcome of a ruling"};
  if (e.blob.size() > note_max)
    return error{errc::malformed, "the note of a ruling has more than " + std::to_string(note_max) + " octets"};
  if (!p.watched && ruling_of(s, e.subject, *e.cites))
    return error{errc::not_entitled, "head office has ruled about that entry already"};
  if (e.values.size() > 1 || (!e.values.empty() && e.outcome != ruling_outcome::owed))
    return error{errc::malformed, "one sum is owed, by a ruling that says so"};
  if (e.debtor.value != 0 && (e.values.empty() || e.debtor == e.subject.node))
    return error{errc::malformed, "a ruling names another debtor of a sum than the node of the case, or none"};
  bool instructs = !e.released.empty();
  if ((e.account.value != 0) != instructs || (e.peer != writer_id{}) != instructs || e.released.size() > instructed_max)
    return error{errc::malformed, "an instruction has a holder, an account and what is to be written off"};
  for (std::size_t i = 0; i < e.released.size(); ++i) {
    const auto& v = e.released[i];
    bool rises = i == 0 || v.purse > e.released[i - 1].purse;
    if (v.purse == 0 || v.purse == purse_deposit || v.unit != unit_of(v.purse) || v.bucket != 0 || v.amount <= 0 ||
        !rises)
      return error{errc::malformed, "an item that is to be written off"};
  }
  return done();
}

// Of another node's ruling, or for another life, nobody writes anything off.
status check_execute(const entry& e, const entry_place& p, const state& s) {
  if (s.find(executed_key(e.subject, *e.cites, p.writer)))
    return error{errc::not_entitled, "what a ruling says is executed once"};
  if (!knows_rulings(p)) return done();
  auto told = instruction_of(*p.directory, e.subject, *e.cites);
  if (!told || told->holder != p.writer || told->account != e.account)
    return error{errc::not_entitled, "no ruling tells " + writer_name(p.writer) + " to write that off"};
  for (const auto& v : e.values) {
    auto of = std::ranges::find(told->items, v.purse, &value_item::purse);
    if (of == told->items.end() || v.amount <= 0 || v.amount > of->amount)
      return error{errc::not_entitled, "more is written off than the ruling says"};
    of->amount -= v.amount;
  }
  return done();
}

std::optional<entry> decide_execute(const situation& s, const writer_id& subject, sequence seq) {
  auto told = instruction_of(s.st, subject, seq);
  if (!told || told->holder != s.self || s.st.find(executed_key(subject, seq, s.self))) return std::nullopt;
  entry e;
  e.kind = entry_kind::execute;
  date_entry(e, s.st, s.self, s.now, s.hq_time);
  e.subject = subject;
  e.cites = seq;
  e.account = told->account;
  const auto* rules = s.rules.newest();
  for (const auto& item : told->items) {
    const auto* rule = rules ? rules->programme.purse(item.purse) : nullptr;
    auto here = spendable(s.st, s.self, e.account, item.purse, rule, {s.hq_time, e.business_date});
    for (const auto& v : first_of(here, std::min(sum_of(here), item.amount)))
      if (e.values.size() < values_max) e.values.push_back(v);
  }
  return e;
}

}  // namespace tally
