// Goods that come back: by product and piece, at what they cost then.
#include <algorithm>

#include "ledger/decide_parts.hpp"
#include "ledger/refund_price.hpp"

namespace tally::decide_detail {
namespace {

/// What a request for goods back says, of an own sale or of another's.
struct goods_back {
  till_key key;
  const entry& sale;
  writer_id writer;  ///< of the sale
  sequence seq{};
  const std::vector<line_item>& lines;
  bool to_card = false;
  tender_kind tender{};
  bool card_is_gone = false;  ///< it was given back: its share is paid out as well
};

/// Paid in part with the code of a voucher that is no money: all money came as tenders.
bool by_voucher(const entry& sale) {
  return sale.bearer != 0 && std::ranges::none_of(sale.values, [](const value_item& v) { return v.unit == main_unit; });
}

/// Of a card that pays for some goods only: money goes back to it for those, and to nobody's card for others.
maybe_refusal check_sides(const goods_back& c, const situation& s) {
  const auto* rules = s.rules.rules(c.sale.rules_version);
  const auto* kind = rules ? rules->programme.card_kind(c.sale.card_kind) : nullptr;
  bool card = std::ranges::any_of(c.sale.values, [](const value_item& v) { return v.unit == main_unit; });
  if (!kind || !kind->has_goods() || (!card && !c.to_card) || c.card_is_gone) return std::nullopt;
  for (const auto& l : c.lines)
    if (kind->pays_for(l.product) != c.to_card)
      return refuse(errc::not_applicable,
                    "product " + std::to_string(l.product.value) +
                        (c.to_card ? " is not paid for by this kind of card: give its money back otherwise"
                                   : " was the card's to pay: its money goes back to the card"),
                    c.sale.account);
  return std::nullopt;
}

maybe_refusal check_goods(const goods_back& c, const situation& s) {
  auto account = c.sale.account;
  if (!sells(c.sale.kind)) return refuse(errc::not_reversible, "only goods of a sale are refunded");
  if (s.stopped != errc::ok && account.value != 0) return refuse(s.stopped, "", account);
  if (c.lines.empty() || c.lines.size() > lines_max) return refuse(errc::bad_basket, "which pieces come back");
  if (c.to_card && account.value != 0)
    if (auto card = card_of(s.st, account))
      if (auto r = check_standing(account, *card, s, business_date(s.st, s.self, s.now, s.hq_time))) {
        if (c.card_is_gone) r->why.detail += ": its share is given back in cash";
        return r;
      }
  if (c.to_card && account.value == 0) return refuse(errc::unknown_card, "that sale was without a card");
  if (c.to_card && by_voucher(c.sale)) return refuse(errc::not_applicable, "a voucher is given no money back", account);
  if (auto r = check_sides(c, s)) return r;
  for (std::size_t i = 0; i < c.lines.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (c.lines[i].product == c.lines[j].product) return refuse(errc::bad_basket, "a product is named twice");
  return std::nullopt;
}

/// Money back goes to the card, or as it came.
void pay_back(entry& e, const goods_back& c, amount money) {
  if (money == 0) return;
  if (c.to_card) {
    e.values.push_back({purse_paid, main_unit, 0, money});
    e.bearer = c.sale.bearer;
  } else {
    e.tenders.push_back({c.tender, main_unit, money});
  }
}

/// The entry with all that comes back and is taken back; `found` is its price.
entry goods_entry(entry_kind kind, const goods_back& c, const situation& s, priced_refund found) {
  entry e = start(kind, c.key, s);
  e.cites = c.seq;
  e.account = c.sale.account;
  e.account_version = c.sale.account_version;
  e.rules_version = c.sale.rules_version;
  e.shift = c.sale.shift;
  e.lines = c.lines;
  pay_back(e, c, found.money);
  e.values.insert(e.values.end(), found.units.begin(), found.units.end());
  e.earned = std::move(found.earned);
  e.owed = std::move(found.owed);
  e.taxes = std::move(found.taxes);
  return e;
}

result<priced_refund> priced(const goods_back& c, const situation& s) {
  auto peer = c.writer == s.self ? writer_id{} : c.writer;
  return price_refund(s.rules, c.sale, c.lines, [&](product_id p) {
    return number(s.st, {.type = cell_type::refunded, .a = c.seq, .b = p.value, .writer = s.self, .peer = peer});
  });
}

/// What is taken back: what lies elsewhere is asked for before it becomes a debt.
decision finish(entry e, const entry& sale, const situation& s, std::vector<posting>& postings) {
  if (e.values.empty() && e.tenders.empty())
    return refuse(errc::not_applicable, "these pieces cost nothing", sale.account);
  e.debts = debts_of(e, sale, s);
  if (auto r = ask_before_debt(e, s)) return *r;
  return judged(std::move(e), s, postings, &sale);
}

}  // namespace

// Cash comes back for cash: else a card's money, and the bonus that came with it, would leave by way of goods. A card
// that was given back takes none any more, and had its money paid out: so is what it paid here.
decision decide_refund(const refund_command& c, const situation& s, std::vector<posting>& postings) {
  auto sale = c.seq < s.next ? s.find_entry(s.self, c.seq) : std::nullopt;
  if (!sale) return refuse(errc::not_found, "receipt " + std::to_string(c.seq));
  goods_back back{c.key, *sale, s.self, c.seq, c.lines, c.to_card, c.tender, was_given_back(sale->account, s)};
  if (auto r = check_goods(back, s)) return *r;
  if (s.st.find({.type = cell_type::reversed, .a = c.seq, .b = 0, .writer = s.self, .peer = {}}))
    return refuse(errc::already_reversed, "", sale->account);
  auto price = priced(back, s);
  if (!price) return refusal{price.error(), sale->account, {}, 0};
  amount left = -number(s.st, refunded_money_key(s.self, c.seq, true));
  for (const auto& t : sale->tenders)
    left += t.amount;
  if (!c.to_card && !back.card_is_gone && price->money > left)
    return refuse(errc::not_applicable,
                  "of this sale " + std::to_string(std::max<amount>(left, 0)) +
                      " can be given back in cash; what the card paid goes to the card",
                  sale->account);
  return finish(goods_entry(entry_kind::refund, back, s, std::move(*price)), *sale, s, postings);
}

// What others gave back of it is not known here, so the card's share goes to the card whoever gives back first.
decision decide_refund_elsewhere(const refund_elsewhere_command& c, const situation& s,
                                 std::vector<posting>& postings) {
  goods_back back{c.key, c.sale, c.writer, c.seq, c.lines, c.to_card, c.tender, was_given_back(c.sale.account, s)};
  if (c.writer == s.self) return refuse(errc::not_applicable, "that sale is this store's own", c.sale.account);
  if (auto r = check_goods(back, s)) return *r;
  if (!c.to_card && !c.sale.values.empty() && !by_voucher(c.sale) && !back.card_is_gone)
    return refuse(errc::not_applicable, "a card paid for a part of that sale: money goes back to the card",
                  c.sale.account);
  auto price = priced(back, s);
  if (!price) return refusal{price.error(), c.sale.account, {}, 0};
  auto e = goods_entry(entry_kind::refund_elsewhere, back, s, std::move(*price));
  e.subject = c.writer;
  e.blob = c.evidence;
  e.shift = 0;
  return finish(std::move(e), c.sale, s, postings);
}

bool same_refund(const refund_command& c, const entry& e) {
  bool card = std::ranges::any_of(e.values, [](const value_item& v) { return v.unit == main_unit; });
  return e.kind == entry_kind::refund && e.cites == c.seq && e.lines == c.lines &&
         (c.to_card ? e.tenders.empty() : !card && (e.tenders.empty() || e.tenders.front().kind == c.tender));
}

bool same_refund_elsewhere(const refund_elsewhere_command& c, const entry& e) {
  bool card = std::ranges::any_of(e.values, [](const value_item& v) { return v.unit == main_unit; });
  return e.kind == entry_kind::refund_elsewhere && e.cites == c.seq && e.subject == c.writer && e.lines == c.lines &&
         (c.to_card ? e.tenders.empty() : !card && (e.tenders.empty() || e.tenders.front().kind == c.tender));
}

}  // namespace tally::decide_detail
