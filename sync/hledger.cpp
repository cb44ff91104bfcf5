#include "sync/hledger.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <ostream>
#include <set>

#include "ledger/accounts.hpp"
#include "ledger/kinds.hpp"
#include "sync/entry_walk.hpp"
#include "sync/held_rules.hpp"

namespace tally {
namespace {

constexpr std::uint32_t last_day = 1'000'000;  // year 4757: what hledger and our own dates can still write

class exporter {
public:
  exporter(const kv_store& store, std::ostream& out, const std::map<stream_id, std::uint64_t>& only)
      : store_(store), reader_(store), out_(out), only_(only) {}
  result<hledger_summary> run();

private:
  status prepare();
  status read_currency();
  status collect(std::size_t journal, sequence seq, byte_view data);
  status write_days();
  void write_head();
  void write_entry(const stream_id& id, sequence seq, byte_view data);
  void write_assertions();
  std::string commodity(unit_id unit) const;
  int exponent(unit_id unit) const { return base_of(unit) == base_of(main_unit) ? exponent_ : 0; }
  std::string amount_text(amount v, unit_id unit) const {
    return format_amount(v, exponent(unit)) + " " + commodity(unit);
  }

  const kv_store& store_;
  stream_reader reader_;
  std::ostream& out_;
  const std::map<stream_id, std::uint64_t>& only_;
  writer_id self_;
  std::vector<stream_id> journals_;
  std::string currency_;
  int exponent_ = 0;
  /// Entries of one journal that follow each other on one day.
  struct day_run {
    std::size_t journal = 0;
    sequence from = 0, until = 0;
  };
  std::map<std::uint32_t, std::vector<day_run>> days_;
  std::map<ledger_account, amount> balances_;
  std::uint32_t newest_day_ = 0;
  hledger_summary sum_;
};

/// Merged postings of an entry; empty when it moves nothing or is not understood.
std::vector<posting> postings_of(const result<entry>& e, const writer_id& writer) {
  if (!e) return {};
  auto list = expand(*e, writer);
  if (!list || !merge(*list)) return {};
  std::erase_if(*list, [](const posting& p) { return p.amount == 0; });
  return std::move(*list);
}

std::string description(const result<entry>& e, byte_view data) {
  if (!e) return "kind " + std::to_string(static_cast<int>(peek_kind(data))) + ", not understood here";
  std::string text(kind_name(e->kind));
  auto add = [&](const char* name, std::uint64_t v) {
    if (v != 0) text += std::string(", ") + name + " " + std::to_string(v);
  };
  add("terminal", e->terminal);
  add("counter", e->counter);
  add("operator", e->operator_id);
  add("account", e->account.value);
  bool takes_back = e->kind == entry_kind::reverse || e->kind == entry_kind::refund;
  if (e->cites) text += (takes_back ? ", reverses " : ", of ") + std::to_string(*e->cites);
  if (e->channel != 0) text += (e->kind == entry_kind::send ? ", to " : ", from ") + writer_name(e->peer);
  add("number", e->channel);
  return text;
}

std::uint32_t day_of_entry(const result<entry>& e) { return e ? std::min(e->business_date, last_day) : 0; }

result<hledger_summary> exporter::run() {
  TALLY_TRY(prepare());
  for (std::size_t i = 0; i < journals_.size(); ++i)
    TALLY_TRY(each_entry(
        reader_, journals_[i], self_.node, [&](sequence seq, byte_view data) { return collect(i, seq, data); },
        only_.empty() ? 0 : only_.at(journals_[i])));
  write_head();
  TALLY_TRY(write_days());
  write_assertions();
  out_.flush();
  if (!out_.good()) return error{errc::io, "the journal could not be written"};
  return sum_;
}

// As `hledger check ordereddates` wants it: by day, and within a day journal by journal.
status exporter::write_days() {
  for (const auto& [day, runs] : days_)
    for (const auto& r : runs) {
      const auto& id = journals_[r.journal];
      TALLY_TRY(each_entry(
          reader_, id, self_.node,
          [&](sequence seq, byte_view data) {
            write_entry(id, seq, data);
            return out_.good() ? done() : status(error{errc::io, "the journal could not be written"});
          },
          r.from, r.until));
    }
  return done();
}

status exporter::prepare() {
  auto self = reader_.self();
  if (!self) return self.error();
  self_ = *self;
  auto streams = reader_.list();
  if (!streams) return streams.error();
  for (const auto& id : *streams) {
    if (id.sub == sub_stream::journal && (only_.empty() || only_.contains(id))) journals_.push_back(id);
  }
  sum_.journals = journals_.size();
  return read_currency();
}

status exporter::read_currency() {
  auto rules = held_rules(reader_, self_.node);
  if (!rules) return rules.error();
  const auto* newest = rules->newest();
  if (!newest) return done();
  // A code of other characters could be read as something else than a commodity.
  const auto& code = newest->currency;
  bool plain = !code.empty() && std::all_of(code.begin(), code.end(),
                                            [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); });
  currency_ = plain ? code : "";
  exponent_ = static_cast<int>(newest->exponent);
  return done();
}

status exporter::collect(std::size_t journal, sequence seq, byte_view data) {
  auto e = decode_entry(data);
  newest_day_ = std::max(newest_day_, day_of_entry(e));
  auto& runs = days_[day_of_entry(e)];
  if (runs.empty() || runs.back().journal != journal || runs.back().until != seq) runs.push_back({journal, seq, seq});
  runs.back().until = seq + 1;
  for (const auto& p : postings_of(e, journals_[journal].writer)) {
    auto& sum = balances_[p.account];
    if (!checked_add(sum, p.amount, sum)) return error{errc::overflow, account_name(p.account)};
  }
  return done();
}

std::string exporter::commodity(unit_id unit) const {
  auto name = unit_name(unit, currency_);
  bool plain =
      std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); });
  return plain ? name : "\"" + name + "\"";
}

