#pragma once
#include "sync/audit.hpp"
#include "sync/programme_net.hpp"

namespace tally::test {

/// The small network with rights to refund, and what accounts have and owe in it.
struct debts_net : programme_net {
  explicit debts_net(amount points_quota = 1'000'000, amount vouchers = 1, std::uint32_t more = 0)
      : programme_net(
            [&](rules_record& r) {
              r.programme.refund_quota = 50'000;
              r.programme.purses[1].quota = points_quota;
              r.programme.earns[3].units = vouchers;
            },
            more),
        nodes(4 + more) {}
  const std::uint32_t nodes;
  amount points(node& n) { return holding(n.st->ledger().st(), n.writer(), card, points_purse); }
  amount debt(node& n) { return debt_of(n.st->ledger().st(), n.writer(), card, points_purse); }
  amount everywhere() {
    amount sum = 0;
    for (std::uint32_t id = 1; id <= nodes; ++id)
      sum += points(at(id));
    return sum;
  }
  amount debts_everywhere() {
    amount sum = 0;
    for (std::uint32_t id = 1; id <= nodes; ++id)
      sum += debt(at(id));
    return sum;
  }
  amount vouchers_left() {
    amount sum = 0;
    for (std::uint32_t id = 1; id <= nodes; ++id) {
      auto& n = at(id);
      sum += holding(n.st->ledger().st(), n.writer(), card, five_off);
      sum -= debt_of(n.st->ledger().st(), n.writer(), card, five_off);
    }
    return sum;
  }
  void audited() {
    auto r = audit(hq().store, {std::string(chain), root()}, with(), {});
    REQUIRE(r);
    for (const auto& line : r->lines)
      for (const auto& p : line.problems) {
        INFO(p.where << " " << p.expected << " " << p.found);
        FAIL_CHECK("the audit finds something");
      }
  }
  void dark(bool is) {
    for (std::uint32_t id = 3; id <= nodes; ++id)
      link(at(id), region(), !is);
  }
  entry entry_at(node& n, sequence seq) { return *n.st->ledger().find_entry(seq); }
  /// The card is loaded and pays for so many things at `n`, and all know it.
  till_answer sold(node& n, amount loaded, std::int64_t things) {
    REQUIRE(why(top_up(n, loaded)) == errc::ok);
    auto a = ask(n, sale(n, things));
    REQUIRE(why(a) == errc::ok);
    sync();
    return a;
  }
  refund_command own_back(node& n, sequence seq, std::int64_t pieces) {
    return {key(n), seq, {{product_id{1}, pieces}}, true, tender_kind::cash};
  }
  refund_elsewhere_command back(node& n, node& seller, sequence seq, std::int64_t pieces) {
    auto sale = entry_at(seller, seq);
    return {key(n), seller.writer(), seq, sale, encode_entry(sale), {{product_id{1}, pieces}}, true, tender_kind::cash};
  }
};

}  // namespace tally::test
