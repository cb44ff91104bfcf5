// Checkpoints of what is observed, and their reading. Octets: storage/FORMAT.md, "What is observed".
#include <algorithm>

#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "sync/watched_state.hpp"

namespace tally {
namespace {

// 'o' and the usual key of a balance or cell, so that the own fold and the observed one cannot meet; 'h', part and
// generation for the table.
constexpr char observed_prefix = 'o', table_prefix = 'h';
// Records of a part are not gathered before they are worth a page of the disk.
constexpr std::uint64_t gather_octets_min = 4096;

bytes observed(const bytes& key) { return observed_prefix + key; }

bytes table_record(std::size_t part, std::uint64_t generation) {
  byte_writer w;
  w.u8(static_cast<std::uint8_t>(table_prefix));
  w.u8(static_cast<std::uint8_t>(part));
  w.u64be(generation);
  return w.take();
}

bool same_group(const right_table::key& a, const right_table::key& b) {
  return a.writer == b.writer && a.what == b.what;
}

}  // namespace

// -- the table -------------------------------------------------------------------

bytes watched_state::encode_items(std::vector<right_table::item> items, bool whole) const {
  std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  byte_writer w;
  w.reserve(items.size() * 8 + 64);
  w.u8(whole ? 1 : 0);
  for (std::size_t i = 0; i < items.size();) {
    const auto& at = items[i].at;
    auto end = i;
    while (end < items.size() && same_group(items[end].at, at))
      ++end;
    write_writer(w, parts_[at.writer].id);
    w.u8(static_cast<std::uint8_t>(std::min<std::uint32_t>(at.what, 2)));
    if (at.what >= 2) {
      w.uv(kinds_[at.what].purse);
      w.uv(kinds_[at.what].unit.value);
      w.uv(kinds_[at.what].bucket);
    }
    w.uv(end - i);
    for (std::uint64_t before = 0; i < end; ++i) {
      w.uv(items[i].at.account - before);
      w.sv(items[i].value);
      before = items[i].at.account;
    }
  }
  return w.take();
}

bool watched_state::decode_items(std::size_t n, byte_view value) {
  byte_reader r(value);
  r.u8();
  while (r.ok() && !r.at_end()) {
    auto writer = read_writer(r);
    std::uint32_t what = r.u8();
    holding_kind kind{purse_paid, 0, main_unit};
    if (what == 2) {
      kind.purse = r.uv();
      kind.unit.value = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
      kind.bucket = r.uv();
    } else if (what > 2) {
      r.fail();
    }
    auto count = r.uv(r.remaining());
    if (!r.ok()) break;
    (void)reach(writer);
    table_.reserve(n, static_cast<std::size_t>(count));
    right_table::key k{index_of(writer), what == 0 ? 0 : reach_kind(kind), 0};
    for (; count > 0 && r.ok(); --count) {
      k.account += r.uv();
      auto v = r.sv();
      if (right_table::part_of(k.account) != n) r.fail();
      if (r.ok()) table_.load(k, v);
    }
  }
  return r.ok();
}

void watched_state::checkpoint_table(kv_view& view, std::size_t n) {
  auto changed = table_.take_changed(n);
  if (changed.empty()) return;
  auto& c = chains_[n];
  auto record = encode_items(std::move(changed), false);
  // Changes are gathered into one whole record when they have become as long as it is: each number is written about
  // twice, whatever the size of the table, and a start reads at most twice what is there.
  if (c.next == c.first || c.octets + record.size() > std::max(c.whole_octets, gather_octets_min)) {
    record = encode_items(table_.all(n), true);
    for (auto g = c.first; g < c.next; ++g)
      view.erase(family::state, table_record(n, g));
    c.first = c.next;
    c.whole_octets = record.size();
    c.octets = 0;
  } else {
    c.octets += record.size();
  }
  view.put(family::state, table_record(n, c.next++), record);
}

// -- everything --------------------------------------------------------------------

void watched_state::checkpoint_writer(kv_view& view, part& p) {
  auto put_cell = [&](cell_type type, std::uint64_t a, const cell& v) {
    cell_key k{.type = type, .a = a, .b = 0, .writer = p.id, .peer = {}};
    view.put(family::state, observed(cell_key_bytes(k)), encode_cell(v));
  };
  for (auto& a : p.near)
    if (std::exchange(a.changed, false))
      view.put(family::state, observed(balance_key(a.name)), encode_balance(a.value));
  if (std::exchange(p.held_total.changed, false)) put_cell(cell_type::held_total, 0, {p.held_total.n, {}});
  if (std::exchange(p.business_date.changed, false)) put_cell(cell_type::business_date, 0, {p.business_date.n, {}});
  if (std::exchange(p.contested.changed, false)) put_cell(cell_type::counters, 1, {p.contested.n, {}});
  for (auto& [terminal, c] : p.tills)
    if (std::exchange(c.changed, false)) put_cell(cell_type::last_counter, terminal, counters_cell(c));
  p.changed = false;
}

void watched_state::checkpoint(kv_view& view) {
  for (auto i : std::exchange(changed_parts_, {}))
    checkpoint_writer(view, parts_[i]);
  for (std::size_t n = 0; n < right_table::parts; ++n)
    checkpoint_table(view, n);
  for (const auto& a : std::exchange(changed_balances_, {})) {
    auto v = balance(a);
    if (a.type == account_type::held && v == 0) {
      view.erase(family::state, observed(balance_key(a)));
    } else {
      view.put(family::state, observed(balance_key(a)), encode_balance(v));
    }
  }
  for (const auto& k : std::exchange(changed_cells_, {})) {
    auto it = cells_.find(k);
    if (it != cells_.end()) {
      view.put(family::state, observed(cell_key_bytes(k)), encode_cell(it->second));
    } else {
      view.erase(family::state, observed(cell_key_bytes(k)));
    }
  }
}

status watched_state::load_part(byte_view key, byte_view value) {
  byte_reader r(key);
  r.u8();
  std::size_t n = r.u8();
  auto generation = r.u64be();
  if (!r.at_end() || value.empty() || !decode_items(n, value)) return error{errc::corrupt, "observed holdings"};
  auto& c = chains_[n];
  if (c.next == c.first) {
    // A part begins with a whole record; what came before that was erased with it.
    if (value[0] != 1) return error{errc::corrupt, "observed holdings without their beginning"};
    c.first = generation;
    c.whole_octets = value.size();
  } else {
    if (value[0] != 0 || generation != c.next) return error{errc::corrupt, "observed holdings with a gap"};
    c.octets += value.size();
  }
  c.next = generation + 1;
  return done();
}

status watched_state::load(const kv_store& store) {
  auto c = store.scan(family::state, bytes(1, table_prefix));
  for (; c->valid() && c->key()[0] == table_prefix; c->next())
    TALLY_TRY(load_part(c->key(), c->value()));
  TALLY_TRY(c->state());
  for (c = store.scan(family::state, bytes(1, observed_prefix)); c->valid() && c->key()[0] == observed_prefix;
       c->next()) {
    auto key = c->key().substr(1);
    // What is kept in numbers and bits must be all that is there.
    if (auto a = parse_balance_key(key); a && balance_key(*a) == key) {
      auto v = decode_balance(c->value());
      if (!v || encode_balance(*v) != c->value()) return error{errc::corrupt, "an observed balance"};
      set_balance(*a, *v);
    } else if (auto k = parse_cell_key(key); k && cell_key_bytes(*k) == key) {
      auto v = decode_cell(c->value());
      if (v) put(*k, std::move(*v));
      auto kept = v ? find(*k) : std::nullopt;
      if (!kept || encode_cell(*kept) != c->value()) return error{errc::corrupt, "an observed fact"};
    } else {
      return error{errc::corrupt, "an observed key"};
    }
  }
  TALLY_TRY(c->state());
  // What was just read is no change.
  for (auto i : std::exchange(changed_parts_, {})) {
    auto& p = parts_[i];
    p.changed = p.held_total.changed = p.business_date.changed = p.contested.changed = false;
    for (auto& a : p.near)
      a.changed = false;
    for (auto& [terminal, t] : p.tills)
      t.changed = false;
  }
  changed_balances_.clear();
  changed_cells_.clear();
  return done();
}

}  // namespace tally
