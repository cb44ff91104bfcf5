#include "devices/luhn.hpp"
#include "node/api_request.hpp"
#include "node/taken_off.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "storage/streams.hpp"

namespace tally {
namespace {

/// The ledger's words name its accounts; a cashier reads figures.
std::string plain_detail(const node_snapshot& s, const till_answer& a, const refusal& r) {
  const auto& rules = rules_now(s);
  const auto* purse = r.purse == purse_paid ? nullptr : rules.programme.purse(r.purse);
  auto money = [&](amount v) {
    if (purse && purse->kind != purse_kind::bonus) return std::to_string(v) + " " + purse->names[0];
    return format_amount(v, static_cast<int>(rules.exponent)) + " " + rules.currency;
  };
  switch (r.why.code) {
    case errc::insufficient:
      return money(r.here.value_or(a.here)) +
             (purse && purse->kind == purse_kind::bonus ? " of " + purse->names[0] : std::string()) +
             " can be spent here, " + money(r.missing) + " are missing";
    case errc::no_quota: return "at most " + money(r.here.value_or(0)) + " here now";
    case errc::other_goods:
      return "this kind of card pays at most " + money(r.card_goods.value_or(0)) + " of this basket";
    case errc::number_used:
    case errc::overflow: return {};
    default: return r.why.detail;
  }
}

void send_refusal(const api_ptr& api, std::uint32_t terminal, const till_answer& a, const refusal& why,
                  const call_ptr& call) {
  auto s = api->services.node.snapshot();
  auto code = why.why.code;
  call->finish(refuse_money(*api, terminal, {code, plain_detail(*s, a, why)}, [&](json_writer& w) {
    if (code == errc::insufficient) {
      w.field("here", why.here.value_or(a.here));
      w.field("elsewhere", a.elsewhere ? std::optional(a.elsewhere->value) : std::nullopt);
      w.field("elsewhere_as_of", a.elsewhere ? std::optional(a.elsewhere->as_of) : std::nullopt);
      w.field("short", why.missing);
      w.field("pulled", a.pulled);
      if (why.purse != purse_paid) w.field("purse", why.purse);
    }
    if (code == errc::no_quota) w.field("left", why.here.value_or(0));
    if (why.without_pin) w.field("without_pin", *why.without_pin);
    if (why.without_code) w.field("without_code", *why.without_code);
    if (why.tries) w.field("tries_left", *why.tries);
    if (why.card_goods) w.field("card_goods", *why.card_goods);
    if (why.standing) w.field("status", card_status_name(*why.standing));
    if (why.standing == card_status::cancelled)
      if (auto card = card_of(durable_state(api->services.node.store()), why.account); card && was_taken_off(*card))
        w.field("replaced", true);
  }));
}

void send_receipt(const api_ptr& api, std::uint32_t terminal, const till_answer& a, const std::string& masked,
                  std::optional<amount> asked, const call_ptr& call) {
  auto& node = api->services.node;
  result<std::vector<bytes>> tickets{std::vector<bytes>{}};
  const bool prints = !a.repeated && node.devices().printer != "none";
  auto json = receipt_json(*api, a, masked, prints ? &tickets : nullptr, asked);
  if (!json) return call->finish(refuse_money(*api, terminal, json.error()));
  tell_counter(*api, a);
  // The first answer of an entry brings its ticket. An answer that was asked for again does not: the customer
  // would get two.
  if (prints) api->print(receipt_id(a.writer, a.seq), std::move(tickets));
  call->finish({.status = 200, .body = std::move(*json)});
}

void execute(const api_ptr& api, money_request m, const call_ptr& call) {
  auto terminal = key_of(m.command).terminal;
  auto& node = api->services.node;
  std::optional<amount> asked;
  if (const auto* sale = std::get_if<sale_command>(&m.command); sale && sale->partial) asked = sale->card;
  node.till(std::move(m.command), m.masked, [api, call, terminal, asked, masked = m.masked](const till_answer& a) {
    call->later([api, call, terminal, asked, masked, a] {
      if (const auto* r = std::get_if<refusal>(&a.outcome)) return send_refusal(api, terminal, a, *r, call);
      auto kind = std::get<entry>(a.outcome).kind;
      if (kind == entry_kind::pin_set) return send_pin(api, terminal, a, masked, call);
      if (kind == entry_kind::count || kind == entry_kind::stock) return send_stock(api, terminal, a, call);
      send_receipt(api, terminal, a, masked, asked, call);
    });
  });
}

}  // namespace

std::optional<error> not_once(const api_context& api, std::string_view number) {
  auto found = find_card(api, number);
  if (!found || found->once.empty()) return std::nullopt;
  return error{errc::not_applicable, "a one-time number pays a sale, and nothing else"};
}

void check_mark_then_execute(const api_ptr& api, money_request m, const call_ptr& call) {
  auto mark = m.seen.empty() ? std::nullopt : verify_rollback_token(api->services.secret, m.seen);
  auto s = api->services.node.snapshot();
  if (!mark || mark->epoch != s->self.epoch || mark->seq <= s->entries) return execute(api, std::move(m), call);
  // The snapshot may lie a moment behind the ledger; the head of the stream does not.
  if (mark->seq <= stream_reader(api->services.node.store()).size({s->self, sub_stream::journal, {}}))
    return execute(api, std::move(m), call);
  api->services.node.returned_mark(s->self, mark->seq,
                                   [api, call, m](bool) { call->later([api, call, m] { execute(api, m, call); }); });
}

till_key key_from(json_fields& f, std::uint32_t terminal) {
  constexpr auto integer_max = std::numeric_limits<std::int64_t>::max();
  return {terminal, static_cast<std::uint64_t>(f.integer("counter", 1, integer_max)), 0};
}

receipt_name receipt_from(json_fields& f, const char* field) {
  auto name = parse_receipt_id(f.text(field, 64));
  if (f.ok() && !name) f.fail(field, "must be the id of a receipt");
  return name.value_or(receipt_name{});
}

basket_lists basket_from(json_fields& f) {
  basket_lists b;
  b.lines = &f.list("lines");
  b.tenders = &f.list("tenders");
  b.uses = &f.maybe_list("uses");
  b.gifts = &f.maybe_list("gifts");
  return b;
}

static std::optional<error> read_tenders(const std::vector<json_value>& list, sale_command& c) {
  if (list.size() > tenders_max) return error{errc::bad_tender, "more than 16 payments"};
  for (std::size_t i = 0; i < list.size(); ++i) {
    json_fields f(list[i], "tenders[" + std::to_string(i) + "].");
    auto kind = f.text("kind", 16);
    auto sum = f.number("amount", 1, amount_max);
    f.only_these();
    bool card = kind == "card", cash = kind == "cash", bank = kind == "bank";
    if (f.ok() && !card && !cash && !bank) f.fail("kind", "must be card, cash or bank");
    if (!f.ok()) return f.problem();
    if (sum < 1 || sum > amount_max)
      return error{errc::bad_amount,
                   "tenders[" + std::to_string(i) + "].amount must be from 1 to " + std::to_string(amount_max)};
    if (!card) {
      c.tenders.push_back({cash ? tender_kind::cash : tender_kind::bank, main_unit, sum});
    } else if (!checked_add(c.card, sum, c.card)) {
      return error{errc::overflow, "tenders"};
    }
  }
  return std::nullopt;
}

std::optional<error> take_basket(const api_context& api, const basket_lists& b, sale_command& c) {
  auto wrong = take_lines(api, *b.lines, c);
  if (!wrong) wrong = read_units(*b.uses, *b.gifts, c);
  return wrong ? wrong : read_tenders(*b.tenders, c);
}

std::optional<error> not_own(const api_context& api, const receipt_name& name) {
  auto self = api.services.node.snapshot()->self;
  if (name.writer.node != self.node)
    return error{errc::not_reversible,
                 "node " + std::to_string(name.writer.node.value) + " wrote this receipt: only it can take it back"};
  if (name.writer.epoch != self.epoch)
    return error{
        errc::not_reversible,
        "this receipt is from before this node began a new epoch: its data was restored, or its books were closed"};
  return std::nullopt;
}

namespace {

tender_kind money_from(json_fields& f, const char* name) {
  auto kind = f.text(name, 16);
  if (f.ok() && kind != "cash" && kind != "bank") f.fail(name, "must be cash or bank");
  return kind == "bank" ? tender_kind::bank : tender_kind::cash;
}

}  // namespace

void handle_sale(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call) {
  basket_lists basket;
  till_call<sale_command>(
      api, terminal, r, call,
      [&](json_fields& f, sale_command& c) -> card_text {
        auto number = f.maybe_text("card", card_text_max);
        basket = basket_from(f);
        c.partial = f.maybe_truth("partial");
        return number;
      },
      [&](sale_command& c) { return take_basket(*api, basket, c); });
}

void handle_top_up(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call) {
  till_call<top_up_command>(
      api, terminal, r, call,
      [](json_fields& f, top_up_command& c) -> card_text {
        auto number = f.text("card", card_text_max);
        c.value = f.number("amount", 1, amount_max);
        c.package = static_cast<std::uint32_t>(f.maybe_integer("package", 1, 65'535).value_or(0));
        c.tender = money_from(f, "tender");
        return number;
      },
      all_is_said);
}

void handle_reversal(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call) {
  call_about_own<reverse_command>(api, terminal, r, call, "receipt");
}

void handle_card_report(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call) {
  till_call<claim_command>(
      api, terminal, r, call,
      [](json_fields& f, claim_command& c) -> card_text {
        auto number = f.text("card", card_text_max);
        auto state = f.text("state", 16);
        if (f.ok() && state != "lost" && state != "frozen") f.fail("state", "must be lost or frozen");
        c.status = state == "lost" ? card_status::lost : card_status::frozen;
        return number;
      },
      all_is_said);
}

void handle_card_sale(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call) {
  till_call<card_sale_command>(
      api, terminal, r, call,
      [](json_fields& f, card_sale_command& c) -> card_text {
        auto number = f.text("card", card_text_max);
        c.load = f.maybe_integer("load", 0, amount_max).value_or(0);
        c.tender = money_from(f, "tender");
        return number;
      },
      all_is_said);
}

void handle_card_return(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call) {
  till_call<hand_back_command>(
      api, terminal, r, call,
      [](json_fields& f, hand_back_command& c) -> card_text {
        auto number = f.text("card", card_text_max);
        c.paid = f.maybe_integer("paid", 0, amount_max).value_or(0);
        c.deposit = f.maybe_integer("deposit", 0, amount_max).value_or(0);
        c.tender = money_from(f, "tender");
        return number;
      },
      all_is_said);
}

}  // namespace tally
