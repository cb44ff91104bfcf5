#include "ledger/purses.hpp"
#include "node/api_lines.hpp"
#include "storage/kv_state.hpp"

namespace tally {
namespace {

void write_ids(json_writer& w, std::string_view name, const std::vector<std::uint32_t>& ids) {
  if (ids.empty()) return;
  w.key(name);
  w.open('[');
  for (auto id : ids)
    w.value(id);
  w.close(']');
}

void write_products(json_writer& w, std::string_view name, const std::vector<product_id>& list) {
  std::vector<std::uint32_t> ids;
  for (auto p : list)
    ids.push_back(p.value);
  write_ids(w, name, ids);
}

void write_condition(json_writer& w, const condition& c) {
  write_ids(w, "levels", c.levels);
  write_ids(w, "card_kinds", c.card_kinds);
  if (!c.products.empty()) {
    w.key("products");
    w.open('[');
    for (auto p : c.products)
      w.value(p.value);
    w.close(']');
  }
  if (c.from != 0) w.field("from", date_text(c.from));
  if (c.until != 0) w.field("until", date_text(c.until));
  if (c.weekdays != 0) w.field("weekdays", std::uint32_t{c.weekdays});
  if (c.min_total != 0) w.field("min_total", c.min_total);
  if (c.birthday) w.field("birthday", true);
}

template <class Row, class More>
void write_rows(json_writer& w, std::string_view name, const std::vector<Row>& rows, More more) {
  w.key(name);
  w.open('[');
  for (const auto& r : rows) {
    w.open('{');
    w.field("id", r.id);
    write_names(w, r.names);
    more(r);
    w.close('}');
  }
  w.close(']');
}

void write_purse_rule(json_writer& w, const purse_rule& p) {
  w.field("kind", purse_kind_names[static_cast<std::size_t>(p.kind) - 2]);
  if (p.bucket == bucket_rule::expires) w.field("expires_months", p.months);
  if (p.bucket == bucket_rule::opens) w.field("opens_months", p.months);
  if (p.rate_units != 0) {
    w.field("rate_units", p.rate_units);
    w.field("rate_money", p.rate_money);
  }
  if (p.share_max != 10'000) w.field("share_basis_points", p.share_max);
  if (p.off != 0) w.field("off", p.off);
  if (p.off_basis_points != 0) w.field("off_basis_points", p.off_basis_points);
  if (p.min_total != 0) w.field("min_total", p.min_total);
  if (p.manual_per_day != 0) w.field("manual_per_day", p.manual_per_day);
  if (p.gift_per_day != 0) w.field("gift_per_day", p.gift_per_day);
  w.key("gifts");
  w.open('[');
  for (const auto& g : p.gifts) {
    w.open('{');
    w.field("product", g.product.value);
    w.field("units", g.units);
    w.close('}');
  }
  w.close(']');
}

void write_worth(json_writer& w, std::string_view name, const std::vector<unit_worth>& list) {
  w.key(name);
  w.open('[');
  for (const auto& u : list) {
    w.open('{');
    w.field("purse", u.purse);
    w.field("units", u.units);
    w.field("amount", u.money);
    w.close('}');
  }
  w.close(']');
}

void write_quote(json_writer& w, const quote& q, const rules_record& rules, amount paid_here) {
  w.key("lines");
  w.open('[');
  for (const auto& l : q.price.lines) {
    w.open('{');
    w.field("product", l.line.product.value);
    w.field("quantity", l.line.quantity);
    w.field("price", l.item->price);
    w.field("gross", l.gross);
    w.field("discount", l.discount);
    w.field("rule", l.rule ? std::optional(l.rule->id) : std::nullopt);
    w.field("net", l.net);
    w.close('}');
  }
  w.close(']');
  amount bonus = 0;
  std::vector<unit_worth> uses;
  for (const auto& u : q.price.uses) {
    const auto* p = rules.programme.purse(u.purse);
    if (p && p->kind == purse_kind::bonus) {
      bonus += u.money;
    } else {
      uses.push_back(u);
    }
  }
  const auto due = q.price.due + bonus;
  w.field("gross", q.price.gross);
  w.field("discount", q.price.discount);
  write_worth(w, "uses", uses);
  write_worth(w, "gifts", q.price.gifts);
  w.field("due", due);
  write_worth(w, "bonus", q.bonus);
  w.field("card_max", std::min(due, bonus + std::min(paid_here, q.price.card_max)));
  if (q.price.card_max < q.price.due) w.field("card_goods", bonus + q.price.card_max);
  w.key("tax");
  w.open('[');
  for (const auto& t : q.price.taxes) {
    w.open('{');
    w.field("rate", t.rate < rules.taxes.size() ? rules.taxes[t.rate].letter : "");
    w.field("amount", t.amount);
    w.close('}');
  }
  w.close(']');
  w.key("earned");
  w.open('[');
  for (const auto& v : q.price.earned) {
    w.open('{');
    w.field("purse", v.purse);
    w.field("units", v.amount);
    w.field("month", v.bucket == 0 ? std::nullopt : std::optional(v.bucket));
    w.close('}');
  }
  w.close(']');
}

}  // namespace

void write_names(json_writer& w, const localized& n) {
  w.key("name");
  w.open('{');
  for (std::size_t i = 0; i < language_count; ++i)
    if (!n[i].empty()) w.field(language_tag(static_cast<language>(i)), n[i]);
  w.close('}');
}

void write_purses(json_writer& w, const node_snapshot& s, const state& st, account_id account,
                  const std::optional<elsewhere_hint>& hint, const unit_use& promised) {
  w.key("purses");
  w.open('[');
  for (const auto& p : rules_now(s).programme.purses) {
    auto here = spendable(st, s.self, account, p.id, &p, {s.hq_time, s.business_date});
    std::optional<amount> elsewhere;
    if (hint) elsewhere = 0;
    for (std::size_t i = 0; hint && i < hint->units.size(); ++i)
      if (hint->units[i].purse == p.id) elsewhere = hint->units[i].units;
    w.open('{');
    w.field("purse", p.id);
    // What a voucher's code promises can be spent, whatever lies here.
    auto n = sum_of(here);
    w.field("here", p.id == promised.purse ? std::max(n, promised.units) : n);
    w.field("held", holding(st, s.self, account, p.id));
    w.field("elsewhere", elsewhere);
    if (auto debt = debt_of(st, s.self, account, p.id); debt != 0) w.field("owed_back", debt);
    w.key("months");
    w.open('[');
    for (auto month : st.months_held(s.self, account, p.id)) {
      w.open('{');
      w.field("month", month);
      w.field("units", -st.balance(hold_account(s.self, account, p.id, month, unit_of(p.id))));
      w.close('}');
    }
    w.close(']');
    w.close('}');
  }
  w.close(']');
}

void handle_programme(const api_ptr& api, const call_ptr& call) {
  auto s = api->services.node.snapshot();
  const auto& plan = rules_now(*s).programme;
  json_writer w;
  w.open('{');
  w.field("version", s->rules->version_at(s->business_date));
  w.field("spend_first", plan.paid_first ? "paid" : "bonus");
  if (plan.gift_per_day != 0) w.field("gift_per_day", plan.gift_per_day);
  write_rows(w, "purses", plan.purses, [&](const purse_rule& p) { write_purse_rule(w, p); });
  write_rows(w, "levels", plan.levels, [&](const level_rule& l) {
    w.field("spend", l.spend);
    w.field("months", l.months);
  });
  write_rows(w, "card_kinds", plan.card_kinds, [&](const card_kind_rule& k) {
    write_ids(w, "purses", k.purses);
    w.field("top_up", k.top_up && k.loaded_at(s->self.node, s->owner));
    if (!k.good_at(s->self.node, s->owner)) w.field("good_here", false);
    w.field("per_day", k.per_day == 0 ? std::nullopt : std::optional(k.per_day));
    if (k.named) w.field("named", true);
    if (!k.replaceable) w.field("replaceable", false);
    w.field("pin_above", k.pin_above);
    w.field("pin_above_day", k.pin_above_day);
    w.field("code_above", k.code_above);
    write_products(w, "only_products", k.only_products);
    write_products(w, "not_products", k.not_products);
  });
  write_rows(w, "discounts", plan.discounts, [&](const discount_rule& d) {
    if (d.basis_points != 0) w.field("basis_points", d.basis_points);
    if (d.off != 0) w.field("off", d.off);
    write_condition(w, d.when);
  });
  write_rows(w, "packages", plan.packages, [&](const package_rule& p) {
    w.field("pay", p.pay);
    w.key("gives");
    w.open('[');
    for (const auto& g : p.gives) {
      w.open('{');
      w.field("purse", g.purse);
      w.field("units", g.units);
      w.close('}');
    }
    w.close(']');
    write_condition(w, p.when);
  });
  w.close('}');
  call->finish(answer(std::move(w)));
}

void handle_quote(const api_ptr& api, const api_request& r, const call_ptr& call) {
  if (api->services.identity.role != node_role::store) return call->finish(refuse(*api, problem::stores_only));
  auto body = parse_json(r.body);
  if (!body) return call->finish(refuse(*api, body.error()));
  json_fields f(*body);
  sale_command c;
  auto number = f.maybe_text("card", card_text_max);
  const auto& lines = f.list("lines");
  const auto& uses = f.maybe_list("uses");
  const auto& gifts = f.maybe_list("gifts");
  f.only_these();
  if (!f.ok()) return call->finish(refuse(*api, f.problem()));
  auto read = read_lines(*api, {}, lines);
  if (read.problem) return call->finish(refuse(*api, *read.problem));
  c.lines = std::move(read.lines);
  if (auto problem = read_units(uses, gifts, c)) return call->finish(refuse(*api, *problem));
  if (number) {
    auto found = find_card(*api, *number);
    if (!found) return call->finish(refuse(*api, found.error()));
    c.account = found->account;
    c.genuine = found->genuine;
    c.once = found->once;
    c.bearer = found->bearer;
  }
  auto s = api->services.node.snapshot();
  durable_state st(api->services.node.store());
  situation now{.st = st,
                .rules = *s->rules,
                .self = s->self,
                .role = s->role,
                .now = api->services.wall(),
                .hq_time = s->hq_time,
                .stopped = s->stopped,
                .next = s->entries,
                .find_entry = [](const writer_id&, sequence) -> std::optional<entry> { return std::nullopt; },
                .owner = s->owner};
  auto q = quote_sale(c, now);
  // As if the card paid all of it: what bonus would pay is then known too.
  const bool code = c.bearer.units != 0, money = c.bearer.purse == purse_paid;
  auto promised = money ? promised_by(*s, st, {c.account, {}, true, {}, c.bearer}) : 0;
  if (q && c.account.value != 0 && (!code || money)) {
    c.card = code ? std::min(q->price.due, promised) : q->price.card_max;
    q = quote_sale(c, now);
  }
  if (st.read_failed()) return call->finish(refuse(*api, {errc::io, "the database could not be read"}));
  if (!q) return call->finish(refuse(*api, q.error()));
  json_writer w;
  w.open('{');
  auto here = code ? promised : c.account.value != 0 ? holding(st, s->self, c.account) : 0;
  write_quote(w, *q, rules_now(*s), here);
  w.close('}');
  call->finish(answer(std::move(w)));
}

}  // namespace tally
