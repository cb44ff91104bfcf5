#include "ledger/state.hpp"

#include <algorithm>

namespace tally {
namespace {

void mix(std::uint64_t& h, std::uint64_t v) {
  h ^= v + 0x9e3779b97f4a7c15ULL + (h << 6) + (h >> 2);
  h *= 0xff51afd7ed558ccdULL;
  h ^= h >> 32;
}
std::uint64_t epoch_bits(const epoch_id& e) {
  return std::uint64_t{e.value[0]} << 56 | std::uint64_t{e.value[1]} << 48 | std::uint64_t{e.value[2]} << 40 |
         std::uint64_t{e.value[3]} << 32 | std::uint64_t{e.value[4]} << 24 | std::uint64_t{e.value[5]} << 16 |
         std::uint64_t{e.value[6]} << 8 | std::uint64_t{e.value[7]};  // one load, unlike the loop
}
void mix(std::uint64_t& h, const writer_id& w) {
  mix(h, w.node.value);
  mix(h, epoch_bits(w.epoch));
}

bytes packed(std::uint32_t v) {
  bytes out;
  for (int i = 0; i < 4; ++i)
    out += static_cast<char>(v >> (8 * i) & 255);
  return out;
}

// REQUIRES: 4 octets.
std::uint32_t unpacked(byte_view in) {
  std::uint32_t v = 0;
  for (std::size_t i = 0; i < 4; ++i)
    v |= static_cast<std::uint32_t>(static_cast<unsigned char>(in[i])) << (8 * i);
  return v;
}

// Node records are packed without a codec of their own: role, epoch, then 4 octets per parent.
bytes pack(const node_record& r) {
  bytes out;
  out += static_cast<char>(r.role);
  out += view_of(r.epoch.value);
  auto add = [&](node_id p) {
    for (int i = 0; i < 4; ++i)
      out += static_cast<char>(p.value >> (8 * i) & 255);
  };
  for (auto p : r.parents)
    add(p);
  if (r.former.empty()) return out;
  add(node_id{});
  for (auto p : r.former)
    add(p);
  return out;
}

}  // namespace

std::size_t memory_state::hash::operator()(const ledger_account& a) const noexcept {
  std::uint64_t h = static_cast<std::uint64_t>(a.type) << 32 | a.unit.value;
  mix(h, a.a);
  mix(h, a.b << 32 ^ a.c);
  mix(h, a.writer);
  if (a.type == account_type::transit) {
    mix(h, a.from);
    mix(h, a.to);
  }
  return h;
}

std::size_t memory_state::hash::operator()(const cell_key& k) const noexcept {
  std::uint64_t h = static_cast<std::uint64_t>(k.type);
  mix(h, k.a);
  mix(h, k.b);
  mix(h, k.writer);
  mix(h, k.peer);
  return h;
}

amount memory_state::balance(const ledger_account& a) const {
  auto it = balances_.find(a);
  return it == balances_.end() ? 0 : it->second;
}
void memory_state::set_balance(const ledger_account& a, amount v) {
  // What was put aside is over at zero, and its account is never used again.
  if (a.type == account_type::held && v == 0) return void(balances_.erase(a));
  balances_[a] = v;
}
std::optional<cell> memory_state::find(const cell_key& k) const {
  auto it = cells_.find(k);
  return it == cells_.end() ? std::nullopt : std::optional<cell>(it->second);
}
void memory_state::put(const cell_key& k, cell v) { cells_[k] = std::move(v); }
void memory_state::erase(const cell_key& k) { cells_.erase(k); }

std::map<ledger_account, amount> memory_state::balances() const {
  std::map<ledger_account, amount> out;
  for (const auto& [a, v] : balances_)
    if (v != 0) out.emplace(a, v);
  return out;
}
std::map<cell_key, cell> memory_state::cells() const { return {cells_.begin(), cells_.end()}; }

std::int64_t number(const state& s, const cell_key& k) {
  auto c = s.find(k);
  return c ? c->n : 0;
}

std::optional<card_record> card_of(const state& s, account_id account) {
  auto c = s.find({.type = cell_type::card, .a = account.value, .b = 0, .writer = {}, .peer = {}});
  if (!c || (c->data.size() != 5 && c->data.size() != 9 && c->data.size() != 13 && c->data.size() != 17 &&
             c->data.size() != 26))
    return std::nullopt;
  card_record r;
  r.version = static_cast<std::uint64_t>(c->n);
  r.status = static_cast<card_status>(c->data[0]);
  for (int i = 0; i < 4; ++i)
    r.kind |= static_cast<std::uint32_t>(static_cast<unsigned char>(c->data[static_cast<std::size_t>(i) + 1]))
              << (8 * i);
  if (c->data.size() > 5) r.level = unpacked(byte_view(c->data).substr(5));
  if (c->data.size() > 9) r.expires = unpacked(byte_view(c->data).substr(9));
  if (c->data.size() > 13) r.birth_month = unpacked(byte_view(c->data).substr(13));
  if (c->data.size() > 17) {
    r.pin.version = unpacked(byte_view(c->data).substr(17));
    r.pin.refills = unpacked(byte_view(c->data).substr(21));
    r.pin.set = c->data[25] != 0;
  }
  return r;
}

void put_card(state& s, account_id account, const card_record& r) {
  cell c{static_cast<std::int64_t>(r.version), {}};
  c.data += static_cast<char>(r.status);
  for (int i = 0; i < 4; ++i)
    c.data += static_cast<char>(r.kind >> (8 * i) & 255);
  const bool pin = r.pin != pin_state{};
  const bool birth = r.birth_month != 0 || pin, expires = r.expires != 0 || birth;
  if (r.level != 0 || expires) c.data += packed(r.level);
  if (expires) c.data += packed(r.expires);
  if (birth) c.data += packed(r.birth_month);
  if (pin) {
    c.data += packed(r.pin.version);
    c.data += packed(r.pin.refills);
    c.data += static_cast<char>(r.pin.set ? 1 : 0);
  }
  s.put({.type = cell_type::card, .a = account.value, .b = 0, .writer = {}, .peer = {}}, std::move(c));
}

static cell_key medium_key(byte_view medium) {
  cell_key k{.type = cell_type::medium, .a = 0, .b = 0, .writer = {}, .peer = {}};
  for (std::size_t i = 0; i < 8; ++i) {
    k.a = k.a << 8 | static_cast<unsigned char>(medium[i]);
    k.b = k.b << 8 | static_cast<unsigned char>(medium[i + 8]);
  }
  return k;
}

std::optional<account_id> account_of(const state& s, byte_view medium) {
  if (medium.size() != 16) return std::nullopt;
  auto c = s.find(medium_key(medium));
  if (!c) return std::nullopt;
  return account_id{static_cast<std::uint64_t>(c->n)};
}

void put_medium(state& s, byte_view medium, account_id account) {
  s.put(medium_key(medium), {static_cast<std::int64_t>(account.value), {}});
}

std::optional<node_record> node_of(const state& s, node_id node) {
  auto c = s.find({.type = cell_type::node, .a = node.value, .b = 0, .writer = {}, .peer = {}});
  if (!c || c->data.size() < 9 || (c->data.size() - 9) % 4 != 0) return std::nullopt;
  node_record r;
  r.role = static_cast<node_role>(c->data[0]);
  for (std::size_t i = 0; i < 8; ++i)
    r.epoch.value[i] = static_cast<std::uint8_t>(c->data[i + 1]);
  auto* list = &r.parents;
  for (std::size_t i = 9; i < c->data.size(); i += 4) {
    node_id p;
    for (std::size_t j = 0; j < 4; ++j)
      p.value |= static_cast<std::uint32_t>(static_cast<unsigned char>(c->data[i + j])) << (8 * j);
    if (p.value == 0) {
      list = &r.former;
    } else {
      list->push_back(p);
    }
  }
  return r;
}

void put_node(state& s, node_id node, const node_record& r) {
  s.put({.type = cell_type::node, .a = node.value, .b = 0, .writer = {}, .peer = {}}, {0, pack(r)});
}

node_limits limits_of(const state& s, node_id node) {
  auto c = s.find({.type = cell_type::limits, .a = node.value, .b = 0, .writer = {}, .peer = {}});
  node_limits l;
  if (!c || c->data.size() != 32) return l;
  amount* fields[] = {&l.ceiling, &l.daily_inflow, &l.quota_target, &l.daily_quota};
  for (std::size_t f = 0; f < 4; ++f) {
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < 8; ++i)
      v |= static_cast<std::uint64_t>(static_cast<unsigned char>(c->data[f * 8 + i])) << (8 * i);
    *fields[f] = static_cast<amount>(v);
  }
  return l;
}

