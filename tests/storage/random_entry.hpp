#pragma once
#include <random>

#include "ledger/kinds.hpp"

namespace tally::test {

/// Entries with every combination of fields, filled from a seed: small numbers and ends of ranges. Always within the
/// bounds
/// that a decoder accepts, seldom within those of sense.
class random_entry {
public:
  explicit random_entry(std::uint64_t seed) : engine_(seed) {}

  entry next() {
    entry e;
    do
      e.kind = static_cast<entry_kind>(below(128));
    while (!row_of(e.kind) || !row_of(e.kind)->built);
    // Few fields mostly, all of them sometimes.
    auto chosen = engine_() & (below(3) == 0 ? ~field_set{0} : engine_());
    for (std::uint8_t f = 1; f <= field_max; ++f)
      if (chosen & bit(static_cast<field>(f))) fill(static_cast<field>(f), e);
    return e;
  }
  std::uint64_t below(std::uint64_t n) { return engine_() % n; }
  std::uint64_t number() {
    switch (below(4)) {
      case 0: return below(3);
      case 1: return UINT64_MAX - below(2);
      case 2: return engine_() >> below(64);
      default: return 1 + below(1000);
    }
  }
  std::uint32_t small() { return static_cast<std::uint32_t>(number()); }
  std::int64_t any_amount() { return static_cast<std::int64_t>(number()); }
  bytes octets(std::size_t n) {
    bytes out;
    for (std::size_t i = 0; i < n; ++i)
      out += static_cast<char>(below(256));
    return out;
  }
  writer_id writer() {
    writer_id w{node_id{small()}, {}};
    for (auto& b : w.epoch.value)
      b = static_cast<std::uint8_t>(below(256));
    return w;
  }
  stream_id stream() {
    stream_id id{writer(), static_cast<sub_stream>(below(3)), {}};
    if (id.sub == sub_stream::addressed) id.to.value = small();
    return id;
  }
  unit_id unit() { return below(2) ? main_unit : unit_id{small()}; }

private:
  void fill_list(field f, entry& e) {
    for (auto n = below(6); n > 0; --n) {
      if (f == field::values) e.values.push_back({small(), unit(), small(), any_amount()});
      if (f == field::tenders) e.tenders.push_back({static_cast<tender_kind>(below(5)), unit(), any_amount()});
      if (f == field::taxes) e.taxes.push_back({small(), unit(), any_amount()});
      if (f == field::lines) e.lines.push_back({product_id{small()}, any_amount()});
      if (f == field::earned) e.earned.push_back({small(), unit(), small(), any_amount()});
      if (f == field::owed) e.owed.push_back({small(), unit(), small(), any_amount()});
      if (f == field::released) e.released.push_back({small(), unit(), small(), any_amount()});
      if (f == field::debts) e.debts.push_back({small(), unit(), small(), any_amount()});
      if (f == field::gifts) e.gifts.push_back({small(), product_id{small()}, any_amount()});
    }
  }
  void fill(field f, entry& e) {
    switch (f) {
      case field::terminal: e.terminal = small(); break;
      case field::counter: e.counter = number(); break;
      case field::operator_id: e.operator_id = small(); break;
      case field::business_date: e.business_date = small(); break;
      case field::stamp: e.stamp = any_amount(); break;
      case field::shift: e.shift = small(); break;
      case field::account: e.account.value = number(); break;
      case field::account_version: e.account_version = number(); break;
      case field::rules_version: e.rules_version = number(); break;
      case field::values:
      case field::tenders:
      case field::taxes:
      case field::earned:
      case field::owed:
      case field::debts:
      case field::released:
      case field::gifts:
      case field::lines: fill_list(f, e); break;
      case field::deadline: e.deadline = any_amount(); break;
      case field::to_account: e.to_account.value = number(); break;
      case field::birth_month: e.birth_month = small(); break;
      case field::birthday: e.birthday = true; break;
      case field::level: e.level = small(); break;
      case field::package: e.package = small(); break;
      case field::cites: e.cites = number(); break;
      case field::cited_kind: e.cited_kind = static_cast<entry_kind>(below(64)); break;
      case field::peer: e.peer = writer(); break;
      case field::channel: e.channel = number(); break;
      case field::cause: e.cause = static_cast<send_cause>(below(5)); break;
      case field::request: e.request = number(); break;
      case field::head: {
        stream_head h{stream(), number(), {}};
        for (auto& b : h.root)
          b = static_cast<std::uint8_t>(below(256));
        e.head = h;
        break;
      }
      case field::topic: e.topic = static_cast<publish_topic>(below(5)); break;
      case field::blob: e.blob = octets(below(40)); break;
      case field::medium: e.medium = octets(below(2) ? 16 : below(17)); break;
      case field::card_kind: e.card_kind = small(); break;
      case field::standing: e.status = static_cast<card_status>(below(9)); break;
      case field::expires: e.expires = small(); break;
      case field::pin: e.pin = {small(), small(), below(2) == 1}; break;
      case field::pin_checked: e.pin_checked = small(); break;
      case field::bearer: e.bearer = any_amount(); break;
      case field::risk: e.risk = any_amount(); break;
      case field::code_checked: e.code_checked = small(); break;
      case field::debtor: e.debtor.value = small(); break;
      case field::stale: e.stale = below(2) == 1; break;
      case field::hq_time: e.hq_time = any_amount(); break;
      case field::subject: e.subject = writer(); break;
      case field::limits: e.limits = node_limits{any_amount(), any_amount(), any_amount(), any_amount()}; break;
      case field::engine: e.engine = small(); break;
      case field::size: e.size = number(); break;
      case field::reason: e.reason = static_cast<errc>(below(256)); break;
      case field::serial: e.serial = number(); break;
      case field::outcome: e.outcome = static_cast<ruling_outcome>(below(4)); break;
    }
  }

  std::mt19937_64 engine_;
};

}  // namespace tally::test
