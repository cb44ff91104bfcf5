#include "ledger/refund_price.hpp"

#include <algorithm>
#include <map>

namespace tally {
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

class refund_pricer {
public:
  refund_pricer(const entry& sale, const priced_sale& price, const rules_record& record)
      : sale_(sale), price_(price), record_(record) {}

  result<priced_refund> run(const std::vector<line_item>& lines,
                            const std::function<std::int64_t(product_id)>& before) {
    TALLY_TRY(add_up(lines, before));
    out_.money = net_after_ - net_before_;
    give_back_units();
    take_back(sale_.earned, out_.earned);
    take_back(sale_.owed, out_.owed);
    taxes();
    return std::move(out_);
  }

private:
  status add_up(const std::vector<line_item>& lines, const std::function<std::int64_t(product_id)>& before) {
    for (const auto& l : price_.lines) {
      auto& of = parts_[l.line.product];
      of.sold += l.line.quantity;
      of.net += l.net;
      of.worth += l.gross - l.discount;
      of.tax = l.item->tax;
    }
    for (auto& [product, of] : parts_)
      of.before = of.after = std::clamp<std::int64_t>(before(product), 0, of.sold);
    for (const auto& l : lines) {
      auto at = parts_.find(l.product);
      auto left = at == parts_.end() ? 0 : at->second.sold - at->second.after;
      if (l.quantity < 1 || l.quantity > left) return too_many(l.product, left);
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
    return done();
  }

  /// More pieces than were paid with money and are not given back yet.
  error too_many(product_id product, std::int64_t left) const {
    const auto name = "product " + std::to_string(product.value);
    auto plain = "of " + name + " " + std::to_string(left) + " can be given back";
    auto gift = std::ranges::find(sale_.gifts, product, &gift_item::product);
    if (gift == sale_.gifts.end()) return {errc::already_reversed, std::move(plain)};
    const auto* purse = record_.programme.purse(gift->purse);
    const auto units = purse ? purse->names[0] : "units";
    if (parts_.contains(product))
      return {errc::already_reversed,
              plain + "; what was paid with " + units + " comes back with the reversal of the whole sale"};
    return {errc::not_applicable,
            name + " was paid with " + units + ": it comes back with the reversal of the whole sale"};
  }

  // Points and bonus come back into their months, those that expire last first; a voucher was used.
  void give_back_units() {
    for (const auto& u : price_.uses) {
      if (const auto* p = record_.programme.purse(u.purse); !p || p->kind == purse_kind::voucher) continue;
      auto skip = share(u.units, 0, worth_before_, worth_);
      auto n = share(u.units, worth_before_, worth_after_, worth_);
      for (auto v = sale_.values.rbegin(); v != sale_.values.rend() && n > 0; ++v) {
        if (v->purse != u.purse) continue;
        auto passed = std::min(skip, v->amount);
        skip -= passed;
        auto take = std::min(n, v->amount - passed);
        if (take > 0) out_.units.push_back({v->purse, v->unit, v->bucket, take});
        n -= take;
      }
    }
  }

  void take_back(const std::vector<value_item>& from, std::vector<value_item>& to) const {
    for (auto v : from) {
      v.amount = share_up(v.amount, net_before_, net_after_, net_);
      if (v.amount > 0) to.push_back(v);
    }
  }

  void taxes() {
    for (std::uint32_t rate = 0; rate < record_.taxes.size(); ++rate) {
      amount net = 0, before = 0, after = 0, tax = 0;
      for (const auto& [product, of] : parts_) {
        if (of.tax != rate) continue;
        net += of.net;
        before += of.part(of.net, of.before);
        after += of.part(of.net, of.after);
      }
      for (const auto& t : sale_.taxes)
        if (t.rate == rate) tax += t.amount;
      if (auto n = share(tax, before, after, net); n != 0) out_.taxes.push_back({rate, main_unit, n});
    }
  }

  const entry& sale_;
  const priced_sale& price_;
  const rules_record& record_;
  std::map<product_id, returned> parts_;
  amount net_ = 0, worth_ = 0;
  amount net_before_ = 0, net_after_ = 0, worth_before_ = 0, worth_after_ = 0;
  priced_refund out_;
};

}  // namespace

std::int64_t sold_of(const entry& sale, product_id product) {
  std::int64_t sold = 0;
  for (const auto& l : sale.lines)
    if (l.product == product && !checked_add(sold, l.quantity, sold)) return INT64_MAX;
  return sold;
}

result<priced_refund> price_refund(const catalogue& rules, const entry& sale, const std::vector<line_item>& lines,
                                   const std::function<std::int64_t(product_id)>& before) {
  const auto* record = rules.rules(sale.rules_version);
  auto terms = record ? terms_of_entry(sale, record->programme) : std::nullopt;
  if (!terms) return error{errc::bad_rules, "the rules of that sale are not here"};
  auto price = price_sale(rules, *terms);
  if (!price) return price.error();
  return refund_pricer(sale, *price, *record).run(lines, before);
}

}  // namespace tally