void put_limits(state& s, node_id node, const node_limits& l) {
  bytes data;
  for (amount v : {l.ceiling, l.daily_inflow, l.quota_target, l.daily_quota})
    for (int i = 0; i < 8; ++i)
      data += static_cast<char>(static_cast<std::uint64_t>(v) >> (8 * i) & 255);
  s.put({.type = cell_type::limits, .a = node.value, .b = 0, .writer = {}, .peer = {}}, {0, std::move(data)});
}

/// A sum that counts for the newest day of its cell; 0 for another day.
static amount sum_of_day(const state& s, const cell_key& k, std::uint32_t day) {
  auto c = s.find(k);
  return c && c->data == packed(day) ? c->n : 0;
}
/// Saturates: a sum that only limits must not stop an entry.
static void add_to_day(state& s, const cell_key& k, std::uint32_t day, amount v) {
  auto sum = sum_of_day(s, k, day);
  if (!checked_add(sum, v, sum)) sum = v > 0 ? INT64_MAX : INT64_MIN;
  s.put(k, {sum, packed(day)});
}

static cell_key sent_key(unit_id unit, const writer_id& from, const writer_id& to) {
  return {.type = cell_type::sent_today, .a = 0, .b = unit.value, .writer = from, .peer = to};
}

// One cell for each pair and unit, whatever the number of days: the day lies in it.
amount sent_on(const state& s, std::uint32_t day, unit_id unit, const writer_id& from, const writer_id& to) {
  return sum_of_day(s, sent_key(unit, from, to), day);
}
void add_sent(state& s, std::uint32_t day, unit_id unit, const writer_id& from, const writer_id& to, amount v) {
  add_to_day(s, sent_key(unit, from, to), day, v);
}