void exporter::write_head() {
  out_ << (only_.empty() ? "; All journals held at node " : "; What nobody else may have, of earlier lives of node ")
       << self_.node.value << ". Signs as in hledger: debits positive, so rights of holders are negative.\n"
       << "; Read it with: hledger -f FILE balance\n\n";
  std::set<unit_id> units;
  std::set<std::string> names;
  for (const auto& [a, v] : balances_) {
    units.insert(a.unit);
    names.insert(account_name(a));
  }
  for (auto u : units) {
    auto digits = static_cast<std::size_t>(exponent(u));
    out_ << "commodity 1000." << std::string(digits, '0') << ' ' << commodity(u) << '\n';
  }
  for (const auto& n : names)
    out_ << "account " << n << '\n';
  sum_.accounts = names.size();
}

void exporter::write_entry(const stream_id& id, sequence seq, byte_view data) {
  auto e = decode_entry(data);
  auto list = postings_of(e, id.writer);
  out_ << '\n'
       << date_text(day_of_entry(e)) << " (" << writer_name(id.writer) << '.' << seq << ") " << description(e, data)
       << '\n';
  for (const auto& p : list)
    out_ << "    " << account_name(p.account) << "  " << amount_text(p.amount, p.account.unit) << '\n';
  ++sum_.transactions;
  sum_.postings += list.size();
  if (list.empty()) ++sum_.without_postings;
  if (!e) ++sum_.not_understood;
}

void exporter::write_assertions() {
  if (balances_.empty()) return;
  out_ << "\n; What the node itself makes of it.\n" << date_text(newest_day_) << " balances\n";
  for (const auto& [a, v] : balances_)
    out_ << "    " << account_name(a) << "  " << amount_text(0, a.unit) << " = " << amount_text(v, a.unit) << '\n';
}

}  // namespace

result<hledger_summary> export_hledger(const kv_store& store, std::ostream& out,
                                       const std::map<stream_id, std::uint64_t>& only) {
  return exporter(store, out, only).run();
}

}  // namespace tally
