#include <algorithm>
#include <limits>
#include <set>

#include "ledger/purses.hpp"
#include "node/api_request.hpp"
#include "storage/kv_state.hpp"

// Gifts on this store's shelf: what was counted, what is left, and what a member's units buy of it.
namespace tally {
namespace {

/// Products that any purse's units buy by the piece, ascending.
std::vector<product_id> gifts_of(const programme& plan) {
  std::set<product_id> out;
  for (const auto& p : plan.purses)
    for (const auto& g : p.gifts)
      out.insert(g.product);
  return {out.begin(), out.end()};
}

void write_shelf(json_writer& w, const node_snapshot& s, const state& st) {
  w.key("pieces");
  w.open('[');
  for (auto product : gifts_of(rules_now(s).programme)) {
    w.open('{');
    w.field("product", product.value);
    w.field("left", pieces_left(st, s.self, product));
    w.close('}');
  }
  w.close(']');
}

std::optional<error> read_pieces(const std::vector<json_value>& list, stock_command& c) {
  if (list.empty() || list.size() > lines_max)
    return error{errc::malformed, "from 1 to " + std::to_string(lines_max) + " products"};
  for (std::size_t i = 0; i < list.size(); ++i) {
    json_fields f(list[i], (c.counted ? "counted[" : "delivered[") + std::to_string(i) + "].");
    line_item l;
    l.product.value = static_cast<std::uint32_t>(f.integer("product", 1, std::numeric_limits<std::uint32_t>::max()));
    l.quantity = f.integer("pieces", c.counted ? 0 : -pieces_max, pieces_max);
    f.only_these();
    if (!f.ok()) return f.problem();
    if (std::ranges::any_of(c.lines, [&](const line_item& o) { return o.product == l.product; }))
      return error{errc::malformed, "product " + std::to_string(l.product.value) + " twice"};
    if (!c.counted && l.quantity == 0) return error{errc::malformed, "no pieces of a product"};
    c.lines.push_back(l);
  }
  return std::nullopt;
}

}  // namespace

void handle_stock(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call) {
  const std::vector<json_value>* counted = nullptr;
  const std::vector<json_value>* delivered = nullptr;
  till_call<stock_command>(
      api, terminal, r, call,
      [&](json_fields& f, stock_command& c) -> card_text {
        counted = &f.maybe_list("counted");
        delivered = &f.maybe_list("delivered");
        if (f.ok() && counted->empty() == delivered->empty()) f.fail("counted", "or delivered: one of them");
        c.counted = !counted->empty();
        return std::nullopt;
      },
      [&](stock_command& c) { return read_pieces(c.counted ? *counted : *delivered, c); });
}

void handle_shelf(const api_ptr& api, const call_ptr& call) {
  if (api->services.identity.role != node_role::store) return call->finish(refuse(*api, problem::stores_only));
  auto s = api->services.node.snapshot();
  durable_state st(api->services.node.store());
  json_writer w;
  w.open('{');
  write_shelf(w, *s, st);
  w.close('}');
  if (st.read_failed()) return call->finish(refuse(*api, {errc::io, "the database could not be read"}));
  call->finish(answer(std::move(w)));
}

void send_stock(const api_ptr& api, std::uint32_t terminal, const till_answer& a, const call_ptr& call) {
  const auto& e = std::get<entry>(a.outcome);
  auto s = api->services.node.snapshot();
  durable_state st(api->services.node.store());
  json_writer w;
  w.open('{');
  write_shelf(w, *s, st);
  w.field("repeated", a.repeated);
  w.field("next_counter", std::max(next_counter(*api, s->self, terminal), e.counter + 1));
  w.field("seen", seen_mark(*api, *s, a.writer == s->self ? a.seq + 1 : 0));
  w.close('}');
  // It is recorded; what is left can be asked for.
  if (st.read_failed()) return call->finish(refuse_money(*api, terminal, {errc::io, "the database could not be read"}));
  call->finish(answer(std::move(w)));
}

void write_gifts(json_writer& w, const node_snapshot& s, const state& st, account_id account, std::uint32_t card_kind) {
  const auto& plan = rules_now(s).programme;
  const auto* kind = plan.card_kind(card_kind);
  w.key("gifts");
  w.open('[');
  for (const auto& p : plan.purses) {
    if (p.gifts.empty() || (kind && !kind->purses.empty() && !std::ranges::binary_search(kind->purses, p.id))) continue;
    auto units = sum_of(spendable(st, s.self, account, p.id, &p, {s.hq_time, s.business_date}));
    for (const auto& g : p.gifts) {
      if (g.units <= 0 || units < g.units || (kind && !kind->pays_for(g.product))) continue;
      w.open('{');
      w.field("purse", p.id);
      w.field("product", g.product.value);
      w.field("units", g.units);
      w.field("pieces", units / g.units);
      if (auto left = pieces_left(st, s.self, g.product)) w.field("left", *left);
      w.close('}');
    }
  }
  w.close(']');
}

}  // namespace tally