static cell_key adjusted_key(const writer_id& w, std::uint32_t purse, bool taken) {
  return {.type = cell_type::adjusted_today, .a = purse, .b = taken ? 1U : 0U, .writer = w, .peer = {}};
}
amount adjusted_on(const state& s, std::uint32_t day, const writer_id& w, std::uint32_t purse, bool taken) {
  return sum_of_day(s, adjusted_key(w, purse, taken), day);
}
void add_adjusted(state& s, std::uint32_t day, const writer_id& w, std::uint32_t purse, bool taken, amount v) {
  add_to_day(s, adjusted_key(w, purse, taken), day, v);
}

// Uses lie beside turnover, 60 months as bits of one number under a month that no calendar has.
static std::pair<std::uint32_t, amount> use_bit(std::uint32_t month) {
  auto n = month < 202001 ? 0 : (month / 100 - 2020) * 12 + month % 100 - 1;
  return {1 + n / 60, amount{1} << n % 60};
}
bool was_used(const state& s, account_id account, std::uint32_t month) {
  auto [row, bit] = use_bit(month);
  return (s.turnover(account, row) & bit) != 0;
}
void note_used(state& s, account_id account, std::uint32_t month) {
  auto [row, bit] = use_bit(month);
  if ((s.turnover(account, row) & bit) == 0) s.add_turnover(account, row, bit);
}

static cell_key pieces_key(const writer_id& w, product_id product) {
  return {.type = cell_type::pieces, .a = product.value, .b = 0, .writer = w, .peer = {}};
}
std::optional<std::int64_t> pieces_left(const state& s, const writer_id& w, product_id product) {
  auto c = s.find(pieces_key(w, product));
  return c ? std::optional(c->n) : std::nullopt;
}
void put_pieces(state& s, const writer_id& w, product_id product, std::int64_t n) {
  s.put(pieces_key(w, product), {n, {}});
}

static cell_key months_key(const writer_id& w, account_id account, std::uint32_t purse) {
  return {.type = cell_type::months, .a = account.value, .b = purse, .writer = w, .peer = {}};
}

std::vector<std::uint32_t> state::months_held(const writer_id& w, account_id account, std::uint32_t purse) const {
  std::vector<std::uint32_t> out;
  auto c = find(months_key(w, account, purse));
  for (std::size_t i = 0; c && i + 4 <= c->data.size(); i += 4)
    out.push_back(unpacked(byte_view(c->data).substr(i, 4)));
  return out;
}

void state::note_month(const ledger_account& held, bool empty) {
  account_id account{held.a};
  auto purse = static_cast<std::uint32_t>(held.b);
  auto month = static_cast<std::uint32_t>(held.c);
  auto list = months_held(held.writer, account, purse);
  auto at = std::ranges::lower_bound(list, month);
  if ((at != list.end() && *at == month) != empty) return;  // known so
  if (empty) {
    list.erase(at);
  } else {
    list.insert(at, month);
  }
  if (list.empty()) return erase(months_key(held.writer, account, purse));
  cell c;
  for (auto m : list)
    c.data += packed(m);
  put(months_key(held.writer, account, purse), std::move(c));
}

