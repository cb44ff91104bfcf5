#include "ledger/fold_pins.hpp"

#include "ledger/pins.hpp"

namespace tally::fold_detail {
namespace {

constexpr std::uint64_t pins_row = 2;  // of claims_today

cell_key pin_cell(cell_type t, account_id account, const writer_id& w) {
  return {.type = t, .a = account.value, .b = 0, .writer = w, .peer = {}};
}
cell_key count_key(const writer_id& w) {
  return {.type = cell_type::claims_today, .a = 0, .b = pins_row, .writer = w, .peer = {}};
}

void put_le4(bytes& out, std::uint32_t v) {
  for (int i = 0; i < 4; ++i)
    out += static_cast<char>(v >> (8 * i) & 255);
}
bytes le4_of(std::uint32_t v) {
  bytes out;
  put_le4(out, v);
  return out;
}

std::int64_t set_on(const state& s, std::uint32_t day, const writer_id& w) {
  auto c = s.find(count_key(w));
  return c && c->data == le4_of(day) ? c->n : 0;
}

bytes tries_of(const pin_state& pin) {
  bytes out;
  put_le4(out, pin.version);
  put_le4(out, pin.refills);
  return out;
}

}  // namespace

status check_pin_set(const entry& e, const entry_place& p, const state& s) {
  if (!e.pin.set || e.pin.version == 0 || e.pin.version == UINT32_MAX)
    return error{errc::malformed, "a PIN that is set has a version"};
  if (e.pin_checked != 0 && e.pin_checked != e.pin.version - 1)
    return error{errc::malformed, "a PIN follows the one that was typed"};
  if (e.medium.size() != 16 || e.blob.size() > pin_sealed_max) return error{errc::malformed, "what is sealed of a PIN"};
  if (auto n = set_on(s, e.business_date, p.writer); n >= pins_per_day_max)
    return error{errc::too_many_claims, std::to_string(n) + " PINs on " + date_text(e.business_date)};
  return done();
}

status check_pin_failed(const entry& e, const entry_place& p, const state& s) {
  if (!e.pin.set) return error{errc::malformed, "a wrong PIN of a card without one"};
  // Who watches does not know which refills the writer had heard of.
  if (!p.watched && pin_tries(s, p.writer, e.account, e.pin) >= pin_tries_max)
    return error{errc::pin_locked, std::to_string(pin_tries_max) + " wrong PINs"};
  return done();
}

void apply_pin(const entry& e, const entry_place& p, state& s) {
  if (p.role == node_role::hq) return;  // what is said of a card: learn_pin
  if (e.kind == entry_kind::pin_set)
    s.put(count_key(p.writer), {set_on(s, e.business_date, p.writer) + 1, le4_of(e.business_date)});
  if (p.watched) return;
  auto tries = pin_cell(cell_type::pin_tries, e.account, p.writer);
  if (e.kind == entry_kind::pin_failed) {
    auto n = pin_tries(s, p.writer, e.account, e.pin);
    s.put(tries, {n + 1, tries_of(e.pin)});
  } else if (e.pin_checked != 0 || e.kind == entry_kind::pin_set) {
    if (s.find(tries)) s.erase(tries);
  }
  if (e.kind == entry_kind::pin_set)
    s.put(pin_cell(cell_type::pin_own, e.account, p.writer), {static_cast<std::int64_t>(p.seq), le4_of(e.pin.version)});
}

// Only of its own journal, and the audit's of each: who watches keeps no number for each card and store.
status check_code_once(const entry& e, const entry_place& p, const state& s) {
  if (e.code_checked == 0 || p.watched) return done();
  if (e.code_checked > INT64_MAX) return error{errc::malformed, "the number of a one-time code"};
  if (e.code_checked <= code_used(s, p.writer, e.account))
    return error{errc::key_reused, "one-time code " + std::to_string(e.code_checked) + " was used before"};
  return done();
}

void apply_code(const entry& e, const entry_place& p, state& s) {
  if (p.watched) return;
  // The node's next life decides by the second one: a code opens one entry, whatever epoch it is.
  for (const auto& w : {p.writer, writer_id{p.writer.node, {}}})
    s.put(pin_cell(cell_type::code_used, e.account, w), {static_cast<std::int64_t>(e.code_checked), {}});
}

void learn_pin(const entry& e, const pin_state& before, state& s) {
  if (e.kind == entry_kind::card_state && e.cites) {
    auto own = pin_cell(cell_type::pin_own, e.account, e.subject);
    if (auto c = s.find(own); c && static_cast<sequence>(c->n) <= *e.cites) s.erase(own);
  }
  if (e.pin.version == before.version) return;
  auto from = pin_cell(cell_type::pin_from, e.account, {});
  if (!e.pin.set || !e.cites) {
    if (s.find(from)) s.erase(from);
    return;
  }
  cell c{static_cast<std::int64_t>(*e.cites), {}};
  put_le4(c.data, e.subject.node.value);
  c.data += view_of(e.subject.epoch.value);
  put_le4(c.data, static_cast<std::uint32_t>(e.account_version));
  put_le4(c.data, static_cast<std::uint32_t>(e.account_version >> 32));
  s.put(from, std::move(c));
}

void learn_pin_key(const entry& e, state& s) {
  if (e.blob.size() == 32) s.put(pin_cell(cell_type::pin_key, {}, {}), {0, e.blob});
}

}  // namespace tally::fold_detail
