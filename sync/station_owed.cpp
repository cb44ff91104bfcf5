// Units that are owed, in both directions: what stores had no quota for, and what accounts have to give back.
#include <algorithm>

#include "ledger/purses.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "sync/returned_goods.hpp"
#include "sync/station.hpp"

namespace tally {
namespace {

constexpr std::size_t owed_per_look = 100;   // entries that are written at once
constexpr std::size_t owed_looks = 1'000;    // entries that are looked at once
constexpr std::size_t debts_per_look = 500;  // read at once
constexpr tick_ms owed_look_ms = 10'000, netting_wait_max_ms = 600'000;
constexpr std::size_t nettings_max = 10'000, wrong_max = 10'000;

bytes debts_prefix() { return {balance_prefix, static_cast<char>(account_type::debt)}; }

/// Whether the rules of that day give what the entry says that it could not give.
bool owes_rightly(const entry& e, const catalogue& rules) {
  const auto* record = rules.rules(e.rules_version);
  if (!record) return false;
  result<std::vector<value_item>> due = error{errc::bad_rules, ""};
  if (e.kind == entry_kind::top_up) {
    due = price_top_up(rules, e.rules_version, {true, e.card_kind, e.level, e.birthday}, e.business_date,
                       e.values.empty() ? 0 : e.values.front().amount, e.package, e.stale);
  } else if (auto terms = terms_of_entry(e, record->programme)) {
    auto price = price_sale(rules, *terms);
    if (!price) return false;
    due = std::move(price->earned);
  }
  if (!due) return false;
  auto given = e.earned;
  given.insert(given.end(), e.owed.begin(), e.owed.end());
  std::ranges::sort(given, {}, [](const value_item& v) { return std::pair(v.purse, v.bucket); });
  return given == *due;
}

/// What a store wrote is not what its rules give: said once, as far as there is room to remember it.
std::optional<alarm_effect> wrongly(calendar_progress& known, const writer_id& w, sequence seq) {
  if (known.wrongly_owed.count({w, seq})) return std::nullopt;
  if (known.wrongly_owed.size() < wrong_max) known.wrongly_owed.insert({w, seq});
  return alarm_effect{errc::bad_rules, "entry " + std::to_string(seq) + " of " + writer_name(w) +
                                           " gives or owes units that its rules do not give"};
}

/// What of units that are taken back does not lie at this node: a debt.
std::vector<value_item> missing_here(const book& b, account_id account, const std::vector<value_item>& units) {
  std::vector<value_item> out;
  for (auto v : units) {
    auto here = -b.st().balance(hold_account(b.self(), account, v.purse, v.bucket, v.unit));
    v.amount -= std::clamp<amount>(here, 0, v.amount);
    if (v.amount > 0) out.push_back(v);
  }
  return out;
}

bool is_contested(const state& seen, const writer_id& w, sequence seq) {
  return seen.find({.type = cell_type::contested, .a = seq, .b = 0, .writer = w, .peer = {}}).has_value();
}

/// Units that head office gives, or takes again, because of what a writer wrote there.
entry units_entry(const book& b, const writer_id& of, sequence seq, account_id account, std::vector<value_item> units,
                  bool gives) {
  entry e;
  e.kind = gives ? entry_kind::earn : entry_kind::take_back;
  e.account = account;
  e.subject = of;
  e.cites = seq;
  e.debts = gives ? settled_debts(b.st(), b.self(), account, units) : missing_here(b, account, units);
  e.earned = std::move(units);
  return e;
}

/// Some of the debts of a node; `at` is where the last look ended.
std::map<account_id, std::vector<value_item>> some_debts(const kv_store& store, const book& b, bytes& at) {
  std::map<account_id, std::vector<value_item>> out;
  auto prefix = debts_prefix();
  auto c = store.scan(family::state, at.empty() ? prefix : at);
  std::size_t looked = 0;
  for (; c->valid() && c->key().starts_with(prefix) && looked < debts_per_look; c->next(), ++looked) {
    auto a = parse_balance_key(c->key());
    if (!a || a->writer != b.self()) continue;
    // The open group may have paid it.
    auto n = b.st().balance(*a);
    auto& list = out[{a->a}];
    if (n > 0 && list.size() < values_max) list.push_back({static_cast<std::uint32_t>(a->b), a->unit, 0, n});
  }
  if (!c->state()) return out;
  at = c->valid() && c->key().starts_with(prefix) ? bytes(c->key()) : bytes();
  std::erase_if(out, [](const auto& x) { return x.second.empty(); });
  return out;
}

}  // namespace

bool may_credit(const book& b, const writer_id& w, const std::vector<value_item>& units, std::uint32_t today) {
  const auto* rules = b.rules().newest();
  for (const auto& v : units) {
    if (rules && v.unit == main_unit) {
      if (v.amount > rules->programme.refund_quota - sent_on(b.st(), today, evened_money_unit, b.self(), w))
        return false;
      continue;
    }
    const auto* p = rules ? rules->programme.purse(v.purse) : nullptr;
    if (!p || v.unit != unit_of(v.purse)) return false;
    if (v.amount > p->quota - sent_on(b.st(), today, v.unit, b.self(), w)) return false;
  }
  return true;
}

/// Credits what an entry said that it could not give.
owed_answer station::credit_owed(const writer_id& w, sequence seq, owed_units due) {
  auto today = business_date(book_->st(), book_->self(), now_, book_->hq_time());
  if (!may_credit(*book_, w, due.units, today)) return owed_answer::waits;
  auto data = reader_.entry_of({w, sub_stream::journal, {}}, seq, {config_.self, {}});
  auto cited = data ? decode_entry(*data) : result<entry>(data.error());
  if (!cited) return owed_answer::again;  // not readable now
  if (!owes_rightly(*cited, book_->rules())) {
    if (auto alarm = wrongly(calendar_, w, seq)) open_effects_.push_back(std::move(*alarm));
    return owed_answer::again;
  }
  write_units(units_entry(*book_, w, seq, due.account, std::move(due.units), true), "crediting units");
  return owed_answer::written;
}

void station::write_units(entry e, std::string_view what) {
  date_entry(e, book_->st(), book_->self(), now_, book_->hq_time());
  if (auto written = write(e); !written) {
    open_effects_.push_back(alarm_effect{written.error().code, std::string(what) + ": " + written.error().detail});
  } else if (e.kind == entry_kind::earn) {
    cover_short(e.account, e.earned);
  }
}

// What entries could not give, or what was credited and goes back: looked at when it changed, and again for as long as
// something is due. A look goes on behind the last one, so that what waits for another day keeps nobody else's back.
// Where all of it waits, it waits until one of the things that decide so has changed: no look finds anything before.
void station::settle_owed() {
  auto changed = observer_->take_owing();
  if (!changed.empty()) calendar_.owed_idle.reset();
  calendar_.owing.merge(changed);
  if (tick_ < calendar_.owed_due || calendar_.owing.empty()) return;
  calendar_.owed_due = tick_ + owed_look_ms;
  const auto* rules = book_->rules().newest();
  const calendar_progress::owed_look under{book_->self(), book_->next(),
                                           business_date(book_->st(), book_->self(), now_, book_->hq_time()),
                                           rules ? rules->version : 0, lives_.short_known};
  if (calendar_.owed_idle == under) return;
  calendar_.owed_idle.reset();
  auto& all = calendar_.owing;
  bool idle = all.size() <= owed_looks;
  auto it = all.upper_bound(calendar_.owing_at);
  std::size_t written = 0;
  for (auto left = std::min(owed_looks, all.size()); left > 0 && written < owed_per_look; --left) {
    if (it == all.end()) it = all.begin();
    calendar_.owing_at = *it;
    const auto [w, seq] = *it;
    auto c = observer_->all().find({.type = cell_type::owing, .a = seq, .b = 0, .writer = w, .peer = {}});
    auto owed = c ? parse_owed_text(c->data) : owed_units{};
    owed_units due{owed.account, {}}, back{owed.account, {}};
    for (auto v : owed.units) {
      if (v.amount >= 0) {
        due.units.push_back(v);
      } else {
        v.amount = v.amount == INT64_MIN ? INT64_MAX : -v.amount;
        back.units.push_back(v);
      }
    }
    cell_key credited{.type = cell_type::credited, .a = seq, .b = 0, .writer = w, .peer = {}};
    const bool was = book_->st().find(credited).has_value();
    // Another store took goods back before the sale came here: what was not credited yet is not taken back yet.
    if (was && !back.units.empty()) {
      // It may lie anywhere, so what is not here is a debt, which is asked for.
      write_units(units_entry(*book_, w, seq, back.account, std::move(back.units), false), "taking units back");
      ++written;
      idle = false;
    } else if (was || due.units.empty() || calendar_.wrongly_owed.count({w, seq})) {
      it = all.erase(it);
      idle = false;
      continue;
    } else if (lives_.short_known && !revoking_of(book_->st(), w)) {
      auto answer = credit_owed(w, seq, std::move(due));
      written += answer == owed_answer::written ? 1u : 0u;
      idle = idle && answer == owed_answer::waits;
    }
    ++it;
  }
  if (idle) calendar_.owed_idle = under;
}

// Stores took goods of one sale back without knowing of each other, and each rounded up what it took of its units, and
// down what it gave back of what had paid. What was evened out is in head office's journal, which the observer follows:
// looking twice gives nothing twice. A look goes on behind the last one, so those that wait keep nobody else's back.
void station::even_out_returns() {
  calendar_.returned.merge(observer_->take_returned());
  if (tick_ < calendar_.returned_due || !lives_.short_known || calendar_.returned.empty()) return;
  calendar_.returned_due = tick_ + owed_look_ms;
  auto writers = observer_->writers();
  auto& all = calendar_.returned;
  auto it = all.upper_bound(calendar_.returned_at);
  for (auto left = std::min(owed_per_look, all.size()); left > 0; --left) {
    if (it == all.end()) it = all.begin();
    calendar_.returned_at = *it;
    const auto [seller, seq] = *it;
    auto data = reader_.entry_of({seller, sub_stream::journal, {}}, seq, {config_.self, {}});
    auto sale = data ? decode_entry(*data) : result<entry>(data.error());
    // What is not readable now the next look tries again.
    it = sale && even_out(writers, seller, seq, *sale) ? all.erase(it) : std::next(it);
  }
}

bool station::even_out(const std::vector<writer_id>& writers, const writer_id& seller, sequence seq,
                       const entry& sale) {
  if (sale.account.value == 0) return true;
  const auto& seen = observer_->st();
  const cell_key credited{.type = cell_type::credited, .a = seq, .b = 0, .writer = seller, .peer = {}};
  auto back = returned_of(seen, writers, seller, seq, sale);
  auto today = business_date(book_->st(), book_->self(), now_, book_->hq_time());
  bool done = true;
  for (const auto paid : {false, true}) {
    auto due = paid ? uneven_paid_of(seen, book_->rules(), back, seller, seq, sale)
                    : uneven_of(seen, book_->rules(), back, seller, seq, sale, book_->st().find(credited).has_value());
    if (!due) continue;
    // As with what is owed, a seller that may be anybody and a sale that says what its rules do not give get nothing.
    const bool puts = !due->put_back.empty();
    bool refused = puts && (revoking_of(book_->st(), seller) || is_contested(seen, seller, seq));
    if (puts && !refused && !owes_rightly(sale, book_->rules())) {
      refused = true;
      if (auto alarm = wrongly(calendar_, seller, seq)) open_effects_.push_back(std::move(*alarm));
    }
    for (const auto put : {true, false}) {
      const auto& units = put ? due->put_back : due->take_back;
      if (units.empty() || (put && refused)) continue;
      // What the store's measure of the day has no room for waits.
      if (put && !may_credit(*book_, seller, units, today)) {
        done = false;
        continue;
      }
      auto e = units_entry(*book_, seller, seq, sale.account, units, put);
      e.cited_kind = paid ? entry_kind::sale : entry_kind::refund;
      write_units(std::move(e), "evening returns out");
    }
  }
  return done;
}

/// Asks for what lies elsewhere, for no till: whoever looks next finds what came.
void station::draw_here(account_id account, std::uint32_t purse, amount wanted) {
  auto id = random_id() | 1ULL << 63;
  calendar_.netting_asks.insert(id);
  custodian_.need(id, account, purse, wanted, customer_wait_ms(), tick_, now_, *this);
}

// Debts travel up like value: at head office they meet whatever the account is given next, wherever that is. What it
// holds there pays; what it holds elsewhere is asked for, and pays when it has come. Who does not give is asked again
// when more is known to lie there, or seldom.
void station::move_debts() {
  auto p = parent();
  if (tick_ < calendar_.debts_due || (p && !up_.count(*p))) return;
  calendar_.debts_due = tick_ + owed_look_ms;
  auto above = sweeps_to();
  if (p && !above) return;
  if (calendar_.nettings.size() > nettings_max) calendar_.nettings.clear();
  for (const auto& [account, debts] : some_debts(store_, *book_, calendar_.debt)) {
    if (above) {
      auto e = decide_send(book_->at(now_), *above, account, {}, send_cause::sweep, 0, 0, debts);
      if (!e || !write(*e)) return;  // the parent may live anew: later
      continue;
    }
    for (const auto& d : debts) {
      if (auto e = decide_settlement(book_->at(now_), account, d.purse)) {
        calendar_.nettings.erase({account, d.purse});
        if (auto written = write(*e); !written)
          open_effects_.push_back(alarm_effect{written.error().code, "settling a debt: " + written.error().detail});
        continue;
      }
      auto there = elsewhere(account, d.purse, config_.self);
      if (there <= 0) continue;
      auto& last = calendar_.nettings[{account, d.purse}];
      if (last.elsewhere == there && tick_ < last.due) continue;
      last.wait = last.elsewhere == there ? std::min(2 * last.wait, netting_wait_max_ms) : owed_look_ms;
      last.elsewhere = there;
      last.due = tick_ + last.wait;
      draw_here(account, d.purse, d.amount);
    }
  }
}

}  // namespace tally