static cell_key turnover_key(account_id account, std::uint32_t month) {
  return {.type = cell_type::turnover, .a = account.value, .b = month, .writer = {}, .peer = {}};
}
amount state::turnover(account_id account, std::uint32_t month) const {
  return number(*this, turnover_key(account, month));
}
void state::add_turnover(account_id account, std::uint32_t month, amount v) {
  auto sum = turnover(account, month);
  if (!checked_add(sum, v, sum)) sum = v > 0 ? INT64_MAX : INT64_MIN;
  put(turnover_key(account, month), {sum, {}});
}

amount holding(const state& s, writer_id w, account_id account, std::uint32_t purse) {
  amount sum = -s.balance(hold_account(w, account, purse, 0, unit_of_purse(purse)));
  if (purse == purse_paid || purse == purse_deposit) return sum;
  for (auto m : s.months_held(w, account, purse))
    if (!checked_add(sum, -s.balance(hold_account(w, account, purse, m, unit_of(purse))), sum)) return INT64_MAX;
  return sum;
}
static cell_key once_key(const writer_id& w, account_id account) {
  return {.type = cell_type::once, .a = account.value, .b = 0, .writer = w, .peer = {}};
}
std::optional<once_record> once_of(const state& s, const writer_id& w, account_id account) {
  auto c = s.find(once_key(w, account));
  if (!c) return std::nullopt;
  return once_record{static_cast<sequence>(c->n), std::move(c->data)};
}
void put_once(state& s, const writer_id& w, account_id account, const once_record& r) {
  s.put(once_key(w, account), {static_cast<std::int64_t>(r.used_by), r.medium});
}

amount debt_of(const state& s, const writer_id& w, account_id account, std::uint32_t purse) {
  return s.balance(debt_account(w, account, purse, unit_of(purse)));
}

cell_key refunded_money_key(const writer_id& w, sequence sale, bool by_tenders) {
  return {
      .type = cell_type::refunded, .a = sale, .b = by_tenders ? std::uint64_t{1} << 32 : 0U, .writer = w, .peer = {}};
}

cell_key open_holds_key(const writer_id& w) {
  return {.type = cell_type::counters, .a = 2, .b = 0, .writer = w, .peer = {}};
}
std::int64_t open_holds(const state& s, const writer_id& w) { return number(s, open_holds_key(w)); }

static cell_key gifted_key(const writer_id& w, account_id account, std::uint32_t purse) {
  return {.type = cell_type::gifted_today, .a = account.value, .b = purse, .writer = w, .peer = {}};
}
amount gifted_on(const state& s, std::uint32_t day, const writer_id& w, account_id account, std::uint32_t purse) {
  return sum_of_day(s, gifted_key(w, account, purse), day);
}
void add_gifted(state& s, std::uint32_t day, const writer_id& w, account_id account, std::uint32_t purse, amount v) {
  add_to_day(s, gifted_key(w, account, purse), day, v);
}

static cell_key spent_key(const writer_id& w, account_id account) {
  return {.type = cell_type::spent_today, .a = account.value, .b = 0, .writer = w, .peer = {}};
}
amount spent_on(const state& s, std::uint32_t day, const writer_id& w, account_id account) {
  return sum_of_day(s, spent_key(w, account), day);
}
void add_spent(state& s, std::uint32_t day, const writer_id& w, account_id account, amount v) {
  add_to_day(s, spent_key(w, account), day, v);
}

static cell_key taken_key(const writer_id& w, account_id account, std::uint32_t purse) {
  return {.type = cell_type::taken_today, .a = account.value, .b = purse, .writer = w, .peer = {}};
}
amount taken_on(const state& s, std::uint32_t day, const writer_id& w, account_id account, std::uint32_t purse) {
  return sum_of_day(s, taken_key(w, account, purse), day);
}
void add_taken(state& s, std::uint32_t day, const writer_id& w, account_id account, std::uint32_t purse, amount v) {
  add_to_day(s, taken_key(w, account, purse), day, v);
}

amount quota_left(const state& s, writer_id w, unit_id value_unit) {
  return -s.balance(quota_account(w, quota_of(value_unit)));
}
amount held_total(const state& s, writer_id w, unit_id unit) { return number(s, held_total_key(w, unit)); }
cell_key held_total_key(const writer_id& w, unit_id unit) {
  return {.type = cell_type::held_total, .a = unit == main_unit ? 0U : base_of(unit), .b = 0, .writer = w, .peer = {}};
}

}  // namespace tally
