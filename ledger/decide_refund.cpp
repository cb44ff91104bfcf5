// Goods that come back: by product and piece, at what they cost then.
#include <algorithm>

#include "ledger/decide_parts.hpp"
#include "ledger/purses.hpp"

namespace tally::decide_detail {
namespace {

/// A part of a sum that goes with what was given back: up to now and with this refund. Rounded down, so that the last
/// refund brings the rest and all of them together the whole.
amount share(amount whole, amount before, amount after, amount of) {
  if (of == 0) return 0;
  auto upto = [&](amount n) { return mul_div(whole, n, of, rounding::down).value_or(0); };
  return upto(after) - upto(before);
}

/// The same rounded up: a thing that does not divide is taken back with the first piece.
amount share_up(amount whole, amount before, amount after, amount of) {
  if (of == 0) return 0;
  auto upto = [&](amount n) { return whole - mul_div(whole, of - n, of, rounding::down).value_or(0); };
  return upto(after) - upto(before);
}

/// Of one product of the sale: what it cost, and how far it was given back before and with this refund.
struct returned {
  std::int64_t sold = 0, before = 0, after = 0;
  amount net = 0, worth = 0;  ///< in money; and before vouchers and units paid
  std::uint32_t tax = 0;

  amount part(amount of, std::int64_t pieces) const { return mul_div(of, pieces, sold, rounding::down).value_or(0); }
};

class refunder {
public:
  refunder(const refund_command& c, const situation& s, entry sale) : c_(c), s_(s), sale_(std::move(sale)) {}

  decision run(std::vector<posting>& postings) {
    const auto* record = s_.rules.rules(sale_.rules_version);
    auto terms = record ? terms_of_entry(sale_, record->programme) : std::nullopt;
    if (!terms) return refuse(errc::bad_rules, "the rules of that sale are not here", sale_.account);
    auto price = price_sale(s_.rules, *terms);
    if (!price) return refusal{price.error(), sale_.account, {}, 0};
    if (auto r = add_up(*price)) return *r;
    entry e = start(entry_kind::refund, c_.key, s_);
    e.cites = c_.seq;
    e.account = sale_.account;
    e.account_version = sale_.account_version;
    e.rules_version = sale_.rules_version;
    e.shift = sale_.shift;
    e.lines = c_.lines;
    if (auto r = pay(e)) return *r;
    give_back_units(e, *price, record->programme);
    take_back_earned(e);
    e.taxes = taxes(record->taxes.size());
    if (e.values.empty() && e.tenders.empty())
      return refuse(errc::not_applicable, "these pieces cost nothing", sale_.account);
    e.debts = debts_of(e, sale_, s_);
    return judged(std::move(e), s_, postings, &sale_);
  }

private:
  std::int64_t given_back(product_id p) const {
    return number(s_.st, {.type = cell_type::refunded, .a = c_.seq, .b = p.value, .writer = s_.self, .peer = {}});
  }

  std::optional<refusal> add_up(const priced_sale& price) {
    for (const auto& l : price.lines) {
      auto& of = parts_[l.line.product];
      of.sold += l.line.quantity;
      of.net += l.net;
      of.worth += l.gross - l.discount;
      of.tax = l.item->tax;
    }
    for (auto& [product, of] : parts_)
      of.before = of.after = std::min(given_back(product), of.sold);
    for (const auto& l : c_.lines) {
      auto at = parts_.find(l.product);
      auto left = at == parts_.end() ? 0 : at->second.sold - at->second.after;
      if (l.quantity < 1 || l.quantity > left)
        return refuse(
            errc::already_reversed,
            "of product " + std::to_string(l.product.value) + " " + std::to_string(left) + " can be given back",
            sale_.account);
      at->second.after += l.quantity;
    }
    for (const auto& [product, of] : parts_) {
      net_ += of.net;
      worth_ += of.worth;
      net_before_ += of.part(of.net, of.before);
      net_after_ += of.part(of.net, of.after);
      worth_before_ += of.part(of.worth, of.before);
      worth_after_ += of.part(of.worth, of.after);
    }
    return std::nullopt;
  }

