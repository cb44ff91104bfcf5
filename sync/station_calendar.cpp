// What a date, a debt of the chain or a customer's spending asks of a node: units whose month has passed, units that
// are owed, levels of cards. All of it is in the journal when it is done, so a restart looks again and does nothing
// twice.
#include <algorithm>

#include "ledger/cards.hpp"
#include "ledger/purses.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "sync/station.hpp"

namespace tally {
namespace {

constexpr std::size_t keys_per_look = 500;     // read at once; a look follows every second
constexpr std::size_t entries_per_look = 100;  // written at once
constexpr tick_ms look_every_ms = 1'000;
/// A parent that is heard for so long has asked for the journal, or the word of it was lost in a full queue here.
constexpr tick_ms linked_long_ms = 1'800'000;

/// Where the holdings of one unit begin on disk.
bytes holdings_prefix(unit_id unit) {
  byte_writer w;
  w.u8(static_cast<std::uint8_t>(balance_prefix));
  w.u8(static_cast<std::uint8_t>(account_type::hold));
  w.uv(unit.value);
  return w.take();
}

bytes cards_prefix() { return {cell_prefix, static_cast<char>(cell_type::card)}; }

}  // namespace

void station::keep_calendar() {
  if (tick_ < calendar_.due || book_->stopped() != errc::ok || disk_low_ || stands_still()) return;
  calendar_.due = tick_ + look_every_ms;
  // Nobody asked for these entries, so they wait until the parent could say that this is an old copy.
  auto p = parent();
  const bool told = !p || (up_.count(*p) && (calendar_.confirmed || tick_ >= calendar_.linked_at + linked_long_ms));
  if (told || calendar_.traded) time_out_holds();
  if (!told || !is_sure()) return;
  write_off_expired();
  move_debts();
  bring_back_cards();
  execute_rulings();
  if (config_.role != node_role::hq) return;
  count_for_calendar(now_);
  settle_owed();
  even_out_returns();
  move_levels();
  take_fees();
  give_back_lapsed();
  note_expiring();
  mark_directory();
  close_used_numbers();
  rule_by_policy();
}

/// What the rules make head office count of all journals; at a start also of what comes again behind the checkpoint.
void station::count_for_calendar(unix_seconds now) {
  const auto* rules = book_->rules().newest();
  bool counts = rules && config_.role == node_role::hq;
  observer_->count_turnover(counts && !rules->programme.levels.empty());
  observer_->count_uses(counts && rules->programme.takes_dormant_fees() ? month_of(day_of(now)) : 0);
  lapse_watch watch{{}, book_->hq_time() > 0 ? month_of(day_of(book_->hq_time())) : 0};
  if (counts)
    for (const auto& p : rules->programme.purses)
      if (p.bucket == bucket_rule::expires) watch.purses.push_back(p.id);
  observer_->count_lapses(std::move(watch));
}

// A dark store gives back as well what nobody captured: the customer stands there.
void station::time_out_holds() {
  if (tick_ < calendar_.holds_due || open_holds(book_->st(), book_->self()) <= 0) return;
  calendar_.holds_due = tick_ + 10'000;
  entry now;
  date_entry(now, book_->st(), book_->self(), now_, book_->hq_time());
  const bytes prefix{cell_prefix, static_cast<char>(cell_type::held_until)};
  std::size_t written = 0;
  for (auto c = store_.scan(family::state, prefix); c->valid() && c->key().starts_with(prefix); c->next()) {
    auto k = parse_cell_key(c->key());
    auto v = decode_cell(c->value());
    if (!k || !v || k->writer != book_->self() || v->n > business_moment(now)) continue;
    // What the open group ended is found ended.
    auto e = decide_time_out(book_->at(now_), k->a);
    if (!e || !write(*e)) continue;
    if (was_given_back(e->account, book_->at(now_))) sweeper_.left(e->account, tick_);
    if (++written >= entries_per_look) return;
  }
}

// Once in a month of head office's time, and after a start: all holdings of units that expire, some at a time.
void station::write_off_expired() {
  const auto* rules = book_->rules().newest();
  if (!rules || book_->hq_time() <= 0) return;
  auto month = month_of(day_of(book_->hq_time()));
  if (month == calendar_.expiry_done) return;
  const auto& purses = rules->programme.purses;
  std::size_t looked = 0, written = 0;
  std::set<account_id> found;
  for (; calendar_.purse < purses.size(); ++calendar_.purse, calendar_.holding.clear()) {
    const auto& p = purses[calendar_.purse];
    if (p.bucket != bucket_rule::expires) continue;
    auto prefix = holdings_prefix(unit_of(p.id));
    auto c = store_.scan(family::state, calendar_.holding.empty() ? prefix : calendar_.holding);
    for (; c->valid() && c->key().starts_with(prefix); c->next()) {
      calendar_.holding = bytes(c->key());
      if (++looked > keys_per_look || found.size() >= entries_per_look) break;
      auto a = parse_balance_key(c->key());
      if (a && a->writer == book_->self() && a->c != 0 && a->c < month) found.insert({a->a});
    }
    if (!c->state()) return;  // the disk: the next look begins here
    if (looked > keys_per_look || found.size() >= entries_per_look) break;
  }
  for (auto account : found)
    if (auto e = decide_expiry(book_->at(now_), account); e && write(*e)) ++written;
  if (calendar_.purse < purses.size()) return;
  calendar_.expiry_done = month;
  calendar_.purse = 0;
  calendar_.holding.clear();
}

/// `month`: the window's last one.
static std::uint32_t level_by_turnover(const state& seen, account_id account, const programme& plan,
                                       std::uint32_t month) {
  std::uint32_t out = 0;
  for (const auto& l : plan.levels) {
    amount sum = 0;
    auto first = month / 100 * 12 + month % 100 - l.months;  // the window's first month, counted from year 0
    for (std::uint32_t i = 0; i < l.months; ++i)
      if (!checked_add(sum, seen.turnover(account, (first + i) / 12 * 100 + (first + i) % 12 + 1), sum))
        sum = amount_max;
    if (sum >= l.spend) out = l.id;
  }
  return out;
}

void station::move_level(account_id account, const programme& plan) {
  auto card = card_of(book_->st(), account);
  if (!card || is_final(card->status)) return;
  auto level = level_by_turnover(observer_->st(), account, plan, month_of(day_of(now_)));
  if (level == card->level) return;
  auto e = card_fact(account, *card);
  e.level = level;
  date_entry(e, book_->st(), book_->self(), now_, book_->hq_time());
  auto written = write(e);
  if (!written) {
    open_effects_.push_back(alarm_effect{written.error().code, "a card's level: " + written.error().detail});
    return;
  }
  note_level(account, card->level, level, *written);
}

// Cards that were used, at once; all of them when a month begins and after a start, some at a time.
void station::move_levels() {
  const auto* rules = book_->rules().newest();
  if (!rules || rules->programme.levels.empty()) return;
  auto turned = observer_->take_turned();
  auto month = month_of(day_of(now_));
  if (turned.overflowed || month != calendar_.levels_month) {
    calendar_.levels_month = month;
    calendar_.card = cards_prefix();
  }
  for (auto account : turned.accounts)
    move_level(account, rules->programme);
  if (calendar_.card.empty()) return;
  std::vector<account_id> some;
  auto prefix = cards_prefix();
  auto c = store_.scan(family::state, calendar_.card);
  for (; c->valid() && c->key().starts_with(prefix) && some.size() < keys_per_look; c->next())
    if (auto k = parse_cell_key(c->key())) some.push_back({k->a});
  if (!c->state()) return;
  calendar_.card = c->valid() && c->key().starts_with(prefix) ? bytes(c->key()) : bytes();
  for (auto account : some)
    move_level(account, rules->programme);
}

}  // namespace tally
