// What a receipt says, from its entry and the rules that it cites.
#include <algorithm>

#include "ledger/pricing.hpp"
#include "node/receipt_words.hpp"
#include "node/ticket.hpp"
#include "storage/entry_codec.hpp"
#include "storage/streams.hpp"

namespace tally {

std::string_view tender_name(tender_kind k) {
  switch (k) {
    case tender_kind::cash: return "cash";
    case tender_kind::bank: return "bank";
    case tender_kind::online: return "online";
    case tender_kind::transfer: return "transfer";
  }
  return "other";
}

namespace {

const std::string& name_of(const localized& all, language lang) {
  if (const auto& own = all[static_cast<std::size_t>(lang)]; !own.empty()) return own;
  for (const auto& n : all)
    if (!n.empty()) return n;
  return all[0];
}
const std::string& name_of(const product& p, language lang) {
  const auto& n = name_of(p.names, lang);
  return n.empty() ? p.ean : n;
}

receipt::units units_of(const value_item& v, const programme& plan, language lang) {
  const auto* p = plan.purse(v.purse);
  receipt::units out{v.purse,  p ? name_of(p->names, lang) : "purse " + std::to_string(v.purse),
                     v.amount, 0,
                     v.bucket, p && p->kind == purse_kind::bonus};
  return out;
}

/// What goes back to the card, by names of the rules under which it was put aside.
void describe_released(const entry& e, const programme& plan, language lang, receipt& r) {
  r.released.clear();
  for (const auto& v : e.released) {
    auto& u = r.released.emplace_back(units_of(v, plan, lang));
    if (v.purse == purse_paid) u.name.clear(), u.is_money = true;
  }
}

/// Gifts, discounts and vouchers of a sale: what its rules say. Nothing when they are not here.
void describe_programme(const entry& e, const catalogue& rules, language lang, receipt& r) {
  static const programme none;
  const auto* record = rules.rules(e.rules_version);
  const auto& plan = record ? record->programme : none;
  auto each = [&](const std::vector<value_item>& from, std::vector<receipt::units>& to) {
    for (const auto& v : from)
      to.push_back(units_of(v, plan, lang));
  };
  r.at_risk = e.kind == entry_kind::reverse ? 0 : e.risk;
  if (sells(e.kind) || e.kind == entry_kind::top_up)
    if (auto l = std::ranges::find(plan.levels, e.level, &level_rule::id); l != plan.levels.end())
      r.level = name_of(l->names, lang);
  each(e.earned, r.earned);
  each(e.owed, r.owed);
  bool taken_back =
      e.kind == entry_kind::reverse || e.kind == entry_kind::refund || e.kind == entry_kind::refund_elsewhere;
  if (!taken_back)
    for (auto d : e.debts) {
      if (d.amount > 0) {  // taken at risk
        if (d.purse == purse_paid) r.on_credit = d.amount;
        continue;
      }
      d.amount = -d.amount;
      r.debts.push_back(units_of(d, plan, lang));
      if (d.purse == purse_paid) r.debts.back().name = words_of(lang).on_credit, r.debts.back().is_money = true;
    }
  if (e.kind == entry_kind::refund || e.kind == entry_kind::refund_elsewhere)
    for (const auto& v : e.values)
      if (v.unit != main_unit) r.returned.push_back(units_of(v, plan, lang));
  describe_released(e, plan, lang, r);
  if (plan.empty() || !sells(e.kind)) return;
  auto terms = terms_of_entry(e, plan);
  auto price = terms ? price_sale(rules, *terms) : error{errc::not_applicable, ""};
  if (!price) return;
  for (std::size_t i = 0; i < price->lines.size() && i < r.lines.size(); ++i) {
    r.lines[i].discount = price->lines[i].discount;
    if (const auto* d = price->lines[i].rule) r.lines[i].discount_name = name_of(d->names, lang);
  }
  for (const auto& g : e.gifts) {
    const auto* p = plan.purse(g.purse);
    const auto* item = rules.find(g.product, e.rules_version);
    receipt::line l;
    l.product = g.product.value;
    l.name = item ? name_of(*item, lang) : "product " + std::to_string(g.product.value);
    l.quantity = g.quantity;
    auto row = std::ranges::lower_bound(p->gifts, g.product, {}, &product_units::product);
    l.price = row->units;
    (void)checked_mul(l.price, l.quantity, l.sum);
    l.purse = name_of(p->names, lang);
    l.purse_id = p->id;
    r.lines.push_back(std::move(l));
  }
  for (const auto& u : price->uses) {
    const auto* p = plan.purse(u.purse);
    const auto& name = name_of(p->names, lang);
    if (p->kind == purse_kind::voucher) {
      r.vouchers.push_back({u.purse, name, u.units, u.money, 0, false});
    } else {
      r.tenders.push_back({p->kind == purse_kind::bonus ? "bonus" : "points", u.money, name});
      (void)checked_add(r.total, u.money, r.total);
    }
  }
}

void describe_lines(const entry& e, const catalogue& rules, language lang, receipt& r) {
  const auto* record = rules.rules(e.rules_version);
  if (!record) record = rules.newest();
  if (record) {
    r.currency = record->currency;
    r.exponent = static_cast<int>(record->exponent);
    r.header = record->header;
    r.footer = record->footer;
    bool goods = r.kind == "sale" || r.kind == "capture" || r.kind == "authorisation";
    r.form = record->receipts[goods ? 0 : r.kind == "top_up" ? 1 : 2];
  }
  auto letter = [&](std::uint32_t rate) {
    return record && rate < record->taxes.size() ? record->taxes[rate].letter : std::string("?");
  };
  // Of a sale approved in part nothing is sold yet.
  const bool sold = e.kind != entry_kind::authorise;
  for (const auto& l : sold ? e.lines : std::vector<line_item>{}) {
    receipt::line out;
    out.product = l.product.value;
    out.quantity = l.quantity;
    if (const auto* p = rules.find(l.product, e.rules_version)) {
      out.name = name_of(*p, lang);
      out.price = p->price;
      out.open = p->open;
      out.tax = letter(p->tax);
      (void)checked_mul(p->price, l.quantity, out.sum);  // it was priced before, so it fits
    } else {
      out.name = "product " + std::to_string(l.product.value);
    }
    r.lines.push_back(std::move(out));
  }
  for (const auto& t : e.taxes) {
    auto points = record && t.rate < record->taxes.size() ? record->taxes[t.rate].basis_points : 0;
    r.taxes.push_back({letter(t.rate), format_amount(points, 2), t.amount});
  }
}

void describe_money(const entry& e, receipt& r) {
  amount card = 0;
  for (const auto& v : e.values)
    if (v.unit == main_unit) (void)checked_add(card, v.amount, card);
  for (const auto& v : e.released)
    if (e.kind == entry_kind::void_hold && v.unit == main_unit) (void)checked_add(card, v.amount, card);
  if (sells(e.kind)) {
    (void)checked_add(r.total, card, r.total);
    if (card != 0) r.tenders.push_back({"card", card});
    for (const auto& t : e.tenders)
      (void)checked_add(r.total, t.amount, r.total);
  } else {
    r.total = card;
  }
  if (e.kind == entry_kind::authorise && card != 0) r.tenders.push_back({"card", card});
  for (const auto& t : e.tenders)
    r.tenders.push_back({tender_name(t.kind), t.amount});
}

/// Of a card that is sold, comes back or is reported: what was paid for what.
void describe_card_life(const entry& e, receipt& r) {
  if (r.kind == "card_report") r.reported = e.status;
  if (r.kind != "card_sale" && r.kind != "card_return") return;
  r.total = 0;
  for (const auto& t : e.tenders)
    (void)checked_add(r.total, t.amount, r.total);
  for (const auto& v : e.values)
    (v.purse == purse_deposit ? r.deposit : r.loaded) += v.amount;
  if (r.kind == "card_sale") r.card_price = r.total - r.deposit - r.loaded;
}

/// Bonus that a sale approved in part has put aside beside paid money.
void describe_aside(const entry& e, const catalogue& rules, language lang, receipt& r) {
  const auto* record = rules.rules(e.rules_version);
  for (const auto& v : e.values) {
    const auto* p = record ? record->programme.purse(v.purse) : nullptr;
    if (!p || p->kind != purse_kind::bonus) continue;
    r.tenders.push_back({"bonus", v.amount, name_of(p->names, lang)});
    (void)checked_add(r.total, v.amount, r.total);
  }
}

void describe_gift(const entry& e, const catalogue& rules, language lang, receipt& r) {
  const auto* record = rules.rules(e.rules_version);
  static const programme none;
  for (const auto& v : e.values)
    if (v.purse != purse_paid) r.given.push_back(units_of(v, record ? record->programme : none, lang));
  r.to_account = e.to_account;
  r.to_masked = "card " + std::to_string(e.to_account.value);
}

/// What was given is among what the entry gave.
void describe_adjustment(const entry& e, const catalogue& rules, language lang, receipt& r) {
  const auto* record = rules.rules(e.rules_version);
  static const programme none;
  // Of a reversal: they come back.
  auto& to = r.kind == "reversal" ? r.returned : r.given;
  for (const auto& v : e.values)
    to.push_back(units_of(v, record ? record->programme : none, lang));
  r.reason = e.blob;
}

/// The entry that a reversal undoes, or a void ends.
result<entry> cited_entry(const entry& e, const writer_id& writer, const kv_store& store) {
  auto data = stream_reader(store).own_entry(writer, e.cites.value_or(0));
  if (!data) return data.error();
  auto cited = decode_entry(*data);
  if (!cited) return error{errc::corrupt, "the entry that a reversal cites"};
  return cited;
}

/// It names no rules of its own.
void describe_void(const entry& e, const writer_id& writer, const catalogue& rules, const kv_store& store,
                   language lang, receipt& r) {
  auto opened = cited_entry(e, writer, store);
  const auto* record = opened ? rules.rules(opened->rules_version) : nullptr;
  if (record) describe_released(e, record->programme, lang, r);
}

}  // namespace

tally::amount receipt_paid(const entry& e) {
  receipt r;
  describe_money(e, r);
  return r.total;
}

result<receipt> describe_receipt(const entry& e, const writer_id& writer, sequence seq, const catalogue& rules,
                                 const kv_store& store, std::string_view store_name, language lang) {
  receipt r;
  if (e.kind == entry_kind::sale) {
    r.kind = "sale";
  } else if (e.kind == entry_kind::top_up) {
    r.kind = "top_up";
  } else if (e.kind == entry_kind::reverse) {
    r.kind = "reversal";
  } else if (e.kind == entry_kind::refund || e.kind == entry_kind::refund_elsewhere) {
    r.kind = "refund";
  } else if (e.kind == entry_kind::issue || e.kind == entry_kind::activate) {
    r.kind = "card_sale";
  } else if (e.kind == entry_kind::hand_back) {
    r.kind = "card_return";
  } else if (e.kind == entry_kind::claim) {
    r.kind = "card_report";
  } else if (e.kind == entry_kind::gift) {
    r.kind = "gift";
  } else if (e.kind == entry_kind::adjust) {
    r.kind = "adjustment";
  } else if (e.kind == entry_kind::authorise) {
    r.kind = "authorisation";
    r.deadline = e.deadline;
  } else if (e.kind == entry_kind::capture) {
    r.kind = "capture";
  } else if (e.kind == entry_kind::void_hold) {
    r.kind = "void";
  } else {
    return error{errc::not_found, "that entry is no receipt"};
  }
  r.id = receipt_id(writer, seq);
  r.terminal = e.terminal;
  r.counter = e.counter;
  r.business_date = e.business_date;
  r.stamp = start_of_day(e.business_date) + e.stamp;
  r.store = store_name;
  bool ends = e.kind == entry_kind::capture || e.kind == entry_kind::void_hold;
  if (ends) r.authorisation = receipt_id(writer, e.cites.value_or(0));
  r.account = e.account;
  if (e.account.value != 0) r.masked = (e.bearer != 0 ? "card V" : "card ") + std::to_string(e.account.value);
  bool elsewhere = e.kind == entry_kind::refund_elsewhere;
  if (e.kind != entry_kind::reverse && e.kind != entry_kind::refund && !elsewhere) {
    describe_lines(e, rules, lang, r);
    describe_programme(e, rules, lang, r);
    describe_money(e, r);
    describe_card_life(e, r);
    if (e.kind == entry_kind::void_hold) describe_void(e, writer, rules, store, lang, r);
    if (e.kind == entry_kind::authorise) describe_aside(e, rules, lang, r);
    if (e.kind == entry_kind::gift) describe_gift(e, rules, lang, r);
    if (e.kind == entry_kind::adjust) describe_adjustment(e, rules, lang, r);
    return r;
  }
  // The sale of another store is its own evidence.
  auto cited = elsewhere ? decode_entry(e.blob) : cited_entry(e, writer, store);
  if (!cited) return cited.error();
  r.reverses = receipt_id(elsewhere ? e.subject : writer, *e.cites);
  const auto* record = rules.rules(cited->rules_version);
  for (const auto& v : e.debts)
    if (v.amount > 0 && v.purse != purse_paid)  // what is owed no more was never spent
      r.debts.push_back(units_of(v, record ? record->programme : programme{}, lang));
  if (e.kind == entry_kind::refund || elsewhere) {
    describe_lines(e, rules, lang, r);
    describe_programme(e, rules, lang, r);
    describe_money(e, r);
    for (const auto& t : e.tenders)
      (void)checked_add(r.total, t.amount, r.total);
    if (auto money = r.total; money != 0 && e.tenders.empty()) r.tenders.push_back({"card", money});
    return r;
  }
  describe_lines(*cited, rules, lang, r);
  describe_programme(*cited, rules, lang, r);
  describe_money(*cited, r);
  r.released.clear();  // an authorisation is not opened again
  if (cited->kind == entry_kind::gift) describe_gift(*cited, rules, lang, r);
  if (cited->kind == entry_kind::adjust) describe_adjustment(*cited, rules, lang, r);
  return r;
}

void describe_purses(receipt& r, const rules_record& rules, const state& st, const writer_id& self, language lang) {
  for (const auto& p : rules.programme.purses)
    if (auto n = holding(st, self, r.account, p.id); n != 0)
      r.left.push_back(units_of({p.id, unit_of(p.id), 0, n}, rules.programme, lang));
}

}  // namespace tally
