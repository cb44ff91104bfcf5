#include "storage/kv_state.hpp"

#include "storage/entry_codec.hpp"

namespace tally {

namespace {

void write_balance_key(byte_writer& w, const ledger_account& a) {
  w.u8(static_cast<std::uint8_t>(balance_prefix));
  w.u8(static_cast<std::uint8_t>(a.type));
  w.uv(a.unit.value);
  w.uv(a.a);
  w.uv(a.b);
  w.uv(a.c);
  write_writer(w, a.writer);
  if (a.type == account_type::transit || a.type == account_type::doubt) {
    write_writer(w, a.from);
    write_writer(w, a.to);
  }
}

void write_cell_key(byte_writer& w, const cell_key& k) {
  w.u8(static_cast<std::uint8_t>(cell_prefix));
  w.u8(static_cast<std::uint8_t>(k.type));
  w.uv(k.a);
  w.uv(k.b);
  bool writer = k.writer != writer_id{}, peer = k.peer != writer_id{};
  w.u8(static_cast<std::uint8_t>((writer ? 1 : 0) | (peer ? 2 : 0)));
  if (writer) write_writer(w, k.writer);
  if (peer) write_writer(w, k.peer);
}

}  // namespace

bytes balance_key(const ledger_account& a) {
  byte_writer w;
  write_balance_key(w, a);
  return w.take();
}

std::optional<ledger_account> parse_balance_key(byte_view key) {
  byte_reader r(key);
  if (r.u8() != static_cast<std::uint8_t>(balance_prefix)) return std::nullopt;
  ledger_account a;
  a.type = static_cast<account_type>(r.u8());
  a.unit.value = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
  a.a = r.uv();
  a.b = r.uv();
  a.c = r.uv();
  a.writer = read_writer(r);
  if (a.type == account_type::transit || a.type == account_type::doubt) {
    a.from = read_writer(r);
    a.to = read_writer(r);
  }
  if (!r.ok() || !r.at_end()) return std::nullopt;
  return a;
}

bytes cell_key_bytes(const cell_key& k) {
  byte_writer w;
  write_cell_key(w, k);
  return w.take();
}

std::optional<cell_key> parse_cell_key(byte_view key) {
  byte_reader r(key);
  if (r.u8() != static_cast<std::uint8_t>(cell_prefix)) return std::nullopt;
  cell_key k;
  k.type = static_cast<cell_type>(r.u8());
  k.a = r.uv();
  k.b = r.uv();
  auto flags = r.u8();
  if (flags & 1) k.writer = read_writer(r);
  if (flags & 2) k.peer = read_writer(r);
  if (!r.ok() || !r.at_end() || flags > 3) return std::nullopt;
  return k;
}

bytes encode_balance(amount v) {
  byte_writer w;
  w.sv(v);
  return w.take();
}
std::optional<amount> decode_balance(byte_view v) {
  byte_reader r(v);
  auto n = r.sv();
  return r.ok() && r.at_end() ? std::optional<amount>(n) : std::nullopt;
}
bytes encode_cell(const cell& c) {
  byte_writer w;
  w.sv(c.n);
  w.raw(c.data);
  return w.take();
}
std::optional<cell> decode_cell(byte_view v) {
  byte_reader r(v);
  cell c;
  c.n = r.sv();
  c.data = r.raw(r.remaining());
  return r.ok() ? std::optional<cell>(std::move(c)) : std::nullopt;
}

byte_view kv_state::name(const ledger_account& a) const {
  key_.clear();
  write_balance_key(key_, a);
  return key_.view();
}
byte_view kv_state::name(const cell_key& k) const {
  key_.clear();
  write_cell_key(key_, k);
  return key_.view();
}

amount kv_state::balance(const ledger_account& a) const {
  if (view_.get(family::state, name(a), value_) != lookup::found) return 0;
  auto n = decode_balance(value_);
  invariant(n.has_value(), "a balance in the database decodes");
  return *n;
}
void kv_state::set_balance(const ledger_account& a, amount v) {
  // What was put aside is over at zero, and debts are walked over: neither leaves a key behind.
  bool gone = v == 0 && (a.type == account_type::held || a.type == account_type::debt);
  if (gone) return view_.erase(family::state, name(a));
  byte_writer w;
  w.sv(v);
  view_.put(family::state, name(a), w.view());
}
std::optional<cell> kv_state::find(const cell_key& k) const {
  if (view_.get(family::state, name(k), value_) != lookup::found) return std::nullopt;
  auto c = decode_cell(value_);
  invariant(c.has_value(), "a cell in the database decodes");
  return c;
}
void kv_state::put(const cell_key& k, cell v) {
  byte_writer w;
  w.sv(v.n);
  w.raw(v.data);
  view_.put(family::state, name(k), w.view());
}
void kv_state::erase(const cell_key& k) { view_.erase(family::state, name(k)); }

amount durable_state::balance(const ledger_account& a) const {
  bytes v;
  auto found = store_.get(family::state, balance_key(a), v);
  if (found == lookup::failed) failed_ = true;
  if (found != lookup::found) return 0;
  return decode_balance(v).value_or(0);
}
std::optional<cell> durable_state::find(const cell_key& k) const {
  bytes v;
  auto found = store_.get(family::state, cell_key_bytes(k), v);
  if (found == lookup::failed) failed_ = true;
  if (found != lookup::found) return std::nullopt;
  return decode_cell(v);
}
void durable_state::set_balance(const ledger_account&, amount) { invariant(false, "the durable view is read only"); }
void durable_state::put(const cell_key&, cell) { invariant(false, "the durable view is read only"); }
void durable_state::erase(const cell_key&) { invariant(false, "the durable view is read only"); }

}  // namespace tally
