#include "sync/settlement.hpp"

#include <algorithm>

#include "ledger/closing.hpp"
#include "ledger/programme.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "sync/entry_walk.hpp"
#include "sync/held_rules.hpp"
#include "sync/observer.hpp"

namespace tally {
namespace {

constexpr std::uint64_t progress_every = 10'000;
constexpr std::uint32_t month_day_max = 1'000'000;  // year 4757; a made-up date beyond is of that month

/// Money on cards, or on its way, or owed by them, is a credit of these.
bool is_on_cards(account_type t) {
  return t == account_type::hold || t == account_type::held || t == account_type::debt || t == account_type::transit ||
         t == account_type::doubt;
}

class settler {
public:
  settler(const kv_store& store, const certificate_book& certificates, const settlement_options& options)
      : store_(store), reader_(store), certificates_(certificates), options_(options) {}

  result<settlement_report> run() {
    auto self = reader_.self();
    if (!self) return self.error();
    self_ = *self;
    out_.self = self_.node;
    out_.first_day = options_.first_day;
    out_.last_day = options_.last_day;
    TALLY_TRY(name_nodes());
    TALLY_TRY(read_rules());
    TALLY_TRY(observed());
    for (const auto& id : streams_) {
      if (id.sub == sub_stream::journal) TALLY_TRY(walk(id));
      if (id.sub == sub_stream::directory) TALLY_TRY(walk_rulings(id));
    }
    if (options_.progress) options_.progress(total_, total_);
    TALLY_TRY(finish());
    return std::move(out_);
  }

private:
  /// What a node did, by month and by the version whose prices its units have.
  using parts = std::map<std::pair<std::uint32_t, std::uint64_t>, clearing_sums>;

  status name_nodes() {
    auto streams = reader_.list();
    if (!streams) return streams.error();
    streams_ = std::move(*streams);
    for (const auto& id : streams_)
      if (id.sub == sub_stream::journal) total_ += reader_.size(id);
    for (auto node : certificates_.nodes())
      if (auto c = certificates_.find(node)) {
        auto& line = out_.nodes[node];
        line.name = (*c)->name;
        line.role = (*c)->role;
        line.owner = (*c)->owner;
      }
    auto own = out_.nodes.find(self_.node);
    if (own != out_.nodes.end()) out_.role = own->second.role;
    return done();
  }

  status read_rules() {
    std::map<std::uint64_t, std::uint32_t> published;
    auto all = held_rules(reader_, self_.node, &published);
    if (!all) return all.error();
    rules_ = std::move(*all);
    const auto* newest = rules_.newest();
    if (!newest) return done();
    out_.currency = newest->currency;  // of a chain they never change
    out_.exponent = static_cast<int>(newest->exponent);
    prices_ = price_history(rules_, published);
    out_.priced_by = prices_.in_force(options_.first_day, std::min(options_.last_day, options_.today));
    if (!out_.priced_by.empty()) out_.rules_version = out_.priced_by.back().second;
    return done();
  }

  /// Where what a node did on that day is counted.
  clearing_sums& sums_of(node_id n, std::uint32_t day) {
    if (!day_ || *day_ != day) {
      day_ = day;
      part_ = {month_of(std::min(day, month_day_max)), prices_.same_prices(prices_.version_on(day))};
    }
    (void)out_.nodes[n];
    return (day >= options_.first_day ? now_ : before_)[n][part_];
  }

  /// Which entries are contested, and what the node itself makes of what lies on cards. A store watches nobody.
  status observed() {
    if (out_.role == node_role::store) return done();
    durable_state directory(store_);
    observer watched(directory, self_.node, out_.role);
    watched.lives_as(self_);
    watched.price_by(&rules_);
    TALLY_TRY(watched.load(reader_, self_.node));
    watched.all().each_contested([&](const writer_id& w, sequence seq, errc) {
      contested_[w][seq] = ruling_of(directory, w, seq).value_or(ruling_outcome{});
    });
    for (const auto& [a, v] : watched.all().balances())
      if (a.unit == main_unit && is_on_cards(a.type) && !checked_add(fold_, v, fold_)) return too_much();
    return directory.read_failed() ? status(error{errc::io, "the directory"}) : done();
  }

  status walk(const stream_id& id) {
    const auto& cases = contested_[id.writer];
    std::vector<posting> postings;
    return each_entry(reader_, id, self_.node, [&](sequence seq, byte_view data) -> status {
      if (options_.progress && ++seen_ % progress_every == 0) options_.progress(seen_, total_);
      ++out_.entries;
      auto e = decode_entry(data);
      // What this version does not understand is contested, and nobody got anything for it.
      if (!e || !expand(*e, id.writer, postings)) return done();
      auto it = cases.find(seq);
      auto& line = out_.nodes[id.writer.node];
      if (it == cases.end()) line.heard_until = std::max(line.heard_until, e->business_date);
      if (e->business_date > options_.last_day) {
        ++out_.later;
        return done();
      }
      auto of = [&](node_id n) -> clearing_sums& { return sums_of(n, e->business_date); };
      bool fits = it == cases.end() ? clear_entry(*e, id.writer, postings, of)
                                    : clear_contested(*e, id.writer, postings, it->second, of);
      for (const auto& p : postings)
        if (p.account.unit == main_unit) fits = fits && add_posting(*e, p);
      return fits ? done() : too_much();
    });
  }

