#include "ledger/cards.hpp"
#include "ledger/risk.hpp"
#include "node/api.hpp"
#include "node/http_guard.hpp"
#include "node/json_read.hpp"
#include "node/taken_off.hpp"
#include "storage/kv_state.hpp"

namespace tally {
namespace {

constexpr std::chrono::milliseconds hint_poll_first{2}, hint_poll_max{25}, hint_wait_known{100}, hint_wait_max{400};

api_response paired_answer(const tills::pairing& p) {
  json_writer w;
  w.open('{');
  w.field("terminal", p.terminal);
  w.field("token", p.token);
  w.close('}');
  auto out = answer(std::move(w));
  out.headers = "Set-Cookie: tally_till=" + p.token + "; Path=/; Max-Age=315360000; HttpOnly; SameSite=Strict\r\n";
  return out;
}

/// Status as this store may use the card, and what it costs when it is one that lies here to be sold.
void write_standing(json_writer& w, const node_snapshot& s, const state& st, account_id account,
                    const std::optional<card_record>& card) {
  auto now = standing_of(st, s.self, account, card.value_or(card_record{}), {s.business_date, s.hq_time});
  bool known = card || now.status != card_status::active;
  w.field("status", known ? card_status_name(now.status) : "not_known_yet");
  if (card && was_taken_off(*card)) w.field("replaced", true);
  if (now.expires != 0) w.field("expires", date_text(now.expires));
  if (auto deposit = holding(st, s.self, account, purse_deposit); deposit != 0) w.field("deposit_here", deposit);
  if (!card || now.status != card_status::stock || !may_sell(st, st, s.self, account)) return;
  const auto* kind = rules_now(s).programme.card_kind(card->kind);
  w.key("for_sale");
  w.open('{');
  w.field("price", kind ? kind->price : 0);
  w.field("deposit", kind ? kind->deposit : 0);
  w.close('}');
}

/// How old what is known here of blocked cards is, and what that stops.
void write_lists(json_writer& w, const node_snapshot& s, const state& st, unix_seconds now) {
  const auto& stale = rules_now(s).programme.stale;
  auto as_of = directory_time(st);
  auto age = directory_age(st, now, s.hq_time);
  w.open('{');
  w.field("as_of", as_of == 0 ? std::nullopt : std::optional(as_of));
  w.field("no_discounts", is_older(age, stale.rules_after));
  w.field("card_sale_max", is_older(age, stale.cards_after) ? std::optional(stale.sale_max) : std::nullopt);
  w.close('}');
}

/// What a voucher's code promises, and what of that was taken here. What other stores gave is heard of nowhere but at
/// head office, which is asked when it is used: the answer says that it is no more than that.
void write_face(json_writer& w, const node_snapshot& s, const state& st, const known_card& c) {
  w.key("voucher");
  w.open('{');
  w.field("purse", c.bearer.purse);
  w.field("units", c.bearer.units);
  w.field("until", c.bearer.until == 0 ? std::nullopt : std::optional(date_text(c.bearer.until)));
  w.field("taken_here", taken_by_code(st, s.self, c.account));
  w.field("as_heard_here", true);
  w.close('}');
}

/// `pending`: what lies elsewhere is asked for now, and the answer was not here in time.
void answer_card(const api_ptr& api, const known_card& c, const call_ptr& call, bool pending) {
  auto s = api->services.node.snapshot();
  durable_state st(api->services.node.store());
  auto card = card_of(st, c.account);
  if (!card && !c.genuine) return call->finish(refuse(*api, {errc::not_found, "the card's account"}));
  if (auto seen = c.once.empty() ? std::nullopt : once_of(st, s->self, c.account);
      seen && seen->used_by != 0 && seen->medium == c.once)
    return call->finish(refuse(*api, {errc::number_used, "by receipt " + receipt_id(s->self, seen->used_by)}));
  if (!c.once.empty() && card && card->status == card_status::expired)
    return call->finish(refuse(*api, {errc::number_used, ""}));
  auto here = holding(st, s->self, c.account);
  if (st.read_failed()) return call->finish(refuse(*api, {errc::io, "the database could not be read"}));
  auto hint = api->services.node.elsewhere(c.account);
  json_writer w;
  w.open('{');
  w.field("account", c.account.value);
  w.field("masked", c.masked);
  w.field("kind", c.bearer.units != 0 ? "voucher" : "stored_value");
  if (c.bearer.units != 0) write_face(w, *s, st, c);
  w.field("card_kind", card ? card->kind : 0);
  w.field("level", card ? card->level : 0);
  bool birthday = card && card->birth_month != 0 && card->birth_month == month_of(s->business_date) % 100 &&
                  rules_now(*s).programme.asks_for_birthdays();
  if (birthday) w.field("birthday", true);
  // Signed by head office, but its card is not in this store's directory yet.
  write_standing(w, *s, st, c.account, card);
  write_pin(w, *s, st, c.account, card);
  w.field("genuine", c.genuine ? std::optional(true) : std::nullopt);
  w.field("unit", rules_now(*s).currency);
  const auto promised = promised_by(*s, st, c);
  w.field("here", c.bearer.purse == purse_paid ? std::max(here, promised) : here);
  w.field("elsewhere", hint ? std::optional(hint->value) : std::nullopt);
  w.field("elsewhere_as_of", hint ? std::optional(hint->as_of) : std::nullopt);
  if (pending) w.field("elsewhere_pending", true);
  // What it owes after a sale at risk, as far as these books know; the next top-up pays it.
  if (auto owes = debt_of(st, s->self, c.account, purse_paid); owes > 0 && c.bearer.units == 0) w.field("owes", owes);
  write_purses(w, *s, st, c.account, hint, {c.bearer.purse, promised});
  write_gifts(w, *s, st, c.account, card ? card->kind : 0);
  w.field("seen", seen_mark(*api, *s));
  w.close('}');
  call->finish(answer(std::move(w)));
}

using std::chrono::milliseconds;
/// A question that is under way: `told` is the answer that was here before, and so long it is worth to wait.
struct hint_question {
  std::uint64_t told{};
  milliseconds most{}, waited{};
};
/// With a link, what lies elsewhere now is worth a moment.
void wait_for_hint(const api_ptr& api, const known_card& c, const call_ptr& call, hint_question q) {
  auto hint = api->services.node.elsewhere(c.account);
  const bool fresh = hint && hint->told != q.told;
  if (q.waited >= q.most || fresh) return answer_card(api, c, call, !fresh);
  // Soon again at first: over a line within the house the answer is there in a moment.
  auto step = std::clamp(q.waited, hint_poll_first, hint_poll_max);
  q.waited += step;
  call->after(step, [api, c, call, q] { wait_for_hint(api, c, call, q); });
}

}  // namespace

void handle_pair(const api_ptr& api, const api_request& r, const call_ptr& call) {
  auto body = parse_json(r.body);
  if (!body) return call->finish(refuse(*api, body.error()));
  json_fields f(*body);
  auto code = f.text("code", 32);
  if (!f.ok()) return call->finish(refuse(*api, f.problem()));
  auto from = remote_key(std::string(r.remote));
  api->paired.pair(code, from, api->now(), [api, call](const result<tills::pairing>& p) {
    call->later([api, call, p] {
      if (p) return call->finish(paired_answer(*p));
      call->finish(p.code() == errc::over_ceiling ? refuse(*api, problem::too_many_tills) : refuse(*api, p.error()));
    });
  });
}

void handle_till(const api_ptr& api, std::uint32_t terminal, const call_ptr& call) {
  const auto& id = api->services.identity;
  auto s = api->services.node.snapshot();
  const auto& rules = rules_now(*s);
  json_writer w;
  w.open('{');
  w.field("node", id.node.value);
  w.field("store", id.name);
  w.field("role", role_name(id.role));
  w.field("terminal", terminal);
  w.field("next_counter", next_counter(*api, s->self, terminal));
  w.key("unit");
  w.open('{');
  w.field("code", rules.currency);
  w.field("exponent", rules.exponent);
  w.close('}');
  w.field("business_date", date_text(s->business_date));
  w.field("rules_version", s->rules->version_at(s->business_date));
  // Head office is where quotas come from: its own says nothing.
  w.field("topup_quota_left", s->role == node_role::hq ? std::nullopt : std::optional(s->quota_left));
  w.key("link");
  write_link(w, *s);
  w.key("devices");
  write_devices(w, api->services.node.devices());
  w.key("lists");
  write_lists(w, *s, durable_state(api->services.node.store()), api->services.wall());
  write_blocked(w, blocked_by(*s));
  w.field("seen", seen_mark(*api, *s));
  w.close('}');
  call->finish(answer(std::move(w)));
}

void handle_products(const api_ptr& api, const call_ptr& call) {
  auto s = api->services.node.snapshot();
  auto version = s->rules->version_at(s->business_date);
  const auto* rules = s->rules->rules(version);
  json_writer w;
  w.open('{');
  w.field("version", version);
  w.key("products");
  w.open('[');
  for (const auto* p : s->rules->on_sale(version)) {
    w.open('{');
    w.field("id", p->id.value);
    w.field("ean", p->ean);
    write_names(w, p->names);
    w.field("price", p->price);
    if (p->open) w.field("open", true);
    w.field("tax", rules && p->tax < rules->taxes.size() ? rules->taxes[p->tax].letter : "");
    w.close('}');
  }
  w.close(']');
  w.close('}');
  call->finish(answer(std::move(w)));
}

void handle_lookup(const api_ptr& api, const api_request& r, const call_ptr& call) {
  auto body = parse_json(r.body);
  if (!body) return call->finish(refuse(*api, body.error()));
  json_fields f(*body);
  auto number = f.text("card", card_text_max);
  if (!f.ok()) return call->finish(refuse(*api, f.problem()));
  auto found = find_card(*api, number);
  if (!found) {
    auto out = refuse(*api, found.error());
    if (found.code() == errc::unknown_card) out.status = 404;
    return call->finish(std::move(out));
  }
  remember_card(*api, found->account, found->masked);
  auto before = api->services.node.elsewhere(found->account);
  api->services.node.ask_elsewhere(found->account);
  auto s = api->services.node.snapshot();
  if (!s->link_up || s->role != node_role::store) return answer_card(api, *found, call, false);
  wait_for_hint(api, *found, call, {before ? before->told : 0, before ? hint_wait_known : hint_wait_max});
}

}  // namespace tally
