// Random commands at two stores and head office, against a model that knows nothing of entries, postings or the fold.
#include <catch2/catch.hpp>

#include <deque>
#include <map>

#include "fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

/// What a till should see, in a few maps.
struct model {
  struct done {
    bool top_up = false, reversed = false;
    account_id account;
    amount card{};  ///< taken from the card, or loaded onto it
  };
  std::map<account_id, amount> held;
  amount quota = 0;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::pair<std::string, sequence>> answered;
  std::map<std::uint32_t, std::uint64_t> newest;
  std::map<sequence, done> receipts;
};
struct parcel {
  account_id account;
  value_item value;
};

std::string text_of(const till_command& c) {
  if (const auto* s = std::get_if<sale_command>(&c)) {
    std::string t = "sale " + std::to_string(s->account.value) + " " + std::to_string(s->card);
    for (const auto& l : s->lines)
      t += " l" + std::to_string(l.product.value) + "x" + std::to_string(l.quantity);
    for (const auto& x : s->tenders)
      t += " t" + std::to_string(x.amount);
    return t;
  }
  if (const auto* t = std::get_if<top_up_command>(&c))
    return "load " + std::to_string(t->account.value) + " " + std::to_string(t->value);
  return "back " + std::to_string(std::get<reverse_command>(c).seq);
}

class chain {
public:
  explicit chain(std::uint64_t seed) : dice_(seed) {
    for (int i = 0; i < 3; ++i) {
      put_limits(nodes_[i].st, node_id{3}, {INT64_MAX, INT64_MAX, 0, 0});
      put_limits(nodes_[i].st, node_id{4}, {INT64_MAX, INT64_MAX, 0, 0});
      watch(i);
    }
  }

  void step() {
    auto i = dice_.percent(10) ? 2 : static_cast<int>(dice_.below(2));
    if (dice_.percent(2)) nodes_[i].now += 86'400 * dice_.between(-2, 3);
    if (i == 2) {
      down();
    } else if (dice_.percent(12)) {
      up(i);
    } else {
      till(i);
    }
    if (dice_.percent(30)) deliver();
    check_all();
  }

  std::size_t approved = 0, refusals = 0, replays = 0, moved = 0;

private:
  account_id any_card() { return dice_.percent(60) ? card_1 : card_2; }

