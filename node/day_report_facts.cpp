// What a day report counts, from the journal.
#include <algorithm>

#include "node/day_report.hpp"
#include "storage/entry_codec.hpp"

namespace tally {
namespace {

constexpr std::uint64_t undated_max = 1000;  // entries without a date that a search looks past

bool add_to(amount& sum, amount v) { return checked_add(sum, v, sum); }

/// In the order of their first use, which is that of the journal: the same whenever it is counted.
bool add_paid(std::vector<receipt::tender>& list, const std::vector<receipt::tender>& tenders, amount sign) {
  for (const auto& t : tenders) {
    auto it = std::ranges::find_if(list, [&](const auto& p) { return p.kind == t.kind && p.name == t.name; });
    if (it == list.end()) it = list.insert(it, {t.kind, 0, t.name});
    if (!add_to(it->sum, sign * t.sum)) return false;
  }
  return true;
}

bool add_taxes(std::vector<receipt::tax>& list, const std::vector<receipt::tax>& taxes, amount sign) {
  for (const auto& t : taxes) {
    auto it = std::ranges::find_if(list, [&](const auto& x) { return x.letter == t.letter && x.percent == t.percent; });
    if (it == list.end()) it = list.insert(it, {t.letter, t.percent, 0});
    if (!add_to(it->sum, sign * t.sum)) return false;
  }
  return true;
}

amount cash_of(const receipt& r) {
  amount sum = 0;
  for (const auto& t : r.tenders)
    if (t.kind == "cash") sum += t.sum;  // one entry's tenders fit together, as its writer checked
  return sum;
}

bool add_discounts(amount& sum, const receipt& r, amount sign) {
  for (const auto& l : r.lines)
    if (!add_to(sum, sign * l.discount)) return false;
  for (const auto& v : r.vouchers)
    if (!add_to(sum, sign * v.money)) return false;
  return true;
}

}  // namespace

std::string day_figures::id() const {
  return "day." + date_text(date) + "." + (terminal == 0 ? "all" : std::to_string(terminal)) + "." +
         (last.empty() ? "none" : last);
}

day_reader::day_reader(const kv_store& store, const writer_id& self, std::shared_ptr<const catalogue> rules,
                       language lang, std::uint32_t date, std::uint32_t terminal)
    : reader_(store), node_(self.node), rules_(std::move(rules)), lang_(lang) {
  figures_.date = date;
  figures_.terminal = terminal;
}

status day_reader::open() {
  auto all = reader_.list();
  if (!all) return all.error();
  for (const auto& id : *all)
    if (id.sub == sub_stream::journal && id.writer.node == node_) journals_.push_back(id);
  opened_ = true;
  return done();
}

// Dates never go back in a journal, so the first entry of a day is found by halving.
result<std::uint64_t> day_reader::first_of_day(const stream_id& id, std::uint64_t size) const {
  std::uint64_t low = 0, high = size;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    std::uint32_t date = 0;
    auto at = middle;
    for (; at < high && date == 0 && at - middle < undated_max; ++at) {
      auto data = reader_.own_entry(id.writer, at);
      if (!data) return data.error();
      auto e = decode_entry(*data);
      if (!e) return error{errc::corrupt, "an entry of the own journal"};
      date = e->business_date;
    }
    if (date != 0 && date < figures_.date) {
      low = at;
    } else {
      high = middle;
    }
  }
  return low;
}

result<bool> day_reader::read(std::size_t n) {
  if (!opened_) TALLY_TRY(open());
  while (journal_ < journals_.size()) {
    const auto& id = journals_[journal_];
    if (end_ == 0) {
      end_ = reader_.size(id);
      auto first = first_of_day(id, end_);
      if (!first) return first.error();
      at_ = *first;
    }
    bool over = at_ >= end_;
    if (!over) {
      if (n == 0) return true;
      auto some = reader_.own_entries(id, at_, end_, n);
      if (!some) return some.error();
      if (some->size() == 0) return error{errc::corrupt, "the own journal ends before its size"};
      for (std::size_t i = 0; i < some->size() && !over; ++i, ++at_) {
        auto e = decode_entry((*some)[i]);
        if (!e) return error{errc::corrupt, "an entry of the own journal"};
        over = e->business_date > figures_.date;
        if (e->business_date == figures_.date) TALLY_TRY(count(*e, id.writer, at_));
      }
      n -= std::min(n, some->size());
    }
    if (!over && at_ < end_) continue;
    ++journal_;
    at_ = end_ = 0;
  }
  return false;
}

day_reader::column day_reader::column_of(const entry& e) {
  auto& f = figures_;
  switch (e.kind) {
    case entry_kind::sale:
    case entry_kind::capture: return {&f.sales, &f.sale_tenders, 1};  // what was put aside counts when it is taken
    case entry_kind::refund:
    case entry_kind::refund_elsewhere: return {&f.refunds, &f.sale_tenders, -1};
    case entry_kind::top_up: return {&f.top_ups, &f.top_up_tenders, 1};
    case entry_kind::reverse:
      if (e.cited_kind == entry_kind::top_up) return {&f.reversed_top_ups, &f.top_up_tenders, -1};
      return sells(e.cited_kind) ? column{&f.reversed_sales, &f.sale_tenders, -1} : column{};
    case entry_kind::issue:
    case entry_kind::activate: return {&f.card_sales, &f.card_tenders, 1};
    case entry_kind::hand_back: return {&f.card_returns, &f.card_tenders, -1};
    default: return {};
  }
}

status day_reader::count(const entry& e, const writer_id& writer, sequence seq) {
  auto& f = figures_;
  if (e.terminal == 0 || (f.terminal != 0 && e.terminal != f.terminal)) return done();
  auto r = describe_receipt(e, writer, seq, *rules_, reader_.store(), {}, lang_);
  if (!r) return r.code() == errc::not_found ? done() : status(r.error());
  auto c = column_of(e);
  if (!c.sums) return done();  // no money moved
  ++c.sums->count;
  const auto cash = cash_of(*r);
  auto& till = f.tills[e.terminal];
  ++till.receipts;
  bool fits = add_to(c.sums->sum, r->total) && add_to(till.cash, c.sign * cash) &&
              add_to(c.sign < 0 ? f.cash_out : f.cash_in, cash) && add_paid(*c.paid, r->tenders, c.sign) &&
              add_taxes(f.taxes, r->taxes, c.sign);
  if (fits && (c.sums == &f.sales || c.sums == &f.reversed_sales)) fits = add_discounts(f.discounts, *r, c.sign);
  if (!fits) return error{errc::overflow, "the sums of a day"};
  f.last = r->id;
  f.last_stamp = r->stamp;
  return done();
}

}  // namespace tally