  /// A debt whose send went down with a disk stands twice, there and where it arrived: once of that is set aside.
  bool add_posting(const entry& e, const posting& p) {
    if (is_on_cards(p.account.type)) return checked_add(walked_, p.amount, walked_);
    bool twice = e.kind == entry_kind::regrant && p.account.type == account_type::contested;
    return !twice || checked_add(out_.aside, p.amount, out_.aside);
  }

  /// What head office ruled is in its journal, and for those who do not hold that in its directory; so is what it lost
  /// with its journal and was given back.
  status walk_rulings(const stream_id& directory) {
    bool own = directory.writer.node == self_.node;
    auto from = own ? reader_.indexed(directory) : 0;
    return each_entry(reader_, directory, self_.node, [&](sequence seq, byte_view data) -> status {
      if (seq < from || peek_kind(data) != entry_kind::ruling) return done();
      auto e = decode_entry(data);
      if (!e || e->values.empty() || e->business_date > options_.last_day) return done();
      auto of = [&](node_id n) -> clearing_sums& { return sums_of(n, e->business_date); };
      return clear_entry(*e, directory.writer, {}, of) ? done() : too_much();
    });
  }

  /// It gives its writer nothing: what it would take from what the writer owes is set aside, what it adds stands. So
  /// it is until head office rules that the chain bears it, or that nobody lost anything.
  bool clear_contested(const entry& e, const writer_id& writer, const std::vector<posting>& postings,
                       ruling_outcome ruled, const std::function<clearing_sums&(node_id)>& of) {
    clearing_sums sums;
    clearing_position means;
    bool fits = clear_entry(e, writer, postings, [&](node_id) -> clearing_sums& { return sums; }) &&
                position_of(sums, prices_.prices_of(prices_.version_on(e.business_date)), means);
    if (!fits) return false;
    ++out_.contested;
    if (ruled == ruling_outcome::stands || (ruled != ruling_outcome::no_loss && means.owes > 0))
      return of(writer.node).add(sums);
    amount money = 0;
    return money_of(sums, money) && checked_add(out_.aside, money, out_.aside);
  }

  static bool money_of(const clearing_sums& s, amount& out) {
    return checked_add(s.loaded, s.returned, out) && s.spent != INT64_MIN && checked_add(out, -s.spent, out) &&
           s.paid_out != INT64_MIN && checked_add(out, -s.paid_out, out);
  }

  /// Units are priced part by part, and rounded so: what a month came to then it comes to as BEFORE of the next.
  bool price_parts(const parts& p, clearing_sums& sums, clearing_position& out) {
    const auto& now = prices_.prices_of(out_.rules_version);
    for (const auto& [part, s] : p) {
      const auto& then = prices_.prices_of(part.second);
      clearing_position one;
      if (!sums.add(s) || !position_of(s, then, one) || !out.add(one)) return false;
      for (const auto& [unit, u] : s.beside) {
        auto a = then.find(unit), b = now.find(unit);
        bool same = a == then.end() ? b == now.end() : b != now.end() && a->second == b->second;
        out_.revalued = out_.revalued || !same;
      }
    }
    return true;
  }

  status finish() {
    clearing_sums all;
    for (auto& [node, line] : out_.nodes) {
      clearing_sums before;
      bool fits = price_parts(before_[node], before, line.before) && price_parts(now_[node], line.sums, line.period) &&
                  all.add(before) && all.add(line.sums) && checked_add(line.before.owes, line.period.owes, line.owes) &&
                  checked_add(out_.owners[line.owner], line.owes, out_.owners[line.owner]) &&
                  checked_add(out_.pool, line.owes, out_.pool);
      if (!fits) return too_much();
    }
    // Rounded by node, as the positions are: the sum of the parts, not the part of the sum.
    amount money = 0;
    clearing_sums units;
    units.beside = all.beside;
    clearing_position at_last;
    bool fits = money_of(all, money) && checked_add(out_.pool, -money, out_.units) &&
                position_of(units, prices_.prices_of(out_.rules_version), at_last);
    out_.units_now = at_last.owes;
    // Head office's fold is of everything that is here: it says nothing of an earlier day.
    out_.folded = out_.role != node_role::store && out_.later == 0;
    out_.on_cards = -(out_.folded ? fold_ : walked_);
    out_.money = money;
    return fits ? done() : too_much();
  }

  static status too_much() { return error{errc::overflow, "the sums of these days"}; }

  const kv_store& store_;
  stream_reader reader_;
  const certificate_book& certificates_;
  const settlement_options& options_;
  writer_id self_;
  std::vector<stream_id> streams_;
  catalogue rules_;  ///< every version, without products
  price_history prices_;
  std::map<writer_id, std::map<sequence, ruling_outcome>> contested_;  ///< 0: nobody has ruled
  std::map<node_id, parts> before_, now_;
  std::optional<std::uint32_t> day_;  ///< whose `part_` is known
  parts::key_type part_;
  tally::amount fold_ = 0, walked_ = 0;
  std::uint64_t seen_ = 0, total_ = 0;
  settlement_report out_;
};

}  // namespace

result<settlement_report> settle(const kv_store& store, const certificate_book& certificates,
                                 const settlement_options& options) {
  return settler(store, certificates, options).run();
}

}  // namespace tally
