#include "sync/watched_state.hpp"

#include <algorithm>

namespace tally {
namespace {

constexpr std::uint32_t what_reversal = 0;

bool is_counter(const cell_key& k) { return k.type == cell_type::counters && k.a == 1; }
/// A number that each writer has: it lies in the writer's record, not in a map.
bool is_number(const cell_key& k) {
  return is_counter(k) || k.type == cell_type::business_date || (k.type == cell_type::held_total && k.a == 0);
}

}  // namespace

watched_state::watched_state() : parts_(1), kinds_(1) {
  // The kind of nearly all holdings, found without a map.
  (void)reach_kind({purse_paid, 0, main_unit});
}

// -- writers -------------------------------------------------------------------

std::uint32_t watched_state::index_of(const writer_id& w) const {
  if (last_ != 0 && parts_[last_].id == w) return last_;
  auto it = index_.find(w);
  if (it == index_.end()) return 0;
  return last_ = it->second;
}

const watched_state::part* watched_state::part_of(const writer_id& w) const {
  auto i = index_of(w);
  return i == 0 ? nullptr : &parts_[i];
}

watched_state::part& watched_state::reach(const writer_id& w) {
  if (auto i = index_of(w)) return parts_[i];
  last_ = static_cast<std::uint32_t>(parts_.size());
  index_.emplace(w, last_);
  parts_.emplace_back().id = w;
  return parts_.back();
}

void watched_state::touch(part& p) {
  if (p.changed) return;
  p.changed = true;
  changed_parts_.push_back(static_cast<std::uint32_t>(&p - parts_.data()));
}

// -- balances ------------------------------------------------------------------

std::uint32_t watched_state::reach_kind(const holding_kind& k) {
  auto [it, fresh] = kind_index_.try_emplace(k, static_cast<std::uint32_t>(kinds_.size()));
  if (fresh) kinds_.push_back(k);
  return it->second;
}

std::optional<right_table::key> watched_state::table_key(const ledger_account& a) const {
  auto writer = index_of(a.writer);
  if (writer == 0) return std::nullopt;
  holding_kind k{a.b, a.c, a.unit};
  if (k == kinds_[1]) return right_table::key{writer, 1, a.a};
  auto it = kind_index_.find(k);
  if (it == kind_index_.end()) return std::nullopt;
  return right_table::key{writer, it->second, a.a};
}

right_table::key watched_state::reach_key(const ledger_account& a) {
  if (auto k = table_key(a)) return *k;
  (void)reach(a.writer);
  return {index_of(a.writer), reach_kind({a.b, a.c, a.unit}), a.a};
}

const watched_state::account_near* watched_state::near_of(const part& p, const ledger_account& a) {
  for (const auto& n : p.near)
    if (n.name.type == a.type && n.name.unit == a.unit && n.name.a == a.a && n.name.b == a.b && n.name.c == a.c &&
        n.name.from == a.from)
      return &n;
  return nullptr;
}

amount watched_state::balance(const ledger_account& a) const {
  if (a.type == account_type::hold) {
    auto k = table_key(a);
    return k ? table_.get(*k) : 0;
  }
  if (is_near(a)) {
    const auto* p = part_of(a.writer);
    if (!p) return 0;
    if (const auto* n = near_of(*p, a)) return n->value;
    if (p->near.size() < accounts_near_max) return 0;
  }
  auto it = balances_.find(a);
  return it == balances_.end() ? 0 : it->second;
}

void watched_state::set_balance(const ledger_account& a, amount v) {
  if (a.type == account_type::hold) return table_.set(reach_key(a), v);
  if (is_near(a)) {
    auto& p = reach(a.writer);
    auto* n = const_cast<account_near*>(near_of(p, a));
    if (!n && p.near.size() < accounts_near_max) n = &p.near.emplace_back(account_near{a, 0, false});
    if (n) {
      n->value = v;
      n->changed = true;
      return touch(p);
    }
  }
  changed_balances_.push_back(a);
  // What was put aside is over at zero, and its account is never used again.
  if (a.type == account_type::held && v == 0) return void(balances_.erase(a));
  balances_[a] = v;
}

// Nothing to keep: the kinds of holdings are few, and one look into the table for each tells.
void watched_state::note_month(const ledger_account&, bool) {}

std::vector<std::uint32_t> watched_state::months_held(const writer_id& w, account_id account,
                                                      std::uint32_t purse) const {
  std::vector<std::uint32_t> out;
  auto writer = index_of(w);
  if (writer == 0) return out;
  for (std::uint32_t what = 1; what < kinds_.size(); ++what) {
    const auto& k = kinds_[what];
    if (k.purse == purse && k.bucket != 0 && table_.get({writer, what, account.value}) != 0)
      out.push_back(static_cast<std::uint32_t>(k.bucket));
  }
  std::ranges::sort(out);
  return out;
}

// Turnover lies among the holdings, as purse 0 of nobody: as small, and written out with them.
static const writer_id nobody = [] {
  writer_id w;
  w.epoch.value.fill(0xff);
  return w;
}();
static ledger_account turnover_account(account_id account, std::uint32_t month) {
  return hold_account(nobody, account, 0, month, main_unit);
}
amount watched_state::turnover(account_id account, std::uint32_t month) const {
  return balance(turnover_account(account, month));
}
void watched_state::add_turnover(account_id account, std::uint32_t month, amount v) {
  auto a = turnover_account(account, month);
  auto sum = balance(a);
  if (!checked_add(sum, v, sum)) sum = v > 0 ? INT64_MAX : INT64_MIN;
  set_balance(a, sum);
}

// -- cells -----------------------------------------------------------------------

const watched_state::number_near* watched_state::number_of(const part& p, const cell_key& k) {
  switch (k.type) {
    case cell_type::held_total: return &p.held_total;
    case cell_type::business_date: return &p.business_date;
    case cell_type::counters: return &p.contested;
    default: return nullptr;
  }
}

std::optional<cell> watched_state::find(const cell_key& k) const {
  switch (k.type) {
    case cell_type::counters:
    case cell_type::held_total:
    case cell_type::business_date: {
      if (!is_number(k)) break;
      const auto* p = part_of(k.writer);
      const auto* n = p ? number_of(*p, k) : nullptr;
      return n && n->present ? std::optional(cell{n->n, {}}) : std::nullopt;
    }
    case cell_type::last_counter: {
      const auto* p = part_of(k.writer);
      if (!p) return std::nullopt;
      auto it = p->tills.find(static_cast<std::uint32_t>(k.a));
      return it == p->tills.end() ? std::nullopt : std::optional(counters_cell(it->second));
    }
    case cell_type::reversed: {
      auto w = index_of(k.writer);
      auto by = w == 0 ? 0 : table_.get({w, what_reversal, k.a});
      return by == 0 ? std::nullopt : std::optional(cell{by, {}});
    }
    default: break;
  }
  auto it = cells_.find(k);
  return it == cells_.end() ? std::nullopt : std::optional<cell>(it->second);
}

void watched_state::put(const cell_key& k, cell v) {
  switch (k.type) {
    case cell_type::counters:
    case cell_type::held_total:
    case cell_type::business_date: {
      if (!is_number(k)) break;
      auto& p = reach(k.writer);
      auto* n = const_cast<number_near*>(number_of(p, k));
      *n = {v.n, true, true};
      return touch(p);
    }
    case cell_type::last_counter: return put_counters(k, v);
    case cell_type::reversed:
      (void)reach(k.writer);
      // The entry that reverses is never the first of its journal, so its number is not 0.
      return table_.set({index_of(k.writer), what_reversal, k.a}, v.n);
    default: break;
  }
  if (k.type == cell_type::owing && owing_moved_) owing_moved_->emplace(k.writer, k.a);
  cells_[k] = std::move(v);
  changed_cells_.push_back(k);
}

// The fold takes back halves of transfers only.
void watched_state::erase(const cell_key& k) {
  if (cells_.erase(k) != 0) changed_cells_.push_back(k);
}

// -- idempotency keys ------------------------------------------------------------

cell watched_state::counters_cell(const counters& c) {
  cell out{static_cast<std::int64_t>(c.newest), {}};
  for (auto word : c.used)
    for (int i = 0; i < 8; ++i)
      out.data += static_cast<char>(word >> (8 * i) & 255);
  return out;
}

void watched_state::put_counters(const cell_key& k, const cell& v) {
  auto& p = reach(k.writer);
  auto& c = p.tills[static_cast<std::uint32_t>(k.a)];
  c.newest = static_cast<std::uint64_t>(v.n);
  c.used = {};
  for (std::size_t i = 0; i < v.data.size() && i < sizeof c.used; ++i)
    c.used[i / 8] |= static_cast<std::uint64_t>(static_cast<unsigned char>(v.data[i])) << (8 * (i % 8));
  c.changed = true;
  touch(p);
}

std::uint64_t watched_state::newest_counter(const writer_id& w, std::uint32_t terminal) const {
  const auto* p = part_of(w);
  if (!p) return 0;
  auto it = p->tills.find(terminal);
  return it == p->tills.end() ? 0 : it->second.newest;
}

std::optional<sequence> watched_state::answered(const key_use& k) const {
  const auto* p = part_of(k.writer);
  if (!p) return std::nullopt;
  auto it = p->tills.find(k.terminal);
  if (it == p->tills.end()) return std::nullopt;
  const auto& c = it->second;
  if (k.counter > c.newest || c.newest - k.counter >= key_window) return std::nullopt;
  auto at = k.counter % counters_kept;
  return c.used[at / 64] >> at % 64 & 1 ? std::optional<sequence>(0) : std::nullopt;
}

void watched_state::set_answered(const key_use& k, sequence) {
  auto& p = reach(k.writer);
  auto& c = p.tills[k.terminal];
  if (k.counter < c.newest && c.newest - k.counter >= key_window) return;
  if (k.counter > c.newest) {
    // Counters between the old newest and this one were not used yet; their bits may be of long ago.
    auto passed = std::min(k.counter - c.newest, counters_kept);
    for (std::uint64_t i = 0; i < passed; ++i) {
      auto at = (k.counter - i) % counters_kept;
      c.used[at / 64] &= ~(std::uint64_t{1} << at % 64);
    }
    c.newest = k.counter;
  }
  auto at = k.counter % counters_kept;
  c.used[at / 64] |= std::uint64_t{1} << at % 64;
  c.changed = true;
  touch(p);
}

// -- all of it -------------------------------------------------------------------

std::optional<ledger_account> watched_state::holding_of(const right_table::key& k) const {
  if (k.what == what_reversal) return std::nullopt;
  const auto& kind = kinds_[k.what];
  if (parts_[k.writer].id == nobody) return std::nullopt;  // turnover
  return ledger_account{.type = account_type::hold,
                        .unit = kind.unit,
                        .a = k.account,
                        .b = kind.purse,
                        .c = kind.bucket,
                        .writer = parts_[k.writer].id,
                        .from = {},
                        .to = {}};
}

cell_key watched_state::reversed_of(const right_table::key& k) const {
  return {.type = cell_type::reversed, .a = k.account, .b = 0, .writer = parts_[k.writer].id, .peer = {}};
}

std::map<ledger_account, amount> watched_state::balances() const {
  std::map<ledger_account, amount> out;
  for (std::size_t n = 0; n < right_table::parts; ++n)
    for (const auto& item : table_.all(n))
      if (auto a = holding_of(item.at)) out.emplace(*a, item.value);
  for (const auto& p : parts_)
    for (const auto& a : p.near)
      if (a.value != 0) out.emplace(a.name, a.value);
  for (const auto& [a, v] : balances_)
    if (v != 0) out.emplace(a, v);
  return out;
}

std::map<cell_key, cell> watched_state::cells() const {
  std::map<cell_key, cell> out;
  for (const auto& [k, c] : cells_)
    if (k.type != cell_type::lapse && k.type != cell_type::evened) out.emplace(k, c);
  for (std::size_t n = 0; n < right_table::parts; ++n)
    for (const auto& item : table_.all(n))
      if (item.at.what == what_reversal) out.emplace(reversed_of(item.at), cell{item.value, {}});
  for (const auto& p : parts_) {
    for (auto type : {cell_type::held_total, cell_type::business_date, cell_type::counters}) {
      cell_key k{.type = type, .a = type == cell_type::counters ? 1U : 0U, .b = 0, .writer = p.id, .peer = {}};
      if (const auto* n = number_of(p, k); n->present) out.emplace(k, cell{n->n, {}});
    }
    for (const auto& [terminal, c] : p.tills)
      out.emplace(cell_key{.type = cell_type::last_counter, .a = terminal, .b = 0, .writer = p.id, .peer = {}},
                  counters_cell(c));
  }
  return out;
}

void watched_state::each_holding(const writer_id& w,
                                 const std::function<void(const ledger_account&, amount)>& visit) const {
  auto writer = index_of(w);
  if (writer == 0) return;
  table_.each_of(writer, [&](const right_table::item& item) {
    if (auto a = holding_of(item.at)) visit(*a, item.value);
  });
}

void watched_state::each_held(const writer_id& w,
                              const std::function<void(const ledger_account&, amount)>& visit) const {
  for (const auto& [a, v] : balances_)
    if (a.type == account_type::held && a.writer == w) visit(a, v);
}

void watched_state::each_doubt(const writer_id& closed, const std::function<void(const ledger_account&)>& visit) const {
  auto look = [&](const ledger_account& a) {
    if (a.type != account_type::doubt || a.from != closed) return;
    auto held = a;
    held.type = account_type::hold;
    held.writer = closed;
    held.from = {};
    visit(held);
  };
  for (const auto& p : parts_)
    for (const auto& n : p.near)
      look(n.name);
  for (const auto& [a, v] : balances_)
    look(a);
}

void watched_state::each_contested(const std::function<void(const writer_id&, sequence, errc)>& visit) const {
  for (const auto& [k, c] : cells_)
    if (k.type == cell_type::contested) visit(k.writer, k.a, static_cast<errc>(c.n));
}

void watched_state::each_returned(const std::function<void(const writer_id&, sequence)>& visit) const {
  for (const auto& [k, c] : cells_)
    if (k.type == cell_type::refunded && k.peer != writer_id{}) visit(k.peer, k.a);
}

void watched_state::each_owing(const std::function<void(const writer_id&, sequence, byte_view)>& visit) const {
  for (const auto& [k, c] : cells_)
    if (k.type == cell_type::owing) visit(k.writer, k.a, c.data);
}

std::set<std::pair<writer_id, sequence>> watched_state::take_owing() {
  if (owing_moved_) return std::exchange(*owing_moved_, {});
  owing_moved_.emplace();
  std::set<std::pair<writer_id, sequence>> out;
  each_owing([&](const writer_id& w, sequence seq, byte_view) { out.emplace(w, seq); });
  return out;
}

void watched_state::each_code(const std::function<void(const cell_key&, const cell&)>& visit) const {
  for (const auto& [k, c] : cells_)
    if (k.type == cell_type::bearer) visit(k, c);
}

void watched_state::each_once(const std::function<void(account_id)>& visit) const {
  for (const auto& [k, c] : cells_)
    if (k.type == cell_type::once) visit({k.a});
}

void watched_state::each_lapse(const std::function<void(account_id, std::uint32_t, byte_view)>& visit) const {
  for (const auto& [k, c] : cells_)
    if (k.type == cell_type::lapse) visit({k.a}, static_cast<std::uint32_t>(k.b), c.data);
}

void watched_state::each_open_claim(const std::function<void(const writer_id&, sequence, account_id)>& visit) const {
  for (const auto& [k, c] : cells_)
    if (k.type == cell_type::open_claim && k.b == 0) visit(k.writer, k.a, {static_cast<std::uint64_t>(c.n)});
}

void watched_state::each_transfer(const std::function<void(const cell_key&, const cell&)>& visit) const {
  for (const auto& [k, c] : cells_)
    if (k.type == cell_type::transfer) visit(k, c);
}

std::size_t watched_state::memory_octets() const {
  // Nodes of the standard library's maps are counted with two pointers each.
  auto sum = table_.memory_octets() + parts_.capacity() * sizeof(part);
  for (const auto& p : parts_)
    sum += p.near.capacity() * sizeof(account_near) + p.tills.size() * (sizeof(counters) + 24);
  sum += balances_.size() * (sizeof(ledger_account) + 24) + cells_.size() * (sizeof(cell_key) + sizeof(cell) + 16);
  return sum;
}

}  // namespace tally
