#include "node/admin_sales.hpp"

#include <map>
#include <memory>
#include <mutex>

#include "ledger/card_sale.hpp"
#include "ledger/cards.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "sync/card_sales.hpp"
#include "sync/entry_walk.hpp"

// Cards that head office sells itself, many at once: see node/admin.hpp.
namespace tally::admin {
namespace {

constexpr std::int64_t cards_at_once = 500;
constexpr std::int64_t cards_listed_at_once = 10'000;
constexpr std::size_t undone_at_once = 100;

}  // namespace

// From head office's own journals, in which each sale is once: what a sale that broke off had done is told again. Those
// that were undone are marked, and those of the present journal have their place, by which they can be; what already
// stands against that is said (`stays`).
void show_sold(const call& c) {
  auto first = number_in(c.in, "first", 1, INT64_MAX - static_cast<std::int64_t>(batch_cards_max));
  auto count = number_in(c.in, "count", 1, cards_listed_at_once);
  if (!first) return c.refuse(first.error());
  if (!count) return c.refuse(count.error());
  const auto from = static_cast<std::uint64_t>(*first), end = from + static_cast<std::uint64_t>(*count);
  std::map<std::uint64_t, json> found;
  stream_reader reader(c.node.store());
  auto streams = reader.list();
  if (!streams) return c.refuse(streams.error());
  const auto shown = c.node.snapshot();
  const auto self = shown->self;
  const durable_state st(c.node.store());
  // What lies at stores, and what is owed there, the station knows when it undoes a sale.
  const is_about nothing_elsewhere = [](account_id, std::uint32_t) { return false; };
  for (const auto& id : *streams) {
    if (id.sub != sub_stream::journal || id.writer.node != self.node) continue;
    auto read = each_entry(reader, id, id.writer.node, [&](sequence seq, byte_view data) -> status {
      auto kind = peek_kind(data);
      if (!sells_card(kind) && kind != entry_kind::reverse) return done();
      auto e = decode_entry(data);
      if (!e) return e.error();
      if (e->account.value < from || e->account.value >= end) return done();
      if (kind == entry_kind::reverse) {
        if (auto row = found.find(e->account.value); row != found.end() && sells_card(e->cited_kind))
          row->second["undone"] = true;
        return done();
      }
      amount paid = e->tenders.empty() ? 0 : e->tenders.front().amount, load = 0, deposit = 0;
      for (const auto& v : e->values)
        (v.purse == purse_deposit ? deposit : load) += v.amount;
      found[e->account.value] = {{"account", e->account.value},
                                 {"load", load},
                                 {"deposit", deposit},
                                 {"price", paid - deposit - load},
                                 {"expires", e->expires}};
      if (id.writer == self) found[e->account.value]["position"] = seq;
      if (auto ok = may_undo_card_sale(*e, self, st, shown->rules->newest(), nothing_elsewhere); !ok)
        found[e->account.value]["stays"] = ok.error().detail;
      return done();
    });
    if (!read) return c.refuse(read.error());
  }
  json list = json::array();
  for (auto& [account, row] : found)
    list.push_back(std::move(row));
  c.ok({{"sold", list}});
}

// Price and end are the station's to state, when it writes each. What was sold before is left as it is, so the same
// call again goes on where one broke off.
void sell_cards(call c) {
  auto first = number_in(c.in, "first", 1, INT64_MAX - static_cast<std::int64_t>(batch_cards_max));
  auto count = number_in(c.in, "count", 1, cards_at_once);
  auto load = number_in(c.in, "load", 0, amount_max);
  auto tender = tender_in(c, {tender_kind::cash, tender_kind::bank, tender_kind::transfer});
  for (const auto* bad : {!first ? &first.error() : nullptr, !count ? &count.error() : nullptr,
                          !load ? &load.error() : nullptr, !tender ? &tender.error() : nullptr})
    if (bad) return c.refuse(*bad);
  auto shown = c.node.snapshot();
  const auto* rules = shown->rules->rules(shown->rules->version_at(shown->business_date));
  if (!rules) return c.refuse({errc::bad_rules, "no rules are in force yet"});
  const bool check = c.in.value("check", false);  // whether they could be sold so, once they lie here
  durable_state st(c.node.store());
  std::vector<entry> facts;
  json sold = json::array();
  std::size_t before = 0;
  for (std::int64_t i = 0; i < *count; ++i) {
    account_id account{static_cast<std::uint64_t>(*first + i)};
    auto card = card_of(st, account);
    if (!card) return c.refuse({errc::unknown_card, "account " + std::to_string(account.value) + " has no card"});
    if (!check && !may_sell(st, st, shown->self, account))
      return c.refuse({errc::not_allowed, "card " + std::to_string(account.value) + " does not lie at head office"});
    if (card->status != card_status::stock) {  // whatever has become of it since
      ++before;
      continue;
    }
    const auto* kind = rules->programme.card_kind(card->kind);
    if (*load != 0 && kind && !kind->loaded_at(shown->self.node, std::nullopt))
      return c.refuse({errc::not_here, "no_top_up_at of the rules names head office: sell the cards without a load"});
    entry e;
    e.business_date = shown->business_date;
    if (auto ok = state_card_sale(e, account, *card, *rules, *load, *tender); !ok) return c.refuse(ok.error());
    amount paid = e.tenders.empty() ? 0 : e.tenders.front().amount;
    amount deposit = 0;
    for (const auto& v : e.values)
      if (v.purse == purse_deposit) deposit = v.amount;
    sold.push_back({{"account", account.value},
                    {"load", *load},
                    {"deposit", deposit},
                    {"price", paid - deposit - *load},
                    {"expires", e.expires}});
    facts.push_back(std::move(e));
  }
  if (check) sold = json::array(), facts.clear();
  json out{{"sold", sold}, {"before", before}};
  if (facts.empty()) return c.ok(out);
  write_facts(c, std::move(facts), std::move(out));
}

// One fact each, so that a card that was used leaves the others alone; they share the groups of the disk.
void undo_card_sales(call c) {
  auto cards = c.in.find("cards");
  if (cards == c.in.end() || !cards->is_array() || cards->empty() || cards->size() > undone_at_once)
    return c.refuse(
        {errc::malformed, "cards is a list of 1 to " + std::to_string(undone_at_once) + " cards, with their places"});
  std::vector<entry> facts;
  for (const auto& card : *cards) {
    auto account = card.is_object() ? number_in(card, "account", 1, INT64_MAX) : error{errc::malformed, "a card"};
    auto place = account ? number_in(card, "position", 1, INT64_MAX) : result<std::int64_t>(account.error());
    if (!place) return c.refuse(place.error());
    entry e;
    e.kind = entry_kind::reverse;
    e.account = {static_cast<std::uint64_t>(*account)};
    e.cites = static_cast<std::uint64_t>(*place);
    facts.push_back(std::move(e));
  }
  struct gathered {
    std::mutex mutex;
    std::size_t open = 0;
    json rows = json::array();
  };
  auto all = std::make_shared<gathered>();
  all->open = facts.size();
  for (auto& e : facts) {
    auto account = e.account.value;
    c.node.facts({std::move(e)}, [all, account, respond = c.respond](const facts_answer& a) {
      json row{{"account", account}, {"error", errc_name(a.code)}, {"detail", a.detail}};
      if (a.code == errc::ok) row = {{"account", account}};
      std::unique_lock lock(all->mutex);
      all->rows.push_back(std::move(row));
      if (--all->open > 0) return;
      const json out{{"cards", std::move(all->rows)}};
      lock.unlock();
      respond(200, out.dump());
    });
  }
}

}  // namespace tally::admin
