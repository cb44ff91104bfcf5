// What head office's operators do with runs of cards; and months that go by.
#include <algorithm>

#include "ledger/card_sale.hpp"
#include "ledger/cards.hpp"
#include "sim/world.hpp"

namespace tally::sim {

node_id world::some_home() { return dice_.chance(250) ? head_office : some_store(); }

// Head office calls a run of cards back, and when it has come delivers it to some store, or keeps it and sells a part
// of it at once. Operators look first, so nothing is asked for while something else is under way.
std::vector<entry> world::stock_decree() {
  const auto& hq = nodes_.at(head_office);
  if (!hq.st || !decrees_.empty()) return {};
  const auto& st = hq.st->ledger().st();
  auto run = batch_at(st, stock_card(some_home(), 0));
  if (!run) return {};
  if (dice_.chance(300))
    if (auto undone = take_back_sold(*run); !undone.empty()) return undone;
  if (run->holder == hq.st->ledger().self() && dice_.chance(700)) {
    auto load = dice_.chance(500) ? dice_.between(100, 5'000) : 0;
    const auto most = 1 + dice_.below(run->count);
    std::vector<entry> sold;
    for (std::uint64_t i = dice_.below(run->count); i < run->count && sold.size() < most; ++i) {
      entry e;
      e.kind = entry_kind::issue;
      e.account = {run->first.value + i};
      if (load != 0) e.values = {{purse_paid, main_unit, 0, load}};
      e.tenders = {{tender_kind::transfer, main_unit, 1}};
      sold.push_back(e);
    }
    drop_sold(sold);
    return sold;
  }
  auto moved = move_run(*run);
  return moved ? std::vector{*moved} : std::vector<entry>{};
}

// Somebody pays over the web; now and then the same payment is told of again.
entry world::payment() {
  if (payments_ == 0 || dice_.chance(800)) ++payments_;
  entry e;
  e.kind = entry_kind::top_up;
  e.account = {1 + payments_ % plan_.cards};
  e.values = {{purse_paid, main_unit, 0, static_cast<amount>(100 + payments_ * 37 % 3'000)}};
  e.tenders = {{tender_kind::online, main_unit, e.values.front().amount}};
  e.blob = "payment " + std::to_string(payments_);
  return e;
}

// Units that head office gives, or takes where enough lie with it; now and then the same is asked for again.
entry world::by_hand() {
  if (payments_ == 0 || dice_.chance(800)) ++payments_;
  entry e;
  e.kind = entry_kind::adjust;
  e.account = {1 + payments_ % plan_.cards};
  const value_item units{points_purse, unit_of(points_purse), 0, static_cast<amount>(1 + payments_ * 7 % 40)};
  (payments_ % 3 == 0 ? e.values : e.earned) = {units};
  e.blob = hand_note_text("Change " + std::to_string(payments_), "a mistake");
  return e;
}

// What is left on a card that was given back is paid out; what lies at a store comes when it was asked for once.
std::optional<entry> world::payout_due() const {
  const auto& hq = nodes_.at(head_office);
  if (!hq.st) return std::nullopt;
  const auto& seen = hq.st->seen();
  for (auto account : cards_of(*this)) {
    auto card = card_of(hq.st->ledger().st(), account);
    if (!card || card->status != card_status::returned) continue;
    amount here = 0, there = 0;
    for (const auto& w : seen.writers())
      for (auto purse : {purse_paid, purse_deposit})
        (w == hq.st->ledger().self() ? here : there) += std::max<amount>(holding(seen.st(), w, account, purse), 0);
    if (here + there == 0) continue;
    entry e;
    e.kind = entry_kind::hand_back;
    e.account = account;
    e.tenders = {{tender_kind::transfer, main_unit, here > 0 ? here : there}};
    e.blob = "out " + std::to_string(account.value) + " " + std::to_string(hq.st->ledger().next());
    return e;
  }
  return std::nullopt;
}

bool world::refuses_payment(errc code) {
  return code == errc::key_reused || code == errc::card_blocked || code == errc::unknown_card ||
         code == errc::not_applicable || code == errc::not_here || code == errc::bad_rules ||
         code == errc::insufficient || code == errc::bad_amount;
}

// The sale of a card was a mistake; whether somebody used the card since is for the product to say.
std::vector<entry> world::take_back_sold(const card_batch& run) const {
  for (std::uint64_t i = 0; i < run.count; ++i) {
    entry e;
    e.kind = entry_kind::reverse;
    e.account = {run.first.value + i};
    e.cites = oracle_.sale_of(nodes_.at(head_office).st->ledger().self(), e.account);
    if (e.cites) return {e};
  }
  return {};
}

std::optional<entry> world::move_run(const card_batch& run) {
  const auto& st = nodes_.at(head_office).st->ledger().st();
  entry e;
  e.account = run.first;
  e.size = run.count;
  if (run.holder != writer_id{}) {
    if (closing_of(st, run.holder) || revoking_of(st, run.holder)) return std::nullopt;
    e.kind = entry_kind::recall;
    e.subject = run.holder;
    return e;
  }
  auto to = dice_.chance(400) ? head_office : some_store();
  auto record = node_of(st, to);
  if (!record || record->epoch == epoch_id{} || revoking_of(st, {to, record->epoch})) return std::nullopt;
  e.kind = entry_kind::allot;
  e.subject = {to, record->epoch};
  e.card_kind = run.kind;
  e.blob = run.name;
  ++counted_.runs_moved;
  return e;
}

// As the command does: what was sold before a break, or has another state since, is left as it is.
void world::drop_sold(std::vector<entry>& facts) const {
  const auto& st = nodes_.at(head_office).st->ledger().st();
  std::erase_if(facts, [&](const entry& e) {
    if (e.kind != entry_kind::issue) return false;
    auto card = card_of(st, e.account);
    return !card || card->status != card_status::stock;
  });
}

// All shops are shut for a month, and every clock goes on.
void world::next_month() {
  const auto mean = plan_.trade_ms / plan_.months;
  at(dice_.between(mean / 2, mean), [this] {
    if (calm_) return;
    skipped_ += 30 * 86'400;
    say("a month goes by");
    for (auto& [id, n] : nodes_)
      if (n.st) tick_by(n, now_ + 1'000);
    next_month();
  });
}

// Where unused cards pay a fee most of them rest for months, each in its turn.
account_id world::some_card() {
  account_id any{1 + dice_.below(plan_.cards)};
  if (plan_.months == 0 || dice_.chance(40)) return any;
  return {1 + (static_cast<std::uint64_t>(skipped_ / (30 * 86'400) / 5) + dice_.below(2)) % plan_.cards};
}

}  // namespace tally::sim
