// What rules may know of a member: the month of birth, in the state of the member's cards, and only while a rule asks.
#include <algorithm>

#include "storage/kv_state.hpp"
#include "sync/member_office.hpp"

namespace tally {
namespace {

constexpr std::size_t cards_per_tick = 500, facts_per_tick = 100, told_later_max = 10'000;

bytes cards_prefix() { return {cell_prefix, static_cast<char>(cell_type::card)}; }

bool ask(const catalogue& rules, std::uint64_t version) {
  const auto* r = rules.rules(version);
  return r && r->programme.asks_for_birthdays();
}

}  // namespace

std::uint32_t member_office::birth_month_of(account_id card) const {
  auto owner = index_.by_card(card);
  auto v = owner ? view(*owner) : result<member_view>(errc::not_found);
  return v ? v->profile.born.month : 0;
}

void member_office::tell_birthdays_of(const std::vector<account_id>& cards) {
  birth_cards_.insert(cards.begin(), cards.end());
  if (birth_cards_.size() <= told_later_max) return;
  birth_cards_.clear();
  birth_at_ = cards_prefix();
}

// All cards after a start and when the rules begin or end to ask; then those of members that were changed. What is told
// is in the ledger, so a crash leaves nothing behind that the next start does not find.
void member_office::tell_birthdays() {
  const auto s = with_.node.standing();
  const auto* newest = s.rules->newest();
  if (birth_writing_ || !newest) return;
  bool asks = ask(*s.rules, newest->version) || ask(*s.rules, s.rules->version_at(today()));
  if (birth_asks_ != asks) {
    bool ever = asks;
    for (std::uint64_t v = 1; v < newest->version && !ever; ++v)
      ever = ask(*s.rules, v);
    birth_asks_ = asks;
    birth_ever_ = ever;
    if (ever) birth_at_ = cards_prefix();
  }
  if (!birth_ever_) return birth_cards_.clear();
  auto prefix = cards_prefix();
  std::set<account_id> some;
  while (!birth_cards_.empty() && some.size() < facts_per_tick)
    some.insert(birth_cards_.extract(birth_cards_.begin()).value());
  if (!birth_at_.empty()) {
    auto c = with_.node.store().scan(family::state, birth_at_);
    std::size_t looked = 0;
    for (; c->valid() && c->key().starts_with(prefix) && looked < cards_per_tick && some.size() < facts_per_tick;
         c->next(), ++looked) {
      auto k = parse_cell_key(c->key());
      // Of a card that tells nothing and has no member there is nothing to say.
      if (k && (c->value().size() > 17 || index_.by_card({k->a}))) some.insert({k->a});
    }
    if (!c->state()) return;
    birth_at_ = c->valid() && c->key().starts_with(prefix) ? bytes(c->key()) : bytes();
  }
  durable_state st(with_.node.store());
  std::vector<entry> facts;
  for (auto account : some) {
    auto card = card_of(st, account);
    auto month = asks ? birth_month_of(account) : 0;
    if (!card || card->birth_month == month) continue;
    entry e;  // what else the card is the station fills in, as it is when this is written
    e.kind = entry_kind::card_state;
    e.account = account;
    e.birth_month = month;
    facts.push_back(std::move(e));
  }
  if (facts.empty()) return;
  birth_writing_ = true;
  with_.node.facts(std::move(facts), [this, worker = worker_, some](const facts_answer& a) {
    worker->post_answer([this, some, a] {
      birth_writing_ = false;
      if (a.code == errc::ok) return;
      with_.log(a.code, "months of birth in states of cards: " + a.detail);
      birth_cards_.insert(some.begin(), some.end());
    });
  });
}

}  // namespace tally
