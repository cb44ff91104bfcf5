#include "sync/what_if.hpp"

#include <algorithm>

#include "ledger/pricing.hpp"
#include "storage/entry_codec.hpp"
#include "sync/certificate.hpp"
#include "sync/entry_walk.hpp"
#include "sync/rules_shelf.hpp"

namespace tally {
namespace {

amount money_of_card(const entry& e) {
  amount sum = 0;
  for (const auto& v : e.values)
    if (v.unit == main_unit && !checked_add(sum, v.amount, sum)) return INT64_MAX;
  return sum;
}

class asker {
public:
  asker(const kv_store& store, node_id self, std::uint32_t days)
      : store_(store), reader_(store), self_(self), days_(days) {}

  result<what_if_report> run(const rules_record& rules, const std::vector<product>& products) {
    auto streams = reader_.list();
    if (!streams) return streams.error();
    for (const auto& id : *streams) {
      if (id.sub == sub_stream::directory) each(id, [&](const entry& e) { learn(id, e); });
      if (id.sub == sub_stream::journal)
        each(id, [&](const entry& e) { out_.last_day = std::max(out_.last_day, sells(e.kind) ? e.business_date : 0); });
    }
    add_next(rules, products);
    if (out_.last_day == 0) return std::move(out_);
    out_.first_day = out_.last_day - std::min(out_.last_day, days_ - 1);
    for (const auto& id : *streams)
      if (id.sub == sub_stream::journal)
        each(id, [&](const entry& e) {
          if (sells(e.kind) && e.business_date >= out_.first_day) look_at(id.writer.node, e);
        });
    if (overflow_) return error{errc::overflow, "the sums of these days"};
    return std::move(out_);
  }

private:
  template <class Visit>
  void each(const stream_id& id, Visit visit) {
    entry_walk walk(store_, id, self_, 0, reader_.size(id), entry_walk::holes::show);
    while (auto item = walk.next())
      if (auto e = item->left_out ? result<entry>(error{errc::left_out, ""}) : decode_entry(item->data)) visit(*e);
  }

  void learn(const stream_id& id, const entry& e) {
    if (e.kind == entry_kind::certify) owners_.certified(id, directories_[id]++, e.blob);
    if (e.kind != entry_kind::publish) return;
    if (e.topic == publish_topic::rules)
      if (auto r = decode_rules(e.blob)) rules_.add(std::move(*r));
    if (e.topic == publish_topic::product)
      if (auto p = decode_product(e.blob)) rules_.add(std::move(*p));
  }

  // What is on sale and not in the list is withdrawn, as it would be.
  void add_next(rules_record rules, const std::vector<product>& products) {
    const auto* newest = rules_.newest();
    next_ = newest ? newest->version + 1 : 1;
    auto on_sale = newest ? rules_.on_sale(newest->version) : std::vector<const product*>{};
    std::vector<product> gone;
    for (const auto* p : on_sale)
      if (std::ranges::none_of(products, [&](const product& n) { return n.id == p->id; })) gone.push_back(*p);
    for (auto& p : gone) {
      p.version = next_;
      p.withdrawn = true;
      rules_.add(p);
    }
    for (auto p : products) {
      p.version = next_;
      rules_.add(std::move(p));
    }
    effective_ = rules.effective_from;
    rules.version = next_;
    rules_.add(std::move(rules));
  }

  void look_at(node_id node, const entry& e) {
    auto& line = out_.nodes[node];
    ++line.sales;
    ++out_.sum.sales;
    static const programme none;
    const auto* record = rules_.rules(e.rules_version);
    auto terms = terms_of_entry(e, record ? record->programme : none);
    auto then = terms ? price_sale(rules_, *terms) : error{errc::bad_rules, "rules that are not here"};
    result<priced_sale> now = error{errc::bad_rules, "rules that are not here"};
    if (terms) {
      terms->version = next_;
      terms->business_date = std::max(terms->business_date, effective_);
      now = price_sale(rules_, *terms);
      // What is due at most, a card may always pay; a lower price is no reason.
      if (now && now->card_max < now->due && money_of_card(e) > now->card_max)
        now = error{errc::other_goods, "more from a card than its kind pays of these goods"};
      const auto* kind = rules_.rules(next_)->programme.card_kind(e.card_kind);
      auto owner = node == head_office ? std::nullopt : owners_.owner_of({node, {}}, directories_);
      if (kind && !kind->good_at(node, owner)) now = error{errc::not_here, kind->names[0] + ": not good at that store"};
    }
    if (!then || !now) {
      ++line.impossible;
      ++out_.sum.impossible;
      if (out_.first_impossible.empty()) out_.first_impossible = (!then ? then : now).error().detail;
      return;
    }
    for (auto* to : {&line, &out_.sum}) {
      to->changed += then->due != now->due || then->taxes != now->taxes || then->earned != now->earned;
      add(to->due_then, then->due);
      add(to->due_now, now->due);
      for (const auto& v : then->earned)
        add(to->given_then[v.purse], v.amount);
      for (const auto& v : now->earned)
        add(to->given_now[v.purse], v.amount);
    }
  }

  void add(amount& sum, amount v) { overflow_ = overflow_ || !checked_add(sum, v, sum); }

  const kv_store& store_;
  stream_reader reader_;
  node_id self_;
  std::uint32_t days_;
  catalogue rules_;
  rules_shelf owners_{{}};
  directory_sizes directories_;  ///< certificates of each
  std::uint64_t next_ = 1;
  std::uint32_t effective_ = 0;
  what_if_report out_;
  bool overflow_ = false;
};

}  // namespace

result<what_if_report> what_if(const kv_store& store, node_id self, const rules_record& rules,
                               const std::vector<product>& products, std::uint32_t days) {
  return asker(store, self, std::max(days, 1U)).run(rules, products);
}

}  // namespace tally
