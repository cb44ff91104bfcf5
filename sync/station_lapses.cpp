// Expiry, oldest first over all nodes: head office gives back what a card lost only because of where its units lay.
#include "ledger/lapses.hpp"
#include "ledger/programme.hpp"
#include "sync/station.hpp"

namespace tally {
namespace {

constexpr std::size_t accounts_per_look = 200;  // a look follows every second

}  // namespace

// What was given is in head office's journal, which the observer follows as it is written: looking twice gives nothing
// twice. After a start all cards are looked at.
void station::give_back_lapsed() {
  const auto* rules = book_->rules().newest();
  if (!rules || book_->hq_time() <= 0 || !lives_.short_known) return;
  auto month = month_of(day_of(book_->hq_time()));
  auto heard = observer_->take_lapsed();
  calendar_.lapsed.merge(heard.accounts);
  if (heard.overflowed)
    observer_->all().each_lapse([&](account_id account, std::uint32_t purse, byte_view data) {
      auto r = decode_lapses(data);
      if (r && !due_back(*r, purse, month).empty()) calendar_.lapsed.insert(account);
    });
  for (std::size_t n = 0; n < accounts_per_look && !calendar_.lapsed.empty(); ++n) {
    auto account = calendar_.lapsed.extract(calendar_.lapsed.begin()).value();
    entry e;
    e.kind = entry_kind::give_back;
    e.account = account;
    e.hq_time = book_->hq_time();
    for (const auto& p : rules->programme.purses) {
      if (p.bucket != bucket_rule::expires) continue;
      for (const auto& v : due_back(lapses_of(observer_->st(), account, p.id), p.id, month))
        if (e.values.size() < values_max) e.values.push_back(v);
    }
    if (e.values.empty()) continue;
    date_entry(e, book_->st(), book_->self(), now_, book_->hq_time());
    if (auto written = write(e); !written) {
      open_effects_.push_back(alarm_effect{written.error().code, "giving units back: " + written.error().detail});
    } else {
      cover_short(e.account, e.values);
    }
  }
}

}  // namespace tally
