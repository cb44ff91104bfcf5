// Fees of cards that nobody used. Head office alone hears of all nodes, so it alone takes them, from what lies with it;
// what lies elsewhere is asked for (docs/decisions/0011-fees-at-head-office.md).
#include <algorithm>

#include "ledger/cards.hpp"
#include "storage/kv_state.hpp"
#include "sync/station.hpp"

namespace tally {
namespace {

constexpr std::size_t cards_per_look = 200;  // read at once; a look follows every second
constexpr std::size_t asked_max = 1'000;
constexpr tick_ms asked_wait_ms = 10'000;
// After a start, what stores did meanwhile comes first.
constexpr tick_ms after_start_ms = 3'600'000;

}  // namespace

/// Takes what is due of one card, the oldest month first: all months, or without `ask` one. False: the money of a month
/// lies elsewhere, and was asked for; it is looked for again.
bool station::take_fee(account_id account, bool ask) {
  for (auto left = fee_months_back_max; left > 0; --left) {
    std::vector<unit_use> wanted;
    auto e = decide_fee(book_->at(now_), observer_->st(), account, &wanted);
    bool asked = false;
    for (const auto& w : wanted) {
      if (!ask || elsewhere(account, w.purse, config_.self) <= 0) continue;
      auto id = random_id() | 1ULL << 63;
      calendar_.netting_asks.insert(id);
      custodian_.need(id, account, w.purse, held_here(account, w.purse) + w.units, customer_wait_ms(), tick_, now_,
                      *this);
      asked = true;
    }
    if (asked) return false;
    if (!e) return true;
    if (auto written = write(*e); !written) {
      open_effects_.push_back(alarm_effect{written.error().code, "a fee: " + written.error().detail});
      return true;
    }
    if (!ask) return true;  // of the next month nothing was asked for yet
  }
  return true;
}

// All cards when a day of head office's time begins and after a start, some at a time. What was taken is in the
// journal, by month, so looking twice takes nothing twice. A dark store keeps what it has: it is asked once a day.
void station::take_fees() {
  const auto* rules = book_->rules().newest();
  if (!rules || !rules->programme.takes_dormant_fees() || book_->hq_time() <= 0) return;
  if (calendar_.fees_from == 0) calendar_.fees_from = tick_ + after_start_ms;
  if (tick_ < calendar_.fees_from) return;
  std::vector<account_id> some;
  for (const auto& [account, due] : calendar_.fees_asked)
    if (due <= tick_) some.push_back(account);
  for (auto account : some) {
    calendar_.fees_asked.erase(account);
    auto before = book_->next();
    (void)take_fee(account, false);
    // What came paid a month: the next one's is asked for now.
    if (book_->next() != before && !take_fee(account, true)) calendar_.fees_asked[account] = tick_ + asked_wait_ms;
  }
  const bytes prefix{cell_prefix, static_cast<char>(cell_type::card)};
  if (auto today = day_of(book_->hq_time()); today != calendar_.fees_day) {
    calendar_.fees_day = today;
    calendar_.fee_card = prefix;
  }
  if (calendar_.fee_card.empty()) return;
  some.clear();
  auto c = store_.scan(family::state, calendar_.fee_card);
  auto room = asked_max - std::min(asked_max, calendar_.fees_asked.size());
  for (; c->valid() && c->key().starts_with(prefix) && some.size() < std::min(cards_per_look, room); c->next())
    if (auto k = parse_cell_key(c->key())) some.push_back({k->a});
  if (!c->state()) return;
  calendar_.fee_card = c->valid() && c->key().starts_with(prefix) ? bytes(c->key()) : bytes();
  for (auto account : some) {
    if (!take_fee(account, true)) calendar_.fees_asked[account] = tick_ + asked_wait_ms;
    note_fee(account);
  }
}

}  // namespace tally