  till_command any_command(int i) {
    auto& m = models_[i];
    till_key k{static_cast<std::uint32_t>(200 + dice_.below(2)), 0, 5};
    k.counter = m.newest[k.terminal] + 1;
    if (dice_.percent(8)) k.counter = dice_.below(m.newest[k.terminal] + 3);
    if (dice_.percent(2)) k.counter += dice_.below(1200);
    switch (dice_.below(5)) {
      case 0:
        return top_up_command{k, any_card(), dice_.percent(10) ? dice_.between(-5, 120) : dice_.between(100, 5'000),
                              tender_kind::cash};
      case 1: {
        auto n = nodes_[i].journal.size();
        return reverse_command{k, dice_.percent(90) && n > 8 ? n - 1 - dice_.below(8) : dice_.below(n + 2)};
      }
      default: {
        sale_command s{k, {}, {}, 0, {}};
        for (auto n = 1 + dice_.below(3); n > 0; --n)
          s.lines.push_back({product_id{static_cast<std::uint32_t>(1 + dice_.below(3))}, dice_.between(1, 5)});
        amount total = total_of(s);
        if (dice_.percent(80)) {
          s.account = any_card();
          s.card = dice_.percent(70) ? total : dice_.between(0, total);
        }
        auto rest = total - s.card + (dice_.percent(5) ? dice_.between(-1, 1) : 0);
        if (rest > 0) s.tenders.push_back({tender_kind::cash, main_unit, rest});
        return s;
      }
    }
  }
  static amount total_of(const sale_command& s) {
    amount total = 0;
    for (const auto& l : s.lines)
      total += l.quantity * 100 * static_cast<amount>(l.product.value);
    return total;
  }

  /// What should come of it, by the model alone. `not_found` stands for both ways in which no receipt is there.
  errc expected(const model& m, const till_command& c) const {
    if (const auto* s = std::get_if<sale_command>(&c)) {
      amount paid = s->card;
      for (const auto& t : s->tenders)
        paid += t.amount;
      if (paid != total_of(*s)) return errc::bad_tender;
      auto h = m.held.find(s->account);
      return s->card > (h == m.held.end() ? 0 : h->second) ? errc::insufficient : errc::ok;
    }
    if (const auto* t = std::get_if<top_up_command>(&c)) {
      if (t->value < 100) return errc::bad_amount;
      return t->value > m.quota ? errc::no_quota : errc::ok;
    }
    auto r = m.receipts.find(std::get<reverse_command>(c).seq);
    if (r == m.receipts.end()) return errc::not_found;
    if (r->second.reversed) return errc::already_reversed;
    if (r->second.top_up && m.held.at(r->second.account) < r->second.card) return errc::insufficient;
    return errc::ok;
  }

  void carry_out(model& m, const till_command& c, sequence seq) {
    if (const auto* s = std::get_if<sale_command>(&c)) {
      m.held[s->account] -= s->card;
      m.receipts[seq] = {false, false, s->account, s->card};
      spent_ += s->card;
    } else if (const auto* t = std::get_if<top_up_command>(&c)) {
      m.held[t->account] += t->value;
      m.quota -= t->value;
      m.receipts[seq] = {true, false, t->account, t->value};
      loaded_ += t->value;
    } else {
      auto& r = m.receipts.at(std::get<reverse_command>(c).seq);
      r.reversed = true;
      m.held[r.account] += r.top_up ? -r.card : r.card;
      if (r.top_up) m.quota += r.card;
      (r.top_up ? loaded_ : spent_) -= r.card;
    }
  }

  void till(int i) {
    auto& m = models_[i];
    auto c = any_command(i);
    if (!history_[i].empty() && dice_.percent(10)) c = history_[i][dice_.below(history_[i].size())];
    auto k = key_of(c);
    auto newest = m.newest[k.terminal];
    auto size = nodes_[i].journal.size();
    auto d = nodes_[i].run(c);
    INFO("node " << i << " terminal " << k.terminal << " counter " << k.counter << ": " << text_of(c));
    bool too_old = k.counter != 0 && k.counter + 1000 <= newest;
    if (auto it = m.answered.find({k.terminal, k.counter}); it != m.answered.end() && !too_old) {
      ++replays;
      REQUIRE(nodes_[i].journal.size() == size);
      if (it->second.first != text_of(c)) {
        REQUIRE(refused(d) == errc::key_reused);
      } else {
        REQUIRE(std::holds_alternative<replayed>(d));
        REQUIRE(std::get<replayed>(d).seq == it->second.second);
      }
      return;
    }
    auto want = k.counter == 0 || k.counter > newest + 1000 ? errc::malformed
                : too_old                                   ? errc::key_too_old
                                                            : expected(m, c);
    auto got = refused(d);
    if (got == errc::not_reversible) got = errc::not_found;
    REQUIRE(errc_name(got) == errc_name(want));
    if (want != errc::ok) {
      ++refusals;
      REQUIRE(nodes_[i].journal.size() == size);
      return;
    }
    ++approved;
    REQUIRE(nodes_[i].journal.size() == size + 1);
    m.answered[{k.terminal, k.counter}] = {text_of(c), size};
    m.newest[k.terminal] = std::max(newest, k.counter);
    carry_out(m, c, size);
    history_[i].push_back(c);
    watch(i);
  }

  void send(int from, int to, account_id account, value_item v) {
    auto e = decide_send(nodes_[from].at(), nodes_[to].self, account, {v}, send_cause::grant, 0, 0);
    auto& m = models_[from];
    auto have = v.purse == 0 ? (from == 2 ? INT64_MAX : m.quota) : m.held[account];
    INFO("send " << v.amount << " of " << have);
    REQUIRE(e.ok() == (v.amount <= have));
    if (!e) return;
    REQUIRE(nodes_[from].write(*e).ok());
    (v.purse == 0 ? m.quota : m.held[account]) -= v.amount;
    way_[{from, to}].push_back({account, v});
    watch(from);
  }
  void up(int i) {
    if (dice_.percent(20)) return send(i, 2, {}, {0, quota_unit, 0, dice_.between(1, 1'000)});
    send(i, 2, any_card(), {purse_paid, main_unit, 0, dice_.between(1, 2'000)});
  }
  void down() {
    auto to = static_cast<int>(dice_.below(2));
    if (dice_.percent(50)) return send(2, to, {}, {0, quota_unit, 0, dice_.between(1, 20'000)});
    send(2, to, any_card(), {purse_paid, main_unit, 0, dice_.between(1, 2'000)});
  }
  void deliver() {
    for (auto& [ends, parcels] : way_) {
      if (parcels.empty() || !dice_.percent(50)) continue;
      auto p = parcels.front();
      parcels.pop_front();
      auto& to = nodes_[ends.second];
      REQUIRE(to.write(to.receive(p.account, {p.value}, nodes_[ends.first].self)).ok());
      auto& m = models_[ends.second];
      (p.value.purse == 0 ? m.quota : m.held[p.account]) += p.value.amount;
      ++moved;
      watch(ends.second);
    }
  }

  /// Head office's view: every journal judged and applied in one place, in the order in which it arrives.
  void watch(int i) {
    const auto& n = nodes_[i];
    for (auto& at = seen_to_[i]; at < n.journal.size(); ++at) {
      const auto& e = n.journal[at];
      entry_place place{n.self, n.role, at, e.cites ? &n.journal[*e.cites] : nullptr, true};
      auto postings = judge(e, place, seen_);
      REQUIRE(postings.ok());
      REQUIRE(apply(e, place, *postings, seen_).ok());
    }
  }

  void check_all() {
    amount held = 0, quotas = 0;
    for (int i = 0; i < 3; ++i) {
      auto& n = nodes_[i];
      amount total = 0;
      for (auto card : {card_1, card_2}) {
        auto h = n.held(card);
        REQUIRE(h >= 0);
        REQUIRE(h == models_[i].held[card]);
        REQUIRE(h == holding(seen_, n.self, card));
        total += h;
      }
      REQUIRE(held_total(n.st, n.self) == total);
      REQUIRE(held_total(seen_, n.self) == total);
      REQUIRE(quota_left(n.st, n.self) == models_[i].quota);
      REQUIRE((i == 2 || quota_left(n.st, n.self) >= 0));
      held += total;
      quotas += models_[i].quota;
    }
    amount value_on_way = 0, quota_on_way = 0;
    for (const auto& [ends, parcels] : way_) {
      amount v = 0, q = 0;
      for (const auto& p : parcels)
        (p.value.purse == 0 ? q : v) += p.value.amount;
      auto from = nodes_[ends.first].self, to = nodes_[ends.second].self;
      auto transit = [&](unit_id u) {
        return -(seen_.balance(transit_account(from, from, to, u)) + seen_.balance(transit_account(to, from, to, u)));
      };
      REQUIRE(transit(main_unit) == v);
      REQUIRE(transit(quota_unit) == q);
      value_on_way += v;
      quota_on_way += q;
    }
    // What is owed is what was loaded less what was spent, wherever it lies; quotas come from head office and are
    // used up by loading.
    REQUIRE(held + value_on_way == loaded_ - spent_);
    REQUIRE(quotas + quota_on_way == -loaded_);
    std::map<unit_id, amount> sums;
    for (const auto& [a, v] : seen_.raw_balances()) {
      sums[a.unit] += v;
      REQUIRE((!must_hold_credit(a) || v <= 0));
    }
    for (const auto& [u, sum] : sums)
      REQUIRE(sum == 0);
  }

  dice dice_;
  shop nodes_[3] = {shop{store_a}, shop{store_b}, shop{hq, node_role::hq}};
  model models_[3];
  std::vector<till_command> history_[3];
  std::map<std::pair<int, int>, std::deque<parcel>> way_;
  memory_state seen_;
  std::size_t seen_to_[3] = {0, 0, 0};
  amount loaded_ = 0, spent_ = 0;
};

}  // namespace

TEST_CASE("random days at two stores keep every invariant after every step", "[sequence]") {
  std::size_t approved = 0, refusals = 0, replays = 0, moved = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    chain c(seed);
    for (int i = 0; i < 1'500; ++i)
      c.step();
    approved += c.approved, refusals += c.refusals, replays += c.replays, moved += c.moved;
  }
  // The run is worth something only if all of these happened often.
  CHECK(approved > 3'000);
  CHECK(refusals > 1'000);
  CHECK(replays > 500);
  CHECK(moved > 500);
}
