#include "sync/price_check.hpp"

#include <algorithm>

#include "ledger/cards.hpp"
#include "ledger/fold.hpp"
#include "ledger/kinds.hpp"
#include "ledger/money.hpp"
#include "ledger/pins.hpp"
#include "ledger/refund_price.hpp"
#include "storage/entry_codec.hpp"
#include "storage/varint.hpp"
#include "sync/certificate.hpp"

namespace tally {
namespace {

/// As people write it.
std::string money_of(amount n, const rules_record* rules) {
  if (!rules) return std::to_string(n) + " minor units";
  return format_amount(n, static_cast<int>(rules->exponent)) + " " + rules->currency;
}

std::string tax_of(const std::vector<tax_item>& taxes, const rules_record* rules) {
  std::string out;
  for (const auto& t : taxes)
    out += " rate " + std::to_string(t.rate) + ": " + money_of(t.amount, rules) + ";";
  return out.empty() ? "no tax" : "tax" + out;
}

std::string units_of(const std::vector<value_item>& items, const rules_record* rules) {
  std::string out;
  for (const auto& v : items) {
    const auto* purse = rules ? rules->programme.purse(v.purse) : nullptr;
    bool money = v.unit == main_unit || (purse && purse->kind == purse_kind::bonus);
    out += (out.empty() ? "" : ", ") + (money ? money_of(v.amount, rules) : std::to_string(v.amount)) + " of purse " +
           std::to_string(v.purse) + (v.bucket == 0 ? "" : "@" + std::to_string(v.bucket));
  }
  return out.empty() ? "no units earned" : out + " earned";
}

// Pieces of one product of a sale that came back so far, as this journal has them.
bytes returned_key(const writer_id& seller, sequence seq, product_id product) {
  byte_writer w;
  w.u8('r');
  write_writer(w, seller);
  w.uv(seq);
  w.uv(product.value);
  return w.take();
}

bool has_price(entry_kind kind) {
  switch (kind) {
    case entry_kind::top_up:
    case entry_kind::adopt:
    case entry_kind::open_epoch:
    case entry_kind::refund:
    case entry_kind::refund_elsewhere:
    case entry_kind::earn:
    case entry_kind::issue:
    case entry_kind::activate:
    case entry_kind::authorise:
    case entry_kind::gift:
    case entry_kind::adjust:
    case entry_kind::fee:
    case entry_kind::send:
    case entry_kind::receive:
    case entry_kind::reverse:
    case entry_kind::hand_back: return true;
    default: return sells(kind);
  }
}

// Kinds whose sums are those of a day.
bool counts_in_day(entry_kind kind) {
  return kind == entry_kind::sale || kind == entry_kind::authorise || kind == entry_kind::gift ||
         kind == entry_kind::hand_back || kind == entry_kind::adjust;
}

}  // namespace

// Head office adopts nothing of its own: it knows all that it published, in whichever life.
const catalogue& price_checker::rules() {
  if (!rules_) rules_ = journal_.writer.node == head_office ? ground_.everything() : ground_.published(adopted_);
  return *rules_;
}

void price_checker::look_at(sequence seq, byte_view data) {
  if (!has_price(peek_kind(data))) return;
  if (auto e = decode_entry(data)) look_at(seq, *e);  // what does not decode is named elsewhere
}

void price_checker::look_at(sequence seq, const entry& e) {
  auto kind = e.kind;
  if (e.head && (kind == entry_kind::adopt || (kind == entry_kind::open_epoch && seq == 0))) {
    auto more = kind == entry_kind::adopt ? directory_sizes{{e.head->stream, e.head->size}}
                                          : ground_.adopted_by(e.head->stream, e.head->size);
    for (const auto& [stream, size] : more) {
      bool named = stream.sub == sub_stream::directory && stream.writer.node == head_office && size != 0;
      if (named && (adopted_.size() < directories_max || adopted_.contains(stream)))
        adopted_[stream] = std::max(adopted_[stream], size);
    }
    rules_ = nullptr;
    return;
  }
  if (journal_.writer.node == head_office) rules_ = nullptr;
  if (counts_in_day(kind)) begin_day(seq, e);
  kind_of_card(seq, e);
  place(seq, e);
  if (kind == entry_kind::sale || kind == entry_kind::authorise || kind == entry_kind::gift ||
      kind == entry_kind::hand_back)
    proofs(seq, e);
  if (!e.debts.empty()) owing(e);
  if (e.risk != 0) risk(seq, e);
  if (sells(kind)) {
    sale(seq, e);
  } else if (kind == entry_kind::top_up) {
    top_up(seq, e);
  } else if (kind == entry_kind::issue || kind == entry_kind::activate) {
    card(seq, e);
  } else if (kind == entry_kind::refund || kind == entry_kind::refund_elsewhere) {
    refund(seq, e);
  } else if (kind == entry_kind::earn) {
    earn(seq, e);
  } else if (kind == entry_kind::adjust) {
    by_hand(seq, e);
  } else if (kind == entry_kind::fee) {
    fee(seq, e);
  }
}

void price_checker::begin_day(sequence seq, const entry& e) {
  if (e.business_date == day_) return;
  day_ = e.business_date;
  day_start_ = {seq, adopted_};
  by_hand_.clear();
  spent_.clear();
}

// The newest rules of all name the currency, which a chain keeps.
std::string price_checker::money_text(amount n) { return money_of(n, ground_.everything()->newest()); }

std::string price_checker::tax_text(const std::vector<tax_item>& taxes) {
  return tax_of(taxes, ground_.everything()->newest());
}

std::string price_checker::units_text(const std::vector<value_item>& items) {
  return units_of(items, ground_.everything()->newest());
}

void price_checker::sale(sequence seq, const entry& e) {
  ground_.checked();
  auto version = " under rules " + std::to_string(e.rules_version);
  static const programme none;
  const auto* record = rules_of(e);
  auto terms = terms_of_entry(e, record ? record->programme : none);
  auto price = terms ? price_sale(rules(), *terms) : error{errc::not_applicable, "gifts that these rules do not have"};
  if (!price)
    return differs(seq, "a basket that has a price" + version,
                   std::string(errc_name(price.code())) + ": " + price.error().detail);
  amount paid = 0;
  bool fits = true;
  for (const auto& v : e.values)
    if (v.unit == main_unit) fits = fits && checked_add(paid, v.amount, paid);
  for (const auto& t : e.tenders)
    fits = fits && checked_add(paid, t.amount, paid);
  if (!fits || paid != price->due)
    differs(seq, "a total of " + money_text(price->due) + version, fits ? money_text(paid) : "amounts that overflow");
  amount of_card = 0;
  for (const auto& v : e.values)
    if (v.unit == main_unit && !checked_add(of_card, v.amount, of_card)) of_card = INT64_MAX;
  if (price->card_max < price->due && of_card > price->card_max)
    differs(seq,
            "at most " + money_text(price->card_max) + " from a card of kind " + std::to_string(e.card_kind) +
                ", which is not good for the other goods" + version,
            money_text(of_card));
  if (e.taxes != price->taxes) differs(seq, tax_text(price->taxes) + version, tax_text(e.taxes));
  units(seq, e, std::move(price->earned), version);
}

void price_checker::units(sequence seq, const entry& e, std::vector<value_item> expected, const std::string& version) {
  auto given = e.earned;
  given.insert(given.end(), e.owed.begin(), e.owed.end());
  auto by_bucket = [](const value_item& v) { return std::pair(v.purse, v.bucket); };
  std::ranges::sort(given, {}, by_bucket);
  if (given != expected) differs(seq, units_text(expected) + version, units_text(given));
}

void price_checker::card(sequence seq, const entry& e) {
  ground_.checked();
  auto version = " under rules " + std::to_string(e.rules_version);
  const auto* r = rules_of(e);
  const auto* kind = r ? r->programme.card_kind(e.card_kind) : nullptr;
  const card_kind_rule plain;
  const auto& k = kind ? *kind : plain;
  amount price = 0, deposit = 0;
  bool fits = true;
  for (const auto& t : e.tenders)
    fits = fits && checked_add(price, t.amount, price);
  for (const auto& v : e.values) {
    fits = fits && checked_add(price, -v.amount, price);
    if (v.purse == purse_deposit) deposit = v.amount;
  }
  auto text = [this](amount p, amount d, std::uint32_t until) {
    return "a card for " + money_text(p) + " and a deposit of " + money_text(d) + ", good until " +
           (until == 0 ? std::string("ever") : date_text(until));
  };
  auto expires = expiry_of(k, e.business_date);
  if (!r || !fits || price != k.price || deposit != k.deposit || e.expires != expires)
    differs(seq, text(k.price, k.deposit, expires) + version, r ? text(price, deposit, e.expires) : "no such rules");
}

void price_checker::top_up(sequence seq, const entry& e) {
  ground_.checked();
  auto version = " under rules " + std::to_string(e.rules_version);
  const auto* r = rules_of(e);
  if (!r) return differs(seq, "rules " + std::to_string(e.rules_version) + ", adopted before", "none");
  amount value = 0;
  for (const auto& v : e.values) {
    if (v.unit != main_unit) continue;
    value = v.amount;
    if (v.amount < r->top_up_min || v.amount > r->top_up_max)
      differs(seq, "a top-up from " + money_text(r->top_up_min) + " to " + money_text(r->top_up_max),
              money_text(v.amount));
  }
  auto given = price_top_up(rules(), e.rules_version, {true, e.card_kind, e.level, e.birthday}, e.business_date, value,
                            e.package, e.stale);
  if (!given)
    return differs(seq, "a package of these rules" + version,
                   std::string(errc_name(given.code())) + ": " + given.error().detail);
  units(seq, e, std::move(*given), version);
}

void price_checker::compare(sequence seq, const std::string& what, amount expected, amount found) {
  if (expected == found) return;
  differs(seq, money_text(expected) + " " + what, money_text(found));
}

void price_checker::refund(sequence seq, const entry& e) {
  ground_.checked();
  bool elsewhere = e.kind == entry_kind::refund_elsewhere;
  auto seller = elsewhere ? e.subject : journal_.writer;
  auto there = e.cites ? ground_.entry_at({seller, sub_stream::journal, {}}, *e.cites) : std::nullopt;
  auto sale = there;
  if (elsewhere) {
    auto shown = decode_entry(e.blob);
    if (!shown) return differs(seq, "the entry of a sale as evidence", shown.error().detail);
    // A life that was closed may have gone on from an old copy beside itself: then both are its word.
    if (there && !(*there == *shown) && !ground_.is_closed(seller))
      return differs(seq, "the sale as " + writer_name(seller) + " wrote it", "another one");
    sale = std::move(*shown);
  }
  if (!sale || !sells(sale->kind)) return;  // judged elsewhere, where it is here
  auto price = price_refund(rules(), *sale, e.lines,
                            [&](product_id p) { return ground_.figure(journal_, returned_key(seller, *e.cites, p)); });
  for (const auto& l : e.lines) {
    auto key = returned_key(seller, *e.cites, l.product);
    auto n = ground_.figure(journal_, key);
    if (!checked_add(n, l.quantity, n)) n = INT64_MAX;
    ground_.set_figure(journal_, key, n);
  }
  if (!price)
    return differs(seq, "pieces that have a price", std::string(errc_name(price.code())) + ": " + price.error().detail);
  amount money = 0;
  std::vector<value_item> units;
  bool fits = true;
  for (const auto& v : e.values)
    if (v.unit == main_unit) {
      fits = fits && checked_add(money, v.amount, money);
    } else {
      units.push_back(v);
    }
  for (const auto& t : e.tenders)
    fits = fits && checked_add(money, t.amount, money);
  compare(seq, "back", price->money, fits ? money : INT64_MAX);
  if (e.taxes != price->taxes) differs(seq, tax_text(price->taxes), tax_text(e.taxes));
  if (units != price->units) differs(seq, units_text(price->units) + " before", units_text(units));
  if (e.earned != price->earned || e.owed != price->owed)
    differs(seq, units_text(price->earned) + " and owed: " + units_text(price->owed),
            units_text(e.earned) + " and owed: " + units_text(e.owed));
}

// How much of it had come back by then is checked at the end, over all journals.
void price_checker::earn(sequence seq, const entry& e) {
  ground_.checked();
  auto of = e.cites ? ground_.entry_at({e.subject, sub_stream::journal, {}}, *e.cites) : std::nullopt;
  if (!of) return;
  // Of goods that came back to several stores: units that the sale gave. How many, all journals together tell.
  // It may be more than the sale gave: three stores each took the one voucher back, so two of them are put back.
  const bool of_parts = e.cited_kind == entry_kind::refund;
  auto gave = of->owed;
  if (of_parts) gave.insert(gave.end(), of->earned.begin(), of->earned.end());
  if (evens_paid(e)) {
    gave = of->values;
    std::erase_if(gave, [](const value_item& v) { return v.unit == main_unit; });
    value_item money{purse_paid, main_unit, 0, 0};
    for (const auto& v : of->values)
      if (v.unit == main_unit && !checked_add(money.amount, v.amount, money.amount)) money.amount = INT64_MAX;
    for (const auto& t : of->tenders)
      if (!checked_add(money.amount, t.amount, money.amount)) money.amount = INT64_MAX;
    gave.push_back(money);
  }
  bool fits = of->account == e.account && std::ranges::all_of(e.earned, [&](const value_item& v) {
                return std::ranges::any_of(gave, [&](const value_item& o) {
                  const bool same = o.purse == v.purse && o.unit == v.unit && o.bucket == v.bucket;
                  return same && (of_parts || v.amount <= o.amount);
                });
              });
  if (!fits)
    differs(seq,
            "at most what entry " + std::to_string(*e.cites) + " of " + writer_name(e.subject) +
                " owes: " + units_text(gave),
            units_text(e.earned));
}

}  // namespace tally