  // Cash comes back for cash: else a card's money, and the bonus that came with it, would leave by way of goods.
  std::optional<refusal> pay(entry& e) const {
    auto money = net_after_ - net_before_;
    if (money == 0) return std::nullopt;
    if (c_.to_card) {
      e.values.push_back({purse_paid, main_unit, 0, money});
      return std::nullopt;
    }
    amount left = -number(s_.st, refunded_money_key(s_.self, c_.seq, true));
    for (const auto& t : sale_.tenders)
      left += t.amount;
    if (money > left)
      return refuse(errc::not_applicable,
                    "of this sale " + std::to_string(std::max<amount>(left, 0)) +
                        " can be given back in cash; what the card paid goes to the card",
                    sale_.account);
    e.tenders.push_back({c_.tender, main_unit, money});
    return std::nullopt;
  }

  // Points and bonus come back into their months, those that expire last first; a voucher was used.
  void give_back_units(entry& e, const priced_sale& price, const programme& plan) const {
    for (const auto& u : price.uses) {
      if (const auto* p = plan.purse(u.purse); !p || p->kind == purse_kind::voucher) continue;
      auto skip = share(u.units, 0, worth_before_, worth_);
      auto n = share(u.units, worth_before_, worth_after_, worth_);
      for (auto v = sale_.values.rbegin(); v != sale_.values.rend() && n > 0; ++v) {
        if (v->purse != u.purse) continue;
        auto passed = std::min(skip, v->amount);
        skip -= passed;
        auto take = std::min(n, v->amount - passed);
        if (take > 0) e.values.push_back({v->purse, v->unit, v->bucket, take});
        n -= take;
      }
    }
  }

  void take_back_earned(entry& e) const {
    auto take = [&](const std::vector<value_item>& from, std::vector<value_item>& to) {
      for (auto v : from) {
        v.amount = share_up(v.amount, net_before_, net_after_, net_);
        if (v.amount > 0) to.push_back(v);
      }
    };
    take(sale_.earned, e.earned);
    take(sale_.owed, e.owed);
  }

  std::vector<tax_item> taxes(std::size_t rates) const {
    std::vector<tax_item> out;
    for (std::uint32_t rate = 0; rate < rates; ++rate) {
      amount net = 0, before = 0, after = 0, tax = 0;
      for (const auto& [product, of] : parts_) {
        if (of.tax != rate) continue;
        net += of.net;
        before += of.part(of.net, of.before);
        after += of.part(of.net, of.after);
      }
      for (const auto& t : sale_.taxes)
        if (t.rate == rate) tax += t.amount;
      if (auto n = share(tax, before, after, net); n != 0) out.push_back({rate, main_unit, n});
    }
    return out;
  }

  const refund_command& c_;
  const situation& s_;
  entry sale_;
  std::map<product_id, returned> parts_;
  amount net_ = 0, worth_ = 0;
  amount net_before_ = 0, net_after_ = 0, worth_before_ = 0, worth_after_ = 0;
};

}  // namespace

decision decide_refund(const refund_command& c, const situation& s, std::vector<posting>& postings) {
  auto sale = c.seq < s.next ? s.find_entry(s.self, c.seq) : std::nullopt;
  if (!sale) return refuse(errc::not_found, "receipt " + std::to_string(c.seq));
  if (sale->kind != entry_kind::sale) return refuse(errc::not_reversible, "only goods of a sale are refunded");
  if (s.stopped != errc::ok && sale->account.value != 0) return refuse(s.stopped, "", sale->account);
  if (s.st.find({.type = cell_type::reversed, .a = c.seq, .b = 0, .writer = s.self, .peer = {}}))
    return refuse(errc::already_reversed, "", sale->account);
  if (c.lines.empty() || c.lines.size() > lines_max) return refuse(errc::bad_basket, "which pieces come back");
  if (c.to_card && sale->account.value != 0)
    if (auto card = card_of(s.st, sale->account))
      if (auto r = check_standing(sale->account, *card, s, business_date(s.st, s.self, s.now, s.hq_time))) return *r;
  if (c.to_card && sale->account.value == 0) return refuse(errc::unknown_card, "that sale was without a card");
  for (std::size_t i = 0; i < c.lines.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (c.lines[i].product == c.lines[j].product) return refuse(errc::bad_basket, "a product is named twice");
  return refunder(c, s, std::move(*sale)).run(postings);
}

bool same_refund(const refund_command& c, const entry& e) {
  bool card = std::ranges::any_of(e.values, [](const value_item& v) { return v.unit == main_unit; });
  return e.kind == entry_kind::refund && e.cites == c.seq && e.lines == c.lines &&
         (c.to_card ? e.tenders.empty() : !card && (e.tenders.empty() || e.tenders.front().kind == c.tender));
}

}  // namespace tally::decide_detail
